"""The closing report for people."""

from rich.console import Console
from rich.table import Table

from cordboard.demo.report import Line, Report

COLUMNS = ("channel", "queue", "visits", "answered", "abandoned", "SL %", "ASA ms", "AHT ms", "wait p50", "p90", "p99", "occ. %")


def show(report: Report, console: Console) -> None:
    """The report for people."""
    table = Table(title="What the journal says", title_justify="left", title_style="bold", header_style="cyan")
    for index, column in enumerate(COLUMNS):
        table.add_column(column, justify="left" if index < 2 else "right", no_wrap=True)
    for line in report.queues:
        table.add_row(*_cells(line))
    table.add_section()
    for line in report.channels.values():
        table.add_row(*_cells(line), style="bold")
    console.print(table)
    console.print(_letters(report))
    latency = report.offer_latency_ms
    console.print(f"contacts {report.contacts}, ended {report.ended}, open {report.open}; {report.ended_by_reason}")
    if latency.n:
        console.print(
            f"customer asks → offer on the agent's stream: p50 {latency.p50} ms, p99 {latency.p99} ms "
            f"(n={latency.n}, those who did not wait for an agent)"
        )
    console.print(f"verified {report.commits} commits and {report.events} events in {report.journal_ms} ms")
    counts = f"lost {report.lost}, violations {report.violations}, divergences {report.divergences}, duplicates {report.duplicates}"
    console.print(f"[bold {'green' if report.good else 'red'}]{counts}[/]")
    for problem in report.problems:
        console.print(f"  [red]{problem}[/]")


def _letters(report: Report) -> Table:
    table = Table(title="What the crowd saw", title_justify="left", title_style="bold", header_style="cyan")
    table.add_column("channel", no_wrap=True)
    for column in ("answers expected", "received", "lost", "doubled", "threads broken"):
        table.add_column(column, justify="right")
    for line in report.channels.values():
        counts = (line.answers_expected, line.answers_received, line.lost, line.doubled, line.threads_broken)
        table.add_row(line.channel, *map(str, counts), style="" if counts[2:] == (0, 0, 0) else "red")
    return table


def _cells(line: Line) -> list[str]:
    return [
        "–" if value is None else str(value)
        for value in (
            line.channel,
            line.queue or "all",
            line.visits,
            line.answered,
            line.abandoned,
            line.service_level,
            line.asa_ms,
            line.aht_ms,
            line.wait_p50_ms,
            line.wait_p90_ms,
            line.wait_p99_ms,
            line.occupancy,
        )
    ]

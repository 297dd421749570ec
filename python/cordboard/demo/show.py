"""The closing report for people."""

from rich.console import Console
from rich.table import Table

from cordboard.demo.promises import Calls, Turn
from cordboard.demo.report import Line, Report

COLUMNS = ("channel", "queue", "visits", "answered", "abandoned", "SL %", "ASA ms", "AHT ms", "wait p50", "p90", "p99", "occ. %")

PROMISE_COLUMNS = (
    *("made", "kept", "not reached", "missed", "cancelled", "moved", "due later", "kept %"),
    *("late s, p50", "p95"),
)
KINDS = {"scheduled": "at a time", "hold_place": "place kept", "all": "all"}
TURNS_SHOWN = 8


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
    console.print(_promises(report))
    console.print(_summary(report.promises["all"]))
    for name in sorted({turn.entry_point for turn in report.doors}):
        console.print(_door(name, [turn for turn in report.doors if turn.entry_point == name]))
    for name, sla in report.slas.items():
        console.print(
            f"SLA {name}: {sla.started} promised, {sla.met} met, {sla.broken} broken, {sla.cancelled} cancelled, "
            f"{sla.running} running; {sla.at_risk} were at risk"
        )
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


def _promises(report: Report) -> Table:
    table = Table(title="Calls promised", title_justify="left", title_style="bold", header_style="cyan")
    table.add_column("kind", no_wrap=True)
    for column in PROMISE_COLUMNS:
        table.add_column(column, justify="right")
    for kind, calls in report.promises.items():
        if kind == "all":
            table.add_section()
        table.add_row(KINDS[kind], *_counts(calls), style="red" if calls.overdue else "yellow" if calls.missed else "")
    return table


def _summary(calls: Calls) -> str:
    judged = "" if calls.kept_percent is None else f" ({calls.kept_percent:g} % kept of those whose customer could be reached)"
    return (
        f"calls promised {calls.made}: kept {calls.kept}, not reached {calls.honoured_not_reached}, missed {calls.missed}, "
        f"cancelled {calls.cancelled}, moved {calls.rescheduled}, due later {calls.due_later}, "
        f"without an end {calls.overdue}{judged}"
    )


def _counts(calls: Calls) -> list[str]:
    counts = (calls.made, calls.kept, calls.honoured_not_reached, calls.missed, calls.cancelled, calls.rescheduled)
    shares = (calls.kept_percent, calls.late_p50_s, calls.late_p95_s)
    return [*map(str, counts), str(calls.due_later), *("–" if share is None else f"{share:g}" for share in shares)]


def _door(name: str, turns: list[Turn]) -> str:
    """`chat-shop: open at 1.2 s, busy at 12.4 s (expected_wait) …`, the last few of many."""
    said = [f"{turn.state} at {turn.after_s:.1f} s{f' ({turn.cause})' if turn.cause else ''}" for turn in turns]
    more = f"… {len(said) - TURNS_SHOWN} more, " if len(said) > TURNS_SHOWN else ""
    early = sum(turn.early for turn in turns)
    return f"door {name}: {more}{', '.join(said[-TURNS_SHOWN:])}; turned {len(turns) - 1} times, {early} of them too early"


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

"""The closing report: what the journal says of the run, held against what the crowd saw, and verified."""

from contextlib import aclosing

import msgspec
from rich.console import Console
from rich.table import Table

from cordboard import codec
from cordboard.demo.tally import Tally
from cordboard.log.port import SiteLog
from cordboard.projections.boards import Boards
from cordboard.projections.rows import QueueRow
from cordboard.router.verify import VerifyReport, verify


class Percentiles(msgspec.Struct, frozen=True):
    """Of what the crowd measured, in ms (None: nothing measured)."""

    n: int
    p50: float | None
    p99: float | None


class Line(msgspec.Struct, frozen=True):
    """A channel of a queue, or a channel as a whole (`queue` None). Times in ms, shares in percent."""

    channel: str | None
    queue: str | None
    visits: int
    answered: int
    abandoned: int
    service_level: float | None
    asa_ms: int | None
    aht_ms: int | None
    wait_p50_ms: int | None
    wait_p90_ms: int | None
    wait_p99_ms: int | None
    occupancy: float | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What DEMO_JSON holds. The run is good when lost, violations and divergences are 0."""

    seconds: float
    contacts: int
    ended: int
    open: int
    lost: int
    violations: int
    divergences: int
    duplicates: int
    offer_latency_ms: Percentiles
    occupancy: float | None
    commits: int
    events: int
    journal_ms: int
    channels: dict[str, Line]
    queues: list[Line]
    ended_by_reason: dict[str, int]
    crowd: dict[str, int]
    problems: list[str]

    @property
    def good(self) -> bool:
        return self.lost == self.violations == self.divergences == 0


async def fold(log: SiteLog) -> tuple[Boards, set[str]]:
    """Boards as of the journal's end, and every contact that ever entered a queue (hex)."""
    boards, arrived = Boards(), set[str]()
    last = await log.last_journal_seq()
    if last == 0:
        return boards, arrived
    async with aclosing(log.follow_journal(1)) as commits:
        async for batch in commits:
            for stored in batch:
                commit = codec.decode_commit(stored.data)
                boards.apply(stored.seq, commit)
                arrived.update(entry.contact.hex() for entry in commit.entries if entry.tag == QUEUED_TAG and entry.contact)
            if batch[-1].seq >= last:
                return boards, arrived
    return boards, arrived


QUEUED_TAG = 10


async def close(log: SiteLog, tally: Tally, seconds: float) -> Report:
    """Read the whole journal and verify it."""
    boards, arrived = await fold(log)
    verified: VerifyReport = await verify(log)
    missing = tally.confirmed - arrived
    lost_messages = tally.lost_messages()
    problems = [f"contact {contact} was confirmed and is not in the journal" for contact in sorted(missing)[:20]]
    problems += [f"{lost_messages} messages of agents never reached a customer who was there"] if lost_messages else []
    problems += [str(problem) for problem in [*verified.divergences, *verified.violations][:50]]
    site = boards.site()
    # Agents serve several channels at once, so they are busy with a queue or with the site, not with a channel.
    occupancy = {row.queue: row.occupancy_permille for row in boards.queues()}
    return Report(
        seconds=seconds,
        contacts=site.contacts,
        ended=sum(site.ended.values()),
        open=site.open,
        lost=len(missing) + lost_messages + (verified.lost or 0),
        violations=verified.violation_count,
        divergences=verified.divergence_count,
        duplicates=tally.duplicates,
        offer_latency_ms=percentiles(tally.offer_latency_ms),
        occupancy=_percent(site.occupancy_permille),
        commits=verified.commits,
        events=verified.events,
        journal_ms=verified.duration_ms,
        channels={row.channel or "": _line(row, site.occupancy_permille) for row in boards.channels()},
        queues=[_line(row, occupancy.get(row.queue)) for row in boards.cells()],
        ended_by_reason=dict(sorted(site.ended.items())),
        crowd=dict(sorted(tally.happened.items())),
        problems=problems,
    )


def percentiles(values: list[float]) -> Percentiles:
    """p50 and p99 by nearest rank, rounded to 0.01 ms."""
    if not values:
        return Percentiles(0, None, None)
    ordered = sorted(values)
    return Percentiles(len(ordered), round(_rank(ordered, 50), 2), round(_rank(ordered, 99), 2))


def _rank(ordered: list[float], percent: int) -> float:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _percent(permille: int | None) -> float | None:
    return None if permille is None else permille / 10


def _line(row: QueueRow, occupancy_permille: int | None) -> Line:
    return Line(
        channel=row.channel,
        queue=row.queue,
        visits=row.visits,
        answered=row.answered,
        abandoned=row.abandoned + row.abandoned_after_transfer,
        service_level=_percent(row.service_level_permille),
        asa_ms=row.asa_ms,
        aht_ms=row.aht_ms,
        wait_p50_ms=row.wait_p50_ms,
        wait_p90_ms=row.wait_p90_ms,
        wait_p99_ms=row.wait_p99_ms,
        occupancy=_percent(occupancy_permille),
    )


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

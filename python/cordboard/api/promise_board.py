"""The board of promises: how many were promised for a day, and how it went, out of the history."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cordboard.api.site import Site
from cordboard.api.translate.check import Check
from cordboard.api.translate.promises import zone_from
from cordboard.events.policy import QUEUES_MAX
from cordboard.projections.history import HistoryReader
from cordboard.projections.history.figures import Lateness, Period, PromiseOutcomes
from cordboard.projections.rows import permille
from cordboard.v1 import callback_service_pb2 as pb
from cordboard.vault.clock import now_ms

SOON_MS = 15 * 60_000
PERIOD_MAX_MS = 32 * 86_400_000
DAYS_END_MS = 253_370_764_800_000
"""Begin of the year 9999: the last one of which every zone's days have a date (INSTANT_MAX_MS lies beyond)."""
_JUDGED = ("kept", "missed")
"""Whose customer could have been reached: what the rate and the lateness are of."""


async def promise_board(site: Site, request: pb.GetPromiseBoardRequest) -> pb.GetPromiseBoardResponse:
    """Raises BadRequest, InvalidInput."""
    check = Check()
    check.count("queues", len(request.queues), 0, QUEUES_MAX)
    queues = [check.name(f"queues[{index}]", name) for index, name in enumerate(request.queues[:QUEUES_MAX])]
    policy = site.declared.policy
    zone = zone_from(check, "zone", request.zone or (policy.timezone if policy is not None else ""))
    at_ms = max(site.promises.at_ms, now_ms())
    from_ms = check.number("due_from_ms", request.due_from_ms, 0, DAYS_END_MS)
    until_ms = check.number("due_until_ms", request.due_until_ms, 0, DAYS_END_MS)
    check.finish()
    from_ms = from_ms or day_of(at_ms, zone, 0)
    until_ms = until_ms or day_of(from_ms, zone, 1)
    if not from_ms < until_ms <= from_ms + PERIOD_MAX_MS:
        check.wrong("due_until_ms", "must be after due_from_ms, at most 32 days")
        check.finish()
    seq = await site.read_history(request.consistency_token)
    days, total = await board(site.history, Period(from_ms, until_ms, queues), zone, at_ms)
    _weigh(site, days, total, Period(from_ms, until_ms, queues), zone)
    return pb.GetPromiseBoardResponse(
        days=days,
        total=total,
        consistency_token=site.token(seq),
        zone=str(zone),
    )


def _weigh(site: Site, days: Iterable[pb.PromiseDay], total: pb.PromiseDay, of: Period, zone: ZoneInfo) -> None:
    """Say what is at risk now: the history knows what was, at some time."""
    found = Counter(
        (one.queue, datetime.fromtimestamp(one.due_ms / 1_000, zone).date().isoformat())
        for one in site.promises.live()
        if one.at_risk and of.from_ms <= one.due_ms < of.until_ms and (not of.queues or one.queue in of.queues)
    )
    for row in days:
        row.at_risk = found[row.queue, row.day]
    total.at_risk = found.total()


async def board(history: HistoryReader, of: Period, zone: ZoneInfo, at_ms: int) -> tuple[list[pb.PromiseDay], pb.PromiseDay]:
    """A row a day and queue, and one of all; what is due within SOON_MS from `at_ms` (Unix ms) on is soon."""
    rows: list[pb.PromiseDay] = []
    every: list[PromiseOutcomes] = []
    for day, part in days_of(of, zone):
        found = await history.promise_outcomes(part, at_ms + SOON_MS)
        late = {one.queue: one for one in await history.lateness(part, _JUDGED, by_queue=True)}
        queues = sorted({one.queue for one in found})
        rows += [_row(queue, day, [one for one in found if one.queue == queue], late.get(queue)) for queue in queues]
        every += found
    of_all = await history.lateness(of, _JUDGED, by_queue=False)
    return rows, _row("", "", every, of_all[0] if of_all else None)


def _row(queue: str, day: str, found: Iterable[PromiseOutcomes], late: Lateness | None) -> pb.PromiseDay:
    ended: Counter[str | None] = Counter()
    at_risk = due_soon = 0
    for one in found:
        ended[one.outcome] += one.promises
        if one.outcome is None:
            at_risk, due_soon = at_risk + one.at_risk, due_soon + one.due
    return pb.PromiseDay(
        queue=queue,
        day=day,
        promised=ended.total(),
        live=ended[None],
        due_soon=due_soon,
        at_risk=at_risk,
        kept=ended["kept"],
        honoured_not_reached=ended["honoured_not_reached"],
        missed=ended["missed"],
        cancelled=ended["cancelled"],
        rescheduled=ended["rescheduled"],
        kept_permille=permille(ended["kept"], sum(ended[outcome] for outcome in _JUDGED)),
        lateness_p50_ms=late.p50_ms if late is not None else None,
        lateness_p95_ms=late.p95_ms if late is not None else None,
    )


def days_of(of: Period, zone: ZoneInfo) -> Iterator[tuple[str, Period]]:
    """The local days of a period, each with what it has of it."""
    begin_ms = of.from_ms
    while begin_ms < of.until_ms:
        end_ms = min(day_of(begin_ms, zone, 1), of.until_ms)
        yield datetime.fromtimestamp(begin_ms / 1_000, zone).date().isoformat(), Period(begin_ms, end_ms, of.queues)
        begin_ms = end_ms


def day_of(at_ms: int, zone: ZoneInfo, later: int) -> int:
    """When the local day begins that is so many days after that of `at_ms` (Unix ms)."""
    day = datetime.fromtimestamp(at_ms / 1_000, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return round((day + timedelta(days=later)).timestamp() * 1_000)

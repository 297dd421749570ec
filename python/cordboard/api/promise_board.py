"""The board of promises: how many were promised for a day, and how it went, out of the history."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cordboard.api.site import Site
from cordboard.api.translate.check import Check
from cordboard.api.translate.promises import zone_from
from cordboard.events.policy import QUEUES_MAX
from cordboard.projections.history.reader import PromiseRow
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
    rows = await site.history.promises(from_ms, until_ms, queues)
    # Of half a million promises it takes seconds.
    days, total = await asyncio.to_thread(lambda: (by_day(rows, zone, at_ms), _day("", "", rows, at_ms)))
    return pb.GetPromiseBoardResponse(
        days=days,
        total=total,
        consistency_token=site.token(seq),
        zone=str(zone),
    )


def by_day(rows: Iterable[PromiseRow], zone: ZoneInfo, at_ms: int) -> list[pb.PromiseDay]:
    """A row a day and queue; what is due within SOON_MS from `at_ms` (Unix ms) on is soon."""
    found: defaultdict[tuple[str, str], list[PromiseRow]] = defaultdict(list)
    for row in rows:
        found[datetime.fromtimestamp(row.due_ms / 1_000, zone).date().isoformat(), row.queue].append(row)
    return [_day(queue, day, found[day, queue], at_ms) for day, queue in sorted(found)]


def _day(queue: str, day: str, rows: Sequence[PromiseRow], at_ms: int) -> pb.PromiseDay:
    ended = Counter(row.outcome for row in rows)
    live = [row for row in rows if row.outcome is None]
    late = sorted(row.lateness_ms or 0 for row in rows if row.outcome in _JUDGED)
    return pb.PromiseDay(
        queue=queue,
        day=day,
        promised=len(rows),
        live=len(live),
        due_soon=sum(row.due_ms <= at_ms + SOON_MS for row in live),
        at_risk=sum(row.at_risk for row in live),
        kept=ended["kept"],
        honoured_not_reached=ended["honoured_not_reached"],
        missed=ended["missed"],
        cancelled=ended["cancelled"],
        rescheduled=ended["rescheduled"],
        kept_permille=permille(ended["kept"], len(late)),
        lateness_p50_ms=_percentile(late, 50),
        lateness_p95_ms=_percentile(late, 95),
    )


def _percentile(values: Sequence[int], percent: int) -> int | None:
    """The least value that so many percent do not exceed; None of nothing."""
    return values[-(-len(values) * percent // 100) - 1] if values else None


def day_of(at_ms: int, zone: ZoneInfo, later: int) -> int:
    """When the local day begins that is so many days after that of `at_ms` (Unix ms)."""
    day = datetime.fromtimestamp(at_ms / 1_000, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return round((day + timedelta(days=later)).timestamp() * 1_000)

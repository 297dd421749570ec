"""The board of SLAs: how many of the clocks that ended on a day were met, out of the history."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from cordboard.api.promise_board import DAYS_END_MS, PERIOD_MAX_MS, day_of, days_of
from cordboard.api.site import Site
from cordboard.api.translate.check import Check
from cordboard.api.translate.promises import zone_from
from cordboard.events.policy import QUEUES_MAX
from cordboard.projections.history.figures import Period, SlaOutcome
from cordboard.projections.rows import permille
from cordboard.v1 import sla_service_pb2 as pb
from cordboard.vault.clock import now_ms


async def sla_board(site: Site, request: pb.GetSlaBoardRequest) -> pb.GetSlaBoardResponse:
    """Raises BadRequest."""
    check = Check()
    check.count("queues", len(request.queues), 0, QUEUES_MAX)
    queues = [check.name(f"queues[{index}]", name) for index, name in enumerate(request.queues[:QUEUES_MAX])]
    policy = site.declared.policy
    zone = zone_from(check, "zone", request.zone or (policy.timezone if policy is not None else ""))
    from_ms = check.number("from_ms", request.from_ms, 0, DAYS_END_MS)
    until_ms = check.number("until_ms", request.until_ms, 0, DAYS_END_MS)
    check.finish()
    from_ms = from_ms or day_of(max(site.slas.at_ms, now_ms()), zone, 0)
    until_ms = until_ms or day_of(from_ms, zone, 1)
    if not from_ms < until_ms <= from_ms + PERIOD_MAX_MS:
        check.wrong("until_ms", "must be after from_ms, at most 32 days")
        check.finish()
    seq = await site.read_history(request.consistency_token)
    days: list[pb.SlaDay] = []
    for day, part in days_of(Period(from_ms, until_ms, queues), zone):
        days += on_day(day, await site.history.sla_outcomes(part))
    return pb.GetSlaBoardResponse(days=days, consistency_token=site.token(seq), zone=str(zone))


def on_day(day: str, found: Iterable[SlaOutcome]) -> list[pb.SlaDay]:
    """A row an SLA and queue."""
    ended: defaultdict[tuple[str, str, bool], Counter[str]] = defaultdict(Counter)
    for one in found:
        ended[one.sla, one.queue, one.internal][one.outcome] += one.clocks
    return [
        pb.SlaDay(
            sla=sla,
            queue=queue,
            day=day,
            internal=internal,
            met=counts["met"],
            broken=counts["broken"],
            cancelled=counts["cancelled"],
            met_permille=permille(counts["met"], counts["met"] + counts["broken"]),
        )
        for (sla, queue, internal), counts in sorted(ended.items())
    ]

"""First topics beside what became of them: how well the policy's rules classify."""

from collections.abc import Iterable

from cordboard.api.site import Site
from cordboard.api.translate.check import Check
from cordboard.events.bounds import INSTANT_MAX_MS
from cordboard.projections.history.reader import TopicOutcome
from cordboard.projections.rows import permille
from cordboard.v1 import contact_service_pb2 as pb


async def topic_report(site: Site, request: pb.GetTopicReportRequest) -> pb.GetTopicReportResponse:
    """Raises BadRequest."""
    check = Check()
    from_ms = check.number("arrived_from_ms", request.arrived_from_ms, 0, INSTANT_MAX_MS) or None
    until_ms = check.number("arrived_until_ms", request.arrived_until_ms, 0, INSTANT_MAX_MS) or None
    check.finish()
    seq = await site.read_history(request.consistency_token)
    rows = await site.history.topic_outcomes(from_ms, until_ms)
    topics = sorted({row.topic_first or "" for row in rows})
    return pb.GetTopicReportResponse(
        outcomes=[
            pb.TopicOutcome(
                topic=row.topic_first or "", disposition=row.disposition or "", contacts=row.contacts, changed=row.changed
            )
            for row in rows
        ],
        topics=[_total(topic, (row for row in rows if (row.topic_first or "") == topic)) for topic in topics],
        total=_total("", rows),
        consistency_token=site.token(seq),
    )


def _total(topic: str, rows: Iterable[TopicOutcome]) -> pb.TopicTotal:
    counted = list(rows)
    contacts, changed = sum(row.contacts for row in counted), sum(row.changed for row in counted)
    return pb.TopicTotal(topic=topic, contacts=contacts, changed=changed, changed_permille=permille(changed, contacts) or 0)

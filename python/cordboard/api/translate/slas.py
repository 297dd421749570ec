"""Clocks of SLA promises as the API shows them."""

from collections.abc import Mapping

from cordboard.events.terms import SlaMeasure
from cordboard.projections.slas import SlaClock, SlaCount, State
from cordboard.v1 import sla_service_pb2 as pb

STATES: dict[int, State] = {
    pb.SLA_STATE_RUNNING: "running",
    pb.SLA_STATE_AT_RISK: "at_risk",
    pb.SLA_STATE_PAUSED: "paused",
    pb.SLA_STATE_MET: "met",
    pb.SLA_STATE_BROKEN: "broken",
    pb.SLA_STATE_CANCELLED: "cancelled",
}
TO_STATE = {word: pb.SlaState.ValueType(number) for number, word in STATES.items()}
MEASURES: dict[int, SlaMeasure] = {
    pb.SLA_MEASURE_ANSWER: "answer",
    pb.SLA_MEASURE_FIRST_RESPONSE: "first_response",
    pb.SLA_MEASURE_NEXT_RESPONSE: "next_response",
    pb.SLA_MEASURE_RESOLUTION: "resolution",
}
TO_MEASURE = {word: pb.SlaMeasure.ValueType(number) for number, word in MEASURES.items()}


def clock_message(clock: SlaClock) -> pb.SlaClock:
    return pb.SlaClock(
        sla=clock.name,
        measure=TO_MEASURE[clock.measure],
        contact_id=clock.contact.hex(),
        case_id="" if clock.case is None else clock.case.hex(),
        queue=clock.queue,
        channel=clock.channel,
        state=TO_STATE[clock.state],
        started_at_ms=clock.started_ms,
        target_ms=clock.target_ms,
        due_ms=clock.due_ms or 0,
        warn_ms=clock.warn_ms or 0,
        left_ms=clock.left_ms or 0,
        internal=clock.internal,
        group=clock.group or "",
        warned=clock.warned,
        ended_at_ms=clock.ended_ms or 0,
        reason=clock.reason or "",
    )


def count_messages(counts: Mapping[tuple[str, str], SlaCount], sla: str, queue: str) -> list[pb.SlaCount]:
    """Those of this SLA and this queue (empty: of all), by names."""
    return [
        pb.SlaCount(
            sla=name,
            queue=where,
            met=count.met,
            broken=count.broken,
            cancelled=count.cancelled,
            at_risk=count.at_risk,
            internal=count.internal,
            met_permille=-1 if count.met_permille is None else count.met_permille,
        )
        for (name, where), count in sorted(counts.items())
        if sla in ("", name) and queue in ("", where)
    ]

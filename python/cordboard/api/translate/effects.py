"""Effects as messages of the API."""

from collections.abc import Mapping

from cordboard.effects.fold import Effect, State, Summary
from cordboard.v1 import effect_service_pb2 as pb
from cordboard.vault import Person

EFFECT_STATES: dict[int, State | None] = {
    pb.EFFECT_STATE_UNSPECIFIED: None,
    pb.EFFECT_STATE_OPEN: "open",
    pb.EFFECT_STATE_FAILED: "failed",
}
"""None: whatever its state."""
_STATES: dict[State, "pb.EffectState.ValueType"] = {"open": pb.EFFECT_STATE_OPEN, "failed": pb.EFFECT_STATE_FAILED}


def effect_row(outside_id: bytes, effect: Effect, people: Mapping[bytes, Person]) -> pb.Effect:
    return pb.Effect(
        effect_id=effect.name,
        outside_id=outside_id.hex(),
        kind=effect.kind,
        state=_STATES[effect.state],
        failure=effect.failed or "",
        contact_id=effect.contact.hex() if effect.contact is not None else "",
        channel=effect.channel or "",
        agent=people[effect.agent].person if effect.agent is not None else "",
        message_id=effect.message.hex(),
        round=effect.round,
        requested_at_ms=effect.requested_ms,
        changed_at_ms=effect.changed_ms,
    )


def effect_summary(summary: Summary) -> pb.EffectSummary:
    return pb.EffectSummary(
        open=summary.open,
        failed=summary.failed,
        oldest_open_at_ms=summary.oldest_open_ms,
        oldest_failed_at_ms=summary.oldest_failed_ms,
        at_ms=summary.at_ms,
    )

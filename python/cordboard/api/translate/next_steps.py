"""Next steps as messages."""

from cordboard.next_steps import Choice
from cordboard.v1 import next_step_service_pb2 as pb


def steps_message(choice: Choice, told: str) -> pb.NextSteps:
    """`told`: what the customer is told if nothing is chosen."""
    message = pb.NextSteps(
        contact_id=choice.contact.hex(),
        steps=[pb.NextStep(kind=step.kind, to=step.to or "") for step in choice.steps],
        until_ms=choice.until_ms,
        channel=choice.channel,
        queue=choice.queue,
        cause=choice.cause,
        entry_point=choice.entry_point or "",
        told=told,
        open=choice.open,
        taken_by=choice.by or "",
    )
    if choice.taken is not None:
        message.taken.CopyFrom(pb.NextStep(kind=choice.taken.kind, to=choice.taken.to or ""))
        message.successor_contact_id = choice.taken.successor.hex() if choice.taken.successor is not None else ""
    return message

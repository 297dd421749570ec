"""New contacts that their queue does not take: refused with what their customers can do instead."""

from cordboard.api.outcomes import Outcome
from cordboard.api.site import Site
from cordboard.api.status import TurnedAway
from cordboard.events.event import NextStepOffered, NextStepTaken
from cordboard.next_steps import told
from cordboard.v1 import next_step_service_pb2 as pb
from cordboard.vault.clock import now_ms


def refuse_turned_away(site: Site, contact: bytes, outcome: Outcome) -> None:
    """Raises TurnedAway if a new contact was not taken by its queue: with what its customer can do instead."""
    offered = outcome.first(NextStepOffered)
    if offered is None:
        return
    taken = outcome.first(NextStepTaken)
    choice = site.next_steps.get(contact)
    # A repeat may come when it is over.
    is_open = taken is None and (choice is None or choice.open) and offered.until_ms > now_ms()
    steps = tuple(offered.choices) if is_open else ()
    raise TurnedAway(
        offered.cause,
        pb.NextSteps(
            contact_id=contact.hex(),
            steps=[pb.NextStep(kind=step.kind, to=step.to or "") for step in steps],
            until_ms=offered.until_ms,
            queue=offered.queue,
            cause=offered.cause,
            entry_point=offered.entry_point or "",
            told=told_at(site, offered.entry_point, offered.language),
            open=is_open,
        ),
    )


def told_at(site: Site, entry_point: str | None, language: str | None) -> str:
    """What customers are told at an entry point, by the policy in force."""
    policy = site.declared.policy
    doors = () if policy is None else policy.entry_points
    return next((told(door.messages, language) for door in doors if door.name == entry_point), "")

"""What customers can do instead of waiting; and new contacts that their queue does not take, refused with that."""

from dataclasses import replace

from cordboard.api.outcomes import Outcome
from cordboard.api.site import Site
from cordboard.api.status import TurnedAway
from cordboard.api.translate.next_steps import steps_message
from cordboard.events.event import NextStepOffered, NextStepTaken
from cordboard.next_steps import Choice, offered, told
from cordboard.v1 import next_step_service_pb2 as pb
from cordboard.vault.clock import now_ms


def refuse_turned_away(site: Site, contact: bytes, outcome: Outcome) -> None:
    """Raises TurnedAway if a new contact was not taken by its queue: with what its customer can do instead."""
    found = next(((entry, event) for entry, event in outcome.events if isinstance(event, NextStepOffered)), None)
    if found is None:
        return
    entry, event = found
    taken = outcome.first(NextStepTaken)
    choice = site.next_steps.get(contact) or replace(offered(contact, entry.channel or "", event), open=taken is None, taken=taken)
    # A repeat may come when it is over.
    if not choice.open or choice.until_ms <= now_ms():
        choice = replace(choice, open=False, steps=())
    raise TurnedAway(event.cause, steps_shown(site, choice))


def open_steps(site: Site, contact: bytes) -> pb.NextSteps | None:
    """What the customer of a contact can choose at this moment; None: nothing was offered, or it is over."""
    choice = site.next_steps.get(contact)
    return None if choice is None or not choice.open else steps_shown(site, choice)


def steps_shown(site: Site, choice: Choice) -> pb.NextSteps:
    """With what its customer is told at that entry point, by the policy in force."""
    policy = site.declared.policy
    doors = () if policy is None else policy.entry_points
    door = next((door for door in doors if door.name == choice.entry_point), None)
    return steps_message(choice, "" if door is None else told(door.messages, choice.language))

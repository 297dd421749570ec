"""What happens to contacts beyond the everyday: failed connections, supervisors, transfers to agents."""

from typing import Any

from cordboard.events import fact as f
from tests.property.happenings import Choices, Happening, recent_contact
from tests.property.naive_state import Work
from tests.property.pair import AGENTS, Pair
from tests.property.sites import QUEUES, RETURNS

REASONS = (None, None, None, "lunch", "unheard_of")
SUPERVISOR = bytes([9]).ljust(16, b"\0")


def some_work(pair: Pair, choices: Choices, *states: str) -> Work | None:
    found = [work for work in pair.naive.works if work.state in states]
    return choices.pick(found) if found else None


def contact_in(pair: Pair, choices: Choices, *states: str) -> bytes | None:
    """Mostly a contact in one of these states; now and then any."""
    found = [contact.id for contact in pair.naive.contacts if contact.state in states]
    return choices.pick(found) if found and not choices.chance(10) else recent_contact(pair, choices)


def service_ends(pair: Pair, choices: Choices) -> f.Fact | None:
    contact = recent_contact(pair, choices)
    return None if contact is None else f.ContactEndRequested(pair.fact_id(), contact, "failed")


# Offers


def connection_fails(pair: Pair, choices: Choices) -> f.Fact | None:
    work = some_work(pair, choices, "connecting") or some_work(pair, choices, "offered", "engaged")
    if work is None:
        return None
    leg: Any = choices.pick(["agent_leg", "agent_leg", "agent_leg", "customer_leg", "platform"])
    return f.ConnectionFailed(pair.fact_id(), work.contact, work.attempt, work.agent, leg)


def sibling_answers(pair: Pair, choices: Choices) -> f.Fact | None:
    """Who else was asked answers too: in time, too late, or while another is being connected."""
    work = some_work(pair, choices, "held") or some_work(pair, choices, "offered", "connecting")
    if work is None:
        return None
    return f.OfferAnswered(pair.fact_id(), work.contact, work.attempt, work.agent, choices.chance(60))


# Supervisors


def contact_is_picked(pair: Pair, choices: Choices) -> f.Fact | None:
    contact = contact_in(pair, choices, "queued")
    if contact is None:
        return None
    return f.PickRequested(pair.fact_id(), contact, choices.pick(AGENTS), choices.pick([None, SUPERVISOR]), choices.pick(REASONS))


def contact_is_given(pair: Pair, choices: Choices) -> f.Fact | None:
    """A transfer to an agent: by the agent who has it, by a service, or by a supervisor."""
    contact = contact_in(pair, choices, *choices.pick([("engaged",), ("queued", "offered", "connecting", "parked")]))
    if contact is None:
        return None
    work = next((each for each in pair.naive.works if (each.contact, each.state) == (contact, "engaged")), None)
    by = choices.pick([None, None, SUPERVISOR])
    sender = work.agent if work is not None and choices.chance(80) else None
    to = choices.pick([None, *AGENTS, *AGENTS])
    return f.TransferRequested(
        pair.fact_id(), contact, choices.pick([*QUEUES, RETURNS]), sender, to_agent=to, by=by, reason=choices.pick(REASONS)
    )


def given_contact_is_declined(pair: Pair, choices: Choices) -> f.Fact | None:
    """So that it goes back to who sent it."""
    given = [work for work in pair.naive.works if work.direct and work.state == "offered"]
    if not given:
        return None
    work = choices.pick(given)
    return f.OfferAnswered(pair.fact_id(), work.contact, work.attempt, work.agent, choices.chance(25))


def contact_is_requeued(pair: Pair, choices: Choices) -> f.Fact | None:
    contact = contact_in(pair, choices, "offered", "connecting", "engaged", "parked")
    return None if contact is None else f.RequeueRequested(pair.fact_id(), contact, SUPERVISOR, choices.pick(REASONS))


def priority_changes(pair: Pair, choices: Choices) -> f.Fact | None:
    contact = recent_contact(pair, choices)
    if contact is None:
        return None
    return f.PriorityRequested(pair.fact_id(), contact, choices.pick([0, 1, 5]), SUPERVISOR, choices.pick(REASONS))


def presence_is_forced(pair: Pair, choices: Choices) -> f.Fact:
    presence: Any = choices.pick(["not_ready", "offline"])
    return f.PresenceForced(pair.fact_id(), choices.pick(AGENTS), presence, SUPERVISOR, choices.pick(REASONS))


CONTACT_HAPPENINGS: tuple[Happening, ...] = (
    service_ends, sibling_answers, connection_fails, connection_fails, contact_is_picked, contact_is_given, contact_is_given,
    given_contact_is_declined, contact_is_requeued, priority_changes, presence_is_forced,
)  # fmt: skip

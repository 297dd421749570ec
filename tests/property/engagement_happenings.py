"""What happens in engagements: agents who help each other, hold, words, contacts put aside."""

from typing import Any

from cordboard.events import fact as f
from tests.property.contact_happenings import some_work
from tests.property.happenings import Choices, Happening
from tests.property.naive_state import Work
from tests.property.pair import AGENTS, Pair


def customer_is_held(pair: Pair, choices: Choices) -> f.Fact | None:
    """Or no longer."""
    held = [contact.id for contact in pair.naive.contacts if contact.held_since_ms is not None]
    works = [work for work in pair.naive.works if work.contact in held and (work.state, work.role) == ("engaged", "primary")]
    if works and choices.chance(60):
        work = choices.pick(works)
        return f.HoldRequested(pair.fact_id(), work.contact, work.agent, False)
    some = some_work(pair, choices, "engaged")
    return None if some is None else f.HoldRequested(pair.fact_id(), some.contact, some.agent, choices.chance(80))


def help_is_asked(pair: Pair, choices: Choices) -> f.Fact | None:
    work = some_work(pair, choices, "engaged")
    if work is None:
        return None
    role: Any = choices.pick(["consult", "conference"])
    asked = [side.agent for side in sides(pair, "offered", "connecting", "engaged") if side.contact == work.contact]
    ready = [agent.id for agent in pair.naive.agents if agent.ready and agent.id != work.agent and agent.profile(work.channel)]
    whom = choices.pick(asked) if asked and choices.chance(15) else choices.pick(ready or AGENTS)
    return f.ConsultRequested(pair.fact_id(), work.contact, work.agent, whom, role)


def help_comes(pair: Pair, choices: Choices) -> f.Fact | None:
    """Who was asked for help gives it, mostly."""
    asked = sides(pair, "offered", "connecting")
    if not asked:
        return None
    side = choices.pick(asked)
    if side.state == "connecting":
        return f.ContactConnected(pair.fact_id(), side.contact, side.attempt, side.agent)
    return f.OfferAnswered(pair.fact_id(), side.contact, side.attempt, side.agent, choices.chance(90))


def role_changes(pair: Pair, choices: Choices) -> f.Fact | None:
    engaged = sides(pair, "engaged")
    side = choices.pick(engaged) if engaged else some_work(pair, choices, "engaged")
    if side is None:
        return None
    primary = next(
        (w.agent for w in pair.naive.works if (w.contact, w.role, w.state) == (side.contact, "primary", "engaged")), side.agent
    )
    role: Any = choices.pick(["conference", "primary"])
    return f.RoleRequested(pair.fact_id(), side.contact, primary, side.agent, role)


def sides(pair: Pair, *states: str) -> list[Work]:
    return [work for work in pair.naive.works if work.role != "primary" and work.state in states]


def word_is_said(pair: Pair, choices: Choices) -> f.Fact | None:
    """By anybody who is in the conversation."""
    work = some_work(pair, choices, "engaged")
    if work is None:
        return None
    author: Any = choices.pick(["customer", "agent", "customer", "agent", "system"])
    return f.MessagePosted(pair.fact_id(), work.contact, bytes(16), author, work.agent if author == "agent" else None)


def contact_is_put_aside(pair: Pair, choices: Choices) -> f.Fact | None:
    work = some_work(pair, choices, "engaged")
    if work is None:
        return None
    kind: Any = choices.pick(["customer", "third_party", "snooze"])
    return f.ParkRequested(pair.fact_id(), work.contact, work.agent, kind, choices.pick([0, 900, 9_000]))


def parked_contact_is_wanted(pair: Pair, choices: Choices) -> f.Fact | None:
    """By its owner, by a service, or nobody wants it any more."""
    parked = [contact for contact in pair.naive.contacts if contact.state == "parked"]
    if not parked:
        return None
    contact = choices.pick(parked)
    if choices.chance(20):
        return f.ContactEndRequested(pair.fact_id(), contact.id, choices.pick(["cancelled", "completed"]))
    return f.ParkEndRequested(pair.fact_id(), contact.id, choices.pick([contact.owner, contact.owner, None]))


ENGAGEMENT_HAPPENINGS: tuple[Happening, ...] = (
    customer_is_held, help_is_asked, help_is_asked, help_comes, help_comes, help_comes, role_changes, role_changes, word_is_said,
    word_is_said, contact_is_put_aside, parked_contact_is_wanted,
)  # fmt: skip

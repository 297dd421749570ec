"""What happens between customers who are promised a call and come in before, and those who would call them."""

from typing import Any

from cordboard.events import fact as f
from cordboard.events.bounds import Requirement
from tests.property.happenings import Choices, Happening, new_contact
from tests.property.naive_state import Contact, Promise, Work
from tests.property.pair import AGENTS, Pair
from tests.property.promise_happenings import hours, who_waits_wishes
from tests.property.queue_happenings import CUSTOMERS
from tests.property.sites import QUEUES, RETURNS, TOPICS


def known_customer_wishes(pair: Pair, choices: Choices) -> f.Fact:
    wish_ms = pair.now + choices.pick([0, 0, 70_000, 130_000])
    return f.CallbackRequested(
        pair.fact_id(), new_contact(pair), choices.pick(["chat", "voice", "voice", "task"]), choices.pick(QUEUES), wish_ms,
        choices.pick([[], [], [Requirement("nl", 4, False)]]), choices.pick([0, 0, 3]), choices.pick(CUSTOMERS),
        topic=choices.pick([None, None, *TOPICS]), hours=hours(pair, choices),
    )  # fmt: skip


def promise_to_somebody(pair: Pair, choices: Choices) -> Promise | None:
    known = [each for each in pair.naive.promises.values() if each.customer is not None]
    return choices.pick(known) if known else None


def promised_customer_comes_in(pair: Pair, choices: Choices) -> f.Fact | None:
    """Mostly about the same."""
    promise = promise_to_somebody(pair, choices)
    if promise is None:
        return None
    topic = choices.pick([promise.topic, promise.topic, None, *TOPICS])
    case = choices.pick([None, None, promise.case or promise.contact])
    return f.ContactArrived(
        pair.fact_id(), new_contact(pair), choices.pick(["chat", "chat", "voice", "voice", "mail"]),
        choices.pick([promise.queue, promise.queue, *QUEUES, RETURNS]), [], choices.pick([0, 0, 2]), promise.customer, topic=topic,
        case=case, message=choices.pick([None, bytes(16)]),
    )  # fmt: skip


def contact_of_promised(pair: Pair, choices: Choices) -> Contact | None:
    """Of a customer who is promised a call; rather one for whom it is held."""
    customers = {each.customer for each in pair.naive.promises.values()} - {None}
    own = [each for each in pair.naive.contacts if each.customer in customers and each.promise is None]
    held = {each.held_for for each in pair.naive.promises.values()}
    here = [each for each in own if each.id in held]
    found = here if here and choices.chance(70) else own
    return choices.pick(found) if found else None


def promised_customer_is_answered(pair: Pair, choices: Choices) -> f.Fact | None:
    contact = contact_of_promised(pair, choices)
    return None if contact is None else word_is_said_to(pair, choices, contact.id)


def word_is_said_to(pair: Pair, choices: Choices, contact: bytes) -> f.Fact | None:
    """An agent comes, takes the contact, and says a word."""
    for agent in AGENTS[:3]:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, "ready"))
    if pair.naive.contact(contact) is not None and not works_on(pair, contact):
        pair.happen(f.PickRequested(pair.fact_id(), contact, choices.pick(AGENTS[:3])))
    for _ in range(3):
        for work in works_on(pair, contact):
            ids = (pair.fact_id(), contact)
            if work.state == "offered":
                pair.happen(f.OfferAnswered(*ids, work.attempt, work.agent, True))
            elif work.state == "connecting":
                pair.happen(f.ContactConnected(*ids, work.attempt, work.agent))
            elif work.state == "engaged":
                return f.MessagePosted(*ids, bytes(16), "agent", work.agent)
    return None


def works_on(pair: Pair, contact: bytes) -> list[Work]:
    return [each for each in pair.naive.works if each.contact == contact and each.role == "primary"][:1]


def promised_customer_is_here_no_more(pair: Pair, choices: Choices) -> f.Fact | None:
    """Gone, put aside, moved, or promised another call."""
    contact = contact_of_promised(pair, choices)
    if contact is None:
        return None
    ids = (pair.fact_id(), contact.id)
    agent = next((each.agent for each in pair.naive.works if each.contact == contact.id and each.state == "engaged"), AGENTS[0])
    kind: Any = choices.pick(["customer", "snooze"])
    return choices.pick([
        f.ContactAbandoned(*ids), f.ContactAbandoned(*ids), f.ContactEndRequested(*ids, "completed"),
        f.EngagementEndRequested(*ids, agent, "solved"), f.ParkRequested(*ids, agent, kind, choices.pick([900, 60_000])),
        f.RequeueRequested(*ids), f.TransferRequested(*ids, choices.pick(QUEUES), agent),
        f.CallbackRequested(
            ids[0], new_contact(pair), "voice", contact.queue, pair.now, customer=contact.customer, waiting=contact.id
        ),
    ])  # fmt: skip


def customer_comes_in_while_dialled(pair: Pair, choices: Choices) -> f.Fact | None:
    """Perhaps they are answered, too, and perhaps they leave; then the dial comes to something or nothing."""
    promise = promise_to_somebody(pair, choices)
    if promise is None:
        return None
    if choices.chance(20):
        pair.happen(f.ContactAbandoned(pair.fact_id(), comes_in(pair, choices, promise)))
    dialled(pair, choices, promise)
    here = comes_in(pair, choices, promise)
    if choices.chance(75):
        happens(pair, word_is_said_to(pair, choices, here))
        agents = [work.agent for work in works_on(pair, here)]
        if agents and choices.chance(40):
            happens(pair, f.EngagementEndRequested(pair.fact_id(), here, agents[0], "solved"))
    for work in works_on(pair, promise.contact):
        outcome: Any = choices.pick(["busy", "no_answer", "unknown", "refused"])
        leg: Any = choices.pick(["agent_leg", "platform", "customer_leg"])
        ids = (pair.fact_id(), promise.contact, work.attempt, work.agent)
        happens(
            pair, choices.pick([f.AttemptReported(*ids, outcome, 9_000), f.ConnectionFailed(*ids, leg), f.DeskLost(ids[0], ids[3])])
        )
    return None


def dialled(pair: Pair, choices: Choices, promise: Promise) -> None:
    """When its time has come, by whoever is offered it."""
    wait_ms = pair.naive.next_of(promise) - pair.now
    if pair.naive.contact(promise.contact) is None and 0 < wait_ms < 400_000:
        pair.wait(wait_ms)
    for agent in AGENTS[:3]:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, "ready"))
    for work in works_on(pair, promise.contact):
        if work.state == "offered":
            pair.happen(f.OfferAnswered(pair.fact_id(), work.contact, work.attempt, work.agent, True))


def comes_in(pair: Pair, choices: Choices, promise: Promise) -> bytes:
    """About the same."""
    here = new_contact(pair)
    channel = choices.pick(["chat", "voice"])
    pair.happen(f.ContactArrived(pair.fact_id(), here, channel, promise.queue, customer=promise.customer, topic=promise.topic))
    return here


def happens(pair: Pair, fact: f.Fact | None) -> None:
    if fact is not None:
        pair.happen(fact)


def customer_waits_twice(pair: Pair, choices: Choices) -> f.Fact | None:
    """On two channels; one of them is answered, perhaps leaves and comes back, perhaps waits anew and is answered again."""
    promise = promise_to_somebody(pair, choices)
    if promise is None:
        return None
    first, second = comes_in(pair, choices, promise), comes_in(pair, choices, promise)
    here = choices.pick([first, second])
    if choices.chance(25):
        pair.happen(f.ContactAbandoned(pair.fact_id(), here))
        here = comes_in(pair, choices, promise)
    happens(pair, word_is_said_to(pair, choices, here))
    if choices.chance(50):
        happens(pair, call_of(pair, choices, promise))
        pair.happen(f.RequeueRequested(pair.fact_id(), here))
        happens(pair, word_is_said_to(pair, choices, here))
    return promised_customer_is_here_no_more(pair, choices) if choices.chance(50) else None


def call_of(pair: Pair, choices: Choices, promise: Promise) -> f.Fact:
    """Another one, about the same, for whoever it is promised to."""
    return f.CallbackRequested(
        pair.fact_id(), new_contact(pair), "voice", promise.queue, pair.now + choices.pick([0, 70_000]),
        customer=promise.customer, topic=promise.topic,
    )  # fmt: skip


COMING_HAPPENINGS: tuple[Happening, ...] = (
    known_customer_wishes, known_customer_wishes, known_customer_wishes, known_customer_wishes, who_waits_wishes,
    promised_customer_comes_in, promised_customer_comes_in, promised_customer_comes_in, promised_customer_comes_in,
    promised_customer_is_answered, promised_customer_is_answered, promised_customer_is_answered,
    promised_customer_is_here_no_more, promised_customer_is_here_no_more, customer_comes_in_while_dialled,
    customer_comes_in_while_dialled, customer_comes_in_while_dialled, customer_comes_in_while_dialled, customer_waits_twice,
    customer_waits_twice,
)  # fmt: skip

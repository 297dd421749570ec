"""What happens to those who hang up and keep their place: lines that move, wishes, turns that come, queues that close."""

from typing import Any

from cordboard.events import fact as f
from cordboard.events.promises import Hours
from tests.property.coming_happenings import (
    comes_in,
    customer_comes_in_while_dialled,
    customer_waits_twice,
    happens,
    promised_customer_comes_in,
    promised_customer_is_answered,
    promised_customer_is_here_no_more,
    works_on,
)
from tests.property.happenings import Choices, Happening, new_contact
from tests.property.naive_state import Contact, Promise
from tests.property.pair import AGENTS, Pair
from tests.property.promise_happenings import (
    call_is_tried_once,
    hours,
    promise_is_awaited,
    promise_is_missed,
    promised_contact_is_meddled_with,
)
from tests.property.queue_happenings import CUSTOMERS, queue_opens_or_closes
from tests.property.sites import QUEUES, TOPICS
from tests.property.strategy_happenings import contacts_are_done_with


def line_forms(pair: Pair, choices: Choices) -> f.Fact:
    """Some were done with a contact, so that a wait can be told; whoever is there has something to do, and others wait behind."""
    contacts_are_done_with(pair, choices)
    queue, channel = choices.pick(QUEUES), choices.pick(["voice", "voice", "chat"])
    for _ in range(choices.pick([2, 3, 5])):
        pair.happen(somebody_comes(pair, choices, channel, queue))
        work_is_taken(pair)
        pair.wait(choices.pick([0, 700, 3_000]))
    return somebody_comes(pair, choices, channel, queue)


def somebody_comes(pair: Pair, choices: Choices, channel: str, queue: str) -> f.Fact:
    return f.ContactArrived(
        pair.fact_id(), new_contact(pair), channel, queue, priority=choices.pick([0, 0, 2]),
        customer=choices.pick([None, *CUSTOMERS]), topic=choices.pick([None, None, *TOPICS]),
    )  # fmt: skip


def work_is_taken(pair: Pair) -> None:
    for work in [each for each in pair.naive.works if each.state == "offered" and each.contact not in pair.naive.promises]:
        pair.happen(f.OfferAnswered(pair.fact_id(), work.contact, work.attempt, work.agent, True))
        pair.happen(f.ContactConnected(pair.fact_id(), work.contact, work.attempt, work.agent))


def place_is_wished_for(pair: Pair, choices: Choices) -> f.Fact | None:
    """By whoever waits; seldom by somebody who does not, or in another queue."""
    states = choices.pick([("queued", "offered")] * 6 + [("engaged", "connecting")])
    waiting = [each for each in pair.naive.contacts if each.state in states]
    live = [each for each in waiting if pair.naive.is_now(each.channel)]
    if not waiting:
        return None
    contact = choices.pick(live if live and not choices.chance(10) else waiting)
    return a_wish(pair, choices, contact)


def a_wish(pair: Pair, choices: Choices, contact: Contact) -> f.Fact:
    queue = choices.pick([contact.queue] * 12 + list(QUEUES))
    return f.CallbackRequested(
        pair.fact_id(), new_contact(pair), choices.pick(["voice", "voice", contact.channel]), queue,
        max(0, pair.now + choices.pick([0, 0, 100_000, -100_000])), priority=choices.pick([0, 0, 5]),
        customer=choices.pick([None, None, None, CUSTOMERS[0]]), topic=choices.pick([None, None, None, TOPICS[0]]),
        kind="hold_place", exact=choices.chance(10), hours=choices.pick([[], hours_now(pair, choices), hours(pair, choices)]),
        waiting=None if choices.chance(3) else contact.id, mode=choices.pick([None, None, "customer_first"]),
    )  # fmt: skip


def hours_now(pair: Pair, choices: Choices) -> list[Any]:
    """Long enough for the window, or a little too short."""
    return choices.pick([[], hours(pair, choices), [Hours(pair.now, pair.now + choices.pick([1_000, 75_000, 900_000]))]])


def many_keep_their_places(pair: Pair, choices: Choices) -> f.Fact | None:
    happens(pair, line_forms(pair, choices))
    for _ in range(choices.pick([1, 2, 3])):
        happens(pair, place_is_wished_for(pair, choices))
    return place_is_wished_for(pair, choices)


def some_place(pair: Pair, choices: Choices) -> Promise | None:
    kept = [each for each in pair.naive.promises.values() if each.key is not None]
    return choices.pick(kept) if kept else None


def place_is_reached(pair: Pair, choices: Choices) -> f.Fact | None:
    """The line moves on until it is their turn; then they are reached, or not."""
    if some_place(pair, choices) is None:
        return None
    contacts_are_done_with(pair, choices)
    promise_is_awaited(pair, choices)
    for _ in range(choices.pick([0, 0, 1, 2])):
        happens(pair, call_is_tried_once(pair, choices))
    return call_is_tried_once(pair, choices)


def customer_of_a_place_comes_in(pair: Pair, choices: Choices) -> f.Fact | None:
    """Before they are called, or when they stand in the line again; perhaps they keep their place once more."""
    promise = some_place(pair, choices)
    if promise is None or promise.customer is None:
        return None
    here = comes_in(pair, choices, promise)
    contact = pair.naive.contact(here)
    if contact is None or choices.chance(50):
        return None
    return choices.pick([a_wish(pair, choices, contact), f.ContactAbandoned(pair.fact_id(), here)])


def place_is_moved(pair: Pair, choices: Choices) -> f.Fact | None:
    """To a time of the customer's own; or it is worth more, or not wanted any more."""
    promise = some_place(pair, choices)
    if promise is None:
        return None
    ids = (pair.fact_id(), promise.contact)
    return choices.pick([
        f.CallbackRescheduled(*ids, new_contact(pair), pair.now + choices.pick([0, 60_000])), f.PriorityRequested(*ids, 7),
        f.PriorityRequested(*ids, 0), f.CallbackCancelled(*ids), f.ReclassificationRequested(*ids, TOPICS[0]),
    ])  # fmt: skip


def place_is_worth_more_and_tried(pair: Pair, choices: Choices) -> f.Fact | None:
    """It is dialled in vain, and stands by its new priority the next time."""
    waits = [each for each in pair.naive.contacts if each.promise is not None and each.promise.key is not None]
    if not waits:
        return None
    contact = choices.pick(waits)
    pair.happen(f.PriorityRequested(pair.fact_id(), contact.id, choices.pick([9, 0])))
    contacts_are_done_with_but_calls(pair)
    for work in works_on(pair, contact.id):
        ids = (contact.id, work.attempt, work.agent)
        if work.state == "offered":
            pair.happen(f.OfferAnswered(pair.fact_id(), *ids, True))
        pair.happen(f.AttemptReported(pair.fact_id(), *ids, "busy", 5_000))
    pair.wait(choices.pick([1_100, 9_100]))
    return None


def contacts_are_done_with_but_calls(pair: Pair) -> None:
    """So that whoever keeps a place is offered, and not answered yet."""
    work_is_taken(pair)
    for work in [each for each in pair.naive.works if each.state == "engaged" and each.role == "primary"]:
        pair.happen(f.EngagementEndRequested(pair.fact_id(), work.contact, work.agent, "solved"))


def queue_closes_on_offers(pair: Pair, choices: Choices) -> f.Fact | None:
    """Some places are on offer, others wait, and slots have room for few."""
    happens(pair, many_keep_their_places(pair, choices))
    promise = some_place(pair, choices)
    if promise is None:
        return None
    contacts_are_done_with_but_calls(pair)
    pair.happen(f.QueueModeRequested(pair.fact_id(), promise.queue, "emergency"))
    pair.wait(2)
    return f.QueueModeRequested(pair.fact_id(), promise.queue, "open")


def queue_closes_for_good(pair: Pair, choices: Choices) -> f.Fact | None:
    """With places in it; perhaps with somebody who asks for one shortly before. Then it opens again."""
    promise = some_place(pair, choices)
    queue = choices.pick(QUEUES) if promise is None else promise.queue
    mode: Any = choices.pick(["closed", "closed", "emergency"])
    pair.happen(f.QueueModeRequested(pair.fact_id(), queue, mode))
    if choices.chance(30):
        happens(pair, place_is_wished_for(pair, choices))
    pair.wait(choices.pick([1, 1_300, 6_000]))
    return None if choices.chance(20) else f.QueueModeRequested(pair.fact_id(), queue, "open")


def queue_is_about_to_close(pair: Pair, choices: Choices) -> f.Fact | None:
    """By its calendar: the window would end behind that, or just before."""
    closing = [each.next_ms for each in pair.naive.hours.values() if each.open and each.next_ms is not None]
    near = [at_ms for at_ms in closing if 0 < at_ms - pair.now < 400_000]
    if not near:
        return None
    happens(pair, line_forms(pair, choices))
    pair.wait(max(0, choices.pick(near) - choices.pick([100_000, 60_000, 20_000]) - pair.now))
    happens(pair, place_is_wished_for(pair, choices))
    if choices.chance(50):
        pair.wait(max(0, choices.pick(near) + choices.pick([1, 1_300, 6_000]) - pair.now))
    return place_is_wished_for(pair, choices)


def agents_come_or_go(pair: Pair, choices: Choices) -> f.Fact:
    presence: Any = choices.pick(["ready", "ready", "ready", "offline"])
    for agent in AGENTS[:2]:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, presence))
    return f.PresenceRequested(pair.fact_id(), AGENTS[2], "ready")


PLACE_HAPPENINGS: tuple[Happening, ...] = (
    line_forms, line_forms, many_keep_their_places, many_keep_their_places, many_keep_their_places, place_is_wished_for,
    place_is_wished_for, place_is_wished_for, place_is_reached, place_is_reached, place_is_reached, place_is_reached,
    place_is_moved, place_is_worth_more_and_tried, queue_closes_on_offers, customer_of_a_place_comes_in,
    customer_of_a_place_comes_in, queue_closes_for_good, queue_is_about_to_close, agents_come_or_go, queue_opens_or_closes,
    promise_is_missed, promised_contact_is_meddled_with, promised_customer_comes_in, promised_customer_is_answered,
    promised_customer_is_here_no_more, customer_comes_in_while_dialled, customer_waits_twice,
)  # fmt: skip

"""What happens to promised calls: wishes, plans, attempts that reach nobody, calls that are moved or cancelled."""

from typing import Any

from msgspec.structs import replace

from cordboard import codec
from cordboard.events import fact as f
from cordboard.events.bounds import Requirement
from cordboard.events.policy import QueuePolicy
from cordboard.events.promises import Hours
from tests.property.happenings import Choices, Happening, new_contact
from tests.property.more_sites import a_calendar
from tests.property.naive_state import Promise, Work
from tests.property.pair import AGENTS, Pair
from tests.property.queue_happenings import CUSTOMERS
from tests.property.sites import QUEUES, RETURNS, TOPICS

ADDRESS = bytes([8]).ljust(16, b"\0")


def call_is_wished_for(pair: Pair, choices: Choices) -> f.Fact:
    """By somebody whom nobody knows, and who does not wait: what else they have to do with the engine the naive router does not
    know yet."""
    wish_ms = pair.now + choices.pick([10_000, 70_000, 70_000, 130_000, 200_000, 0, 0, 0, -200_000, 900_000])
    return f.CallbackRequested(
        pair.fact_id(), new_contact(pair), choices.pick(["chat", "voice", "task"]), choices.pick([*QUEUES, *QUEUES, RETURNS]),
        max(0, wish_ms), choices.pick([[], [], [Requirement("nl", 4, False)]]), choices.pick([0, 0, 3]),
        preferred=choices.pick([[], [], AGENTS[:1]]), topic=choices.pick([None, *TOPICS]),
        case=choices.pick([None, None, None, pair.contacts[0]]), exact=choices.chance(25), hours=hours(pair, choices),
        address=choices.pick([None, ADDRESS]), mode=choices.pick([None, None, "agent_first", "customer_first"]),
    )  # fmt: skip


def call_of_nobody_is_wished_for(pair: Pair, choices: Choices) -> f.Fact:
    """One thing about it is unknown."""
    fact_id, contact = pair.fact_id(), new_contact(pair)
    return choices.pick([
        f.CallbackRequested(fact_id, contact, "fax", "orders", pair.now),
        f.CallbackRequested(fact_id, contact, "voice", "attic", pair.now),
        f.CallbackRequested(fact_id, contact, "voice", "orders", pair.now, [Requirement("magic", 1)]),
        f.CallbackRequested(fact_id, contact, "voice", "orders", pair.now, topic="weather"),
        f.CallbackRequested(fact_id, contact, "voice", "orders", pair.now, entry_point="window"),
        f.CallbackRequested(fact_id, pair.contacts[0], "voice", "orders", pair.now),
    ])  # fmt: skip


def hours(pair: Pair, choices: Choices) -> list[Hours]:
    """When the customer can be reached: mostly at any time."""
    from_ms = pair.now + choices.pick([0, 30_000, 100_000])
    some = Hours(from_ms, from_ms + choices.pick([50_000, 150_000]))
    return choices.pick([[], [], [], [], [], [some], [some], [Hours(some.until_ms, some.from_ms)]])


def some_promise(pair: Pair, choices: Choices) -> Promise | None:
    return choices.pick(list(pair.naive.promises.values())) if pair.naive.promises else None


def promise_is_awaited(pair: Pair, choices: Choices) -> f.Fact | None:
    """Time passes until something happens to it."""
    promise = some_promise(pair, choices)
    if promise is not None:
        due_ms = pair.naive.next_of(promise)
        if 0 < due_ms - pair.now < 400_000:
            pair.wait(due_ms - pair.now)
    return None


def call_is_moved(pair: Pair, choices: Choices) -> f.Fact | None:
    promise = some_promise(pair, choices)
    if not pair.contacts:
        return None
    contact = choices.pick(pair.contacts) if promise is None else promise.contact
    successor = choices.pick(pair.contacts) if choices.chance(5) else new_contact(pair)
    wish_ms = pair.now + choices.pick([0, 60_000, 200_000, -100_000])
    return f.CallbackRescheduled(
        pair.fact_id(), contact, successor, max(0, wish_ms), choices.chance(25), choices.pick([None, hours(pair, choices)])
    )


def call_is_cancelled(pair: Pair, choices: Choices) -> f.Fact | None:
    promise = some_promise(pair, choices)
    if not pair.contacts:
        return None
    contact = choices.pick(pair.contacts) if promise is None or choices.chance(20) else promise.contact
    return f.CallbackCancelled(pair.fact_id(), contact, reason=choices.pick([None, None, "lunch", "unheard_of"]))


def call_is_tried(pair: Pair, choices: Choices) -> f.Fact | None:
    """Somebody takes it, and dials, perhaps again and again: the customer is reached, or not."""
    for _ in range(choices.pick([0, 1, 2])):
        attempt = call_is_tried_once(pair, choices)
        if attempt is None:
            return None
        pair.happen(attempt)
    return call_is_tried_once(pair, choices)


def call_is_tried_once(pair: Pair, choices: Choices) -> f.Fact | None:
    if work_on_a_promise(pair, choices, "offered", "connecting") is None:
        promise_is_awaited(pair, choices)
        for agent in AGENTS[:3]:
            pair.happen(f.PresenceRequested(pair.fact_id(), agent, "ready"))
    taken = work_on_a_promise(pair, choices, "offered")
    if taken is not None and not choices.chance(15):
        pair.happen(f.OfferAnswered(pair.fact_id(), taken.contact, taken.attempt, taken.agent, True))
    if choices.chance(30):
        pair.wait(choices.pick([500, 2_500]))
    work = work_on_a_promise(pair, choices, "connecting")
    if work is None:
        return None
    ids = (pair.fact_id(), work.contact, work.attempt)
    words: list[Any] = ["no_answer", "busy", "voicemail", "wrong_person", "invalid_number", "refused", "unknown"]
    agent = choices.pick([work.agent, work.agent, work.agent, work.agent, AGENTS[3]])
    return choices.pick([
        f.AttemptReported(*ids, agent, choices.pick(words), choices.pick([0, 2_000, 9_000])),
        f.AttemptReported(*ids, work.agent, choices.pick(words), choices.pick([0, 2_000, 9_000])),
        f.AttemptReported(*ids, work.agent, choices.pick(words), choices.pick([0, 2_000, 9_000])),
        f.ConnectionFailed(*ids, agent, choices.pick(["customer_leg", "agent_leg", "platform"])),
        f.ContactConnected(*ids, work.agent), f.CallbackCancelled(*ids[:2]),
    ])  # fmt: skip


def work_on_a_promise(pair: Pair, choices: Choices, *states: str) -> Work | None:
    found = [work for work in pair.naive.works if work.state in states and work.contact in pair.naive.promises]
    return choices.pick(found) if found else None


def promise_is_missed(pair: Pair, choices: Choices) -> f.Fact | None:
    """Nobody is there, or the queue is shut, until the window is over; then all is as it should be again."""
    promise = some_promise(pair, choices)
    if promise is None or not 0 <= promise.until_ms - pair.now < 400_000:
        return None
    shut = choices.pick([None, "mode", "hours"])
    for agent in AGENTS:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, "offline"))
    if shut == "mode":
        pair.happen(f.QueueModeRequested(pair.fact_id(), promise.queue, "closed"))
    elif shut == "hours":
        pair.happen(all_shut(pair))
    pair.wait(promise.until_ms + 1 - pair.now)
    for agent in AGENTS:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, "ready"))
    if shut == "mode":
        return f.QueueModeRequested(pair.fact_id(), promise.queue, "open")
    return other_settings_of_all(pair, choices) if shut == "hours" else None


def call_is_tried_at_the_end(pair: Pair, choices: Choices) -> f.Fact | None:
    """Nobody was there before. The platform fails, when there is hardly time left to dial again; or it rings beyond the window."""
    promise = some_promise(pair, choices)
    left_ms = choices.pick([2_000, 2_000, 6_000, 8_500])
    if promise is None or not left_ms <= promise.until_ms - pair.now < 400_000:
        return None
    for agent in AGENTS:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, "offline"))
    pair.wait(promise.until_ms - left_ms - pair.now)
    for agent in AGENTS[:3]:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, "ready"))
    for work in [each for each in pair.naive.works if each.contact == promise.contact]:
        ids = (work.contact, work.attempt, work.agent)
        if work.state == "offered":
            pair.happen(f.OfferAnswered(pair.fact_id(), *ids, True))
        if work.state == "connecting":
            if left_ms > 2_000 or choices.chance(30):
                return f.ConnectionFailed(pair.fact_id(), *ids, "platform")
            pair.wait(2_500)
            return f.AttemptReported(pair.fact_id(), *ids, "busy", 2_000)
    return None


def all_shut(pair: Pair) -> f.Fact:
    """Calendars that are open in the first minute of a week, and no more."""
    policy = pair.naive.policy
    calendars = [replace(each, weeks=[[0, 1]], order=[0]) for each in policy.calendars]
    return f.PolicyPublished(pair.fact_id(), codec.encode(replace(policy, version=policy.version + 1, calendars=calendars)))


def attempt_is_reported_of_another(pair: Pair, choices: Choices) -> f.Fact | None:
    """Of whom nothing is promised to."""
    dialled = [work for work in pair.naive.works if work.state == "connecting"]
    if not dialled:
        return None
    work = choices.pick(dialled)
    return f.AttemptReported(pair.fact_id(), work.contact, work.attempt, work.agent, "busy")


def promised_contact_is_meddled_with(pair: Pair, choices: Choices) -> f.Fact | None:
    promise = some_promise(pair, choices)
    if promise is None:
        return None
    ids = (pair.fact_id(), promise.contact)
    return choices.pick([
        f.ContactAbandoned(*ids), f.ContactEndRequested(*ids, "failed"), f.TransferRequested(*ids, QUEUES[1]),
        f.RequeueRequested(*ids), f.PriorityRequested(*ids, 7), f.MessagePosted(*ids, bytes(16), "customer"),
        f.PickRequested(*ids, AGENTS[0]), f.ReclassificationRequested(*ids, TOPICS[1]),
    ])  # fmt: skip


def slots_are_planned(pair: Pair, choices: Choices) -> f.Fact:
    queue = choices.pick([*QUEUES, *QUEUES, RETURNS, "attic"])
    slot_ms = choices.pick([60_000, 60_000, 120_000])
    first = pair.now // slot_ms + choices.pick([0, 1, 2, -2])
    from_ms = first * slot_ms + choices.pick([0, 0, 0, 0, 17, 401 * 24 * 3_600_000 // slot_ms * slot_ms])
    counts = choices.pick([[0], [3, 0, 1], [2, 1, 1, 3, 1, 1], []])
    return f.CapacityPlanned(pair.fact_id(), queue, max(0, from_ms), slot_ms, counts)


def same_time_is_wished_for(pair: Pair, choices: Choices) -> f.Fact | None:
    promise = some_promise(pair, choices)
    if promise is None:
        return None
    exact = not choices.chance(30)
    return f.CallbackRequested(
        pair.fact_id(), new_contact(pair), promise.channel, promise.queue, promise.due_ms, exact=exact, hours=promise.hours
    )


def room_is_taken_away(pair: Pair, choices: Choices) -> f.Fact | None:
    """From what is promised already; perhaps twice, or it is given back."""
    promise = some_promise(pair, choices)
    if promise is None:
        return None
    begin_ms = promise.due_ms // promise.slot_ms * promise.slot_ms
    if choices.chance(50):
        pair.happen(f.CapacityPlanned(pair.fact_id(), promise.queue, begin_ms, promise.slot_ms, [0]))
    return f.CapacityPlanned(pair.fact_id(), promise.queue, begin_ms, promise.slot_ms, choices.pick([[0], [1, 0]]))


def settings_change(pair: Pair, choices: Choices) -> f.Fact | None:
    return other_settings_of_all(pair, choices) if choices.chance(30) else None


def other_settings_of_all(pair: Pair, choices: Choices) -> f.Fact:
    """Where calls are promised: the hours, how many fit, whether somebody is held for them."""
    policy = pair.naive.policy
    queues = [other_settings(choices, queue) for queue in policy.queues]
    calendars = [a_calendar(choices, each.name) for each in policy.calendars]
    changed = replace(policy, version=policy.version + 1, queues=queues, calendars=calendars)
    return f.PolicyPublished(pair.fact_id(), codec.encode(changed))


def other_settings(choices: Choices, queue: QueuePolicy) -> QueuePolicy:
    if queue.callbacks is None:
        return queue
    anew = replace(queue.callbacks, capacity=choices.pick([1, 2, 0]), holdback_ms=choices.pick([0, 0, 15_000]))
    return replace(queue, callbacks=anew)


def who_waits_wishes(pair: Pair, choices: Choices) -> f.Fact | None:
    """And leaves the line for it."""
    states = choices.pick([("queued", "offered"), ("queued",), ("engaged",)])
    waiting = [each for each in pair.naive.contacts if each.state in states]
    if not waiting:
        return None
    contact = choices.pick(waiting)
    return f.CallbackRequested(
        pair.fact_id(), new_contact(pair), choices.pick(["voice", contact.channel]), choices.pick([contact.queue, *QUEUES]),
        pair.now, priority=choices.pick([0, 2]), customer=choices.pick([None, None, CUSTOMERS[0]]), waiting=contact.id,
    )  # fmt: skip


PROMISE_HAPPENINGS: tuple[Happening, ...] = (
    call_is_wished_for, call_is_wished_for, call_is_wished_for, call_is_wished_for, same_time_is_wished_for,
    call_of_nobody_is_wished_for, promise_is_awaited, call_is_moved, call_is_cancelled, call_is_tried, call_is_tried,
    call_is_tried, call_is_tried, call_is_tried, call_is_tried, call_is_tried, promise_is_missed, promise_is_missed,
    attempt_is_reported_of_another, promised_contact_is_meddled_with, slots_are_planned, room_is_taken_away, settings_change,
    call_is_tried_at_the_end, call_is_tried_at_the_end, call_is_tried_at_the_end,
)  # fmt: skip

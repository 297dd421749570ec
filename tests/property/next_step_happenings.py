"""What happens to customers whom nobody can help: they come in vain, wait in vain, choose, or do not choose."""

from typing import Any

from cordboard.events import fact as f
from cordboard.events.policy import StepKind
from cordboard.events.promises import Hours
from tests.property.happenings import Choices, Happening, new_contact, recent_contact
from tests.property.naive_state import Contact
from tests.property.pair import AGENTS, Pair
from tests.property.queue_happenings import CUSTOMERS, customer_is_erased, queue_opens_or_closes
from tests.property.sites import QUEUES, TOPICS


def somebody_comes_by_name(pair: Pair, choices: Choices) -> f.Fact:
    """By an entry point, which may lead on."""
    point = choices.pick(pair.naive.policy.entry_points)
    return f.ContactArrived(
        pair.fact_id(), new_contact(pair), point.channel, choices.pick([point.queue or "orders", *QUEUES]), [],
        choices.pick([0, 0, 2]), choices.pick([None, None, *CUSTOMERS]), choices.pick([[], [], AGENTS[:1]]), point.name,
        choices.pick([None, None, *TOPICS]), choices.pick([None, None, None, *pair.contacts[-2:]]),
        choices.pick([None, bytes(16)]), accepts=choices.pick([[], ["en"]]), language=choices.pick([None, "nl"]),
        ticket=choices.chance(10),
    )  # fmt: skip


def several_come_by_name(pair: Pair, choices: Choices) -> f.Fact:
    for _ in range(choices.pick([2, 4])):
        pair.happen(somebody_comes_by_name(pair, choices))
    return somebody_comes_by_name(pair, choices)


def somebody_chooses(pair: Pair, choices: Choices) -> f.Fact | None:
    """What was offered, mostly; now and then something else, or as somebody who is there already."""
    offered = list(pair.naive.choices.values())
    if not offered:
        return None
    choice = choices.pick(offered)
    step = choices.pick(choice.offer.choices)
    kind, to = (step.kind, step.to) if choices.chance(95) else ("voicemail", "attic")
    successor = choices.pick(pair.contacts) if choices.chance(5) else new_contact(pair)
    return chosen(pair, choices, choice.contact, kind, to, successor)


def chosen(pair: Pair, choices: Choices, contact: bytes, kind: StepKind, to: str | None, successor: bytes) -> f.Fact:
    reached = Hours(pair.now, pair.now + 100_000)
    return f.NextStepChosen(
        pair.fact_id(), contact, kind, successor, to, choices.pick([None, bytes(16)]), choices.pick([None, None, *CUSTOMERS]),
        pair.now + choices.pick([0, 0, 70_000, 900_000]), choices.chance(20), choices.pick([[], [], [], [reached]]),
        choices.pick([None, bytes([8]).ljust(16, b"\0")]),
    )  # fmt: skip


def nobody_asked_them(pair: Pair, choices: Choices) -> f.Fact | None:
    """They chose already, or were never offered anything."""
    contact = recent_contact(pair, choices)
    return None if contact is None else chosen(pair, choices, contact, "message", None, new_contact(pair))


def choice_is_awaited(pair: Pair, choices: Choices) -> None:
    """Until its time is up; somebody may be there for them meanwhile."""
    offered = list(pair.naive.choices.values())
    if offered:
        pair.wait(max(0, choices.pick(offered).offer.until_ms + choices.pick([0, 0, -1, 1]) - pair.now))


def queue_closes_for_good(pair: Pair, choices: Choices) -> f.Fact | None:
    """With those in it who wait; sometimes it opens again before they have chosen."""
    queue, mode = choices.pick(QUEUES), choices.pick(["closed", "closed", "emergency"])
    pair.happen(f.QueueModeRequested(pair.fact_id(), queue, mode))  # type: ignore[arg-type]
    pair.wait(choices.pick([1, 1_300, 5_100]))
    for _ in range(choices.pick([0, 1, 3])):
        if (fact := somebody_chooses(pair, choices)) is not None:
            pair.happen(fact)
    return f.QueueModeRequested(pair.fact_id(), queue, "open") if choices.chance(50) else None


def somebody_hangs_up_soon(pair: Pair, choices: Choices) -> f.Fact | None:
    """When it is short no more that they waited, or just before."""
    waiting = [each for each in pair.naive.contacts if each.state == "queued" and each.channel in ("chat", "voice")]
    if not waiting:
        return None
    contact = choices.pick(waiting)
    short_ms = pair.naive.queue(contact.queue).short_abandon_ms
    pair.wait(max(0, contact.queued_at_ms + short_ms - choices.pick([0, 0, 1]) - pair.now))
    return f.ContactAbandoned(pair.fact_id(), contact.id)


def everybody_leaves(pair: Pair, choices: Choices) -> f.Fact:
    """Or is back."""
    presence: Any = choices.pick(["offline", "not_ready", "ready", "ready"])
    for agent in AGENTS[:2]:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, presence))
    return f.PresenceRequested(pair.fact_id(), AGENTS[2], presence)


def choosing_contact(pair: Pair, choices: Choices) -> Contact | None:
    waiting = [each for each in pair.naive.contacts if each.id in pair.naive.choices]
    return choices.pick(waiting) if waiting else None


def who_chooses_is_changed(pair: Pair, choices: Choices) -> f.Fact | None:
    """Before they have chosen, they are about something else, more urgent, gone, or taken."""
    contact = choosing_contact(pair, choices)
    if contact is None:
        return None
    ids = (pair.fact_id(), contact.id)
    return choices.pick([
        f.ReclassificationRequested(*ids, choices.pick(TOPICS)), f.PriorityRequested(*ids, choices.pick([1, 6])),
        f.ContactAbandoned(*ids), f.TransferRequested(*ids, choices.pick(QUEUES)),
        f.PickRequested(*ids, choices.pick(AGENTS)), f.MessagePosted(*ids, bytes(16), "customer"),
        f.ContactEndRequested(*ids, "failed"),
    ])  # fmt: skip


def somebody_is_put_where_nobody_comes(pair: Pair, choices: Choices) -> f.Fact | None:
    """Back from an agent, or over to a queue that is shut."""
    shut = [queue for queue, mode in pair.naive.modes.items() if mode.mode != "open"]
    works = [work for work in pair.naive.works if work.role == "primary" and work.state in ("offered", "connecting", "engaged")]
    if not works:
        return None
    work = choices.pick(works)
    ids = (pair.fact_id(), work.contact)
    leg: Any = choices.pick(["agent_leg", "customer_leg", "platform"])
    return choices.pick([
        f.RequeueRequested(*ids), f.RequeueRequested(*ids),
        f.TransferRequested(*ids, choices.pick(shut or QUEUES), work.agent if work.state == "engaged" else None),
        f.TransferRequested(*ids, choices.pick(shut or QUEUES)),
        f.TransferRequested(*ids, choices.pick(shut or QUEUES), to_agent=choices.pick(AGENTS)),
        f.ConnectionFailed(*ids, work.attempt, work.agent, leg), f.OfferAnswered(*ids, work.attempt, work.agent, False),
        f.DeskLost(ids[0], work.agent), f.DeskReturned(ids[0], work.agent), f.PresenceForced(ids[0], work.agent, "offline"),
    ])  # fmt: skip


def contact_gets_to_somebody(pair: Pair, choices: Choices) -> f.Fact | None:
    """By an entry point that leads on; its queue may close meanwhile."""
    came = somebody_comes_by_name(pair, choices)
    pair.happen(came)
    for _ in range(choices.pick([1, 2, 3])):
        work = next((each for each in pair.naive.works if each.contact == came.contact and each.role == "primary"), None)  # type: ignore[union-attr]
        if work is None:
            return None
        ids = (pair.fact_id(), work.contact, work.attempt, work.agent)
        if work.state == "offered":
            pair.happen(f.OfferAnswered(*ids, True))
        elif work.state == "connecting":
            pair.happen(f.ContactConnected(*ids))
    return None


NEXT_STEP_HAPPENINGS: tuple[Happening, ...] = (
    somebody_comes_by_name, somebody_comes_by_name, several_come_by_name, several_come_by_name, several_come_by_name,
    somebody_chooses, somebody_chooses, somebody_chooses, somebody_chooses, somebody_chooses, somebody_chooses,
    nobody_asked_them, choice_is_awaited, choice_is_awaited, queue_closes_for_good, queue_closes_for_good, queue_opens_or_closes,
    everybody_leaves, everybody_leaves, who_chooses_is_changed, who_chooses_is_changed, somebody_is_put_where_nobody_comes,
    somebody_is_put_where_nobody_comes, somebody_is_put_where_nobody_comes, contact_gets_to_somebody, contact_gets_to_somebody,
    customer_is_erased, somebody_hangs_up_soon, somebody_hangs_up_soon,
)  # fmt: skip

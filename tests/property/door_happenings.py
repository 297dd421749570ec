"""What happens before doors: customers who come by them, with a ticket or without, who wait long, who are all gone."""

from typing import Any

from cordboard.events import fact as f
from tests.property.happenings import Choices, Happening, new_contact
from tests.property.pair import AGENTS, Pair
from tests.property.queue_happenings import CUSTOMERS, queue_opens_or_closes
from tests.property.strategy_happenings import contacts_are_done_with


def somebody_comes_by_a_door(pair: Pair, choices: Choices) -> f.Fact:
    """Where it leads to, mostly; with a ticket, perhaps, also if it is shut."""
    door = choices.pick(pair.naive.policy.entry_points)
    return f.ContactArrived(
        pair.fact_id(), new_contact(pair), door.channel, door.queue or "orders", priority=choices.pick([0, 0, 2]),
        customer=choices.pick([None, None, *CUSTOMERS]), entry_point=door.name, ticket=choices.chance(40),
    )  # fmt: skip


def many_come_by_a_door(pair: Pair, choices: Choices) -> f.Fact:
    for _ in range(choices.pick([2, 4, 8])):
        pair.happen(somebody_comes_by_a_door(pair, choices))
    return somebody_comes_by_a_door(pair, choices)


def customers_are_counted(pair: Pair, choices: Choices) -> f.Fact:
    state: Any = choices.pick(["open", "busy", "listen_only", "closed"])
    door = choices.pick(["widget", "phone", "window"])
    return f.DemandTurnedAway(pair.fact_id(), door, choices.pick(["chat", "chat", "fax"]), state, 2)


def minutes_go_by(pair: Pair, choices: Choices) -> None:
    """What is said is said in minutes."""
    pair.wait(choices.pick([20_000, 60_000, 61_000, 130_000, 300_000, 900_000]))


def contacts_take_long(pair: Pair, choices: Choices) -> f.Fact | None:
    """Whoever has one keeps it for minutes."""
    contacts_are_done_with(pair, choices)
    engaged = [work for work in pair.naive.works if (work.state, work.role) == ("engaged", "primary")]
    pair.wait(choices.pick([70_000, 400_000, 1_000_000]))
    if not engaged:
        return None
    work = choices.pick(engaged)
    return f.EngagementEndRequested(pair.fact_id(), work.contact, work.agent, "solved")


def many_come_before_closing(pair: Pair, choices: Choices) -> f.Fact | None:
    """So shortly that it is too late for the next one."""
    closing = [each.next_ms for each in pair.naive.hours.values() if each.open and each.next_ms is not None]
    contacts_are_done_with(pair, choices)
    near = [at_ms for at_ms in closing if 0 < at_ms - pair.now < 600_000]
    if not near:
        return None
    left_ms = choices.pick([70_000, 60_000, 58_800, 30_000])
    pair.wait(max(0, choices.pick(near) - left_ms - pair.now))
    return many_come_by_a_door(pair, choices)


def everybody_comes_or_goes(pair: Pair, choices: Choices) -> f.Fact:
    presence: Any = choices.pick(["ready", "ready", "ready", "offline", "not_ready"])
    for agent in AGENTS[:2]:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, presence))
    return f.PresenceRequested(pair.fact_id(), AGENTS[2], presence)


DOOR_HAPPENINGS: tuple[Happening, ...] = (
    somebody_comes_by_a_door, somebody_comes_by_a_door, somebody_comes_by_a_door, many_come_by_a_door, many_come_by_a_door,
    customers_are_counted, minutes_go_by, minutes_go_by, minutes_go_by, contacts_take_long, contacts_take_long, contacts_take_long,
    many_come_before_closing, many_come_before_closing, many_come_before_closing, many_come_before_closing,
    everybody_comes_or_goes, everybody_comes_or_goes, queue_opens_or_closes, contacts_are_done_with,
)  # fmt: skip

"""What happens to cases: several contacts of one, calls that are promised in it, ends of every kind, and what comes of it later."""

from typing import Any

from msgspec.structs import replace

from cordboard import codec
from cordboard.events import fact as f
from tests.property.coming_happenings import word_is_said_to
from tests.property.happenings import Choices, Happening, new_contact
from tests.property.more_sites import of_cases
from tests.property.naive_state import Contact
from tests.property.next_step_happenings import chosen, queue_closes_for_good, several_come_by_name, somebody_chooses
from tests.property.pair import Pair
from tests.property.place_happenings import many_keep_their_places, place_is_reached
from tests.property.queue_happenings import CUSTOMERS
from tests.property.sites import CHANNELS, QUEUES


def some_case(pair: Pair, choices: Choices) -> bytes | None:
    """One that is measured or remembered, mostly; or of a contact that was."""
    measured = [clock.case for clock in pair.naive.case_clocks]
    remembered = [case for case, _ in pair.naive.case_ends]
    found = choices.pick([measured, measured, remembered, remembered, pair.contacts[-6:]]) or measured or pair.contacts[-6:]
    return choices.pick(found) if found else None


def matter_begins(pair: Pair, choices: Choices) -> f.Fact:
    return f.ContactArrived(
        pair.fact_id(), new_contact(pair), choices.pick(CHANNELS), choices.pick(QUEUES),
        customer=choices.pick([None, None, *CUSTOMERS]), segment=choices.pick([None, "gold"]),
        message=choices.pick([None, bytes(16)]),
    )  # fmt: skip


def case_comes_again(pair: Pair, choices: Choices) -> f.Fact | None:
    """On any channel, so that several of its contacts live at a time; by an id that stands before or behind the others."""
    case = some_case(pair, choices)
    if case is None:
        return None
    return f.ContactArrived(
        pair.fact_id(), contact_of_any_order(pair, choices), choices.pick(CHANNELS), choices.pick(QUEUES), case=case,
        customer=choices.pick([None, None, *CUSTOMERS]), segment=choices.pick([None, "gold"]),
        message=choices.pick([None, bytes(16)]), reopens=choices.chance(85),
    )  # fmt: skip


def contact_of_any_order(pair: Pair, choices: Choices) -> bytes:
    contact = new_contact(pair)
    if choices.chance(50):
        pair.contacts[-1] = contact = (1_000_000 - len(pair.contacts)).to_bytes(16, "big")
    return contact


def contact_of_case(pair: Pair, choices: Choices) -> Contact | None:
    cases = {clock.case for clock in pair.naive.case_clocks}
    found = [each for each in pair.naive.contacts if each.case in cases]
    return choices.pick(found) if found else None


def call_about_case_is_wished_for(pair: Pair, choices: Choices) -> f.Fact | None:
    """Perhaps by one of its contacts that waits; or by one of another matter, which goes over into this one."""
    case = some_case(pair, choices)
    waiting = [each.id for each in pair.naive.contacts if each.state in ("queued", "offered") and each.promise is None]
    return f.CallbackRequested(
        pair.fact_id(), contact_of_any_order(pair, choices), choices.pick(["voice", "voice", "chat", "task"]), choices.pick(QUEUES),
        pair.now + choices.pick([0, 0, 70_000]), customer=choices.pick([None, None, *CUSTOMERS]),
        case=choices.pick([None, case, case]), waiting=choices.pick([None, *waiting[-2:]]),
    )  # fmt: skip


def contact_of_case_is_done(pair: Pair, choices: Choices) -> f.Fact | None:
    """In every way there is."""
    contact = contact_of_case(pair, choices)
    if contact is None:
        return None
    ids = (pair.fact_id(), contact.id)
    work = next((each for each in pair.naive.works if each.contact == contact.id and each.state == "engaged"), None)
    if work is not None and choices.chance(60):
        return f.EngagementEndRequested(*ids, work.agent, "solved")
    reason: Any = choices.pick(["completed", "completed", "cancelled", "failed"])
    return choices.pick([f.ContactAbandoned(*ids), f.ContactEndRequested(*ids, reason), f.ContactEndRequested(*ids, reason)])


def all_of_case_is_put_aside(pair: Pair, choices: Choices) -> f.Fact | None:
    """One after the other, as far as that goes."""
    contact = contact_of_case(pair, choices)
    if contact is None:
        return None
    for each in [each.id for each in pair.naive.contacts if each.case == contact.case]:
        fact = word_is_said_to(pair, choices, each)
        if fact is not None and choices.chance(50):
            pair.happen(fact)
        agents = [work.agent for work in pair.naive.works if (work.contact, work.state, work.role) == (each, "engaged", "primary")]
        if agents:
            kind: Any = choices.pick(["customer", "customer", "third_party", "third_party", "snooze"])
            pair.happen(f.ParkRequested(pair.fact_id(), each, agents[0], kind, choices.pick([900, 9_000, 60_000])))
    return None


def contact_of_case_is_served(pair: Pair, choices: Choices) -> f.Fact | None:
    contact = contact_of_case(pair, choices)
    return None if contact is None else word_is_said_to(pair, choices, contact.id)


def clock_is_awaited(pair: Pair, choices: Choices) -> f.Fact | None:
    """Until it is over, or what is remembered of one; or all but."""
    naive = pair.naive
    running = [clock.due_ms for clock in naive.case_clocks if clock.left_ms is None]
    remembered = [end.until_ms for end in naive.case_ends.values() if end.until_ms is not None]
    coming = [at_ms for at_ms in choices.pick([running, remembered]) if 0 < at_ms - pair.now < 200_000]
    if coming:
        pair.wait(max(1, choices.pick(coming) + choices.pick([0, 0, -1, 1]) - pair.now))
    return contact_of_case_is_done(pair, choices) if choices.chance(50) else case_comes_again(pair, choices)


def first_of_case_goes(pair: Pair, choices: Choices) -> f.Fact | None:
    """Others of it are left, and what happens to the clock then is told of one of them."""
    clocks = pair.naive.case_clocks
    if not clocks:
        return None
    clock = choices.pick(clocks)
    for _ in range(choices.pick([1, 2, 3])):
        pair.happen(f.ContactArrived(
            pair.fact_id(), contact_of_any_order(pair, choices), choices.pick(CHANNELS), choices.pick(QUEUES), case=clock.case
        ))  # fmt: skip
    for contact in {clock.contact, choices.pick([clock.contact, clock.case])}:
        pair.happen(f.ContactEndRequested(pair.fact_id(), contact, "completed"))
    if clock in clocks and clock.left_ms is None and choices.chance(60):
        pair.wait(max(1, min(clock.due_ms, pair.now + 200_000) - pair.now))
    return all_of_case_is_put_aside(pair, choices)


def case_comes_again_late(pair: Pair, choices: Choices) -> f.Fact | None:
    """When its end is just forgotten, or all but; perhaps the fact has been on its way for longer than that, or other times are
    promised by now."""
    remembered = [(case, end) for (case, _), end in pair.naive.case_ends.items() if (end.until_ms or 0) > pair.now]
    if not remembered:
        return None
    case, end = choices.pick(remembered)
    if choices.chance(50) and (changed := promises_change(pair, choices)) is not None:
        pair.happen(changed)
    if choices.chance(60):
        pair.wait(max(1, min(end.until_ms or 0, pair.now + 200_000) + choices.pick([-1, 0, 200, 200]) - pair.now))
    for channel in choices.pick([["mail"], ["chat", "voice"], ["chat", "mail"]]):
        arrived = f.ContactArrived(
            pair.fact_id(), new_contact(pair), channel, choices.pick(["orders", *QUEUES]), case=case,
            segment=choices.pick([None, "gold"]),
        )  # fmt: skip
        pair.happen(arrived, late_ms=choices.pick([0, 0, 300]))
    return None


def something_is_left_behind(pair: Pair, choices: Choices) -> f.Fact | None:
    """By who was turned away, or waits for an answer that does not come; and they ask about it."""
    pair.happen(several_come_by_name(pair, choices))
    for choice in list(pair.naive.choices.values())[-3:]:
        steps = [step for step in choice.offer.choices if step.kind != "message"]
        if steps:
            step, successor = choices.pick(steps), new_contact(pair)
            pair.happen(chosen(pair, choices, choice.contact, step.kind, step.to, successor))
            if pair.naive.contact(successor) is not None and choices.chance(50):
                pair.happen(f.MessagePosted(pair.fact_id(), successor, bytes(16), "customer"))
    return None


def place_is_kept_in_case(pair: Pair, choices: Choices) -> f.Fact | None:
    """Mostly in that of the contact which waits."""
    wish = many_keep_their_places(pair, choices)
    if wish is None or choices.chance(70):
        return wish
    return replace(wish, case=some_case(pair, choices))


def promises_change(pair: Pair, choices: Choices) -> f.Fact | None:
    """What is promised of the end of cases is another time, or no more."""
    if not choices.chance(40):
        return None
    policy = pair.naive.policy
    slas = [of_cases(choices, sla) for sla in policy.slas if not choices.chance(20)]
    return f.PolicyPublished(pair.fact_id(), codec.encode(replace(policy, version=policy.version + 1, slas=slas)))


CASE_HAPPENINGS: tuple[Happening, ...] = (
    matter_begins, matter_begins, case_comes_again, case_comes_again, case_comes_again, call_about_case_is_wished_for,
    call_about_case_is_wished_for, contact_of_case_is_done, contact_of_case_is_done, all_of_case_is_put_aside,
    all_of_case_is_put_aside, contact_of_case_is_served, contact_of_case_is_served, clock_is_awaited, clock_is_awaited,
    promises_change, first_of_case_goes, first_of_case_goes, case_comes_again_late, case_comes_again_late, case_comes_again_late,
    something_is_left_behind, something_is_left_behind, place_is_kept_in_case, place_is_reached, somebody_chooses, somebody_chooses,
    queue_closes_for_good,
)  # fmt: skip

"""More of a policy than every history has: settings that a kind of history puts on top of a random site."""

from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from cordboard.events.bounds import Requirement
from cordboard.events.policy import (
    Availability,
    CalendarPolicy,
    CallbackPolicy,
    EntryPoint,
    NextStep,
    Policy,
    QueuePolicy,
    SlaPolicy,
    Threshold,
)
from tests.property.naive_clock import MINUTE_MS, WEEK_MS

if TYPE_CHECKING:
    from tests.property.happenings import Choices

START_MS = 1_000_000
WEEK_MINUTES = WEEK_MS // MINUTE_MS
HOUR_MINUTES = 60


class More(Protocol):
    """What it makes of a site."""

    def __call__(self, choices: "Choices", policy: Policy) -> Policy: ...


def as_it_is(choices: "Choices", policy: Policy) -> Policy:
    return policy


def with_hours(choices: "Choices", policy: Policy) -> Policy:
    """Queues open and close every few minutes, in weeks whose turn is near, or still to come."""
    calendars = [a_calendar(choices, name) for name in ("office", "nights")]
    queues = [of_queue(choices, queue) for queue in policy.queues]
    return replace(policy, calendars=calendars, queues=queues)


def of_queue(choices: "Choices", queue: QueuePolicy) -> QueuePolicy:
    calendar = choices.pick(["office", "office", "nights", None])
    return replace(queue, calendar=calendar, targets_ms={"task": choices.pick([60_000, 200_000]), "mail": 30_000})


def a_calendar(choices: "Choices", name: str) -> CalendarPolicy:
    weeks = [a_week(choices) for _ in range(choices.pick([1, 2]))]
    order = choices.pick([[0], [0, len(weeks) - 1], [len(weeks) - 1, 0, 0]])
    into_ms = choices.pick([10_000, 100_000, WEEK_MS - 90_000, WEEK_MS - 200_500])
    from_ms = choices.pick([START_MS - into_ms % (START_MS // 2), START_MS + WEEK_MS - into_ms])
    return CalendarPolicy(name=name, timezone="UTC", from_ms=from_ms, weeks=weeks, order=order)


def a_week(choices: "Choices") -> list[int]:
    """Turning often in its first and last hour; or always open, or all but."""
    if choices.chance(10):
        return choices.pick([[0, WEEK_MINUTES], [0, 1]])
    edges = [0] if choices.chance(30) else []
    for begins in (0, WEEK_MINUTES - HOUR_MINUTES):
        minute = begins
        while (minute := minute + choices.pick([1, 1, 2, 4])) < begins + HOUR_MINUTES:
            edges.append(minute)
    edges = sorted(set(edges))
    return edges if len(edges) % 2 == 0 else [*edges, WEEK_MINUTES]


def with_strategies(choices: "Choices", policy: Policy) -> Policy:
    """Agents are told apart by what they can do, and by what they have done."""
    return replace(
        policy, queues=[telling_apart(choices, queue) for queue in policy.queues], days_ms=choices.pick([policy.days_ms, [], []])
    )


def telling_apart(choices: "Choices", queue: QueuePolicy) -> QueuePolicy:
    strategies = ["best_skilled", "least_skilled_fit", "fewest_today", "fewest_today", "least_loaded", "round_robin"]
    needs = [Requirement("nl", 2), Requirement("plants", choices.pick([1, 3]), choices.chance(50))]
    return replace(queue, strategy=choices.pick(strategies), requirements=needs[: choices.pick([2, 2, 1])], broadcast=1)


def with_slas(choices: "Choices", policy: Policy) -> Policy:
    """Something is promised to contacts, and how long that takes is measured."""
    policy = choices.pick([as_it_is, as_it_is, with_hours, with_callbacks])(choices, policy)
    measures = choices.pick([["answer", "first_response", "next_response"], ["next_response", "answer"], ["next_response"] * 2])
    slas = [an_sla(choices, f"s{number}", measure, policy) for number, measure in enumerate(measures)]
    return replace(policy, slas=slas)


def an_sla(choices: "Choices", name: str, measure: Any, policy: Policy) -> SlaPolicy:
    calendars = [each.name for each in policy.calendars]
    return SlaPolicy(
        name=name, measure=measure, target_ms=choices.pick([1_500, 4_000, 20_000, 90_000]),
        queues=choices.pick([[], [], ["orders"]]), channels=choices.pick([[], [], ["chat", "mail"]]),
        segments=choices.pick([[], [], ["gold"]]), calendar=choices.pick([None, *calendars]),
        warn_percent=choices.pick([0, 33, 80]), internal=choices.chance(30), escalate=choices.pick([None, "leads"]),
    )  # fmt: skip


def with_cases(choices: "Choices", policy: Policy) -> Policy:
    """How long it takes until a matter is done with, and mostly calls are promised about it."""
    policy = choices.pick([as_it_is, with_hours, with_callbacks, with_callbacks, with_next_steps, with_places])(choices, policy)
    measures = choices.pick(
        [
            ["resolution"],
            ["resolution", "next_response"],
            ["first_response", "next_response", "resolution"],
            ["next_response", "resolution"],
        ]
    )
    slas = [an_sla(choices, f"s{number}", measure, policy) for number, measure in enumerate(measures)]
    return replace(policy, slas=[of_cases(choices, sla) for sla in slas])


def of_cases(choices: "Choices", sla: SlaPolicy) -> SlaPolicy:
    if sla.measure != "resolution":
        return sla
    target_ms, reopen_ms = choices.pick([4_000, 20_000, 90_000, 400_000]), choices.pick([0, 2_000, 20_000, 150_000])
    return replace(sla, target_ms=target_ms, reopen_ms=reopen_ms)


def with_waits(choices: "Choices", policy: Policy) -> Policy:
    """Queues ask what wait is expected: to admit, and to do something about it."""
    if choices.chance(30):
        policy = with_hours(choices, policy)
    return replace(policy, queues=[expecting(choices, queue) for queue in policy.queues])


def expecting(choices: "Choices", queue: QueuePolicy) -> QueuePolicy:
    if choices.chance(60):
        queue = replace(queue, max_expected_wait_ms=choices.pick([1, 1_500, 4_000, 15_000]))
    if choices.chance(60):
        waits = [choices.pick([1, 1_000, 3_000, 10_000]) for _ in range(choices.pick([1, 1, 2]))]
        expected = [
            Threshold(name=f"x{number}", expected_wait_ms=wait_ms, action="raise_priority", raise_priority=3)
            for number, wait_ms in enumerate(waits)
        ]
        queue = replace(queue, thresholds=[*queue.thresholds, *expected])
    if choices.chance(30):
        queue = promising(choices, queue)
    return queue


def with_callbacks(choices: "Choices", policy: Policy) -> Policy:
    """Calls are promised in slots of a few seconds; sometimes the queues have hours, too."""
    if choices.chance(30):
        policy = with_hours(choices, policy)
    return replace(policy, queues=[promising(choices, queue) for queue in policy.queues])


def promising(choices: "Choices", queue: QueuePolicy) -> QueuePolicy:
    if choices.chance(5):
        return queue
    return replace(
        queue,
        callbacks=CallbackPolicy(
            slot_ms=choices.pick([60_000, 60_000, 120_000]), capacity=choices.pick([2, 1, 3, 0]),
            early_ms=choices.pick([0, 20_000, 60_000]), late_ms=choices.pick([10_000, 30_000, 70_000]),
            horizon_ms=choices.pick([300_000, 1_200_000]), attempts=choices.pick([1, 2, 3]), retry_ms=choices.pick([1_000, 9_000]),
            ring_min_ms=choices.pick([0, 2_000]), dial_ms=choices.pick([3_000, 8_000]),
            mode=choices.pick(["agent_first", "customer_first"]), holdback_percent=choices.pick([10, 0, 60]),
            holdback_ms=choices.pick([0, 5_000, 15_000]), returning=choices.pick(["keep", "cancel", "merge"]),
        ),
    )  # fmt: skip


def with_places(choices: "Choices", policy: Policy) -> Policy:
    """Who waits may keep the place; some queues have doors, in some there is something else to do."""
    policy = choices.pick([with_callbacks, with_callbacks, with_doors, with_next_steps])(choices, policy)
    calendars = [open_long_enough(each) for each in policy.calendars]
    return replace(policy, calendars=calendars, queues=[keeping(choices, queue) for queue in policy.queues])


def keeping(choices: "Choices", queue: QueuePolicy) -> QueuePolicy:
    if queue.callbacks is None:
        queue = promising(choices, queue)
    if queue.callbacks is not None:
        queue = replace(queue, callbacks=replace(queue.callbacks, hold_place=not choices.chance(10)))
    return expecting(choices, queue) if choices.chance(10) else queue


def with_doors(choices: "Choices", policy: Policy) -> Policy:
    """Customers are shown whether they are served before they come in."""
    if choices.chance(60):
        policy = with_hours(choices, policy)
        policy = replace(policy, calendars=[open_long_enough(each) for each in policy.calendars])
    if choices.chance(40):
        policy = replace(policy, queues=[expecting(choices, queue) for queue in policy.queues])
    ways = [("widget", "chat", "orders"), ("phone", "voice", "orders"), ("desk", "chat", "invoices"), ("inbox", "mail", "orders")]
    doors = [a_door(choices, *way) for way in ways[: choices.pick([2, 3, 4, 4])]]
    queues = [replace(queue, max_waiting=choices.pick([0, 0, 3, 10])) for queue in policy.queues]
    return replace(policy, entry_points=[*policy.entry_points, *doors], queues=queues)


def open_long_enough(calendar: CalendarPolicy) -> CalendarPolicy:
    """An hour a week at least: waits of hours are over within the weeks that the naive router writes out."""
    return replace(calendar, weeks=[[0, HOUR_MINUTES] if week == [0, 1] else week for week in calendar.weeks])


def a_door(choices: "Choices", name: str, channel: str, queue: str) -> EntryPoint:
    referral = choices.pick([None, "post"])
    shown = Availability(
        open_below_ms=choices.pick([1, 30_000, 61_000, 240_000]), min_open_ms=choices.pick([0, 5_000, 90_000]),
        min_closed_ms=choices.pick([0, 5_000, 100_000]), keep_free_percent=choices.pick([1, 40, 70]),
        listen_only=choices.chance(60), referral=referral,
    )  # fmt: skip
    return EntryPoint(name=name, channel=channel, queue=queue, availability=None if choices.chance(10) else shown)


def with_next_steps(choices: "Choices", policy: Policy) -> Policy:
    """Whoever is not helped may do something else."""
    if choices.chance(30):
        policy = with_hours(choices, policy)
    queues = [turning_away(choices, queue) for queue in policy.queues]
    ways = [("widget", "chat", "orders"), ("phone", "voice", "orders"), ("desk", "chat", "invoices"), ("inbox", "mail", "orders")]
    points = [leading_on(choices, EntryPoint(name=name, channel=channel, queue=queue), queues) for name, channel, queue in ways]
    return replace(policy, entry_points=[*policy.entry_points, *points], queues=queues)


def turning_away(choices: "Choices", queue: QueuePolicy) -> QueuePolicy:
    if choices.chance(60):
        queue = promising(choices, queue)
    if queue.callbacks is not None:
        offering = replace(queue.callbacks, offer_missed=choices.chance(60))
        queue = replace(queue, callbacks=offering, short_abandon_ms=choices.pick([0, 1_000, 5_000]))
    if choices.chance(25):
        queue = replace(queue, max_expected_wait_ms=choices.pick([1, 1_500]))
    offered = Threshold(name="n0", wait_ms=choices.pick([500, 3_000]), action="next_steps")
    thresholds = [*queue.thresholds, offered] if choices.chance(50) else queue.thresholds
    overflow = queue.overflow if choices.chance(30) else None
    return replace(
        queue,
        max_waiting=choices.pick([1, 1, 2, 4, 0]),
        thresholds=thresholds,
        overflow=overflow,
        admit_unstaffed=choices.chance(30),
    )


def leading_on(choices: "Choices", entry_point: EntryPoint, queues: list[QueuePolicy]) -> EntryPoint:
    steps = [NextStep("callback", each.name, "voice", each.name) for each in queues if each.callbacks is not None]
    steps += [NextStep("queue", each.name, None, each.name) for each in queues]
    steps += [NextStep("voicemail", "inbox", "task", "invoices"), NextStep("form", "post", "task", "orders")]
    steps += [NextStep("mail", "inbox", "mail", "orders")]
    few = [step for step in steps if choices.chance(choices.pick([0, 40, 80]))]
    told = [*few[:7], NextStep("message")] if choices.chance(90) else []
    return replace(entry_point, next_steps=told, choose_ms=choices.pick([1, 1_500, 20_000, 120_000]))

"""Callbacks of a queue, in the words of the document (docs/routing/callbacks.md has the rules)."""

from typing import Final

from cordboard.events.policy import CallbackPolicy, Policy
from cordboard.policy.duration import format_duration
from cordboard.policy.entry import Entry
from cordboard.policy.kinds import Duration, OneOf, Percent, Whole
from cordboard.policy.nested import NestedStruct
from cordboard.policy.problems import Problems
from cordboard.policy.setting import Section, Setting
from cordboard.policy.word_kinds import Flag

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

RETRY_MS: Final = 3 * MINUTE_MS
"""So that all attempts fit into the window that a promise has by default."""
HOLDBACK_MS: Final = MINUTE_MS
"""Only promises that are about to be missed ask for it."""
RETRY_MIN_MS: Final = 30_000
"""Who does not answer now does not answer sooner."""

_SECTION = Section(
    "callbacks",
    (
        Setting("slot", Duration(MINUTE_MS, DAY_MS), "How long a slot is; it begins at a multiple of that.", field="slot_ms"),
        Setting("capacity", Whole(0, 65_535), "Promises that a slot holds, unless a plan says otherwise.", field="capacity"),
        Setting("early", Duration(0, DAY_MS), "A promise is kept from so long before its time …", field="early_ms"),
        Setting("late", Duration(0, DAY_MS), "… until so long after it.", field="late_ms"),
        Setting("horizon", Duration(HOUR_MS, 90 * DAY_MS), "How far ahead anything is promised.", field="horizon_ms"),
        Setting("attempts", Whole(1, 100), "How often a customer is dialled who is not reached.", field="attempts"),
        Setting("retry", Duration(0, DAY_MS), "Time between two of these attempts.", field="retry_ms", otherwise=RETRY_MS),
        Setting(
            "ring_min", Duration(0, HOUR_MS), "Without an answer an attempt counts only after so much ringing.", field="ring_min_ms"
        ),
        Setting("dial", Duration(1_000, HOUR_MS), "How long a customer is dialled.", field="dial_ms"),
        Setting(
            "mode",
            OneOf(("agent_first", "customer_first")),
            "Whether the agent accepts before the customer is dialled, or the customer is dialled as soon as an agent is reserved.",
            field="mode",
        ),
        Setting(
            "holdback",
            Duration(0, HOUR_MS),
            "At most so long before the last moment to dial, the next agent is held for the promise; 0s: never.",
            field="holdback_ms",
            otherwise=HOLDBACK_MS,
        ),
        Setting("hold_place", Flag(), "Whether customers who wait may hang up and keep their place.", field="hold_place"),
        Setting("offer_missed", Flag(), "Whether customers who came in vain are to be offered a callback.", field="offer_missed"),
        Setting(
            "returning",
            OneOf(("keep", "cancel", "merge")),
            "Whether customers who come in before are called all the same, not once they are answered, or take their place.",
            field="returning",
        ),
        Setting("holdback_share", Percent(), "Members held at one time, of those who are ready.", field="holdback_percent"),
    ),
    CallbackPolicy,
)

CALLBACKS: Final = (
    Setting(
        "callbacks",
        NestedStruct(_SECTION),
        "Calls promised to customers at a certain time; without it none are.",
        field="callbacks",
        rare=True,
    ),
)
"""Settings of a queue."""


def check_callbacks(callbacks: Entry, path: str, problems: Problems) -> None:
    """Slots that go evenly into hours, windows in which somebody can be called, and attempts that can count."""
    slot = callbacks.get("slot")
    if slot is not None and HOUR_MS % slot and (slot % HOUR_MS or DAY_MS % slot):
        message = f"slots of {format_duration(slot)} do not begin at the same minutes of every hour, or hours of every day"
        problems.add(callbacks.place("slot"), f"{path}.slot", message, "write 5m, 10m, 15m, 20m, 30m, 1h or 2h")
    fields = CallbackPolicy(**callbacks.fields())
    if fields.early_ms + fields.late_ms == 0:
        message = "no promise could be kept: its window would end as it begins"
        problems.add(callbacks.place("late"), f"{path}.late", message, "leave late out for 10m")
    if fields.ring_min_ms > fields.dial_ms:
        setting = "ring_min" if callbacks.get("ring_min") is not None else "dial"
        message = f"nobody is dialled for {format_duration(fields.ring_min_ms)}: no attempt without an answer would ever count"
        problems.add(callbacks.place(setting), f"{path}.{setting}", message, f"at most {format_duration(fields.dial_ms)}")


def doubts(policy: Policy) -> list[str]:
    """What is allowed, and hardly meant: attempts that find no time in their window, or follow at once."""
    found = []
    for queue in policy.queues:
        callbacks = queue.callbacks
        if callbacks is None or callbacks.attempts == 1:
            continue
        path = f"queues.{queue.name}.callbacks.retry"
        window_ms, apart_ms = callbacks.early_ms + callbacks.late_ms, (callbacks.attempts - 1) * callbacks.retry_ms
        if apart_ms >= window_ms:
            found.append(
                f"{path}: {callbacks.attempts} attempts, {format_duration(callbacks.retry_ms)} apart, find no time in a window of "
                f"{format_duration(window_ms)}: the last ones are never made"
            )
        elif callbacks.retry_ms < RETRY_MIN_MS:
            found.append(f"{path}: {format_duration(callbacks.retry_ms)} after an attempt nobody is there who was not")
    return found

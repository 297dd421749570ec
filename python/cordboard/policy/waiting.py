"""What happens to contacts that wait, in the words of the document (docs/routing/queues.md has the rules)."""

from typing import Final

from cordboard.events.bounds import PLAN_MAX, QUEUE_REQUIREMENTS_MAX, QUEUES_ADDED_MAX
from cordboard.events.policy import Floor, PlanStep, Replacement, Threshold
from cordboard.policy.kinds import Duration, OneOf, OneRequirement, Percent, Requirements, Whole
from cordboard.policy.nested import NestedStructs
from cordboard.policy.setting import Section, Setting
from cordboard.policy.word_kinds import Flag, Several, Word

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
FLOORS_MAX: Final = 4
PRIORITY = Whole(1, 100)

REPLACEMENT = Section(
    "replacement",
    (
        Setting("skill", Word("skill"), "The skill whose soft requirement is replaced.", field="skill", required=True),
        Setting("by", OneRequirement(), "What is asked for instead: `en.written:6`.", field="by", required=True),
        Setting("language", Word("language"), "Only for a customer who accepts this language.", field="language"),
    ),
    Replacement,
)

STEP = Section(
    "step",
    (
        Setting(
            "after", Duration(0, 90 * DAY_MS), "The contact's age at which the step is taken.", field="after_ms", required=True
        ),
        Setting("lower", Requirements(), "Soft requirements that become these, where they are higher.", field="lower"),
        Setting("drop", Several(Word("skill"), QUEUE_REQUIREMENTS_MAX), "Skills whose soft requirements end.", field="drop"),
        Setting(
            "replace", NestedStructs(REPLACEMENT, QUEUE_REQUIREMENTS_MAX), "Soft requirements that become others.", field="replace"
        ),
        Setting("queues", Several(Word("queue"), QUEUES_ADDED_MAX), "Members of these queues may serve it, too.", field="queues"),
        Setting("raise_priority", PRIORITY, "Steps of priority that it gains.", field="raise_priority"),
        Setting("release_preference", Flag(), "Whether it stops waiting for the agents it prefers.", field="release_preference"),
    ),
    PlanStep,
)

THRESHOLD = Section(
    "threshold",
    (
        Setting("name", Word("threshold"), "Its name, which the journal's `ThresholdReached` says.", field="name", required=True),
        Setting("wait", Duration(0, 90 * DAY_MS), "Reached after this wait.", field="wait_ms"),
        Setting(
            "target_percent", Whole(0, 10_000), "Or after this share of the target: 150 is once and a half.", field="target_percent"
        ),
        Setting(
            "expected_wait",
            Duration(0, 90 * DAY_MS),
            "Or at once if so long a wait is expected on entry, else after this wait.",
            field="expected_wait_ms",
        ),
        Setting(
            "action",
            OneOf(("raise_priority", "overflow", "notify", "next_steps")),
            "What happens then, once a visit.",
            field="action",
        ),
        Setting("raise_priority", PRIORITY, "Steps of priority gained.", field="raise_priority"),
        Setting("queue", Word("queue"), "Where it overflows to.", field="queue"),
        Setting("group", Word("group"), "Whom it concerns: a label of `cordboard_thresholds_reached`.", field="group"),
    ),
    Threshold,
)

FLOOR = Section(
    "floor",
    (
        Setting("class", Whole(0, 3), "The class of contacts.", field="klass", required=True),
        Setting("members", Whole(1, 1_000), "Members who are kept on it while it has work.", field="members", required=True),
    ),
    Floor,
)

WAITING: Final = (
    Setting(
        "plan", NestedStructs(STEP, PLAN_MAX), "What is given up, step by step, for a contact that waits.", field="plan", rare=True
    ),
    Setting(
        "thresholds",
        NestedStructs(THRESHOLD, PLAN_MAX),
        "What happens when a contact waits too long.",
        field="thresholds",
        rare=True,
    ),
    Setting(
        "promote_before",
        Duration(0, 30 * DAY_MS),
        "So long before it is due, deferrable work goes among live contacts; 0s: never.",
        field="promote_before_ms",
        rare=True,
    ),
    Setting(
        "promoted", Percent(), "Promoted contacts at one time, of the members who are ready.", field="promoted_percent", rare=True
    ),
    Setting(
        "floors",
        NestedStructs(FLOOR, FLOORS_MAX),
        "Members who are kept on a class of contacts while it has work.",
        field="floors",
        rare=True,
    ),
    Setting(
        "max_waiting",
        Whole(0, 1_000_000),
        "Nobody new is admitted while so many customers wait; 0: no limit.",
        field="max_waiting",
        rare=True,
    ),
    Setting(
        "max_expected_wait",
        Duration(0, DAY_MS),
        "Nobody new is admitted while there is more to do first than the members at work do in this time; 0s: no limit.",
        field="max_expected_wait_ms",
        rare=True,
    ),
    Setting(
        "admit_unstaffed",
        Flag(),
        "Whether anybody new is admitted while every member is offline.",
        field="admit_unstaffed",
        rare=True,
    ),
    Setting(
        "overflow", Word("queue"), "Where those go that are not admitted, or still wait after closing.", field="overflow", rare=True
    ),
    Setting(
        "calendar",
        Word("calendar"),
        "When it is open; deferrable work is due in the time it is. Without one it always is.",
        field="calendar",
        rare=True,
    ),
    Setting(
        "closing_grace",
        Duration(0, DAY_MS),
        "How long those are served who were admitted before the queue closed.",
        field="closing_grace_ms",
        rare=True,
    ),
)
"""Settings of a queue."""

COMING_BACK: Final = (
    Setting(
        "join_waiting",
        Flag(),
        "Whether a customer who waits already waits once: the message joins.",
        field="join_waiting",
        rare=True,
    ),
    Setting(
        "resume",
        Duration(0, DAY_MS),
        "Who comes back within this time after leaving keeps the place; 0s: never.",
        field="resume_ms",
        rare=True,
    ),
)
"""Settings of a channel."""

REPEATS: Final = (
    Setting(
        "repeat_count",
        Whole(0, 100),
        "So many contacts of a customer about one topic are noticed; 0: never.",
        field="repeat_count",
        rare=True,
    ),
    Setting("repeat_within", Duration(0, 90 * DAY_MS), "… within this time.", field="repeat_ms", rare=True),
    Setting("repeat_priority", Whole(0, 100), "… and gain so many steps of priority.", field="repeat_priority", rare=True),
)
"""Settings of `routing`."""

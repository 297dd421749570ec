"""SLA promises as the document describes them (docs/routing/slas.md has the rules)."""

from typing import Final

from cordboard.events.policy import (
    POLICY_CHANNELS_MAX,
    SLA_QUEUES_MAX,
    SLA_SEGMENTS_MAX,
    SLAS_MAX,
    SlaPolicy,
)
from cordboard.policy.doors import LABEL
from cordboard.policy.kinds import Duration, OneOf, Whole
from cordboard.policy.setting import Names, Section, Setting
from cordboard.policy.word_kinds import Flag, Several, Word

SECOND_MS: Final = 1_000
DAY_MS: Final = 24 * 3_600_000

SLA = Section(
    "SLA",
    (
        LABEL,
        Setting(
            "measure",
            OneOf(("answer", "first_response", "next_response", "resolution")),
            "What is promised: an answer, the first word in a case, the next word to a customer who wrote, the end of the case.",
            field="measure",
            required=True,
        ),
        Setting("within", Duration(SECOND_MS, 365 * DAY_MS), "In which time.", field="target_ms", required=True),
        Setting("queue", Several(Word("queue"), SLA_QUEUES_MAX), "Only in these queues.", field="queues"),
        Setting("channel", Several(Word("channel"), POLICY_CHANNELS_MAX), "Only on these channels.", field="channels"),
        Setting("segment", Several(Word("segment"), SLA_SEGMENTS_MAX), "Only to customers of these segments.", field="segments"),
        Setting(
            "calendar",
            Word("calendar"),
            "Only the time in which it is open counts; around the clock, if not given.",
            field="calendar",
        ),
        Setting(
            "warn_percent", Whole(0, 99), "At risk when so much of the time is gone; 0: nobody is warned.", field="warn_percent"
        ),
        Setting("internal", Flag(), "A promise among us, not to the customer.", field="internal"),
        Setting("escalate", Word("group"), "Who is told when it is at risk or broken.", field="escalate"),
        Setting(
            "reopen",
            Duration(0, 365 * DAY_MS),
            "A case that is reopened within this time goes on with what was left to resolve it.",
            field="reopen_ms",
        ),
    ),
    SlaPolicy,
)
SLAS = Names("slas", SLA, SLAS_MAX, "What is promised to customers, and when it is in danger.")

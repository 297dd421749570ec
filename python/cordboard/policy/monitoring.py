"""What is shown of single agents, in the words of the document (docs/monitoring.md has what each setting bounds)."""

from typing import Final

from cordboard.events.policy import GROUP_MAX, Monitoring
from cordboard.policy.kinds import Whole
from cordboard.policy.setting import Section, Setting
from cordboard.policy.word_kinds import Flag

MONITORING: Final = Section(
    "monitoring",
    (
        Setting(
            "individual_live",
            Flag(),
            "Whether boards and explanations show what single agents do now; else groups only.",
            field="individual_live",
        ),
        Setting(
            "individual_history",
            Flag(),
            "Whether histories, timelines and explanations of the past say which agent it was.",
            field="individual_history",
        ),
        Setting(
            "group_min",
            Whole(2, GROUP_MAX),
            "Agents whom a figure must be about, at least, where single ones are not shown.",
            field="group_min",
        ),
        Setting(
            "agent_detail_days",
            Whole(0, 3_650),
            "Agents get new references each quarter; so many days after the old ones are given up nobody knows whose they were. "
            "0: never.",
            field="agent_detail_days",
        ),
    ),
    Monitoring,
)

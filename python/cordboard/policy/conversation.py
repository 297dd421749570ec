"""What happens to contacts in an agent's hands, in the words of the document (docs/routing/engagements.md has the rules)."""

from typing import Final

from cordboard.events.policy import POLICY_CHANNELS_MAX
from cordboard.policy.kinds import Duration, Percent
from cordboard.policy.setting import Setting
from cordboard.policy.word_kinds import Several, Word

DAY_MS: Final = 24 * 3_600_000
MONTH_MS: Final = 30 * DAY_MS

CONVERSATION: Final = (
    Setting(
        "interruptible_by",
        Several(Word("channel"), POLICY_CHANNELS_MAX),
        "Contacts of these channels may interrupt an engagement on this one; it is put aside until they are over.",
        field="interruptible_by",
        rare=True,
    ),
    Setting(
        "idle",
        Duration(0, MONTH_MS),
        "So long without a word of the customer, and the contact costs its agent less; 0s: never.",
        field="idle_ms",
        rare=True,
    ),
    Setting("idle_end", Duration(0, MONTH_MS), "And so long, and it is over; 0s: never.", field="idle_end_ms", rare=True),
    Setting("dormant_cost", Percent(), "Share of the cost that such a contact still takes.", field="dormant_percent", rare=True),
    Setting(
        "silence_alert",
        Duration(0, MONTH_MS),
        "So long without an answer of the agent, and somebody should know; 0s: never.",
        field="silence_alert_ms",
        rare=True,
    ),
    Setting(
        "silence_requeue",
        Duration(0, MONTH_MS),
        "And so long, and somebody else gets the contact; 0s: never.",
        field="silence_requeue_ms",
        rare=True,
    ),
)
"""Settings of a channel."""

"""How contacts are offered and moved, in the words of the document (docs/routing/offers.md has the rules)."""

from typing import Final

from cordboard.policy.kinds import Duration, OneOf, Whole
from cordboard.policy.setting import Setting
from cordboard.policy.word_kinds import Word

SECOND_MS: Final = 1_000
HOUR_MS: Final = 3_600_000
SIBLINGS_MAX: Final = 8

ANSWERING: Final = (
    Setting(
        "answer",
        OneOf(("manual", "auto")),
        "Whether an agent accepts an offer, or has accepted it in the moment it is made.",
        field="answer",
    ),
)
"""Of a channel."""

ASKING: Final = (
    Setting(
        "broadcast",
        Whole(1, SIBLINGS_MAX),
        "Agents who are offered a contact at once; whoever accepts first gets it.",
        field="broadcast",
    ),
)
"""Of a queue."""

TRANSFERS: Final = (
    Setting(
        "max_transfers",
        Whole(0, 100),
        "Transfers of one contact; a further one goes to `supervisor_queue`. 0 for no limit.",
        field="max_transfers",
    ),
    Setting("supervisor_queue", Word("queue"), "Where contacts go that were transferred too often.", field="supervisor_queue"),
    Setting(
        "transfer",
        Duration(SECOND_MS, HOUR_MS),
        "How long the agent to whom a contact is transferred may think about it; then it goes back to the sender.",
        field="transfer_ms",
    ),
)
"""Of the routing as a whole."""

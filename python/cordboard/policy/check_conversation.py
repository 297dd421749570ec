"""What makes no sense of how conversations go: silences and interrupts of a channel."""

from typing import Final

from cordboard.policy.entry import Entry
from cordboard.policy.problems import Problems
from cordboard.policy.references import placed_words
from cordboard.policy.sections import Document

_STEPS: Final = (("idle", "idle_end"), ("silence_alert", "silence_requeue"))


def check_conversation(document: Document, word: str, channel: Entry, path: str, problems: Problems) -> None:
    """Live channels end by their media and cannot be put aside; a first step comes before the second."""
    known = document.named["channels"]
    for placed in placed_words(channel, "interruptible_by"):
        if placed.value not in known:
            problems.unknown(placed.at, f"{path}.interruptible_by", "channel", placed.value, known)
        elif placed.value == word:
            problems.add(placed.at, f"{path}.interruptible_by", "a channel does not interrupt itself", "leave it out")
    if channel.get("presence") == "live":
        for name in ("interruptible_by", *(name for pair in _STEPS for name in pair)):
            if name in channel.values and channel.get(name):
                advice = "leave it out, or write `presence: session`"
                problems.add(channel.place(name), f"{path}.{name}", "a live contact is neither silent nor put aside", advice)
    for first, second in _STEPS:
        early, late = channel.get(first), channel.get(second)
        if early and late and late <= early:
            problems.add(channel.place(second), f"{path}.{second}", f"comes before `{first}`", f"write more than `{first}`")

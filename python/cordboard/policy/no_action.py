"""Replies that ask for nothing: "dank u", "merci beaucoup", "thanks!". They are attached, and reopen nothing."""

from cordboard.events.policy import MailPolicy
from cordboard.policy.needles import Needles, words

WORDS_MAX = 24
"""A longer text says something."""


class NoAction:
    """The policy's phrases, ready to be asked."""

    def __init__(self, mail: MailPolicy) -> None:
        self._phrases = Needles((phrase, 0) for phrase in mail.no_action)

    def holds(self, text: str) -> bool:
        """Whether `text` (without quotes and signature) consists of nothing but such phrases. An empty text does not."""
        found = words(text)
        return len(found) <= WORDS_MAX and self._phrases.covers(found)

"""How many outside effects (mails, webhook calls) are on their way, and which have failed for good."""

from cordboard.events import event as words
from cordboard.events.commit import Entry


class Outgoing:
    """A part of the boards' fold."""

    def __init__(self) -> None:
        self.open = 0
        self.dead_letters: set[tuple[int, int]] = set()
        """Failed effects by id: (position, entry)."""

    def requested(self, _entry: Entry, _event: words.EffectRequested) -> None:
        self.open += 1

    def ended(self, _entry: Entry, event: words.EffectEnded) -> None:
        effect = event.effect_seq, event.effect_entry
        if effect in self.dead_letters:  # discarded, or done after all
            self.dead_letters.discard(effect)
        else:
            self.open -= 1
        if event.outcome == "failed":
            self.dead_letters.add(effect)

    def retried(self, _entry: Entry, event: words.EffectRetried) -> None:
        self.dead_letters.discard((event.effect_seq, event.effect_entry))
        self.open += 1

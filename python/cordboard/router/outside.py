"""What the journal owes the outside: every effect that was asked for ends once, and nothing ends that was not asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cordboard.events import event as words
from cordboard.events.commit import Entry

Place = tuple[int, int]
"""Of the asking event: commit and entry."""


DIAL = "dial"


class Outside:
    """Folds effects. `whole`: begun at the journal's first commit, so that every effect is known. `dialling`: whether an attempt at
    a contact is not over, as of the entry that is folded."""

    def __init__(self, report: Callable[[str], None], whole: bool, dialling: Callable[[bytes, int], bool]) -> None:
        self._report = report
        self._whole = whole
        self._dialling = dialling
        self._dials: dict[Place, tuple[bytes, int]] = {}
        """Contact and attempt of those that are open."""
        self._round: dict[Place, int] = {}
        self._failed: set[Place] = set()

    def fold(self, place: Place, entry: Entry, event: Any) -> None:
        """`place` is where the entry itself stands."""
        if isinstance(event, words.EffectRequested):
            self._round[place] = 1
            if entry.contact is None:
                self._report(f"entry {place[1]} asks for an effect that belongs to no contact")
            elif event.kind == DIAL:
                self._dials[place] = (entry.contact, event.ordinal)
        elif isinstance(event, words.EffectEnded):
            self._end((event.effect_seq, event.effect_entry), event)
        elif isinstance(event, words.EffectRetried):
            self._retry((event.effect_seq, event.effect_entry), event.round)

    def _end(self, effect: Place, event: words.EffectEnded) -> None:
        if not self._known(effect, event.outcome):
            return
        if event.outcome == "failed":
            if effect in self._failed:
                self._report(f"effect {effect[0]}/{effect[1]} fails twice in one round")
            self._failed.add(effect)
            return
        # Nobody rings any more for an attempt that is over.
        dial = self._dials.pop(effect, None)
        over = dial is not None and not self._dialling(*dial)
        if event.outcome == "discarded" and effect not in self._failed and self._whole and not over:
            self._report(f"effect {effect[0]}/{effect[1]} is discarded while it is tried")
        del self._round[effect]
        self._failed.discard(effect)

    def _retry(self, effect: Place, number: int) -> None:
        if not self._known(effect, "retried"):
            return
        if effect not in self._failed and self._whole:
            self._report(f"effect {effect[0]}/{effect[1]} is tried again, but has not failed")
        if self._whole and number != self._round[effect] + 1:
            self._report(f"effect {effect[0]}/{effect[1]} goes from round {self._round[effect]} to {number}")
        self._round[effect] = number
        self._failed.discard(effect)

    def _known(self, effect: Place, what: str) -> bool:
        if effect in self._round:
            return True
        if self._whole:
            self._report(f"effect {effect[0]}/{effect[1]} is {what}, but none is open there")
            return False
        self._round[effect] = 1
        return True

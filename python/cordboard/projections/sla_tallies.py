"""The boards' side of SLA promises: in each queue, clocks at risk now, and those met and broken since the journal began."""

from __future__ import annotations

from typing import Any

from cordboard.events import event as words
from cordboard.events.commit import Entry
from cordboard.projections.about import channel_of, contact_of
from cordboard.projections.queues import Queues

Key = tuple[bytes, str]
"""The contact, or the case it belongs to, and the name of the SLA."""
ABOUT_CLOCKS = (82, 83, 84, 85, 90, 91)


class SlaTallies:
    """Folds what becomes of clocks into the tallies of the queue in which their contact is."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._at_risk: dict[Key, tuple[str, str] | None] = {}
        """Clocks that have been at risk, and the queue and channel in which they are counted so; None: they stand."""

    def fold(self, entry: Entry, event: Any, seq: int) -> None:
        key, where = (event.case or contact_of(entry), event.name), (event.queue, channel_of(entry))
        match event:
            case words.SlaAtRisk():
                self._count(key, where, seq)
            case words.SlaPaused() if key in self._at_risk:
                self._count(key, None, seq)
            case words.SlaResumed() if key in self._at_risk:
                self._count(key, where, seq)
            case words.SlaMet() | words.SlaBroken() | words.SlaCancelled():
                self._count(key, None, seq)
                self._at_risk.pop(key, None)
                tally = self._queues.tally(*where)
                tally.slas_met += isinstance(event, words.SlaMet)
                tally.slas_broken += isinstance(event, words.SlaBroken)
                self._queues.touch(*where, seq)

    def _count(self, key: Key, where: tuple[str, str] | None, seq: int) -> None:
        for place, by in ((self._at_risk.get(key), -1), (where, 1)):
            if place is not None:
                self._queues.tally(*place).slas_at_risk += by
                self._queues.touch(*place, seq)
        self._at_risk[key] = where

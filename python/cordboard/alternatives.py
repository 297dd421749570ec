"""Slots that the customer of a promise may have instead, while it is at risk or after it was missed."""

from itertools import islice

from cordboard.events.promises import ALTERNATIVES_MAX, Hours
from cordboard.missed import MissedContacts
from cordboard.promises import Promise, Promises

LOOKED_AT_MAX = 6_000
"""Slots that are looked at for the next ones: it is done in a loop that serves others, too."""


class Alternatives:
    """At one position and instant (Unix ms), for any number of promises."""

    def __init__(self, promises: Promises, missed: MissedContacts, now_ms: int) -> None:
        self._promises, self._missed = promises, missed
        self._now_ms = max(promises.at_ms, now_ms)
        self._next: dict[tuple[str, tuple[Hours, ...]], tuple[int, ...]] = {}

    def of(self, promise: Promise) -> tuple[int, ...]:
        """When they begin: those that were proposed and still have room, the nearest first; if none has, the next ones that have.
        Nothing for a promise that is neither at risk nor missed, and if its customer needs no other call any more."""
        missed = self._missed.get(promise.contact) if promise.outcome == "missed" else None
        if not (promise.at_risk and promise.outcome is None) and (missed is None or not missed.open):
            return ()
        return tuple(at_ms for at_ms in promise.alternatives if self._has_room(promise.queue, at_ms)) or self._following(promise)

    def _has_room(self, queue: str, begin_ms: int) -> bool:
        slot = next(self._promises.slots(queue, begin_ms, (), self._now_ms), None)
        return slot is not None and slot.begin_ms == begin_ms and slot.room > 0

    def _following(self, promise: Promise) -> tuple[int, ...]:
        asked = (promise.queue, promise.hours)
        if asked not in self._next:
            every = islice(self._promises.slots(promise.queue, 0, promise.hours, self._now_ms), LOOKED_AT_MAX)
            self._next[asked] = tuple(islice((slot.begin_ms for slot in every if slot.room), ALTERNATIVES_MAX))
        return self._next[asked]

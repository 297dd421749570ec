"""Quantities that grow with time at a rate that changes: work time, ready time."""

from __future__ import annotations

from cordboard.projections.rows import permille

NEVER_MS = 1 << 63
"""After every instant."""


class Accrual:
    """The integral of a rate over the journal's time. An instant before the last change counts as that change."""

    __slots__ = ("_total", "rate", "since_ms")

    def __init__(self) -> None:
        self.rate = 0
        self.since_ms = 0
        self._total = 0

    def change(self, at_ms: int, by: int) -> None:
        """From `at_ms` on the rate is `by` more."""
        if at_ms > self.since_ms:
            self._total += self.rate * (at_ms - self.since_ms)
            self.since_ms = at_ms
        self.rate += by

    def total(self, at_ms: int) -> int:
        passed_ms = at_ms - self.since_ms
        return self._total + self.rate * passed_ms if passed_ms > 0 else self._total


class Occupancy:
    """Capacity-weighted work time against ready time, of an agent, of a queue's members, or of the site."""

    __slots__ = ("ready", "work")

    def __init__(self) -> None:
        self.work = Accrual()
        self.ready = Accrual()

    def change(self, at_ms: int, work: int, ready: int) -> None:
        if work:
            self.work.change(at_ms, work)
        if ready:
            self.ready.change(at_ms, ready)

    def permille(self, at_ms: int) -> int | None:
        """Work time / ready time up to `at_ms`; None before there is ready time."""
        return permille(self.work.total(at_ms), self.ready.total(at_ms))

    def holds_until_ms(self, at_ms: int) -> int:
        """The first instant after `at_ms` at which `permille` says something else than at `at_ms`, if no rate changes before."""
        if at_ms < max(self.work.since_ms, self.ready.since_ms):
            return at_ms + 1
        work, ready = self.work.total(at_ms), self.ready.total(at_ms)
        now = permille(work, ready)
        if now is None:
            return at_ms + 1 if self.ready.rate else NEVER_MS
        spare, by = _above(now, work, ready), _above(now, self.work.rate, self.ready.rate)
        if by < 0:
            return at_ms + spare // -by + 1
        lacking, by = -_above(now + 1, work, ready), _above(now + 1, self.work.rate, self.ready.rate)
        return at_ms + -(-lacking // by) if by > 0 else NEVER_MS


def _above(permille: int, work: int, ready: int) -> int:
    """Not negative if work / ready, rounded, is `permille` or more. Linear in both."""
    return 2000 * work + ready - 2 * permille * ready

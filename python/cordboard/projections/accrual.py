"""Quantities that grow with time at a rate that changes: work time, ready time."""

from __future__ import annotations

from cordboard.projections.rows import permille


class Accrual:
    """The integral of a rate over the journal's time. An instant before the last change counts as that change."""

    __slots__ = ("_since_ms", "_total", "rate")

    def __init__(self) -> None:
        self.rate = 0
        self._total = 0
        self._since_ms = 0

    def change(self, at_ms: int, by: int) -> None:
        """From `at_ms` on the rate is `by` more."""
        if at_ms > self._since_ms:
            self._total += self.rate * (at_ms - self._since_ms)
            self._since_ms = at_ms
        self.rate += by

    def total(self, at_ms: int) -> int:
        passed_ms = at_ms - self._since_ms
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

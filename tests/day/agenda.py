"""What is going to happen outside, in order of time."""

import heapq
import itertools
from collections.abc import Callable, Iterable

from cordboard.events import fact as f

Doing = Callable[[int], Iterable[f.Fact]]
"""What somebody does at an instant (Unix ms), and the facts that the outside hears of it."""


class Agenda:
    """Instants are Unix ms. What is due at the same instant happens in the order in which it was planned."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Doing]] = []
        self._numbers = itertools.count()

    def at(self, at_ms: int, doing: Doing) -> None:
        heapq.heappush(self._due, (at_ms, next(self._numbers), doing))

    @property
    def next_ms(self) -> int | None:
        """None: nothing more will happen by itself."""
        return self._due[0][0] if self._due else None

    def until(self, at_ms: int) -> list[f.Fact]:
        """The facts of all that happens up to then."""
        facts: list[f.Fact] = []
        while self._due and self._due[0][0] <= at_ms:
            due_ms, _, doing = heapq.heappop(self._due)
            facts.extend(doing(due_ms))
        return facts

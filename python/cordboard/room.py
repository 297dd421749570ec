"""Room for so many at once: whoever comes when it is full, or when those inside are not served soon, is told to come back.

A queue would make everybody wait for longer than they do. Sizes bound what is held in memory; times bound what senders wait,
however slow the machine happens to be.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from math import inf

from cordboard.errors import Overloaded

STUCK = 8
"""Fewer than so many may have been inside for however long: one of them may wait for something that concerns nobody else."""


class Room:
    """At most `most` at once; closed while STUCK of them have been inside for longer than `patience_s`."""

    __slots__ = ("_inside", "_most", "_patience_s")

    def __init__(self, most: int, patience_s: float = inf) -> None:
        self._most, self._patience_s = most, patience_s
        self._inside: dict[object, float] = {}  # since when (the loop's seconds), in the order of entering

    @property
    def full(self) -> bool:
        """Ask inside a running loop."""
        if len(self._inside) >= self._most:
            return True
        since = next(islice(self._inside.values(), STUCK - 1, None), None)
        return since is not None and asyncio.get_running_loop().time() - since > self._patience_s

    @contextmanager
    def place(self) -> Iterator[None]:
        """Raises Overloaded at once."""
        if self.full:
            raise Overloaded("too many are asking at this moment, please try again soon")
        with self.taken():
            yield

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A place for somebody who is not to be refused."""
        me = object()
        self._inside[me] = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            del self._inside[me]

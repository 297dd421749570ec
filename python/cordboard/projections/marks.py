"""Which rows changed since a journal position, without looking at the others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Marks(Generic[K]):
    """Keys in the order of their last change. Positions only grow."""

    __slots__ = ("_seqs",)

    def __init__(self) -> None:
        self._seqs: OrderedDict[K, int] = OrderedDict()

    def touch(self, key: K, seq: int) -> None:
        self._seqs[key] = seq
        self._seqs.move_to_end(key)

    def drop(self, key: K) -> None:
        self._seqs.pop(key, None)

    def seq(self, key: K) -> int:
        """Position of the last change; 0 if there was none."""
        return self._seqs.get(key, 0)

    def since(self, seq: int) -> Iterator[K]:
        """Keys that changed after position `seq`, newest first."""
        for key in reversed(self._seqs):
            if self._seqs[key] <= seq:
                return
            yield key

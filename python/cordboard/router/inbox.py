"""Frames read ahead of the core, within bounds."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from cordboard._core import Position
from cordboard.errors import JournalCorrupt
from cordboard.log.port import SiteLog, Stored

BUFFER_FRAMES = 4_096
BUFFER_BYTES = 4 * 1024 * 1024
TURN_FRAMES = 512
TURN_BYTES = 256 * 1024
"""What one turn takes at most: enough to share its cost, little enough to answer soon."""


def last_frame(position: Position) -> int:
    """The last frame that a router has read, or begun."""
    return position.inbox_seq if position.facts_done else max(0, position.inbox_seq - 1)


class Inbox:
    """Follows the INBOX from `from_seq`; `arrived` is called when frames have come."""

    def __init__(self, log: SiteLog, from_seq: int, arrived: Callable[[], None]) -> None:
        self._log = log
        self._next = from_seq
        self._arrived = arrived
        self._frames: deque[Stored] = deque()
        self._bytes = 0
        self._room = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self._frames)

    async def follow(self) -> None:
        """Runs for ever. Raises JournalCorrupt if a frame is missing."""
        async with contextlib.aclosing(self._log.follow_inbox(self._next)) as batches:
            async for batch in batches:
                for frame in batch:
                    self._put(frame)
                self._arrived()
                while len(self._frames) >= BUFFER_FRAMES or self._bytes >= BUFFER_BYTES:
                    self._room.clear()
                    await self._room.wait()

    def take(self) -> list[tuple[int, int, bytes]]:
        """Frames for one turn, oldest first, as (inbox_seq, stored_ms, data): all there are, up to the turn's limits."""
        turn: list[tuple[int, int, bytes]] = []
        size = 0
        while self._frames and len(turn) < TURN_FRAMES and (not turn or size + len(self._frames[0].data) <= TURN_BYTES):
            frame = self._frames.popleft()
            size += len(frame.data)
            turn.append((frame.seq, frame.stored_ms, frame.data))
        self._bytes -= size
        self._room.set()
        return turn

    def _put(self, frame: Stored) -> None:
        if frame.seq != self._next:
            raise JournalCorrupt(f"the inbox goes on with {frame.seq} where {self._next} should stand")
        self._next += 1
        self._frames.append(frame)
        self._bytes += len(frame.data)

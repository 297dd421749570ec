"""Commits on their way into the journal: one on the wire, at most one behind it.

Never two on the wire. A commit says at which position it belongs, not behind which commit: if another router takes position
s, this router's commit for s is refused, but a commit for s + 1 that was sent along would fit behind the stranger's and fork
the hash chain. What throughput needs is not commits in flight but large ones: while one is under way the next turn is
decided, and the frames that come meanwhile make up the turn after that.
"""

from __future__ import annotations

import asyncio
import time

from cordboard import metrics
from cordboard.log.port import Appender


class Window:
    """Appends commits in order. `acknowledged` is the last position that is durable.

    The router may decide on while commits are under way, because it never shows what is not acknowledged; if one of them
    loses its place to another router, all that was decided since is dropped with this process's state.
    """

    def __init__(self, appender: Appender, acknowledged: int) -> None:
        self.acknowledged = acknowledged
        self._appender = appender
        self._waiting: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(1)
        self._queued = acknowledged
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Send, for ever. Raises SteppedDown."""
        while True:
            seq, commit = await self._waiting.get()
            self._moved.set()
            begun_s = time.perf_counter()
            await self._appender.append(seq, commit)
            metrics.APPEND_S.observe(time.perf_counter() - begun_s)
            self.acknowledged = seq
            self._moved.set()

    async def append(self, seq: int, commit: bytes) -> None:
        """Send the commit after those before it; returns when it is at most the next to go."""
        await self._waiting.put((seq, commit))
        self._queued = seq

    async def room(self) -> None:
        """Wait until nothing stands behind the commit on the wire: what would be decided sooner could not be sent sooner."""
        while not self._waiting.empty():
            self._moved.clear()
            await self._moved.wait()

    async def reached(self, seq: int) -> None:
        """Wait until everything up to `seq` is durable."""
        while self.acknowledged < seq:
            self._moved.clear()
            await self._moved.wait()

    async def drained(self) -> None:
        """Wait until everything appended is durable."""
        await self.reached(self._queued)

"""Commits on their way into the journal: a few at once, in order."""

from __future__ import annotations

import asyncio

from cordboard.log.port import Appender

IN_FLIGHT = 8


class Window:
    """Appends up to `IN_FLIGHT` commits at once. `acknowledged` is the last position that is durable.

    The router may decide on while they are under way, because it never shows what is not acknowledged; if one of them
    loses its place to another router, all that was decided since is dropped with this process's state.
    """

    def __init__(self, appender: Appender, group: asyncio.TaskGroup, acknowledged: int) -> None:
        self.acknowledged = acknowledged
        self._sent = acknowledged
        self._appender = appender
        self._group = group
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._moved = asyncio.Event()

    async def append(self, seq: int, commit: bytes) -> None:
        """Send the commit as soon as there is room. A refusal (SteppedDown) fails the task group."""
        await self._room.acquire()
        self._sent = seq
        # Tasks start in the order they were made, and the appender sends in the order it is called.
        self._group.create_task(self._send(seq, commit), name=f"append {seq}")

    async def reached(self, seq: int) -> None:
        """Wait until everything up to `seq` is durable."""
        while self.acknowledged < seq:
            self._moved.clear()
            await self._moved.wait()

    async def drained(self) -> None:
        await self.reached(self._sent)

    async def _send(self, seq: int, commit: bytes) -> None:
        await self._appender.append(seq, commit)
        # A commit is only stored behind the one before it: so its ack speaks for all of them.
        self.acknowledged = max(self.acknowledged, seq)
        self._moved.set()
        self._room.release()

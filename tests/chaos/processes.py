"""The processes of a chaos run: started on a leash, so that none outlives us; signalled one by one, each by its own id."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from cordboard.log.child import Child

OUTPUT_MAX = 16 * 1024 * 1024
"""Bytes of output kept of a process; what it wrote before is dropped when it starts again."""
STOP_S = 10.0
RESTART_S = 0.5


class Process:
    """One program, started as often as need be. `started` counts; `ended_by_itself` holds the statuses nobody asked for."""

    def __init__(self, name: str, command: Sequence[str], output: Path) -> None:
        self.name = name
        self.output = output
        self.started = 0
        self.ended_by_itself: list[int] = []
        self._command = command
        self._child: Child | None = None
        self._ending = False

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    async def start(self) -> None:
        with contextlib.suppress(OSError):
            if self.output.stat().st_size > OUTPUT_MAX:
                self.output.unlink()
        self._ending = False
        self.started += 1
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            child = Child(self._command, nothing, self.output)
            await child.start()
            self._child = child
        finally:
            os.close(nothing)

    async def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self._ending = True
        if self._child is not None and self._child.running:
            self._child.signal(signal.SIGKILL)
            await self._child.exited()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that takes too long; wakes it first if it is paused."""
        self._ending = True
        if self._child is not None:
            self._child.signal(signal.SIGCONT)
            await self._child.stop(STOP_S)

    def pause(self) -> None:
        assert self._child is not None
        self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._child is not None
        self._child.signal(signal.SIGCONT)

    async def exited(self) -> None:
        """Returns when the present run is over, and notes it if nobody asked for that."""
        assert self._child is not None
        status = await self._child.exited()
        if not self._ending:
            self.ended_by_itself.append(status)


class Kept(Process):
    """A process that is started again whenever it is gone, as a kubelet would, until it is stopped."""

    def __init__(self, name: str, command: Sequence[str], output: Path) -> None:
        super().__init__(name, command, output)
        self._keeper: asyncio.Task[None] | None = None

    async def keep(self) -> None:
        """Start it, and see to it from now on."""
        await self.start()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self) -> None:
        await self._leave()
        await super().stop()

    async def end(self) -> None:
        """SIGKILL, for good."""
        await self._leave()
        await self.kill()

    async def _leave(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None

    async def _keep(self) -> None:
        while True:
            await self.exited()
            await asyncio.sleep(RESTART_S)
            await self.start()

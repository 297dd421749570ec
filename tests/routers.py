"""Router processes beside each other, as a cluster runs them, each with its log."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from cordboard import codec
from cordboard.events import event as words
from cordboard.events.commit import INPUT_TAG
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.port import SiteLog

SITE = "default"
PATIENCE_S = 120.0


class RouterProcess:
    """One of them. Its log says what it does."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def told(self) -> str:
        return self._log.read_text()

    def leads(self, epoch: int) -> bool:
        return f"leading {SITE} in epoch {epoch} " in self.told

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def says(self, what: str, times: int = 1) -> None:
        """Wait until its log has it."""
        async with asyncio.timeout(PATIENCE_S):
            while self.told.count(what) < times:
                assert self.process.returncode is None, self.told
                await asyncio.sleep(0.01)

    async def stands_by(self, times: int = 1) -> None:
        await self.says("standing by for", times)

    async def ends(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.send(signal.SIGKILL)
        await self.ends()


class Routers:
    """As many as one wants, on one server. Made by `routers`."""

    def __init__(self, server: EmbeddedServer, directory: Path) -> None:
        assert server.monitor_url is not None
        self._directory = directory
        self._command = (
            *("cordboard.main", "run", "router", "--site", SITE),
            *("--nats-url", server.url, "--nats-monitor-url", server.monitor_url),
        )
        self._light = ("tests.standby_process", server.url, SITE)
        self._numbers = itertools.count()
        self.all: list[RouterProcess] = []

    async def start(self, *, by_command: bool = False) -> RouterProcess:
        """`by_command`: `cordboard run router`, not only what it runs."""
        path = self._directory / f"router-{next(self._numbers)}.log"
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *(self._command if by_command else self._light)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )
        router = RouterProcess(process, path)
        self.all.append(router)
        return router

    async def leader(self, epoch: int) -> RouterProcess:
        """Wait until one leads this epoch."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for router in self.all:
                    if router.leads(epoch):
                        return router
                await asyncio.sleep(0.01)

    async def three(self, *, by_command: bool = False) -> tuple[RouterProcess, list[RouterProcess]]:
        """One that leads the first epoch, and two that stand by."""
        first = await self.start(by_command=by_command)
        await self.leader(1)
        others = list(await asyncio.gather(self.start(by_command=by_command), self.start(by_command=by_command)))
        for other in others:
            await other.stands_by()
        return first, others


@contextlib.asynccontextmanager
async def routers(server: EmbeddedServer, directory: Path) -> AsyncIterator[Routers]:
    """Whatever was started is ended, however it was left."""
    them = Routers(server, directory)
    try:
        yield them
    finally:
        for router in them.all:
            await router.kill()


class Epochs:
    """What the journal says of who led: `(RouterTookOver | RouterSteppedDown, epoch)`, as it comes."""

    def __init__(self, log: SiteLog) -> None:
        self._log = log
        self.changes: list[tuple[type, int]] = []
        self.at: list[float] = []
        """When each came here, by the loop's clock."""
        self._moved = asyncio.Event()

    @property
    def epoch(self) -> int:
        """The newest that began (0: none yet)."""
        return max((epoch for change, epoch in self.changes if change is words.RouterTookOver), default=0)

    async def follow(self) -> None:
        clock = asyncio.get_running_loop().time
        async with contextlib.aclosing(self._log.follow_journal(1)) as batches:
            async for batch in batches:
                for stored in batch:
                    entries = codec.decode_commit(stored.data).entries
                    if entries and entries[0].tag != INPUT_TAG:
                        event = codec.decode_event(entries[0])
                        if isinstance(event, (words.RouterTookOver, words.RouterSteppedDown)):
                            self.changes.append((type(event), event.epoch))
                            self.at.append(clock())
                            self._moved.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self._moved.clear()
                await self._moved.wait()

    async def taken_over(self, epoch: int) -> float:
        """Wait until somebody took over in `epoch`; when that came here."""
        await self.until(lambda: (words.RouterTookOver, epoch) in self.changes)
        return self.at[self.changes.index((words.RouterTookOver, epoch))]


@contextlib.asynccontextmanager
async def epochs(log: SiteLog) -> AsyncIterator[Epochs]:
    watch = Epochs(log)
    following = asyncio.create_task(watch.follow(), name="follow epochs")
    try:
        yield watch
    finally:
        following.cancel()
        await asyncio.wait([following])

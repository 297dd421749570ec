"""Writes a day into a data directory, the way an engine would have left it: inbox, journal and snapshots on a NATS server.

Only the times are not the server's: the journal says the simulated ones, while the messages are stamped as they are stored. Nothing
that reads a journal depends on the stamps.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from cordboard.errors import ConfigurationError, JournalCorrupt
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.jetstream import JetStreamLog
from cordboard.log.memory import MemoryLog
from cordboard.log.port import Appender
from cordboard.log.stream import Ack
from cordboard.router import snapshots
from tests.day.day import Course, Day, Turn
from tests.day.site import SITE

IN_FLIGHT = 64
"""Commits on their way: as many as an appender takes."""
Progress = Callable[[int, int], None]
Log = JetStreamLog | MemoryLog


async def write(data_dir: Path, seed: int, contacts: int, progress: Progress | None = None) -> Day:
    """Raises ConfigurationError if the directory holds a journal already. `progress(milliseconds of the day, of how many)`."""
    async with EmbeddedServer(data_dir / "nats") as server, connect(server.url, SITE, create=True, name="day") as log:
        if await log.last_journal_seq():
            raise ConfigurationError(f"{data_dir} holds a journal already: name another directory")
        day = Day(seed, contacts, inbox_id=log.inbox_id)
        await write_into(log, day, progress)
        return day


async def write_into(log: Log, day: Course, progress: Progress | None = None) -> None:
    """The day, or whatever takes its course, is made for this log's inbox."""
    async with log.appender() as appender:
        await _Writer(log, appender, day).write(progress)


class _Writer:
    """Commits in order, some of them under way while the next ones are decided."""

    def __init__(self, log: Log, appender: Appender, day: Course) -> None:
        self._log = log
        self._appender = appender
        self._day = day
        self._frames: list[tuple[int, asyncio.Future[Ack]]] = []
        self._under_way: list[asyncio.Task[None]] = []
        self._rhythm = snapshots.Rhythm()
        self._seq = 0

    async def write(self, progress: Progress | None) -> None:
        for turn in self._day.turns():
            await self._turn(turn)
            if len(self._under_way) >= IN_FLIGHT:
                await self._settle()
                if progress is not None:
                    progress(turn.at_ms - self._day.begins_ms, self._day.lasts_ms)
        await self._settle()

    async def _turn(self, turn: Turn) -> None:
        """Frames go first: what the journal consumed, the inbox has."""
        for seq, _, frame in turn.frames:
            self._frames.append((seq, await self._log.inbox.send(frame, message_id=f"day.{seq}")))
        for commit in turn.commits:
            self._seq += 1
            self._rhythm.committed(len(commit))
            self._under_way.append(asyncio.create_task(self._appender.append(self._seq, commit)))
        if turn.commits and self._rhythm.due:
            name, data = snapshots.take(self._day.router, turn.commits[-1])
            self._rhythm.taken()
            await self._settle()
            await snapshots.store(self._log, name, data)

    async def _settle(self) -> None:
        for seq, answer in self._frames:
            ack = await answer
            if ack.seq != seq:
                raise JournalCorrupt(f"frame {seq} of the day is stored as {ack.seq}: somebody else writes into this inbox")
        await asyncio.gather(*self._under_way)
        self._frames.clear()
        self._under_way.clear()

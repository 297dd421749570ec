"""Journals to be archived, and storages that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from cordboard.archive import Archive, Archiver, ArchiveSettings, Storage, run_archiver
from cordboard.errors import ArchiveUnavailable
from cordboard.log.memory import MemoryLog, MemoryServer
from cordboard.log.port import SiteLog, Stored
from cordboard.router import run_router
from cordboard.router.snapshots import EVERY_COMMITS
from tests.integration.crowd import PATIENCE_S, crowd

T = TypeVar("T")
SITE = "default"
QUICK = ArchiveSettings(part_s=0.02, segment_bytes=12_000, snapshot_s=0.05)
"""Small segments, so that a short journal has several."""


class Died(BaseException):
    """The process is no more: nothing of it runs on, no `finally`, no second thoughts."""


class Frail:
    """A storage in whose `count`-th operation the process dies: before it is done, or after (its answer is never heard)."""

    def __init__(self, storage: Storage, count: int, *, done: bool) -> None:
        self._storage = storage
        self._left = count
        self._done = done

    @property
    def where(self) -> str:
        return self._storage.where

    async def put_if_absent(self, key: str, data: bytes) -> bool:
        return await self._or_die(lambda: self._storage.put_if_absent(key, data))

    async def get(self, key: str) -> bytes:
        return await self._or_die(lambda: self._storage.get(key))

    async def head(self, key: str, size: int) -> bytes:
        return await self._or_die(lambda: self._storage.head(key, size))

    async def keys(self, prefix: str) -> list[str]:
        return await self._or_die(lambda: self._storage.keys(prefix))

    async def delete(self, key: str) -> None:
        await self._or_die(lambda: self._storage.delete(key))

    async def _or_die(self, work: Callable[[], Awaitable[T]]) -> T:
        self._left -= 1
        if self._left == 0:
            if self._done:
                await work()
            raise Died
        return await work()


class Away(Frail):
    """A storage that does not answer while `away`."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage, 0, done=False)
        self.away = False

    async def _or_die(self, work: Callable[[], Awaitable[T]]) -> T:
        if self.away:
            raise ArchiveUnavailable("it is away")
        return await work()


async def lived(log: SiteLog, contacts: int, seed: int = 1, *, before: int = 0, snapshot_every: int = EVERY_COMMITS) -> None:
    """A router leads and so many contacts come and go; `before`: how many did in this journal. Snapshots may follow at once."""
    stop, leads = asyncio.Event(), asyncio.Event()
    router = asyncio.create_task(
        run_router(log, stop=stop, snapshot_every=snapshot_every, snapshot_gap_s=0, leading=lambda _: leads.set())
    )
    async with asyncio.timeout(PATIENCE_S):
        await leads.wait()
        async with crowd(log, seed) as people:
            await people.open()
            await people.arrive(contacts)
            await people.ended(before + contacts)
        stop.set()
        await router


async def journal(contacts: int, seed: int = 1, *, snapshot_every: int = EVERY_COMMITS) -> MemoryLog:
    """A journal in memory, written by the real core."""
    log = MemoryLog(SITE)
    await lived(log, contacts, seed, snapshot_every=snapshot_every)
    return log


def beginning(log: MemoryLog, count: int) -> MemoryLog:
    """The same journal when it was shorter."""
    return holding(log._server.journal.messages[:count])


def holding(
    messages: Sequence[Stored], snapshots: Mapping[str, bytes] | None = None, kind: type[MemoryLog] = MemoryLog
) -> MemoryLog:
    """A log whose journal is these messages."""
    server = MemoryServer(SITE)
    server.journal.messages += messages
    server.snapshots.blobs |= snapshots or {}
    return kind(SITE, server=server)


async def commits(log: SiteLog) -> list[Stored]:
    """The whole journal."""
    last, found = await log.last_journal_seq(), list[Stored]()
    async with contextlib.aclosing(log.follow_journal(await log.first_journal_seq())) as batches:
        async for batch in batches:
            found += batch
            if batch[-1].seq >= last:
                break
    return found


async def archived(archive: Archive) -> list[Stored]:
    """What the archive holds, from the first commit on."""
    return [each.stored async for links in archive.commits(1) for each in links]


async def write_all(log: SiteLog, archive: Archive, settings: ArchiveSettings = QUICK, steps: Sequence[int] = ()) -> Archiver:
    """An archiver that reads everything and writes it, without waiting for its own time."""
    archiver = Archiver(log, archive, settings)
    await archiver.resume()
    async for batch in followed(log, archiver.stored_to + 1):
        for stored in batch:
            archiver.take(stored)
            if stored.seq in steps or archiver.full:
                await archiver.flush()
    await archiver.flush()
    return archiver


async def followed(log: SiteLog, first: int) -> AsyncIterator[list[Stored]]:
    """The journal from `first` to its end."""
    last = await log.last_journal_seq()
    if first > last:
        return
    async with contextlib.aclosing(log.follow_journal(first)) as batches:
        async for batch in batches:
            yield batch
            if batch[-1].seq >= last:
                return


@contextlib.asynccontextmanager
async def archiving(log: SiteLog, archive: Archive, settings: ArchiveSettings = QUICK) -> AsyncIterator[list[tuple[int, str]]]:
    """The archiver beside whatever happens; what it says of itself."""
    said: list[tuple[int, str]] = []
    task = asyncio.create_task(run_archiver(log, archive, settings, said=lambda *news: said.append(news)))
    try:
        yield said
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait([task])


async def caught_up(log: SiteLog, archive: Archive) -> None:
    """Until the archive holds what the journal holds now."""
    last = await log.last_journal_seq()
    async with asyncio.timeout(PATIENCE_S):
        while await archive.last_seq() < last:  # noqa: ASYNC110 - a directory tells nobody
            await asyncio.sleep(0.02)

"""An archive read as a journal: alone, or before what the log still holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing

from cordboard.archive.archive import Archive
from cordboard.archive.shelf import Shelf
from cordboard.errors import JournalCorrupt, NotFound
from cordboard.log.port import Appender, Frame, Publisher, SiteLog, Snapshots, Stored


class ArchivedJournal:
    """The `Journal` port on an archive alone. It ends where the archive ended when it was opened."""

    def __init__(self, archive: Archive, last: int) -> None:
        self._archive = archive
        self._last = last

    @classmethod
    async def open(cls, archive: Archive) -> ArchivedJournal:
        """Raises ArchiveUnavailable, ArchiveCorrupt."""
        return cls(archive, await archive.last_seq())

    @property
    def site(self) -> str:
        return self._archive.site

    @property
    def snapshots(self) -> Shelf:
        return self._archive.shelf

    async def first_journal_seq(self) -> int:
        return await self._archive.first_seq()

    async def last_journal_seq(self) -> int:
        return self._last

    async def follow_journal(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        """Raises ArchiveCorrupt, NotFound: the archive begins later."""
        if from_seq > self._last:
            return
        async with aclosing(self._archive.commits(max(1, from_seq), self._last)) as segments:
            async for links in segments:
                yield [each.stored for each in links]

    async def read_commit(self, seq: int) -> Stored:
        """Raises NotFound, ArchiveCorrupt."""
        if not 1 <= seq <= self._last:
            raise NotFound(f"{self._archive.where} has no commit {seq}")
        return await self._archive.commit(seq)


class WithArchive:
    """The `SiteLog` port on a log whose journal may be trimmed: what is gone from there comes from the archive.

    So trimming changes nothing for whoever reads from the beginning: boards, a history that is rebuilt, `verify`.
    """

    def __init__(self, log: SiteLog, archive: Archive) -> None:
        self._log = log
        self._archive = archive

    @property
    def site(self) -> str:
        return self._log.site

    @property
    def inbox_id(self) -> bytes:
        return self._log.inbox_id

    @property
    def connection(self) -> int | None:
        return self._log.connection

    @property
    def snapshots(self) -> Snapshots:
        return self._log.snapshots

    def publisher(self, name: str) -> AbstractAsyncContextManager[Publisher]:
        return self._log.publisher(name)

    def appender(self) -> AbstractAsyncContextManager[Appender]:
        return self._log.appender()

    def follow_inbox(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        return self._log.follow_inbox(from_seq)

    async def trimmed(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        """Commits from `from_seq` on that are no longer in the log. Raises ArchiveCorrupt, NotFound if the archive lacks one."""
        position = max(1, from_seq)
        last = await self._log.first_journal_seq() - 1
        if position <= last:
            async with aclosing(self._archive.commits(position, last)) as segments:
                async for links in segments:
                    yield [each.stored for each in links]

    async def follow_journal(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        """Raises ArchiveCorrupt, NotFound if the archive does not reach as far as the journal was trimmed."""
        position = max(1, from_seq)
        async with aclosing(self.trimmed(position)) as batches:
            async for batch in batches:
                position = batch[-1].seq + 1
                yield batch
        async with aclosing(self._log.follow_journal(position)) as batches:
            async for batch in batches:
                yield batch

    async def first_inbox_seq(self) -> int:
        return await self._log.first_inbox_seq()

    async def last_inbox_seq(self) -> int:
        return await self._log.last_inbox_seq()

    async def read_frame(self, seq: int) -> Frame:
        return await self._log.read_frame(seq)

    async def first_journal_seq(self) -> int:
        """The archive's first, if it goes back farther."""
        return min(await self._log.first_journal_seq(), await self._archive.first_seq())

    async def last_journal_seq(self) -> int:
        return await self._log.last_journal_seq()

    async def read_commit(self, seq: int) -> Stored:
        try:
            return await self._log.read_commit(seq)
        except NotFound:
            if seq >= await self._log.first_journal_seq():
                raise
        try:
            return await self._archive.commit(seq)
        except NotFound as error:
            raise JournalCorrupt(f"commit {seq} was trimmed and is in no file of {self._archive.where}") from error

    async def server_time_ms(self) -> int:
        return await self._log.server_time_ms()

    async def whisper(self, topic: str, data: bytes) -> None:
        await self._log.whisper(topic, data)

    def listen(self, topic: str) -> AsyncGenerator[tuple[str, bytes], None]:
        return self._log.listen(topic)

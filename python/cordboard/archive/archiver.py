"""The archiver: follows the journal and keeps the archive a few seconds behind it.

What came is written every few seconds as a *part*, and once enough has come, or enough time has passed, everything since the last
closed segment becomes the next one, and its parts go. So nothing that is written ever changes, and losing the journal loses what
came in the last few seconds at most. Every write is put-if-absent under the position it begins at: whoever comes second reads what
stands there, and goes on behind it if it is the same journal. That makes two archivers, and one that resends, harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from cordboard.archive.archive import Archive
from cordboard.archive.digest import ZEROS, blake3
from cordboard.archive.segment import Link, join, link, write
from cordboard.errors import (
    ArchiveCorrupt,
    ArchiveUnavailable,
    ConfigurationError,
    CordboardError,
    JournalCorrupt,
    LogUnavailable,
    NotFound,
    SnapshotDamaged,
)
from cordboard.log.port import SiteLog, Stored
from cordboard.log.snapshot_name import parsed, superfluous

logger = logging.getLogger(__name__)
T = TypeVar("T")

SEGMENT_BYTES_MAX = 32 * 1024 * 1024
_RETRY_S, _RETRY_MAX_S = 0.5, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings:
    """When to write. `part_s`: how far behind the archive may be; `segment_bytes` (unpacked) or `segment_age_s` close a segment."""

    part_s: float = 2.0
    segment_bytes: int = 16 * 1024 * 1024
    segment_age_s: float = 900.0
    snapshot_s: float = 60.0
    """How often is looked for a new snapshot."""

    def __post_init__(self) -> None:
        if not 1 <= self.segment_bytes <= SEGMENT_BYTES_MAX:
            raise ConfigurationError(f"a segment holds 1 to {SEGMENT_BYTES_MAX} bytes, not {self.segment_bytes}")
        if min(self.part_s, self.segment_age_s, self.snapshot_s) <= 0:
            raise ConfigurationError("the archiver's times are more than 0 seconds")


Said = Callable[[int, str], None]
"""Told the last archived position, and what keeps it from going on (empty: nothing)."""


async def run_archiver(
    log: SiteLog, archive: Archive, settings: ArchiveSettings | None = None, *, said: Said | None = None
) -> None:
    """Keep `archive` up to date until cancelled; while the storage is away it waits and tries again.

    Raises ArchiveCorrupt (what stands there is not this journal, or a gap lies between), JournalCorrupt, LogUnavailable,
    ConfigurationError (the storage does not let us in).
    """
    archiver = Archiver(log, archive, settings or ArchiveSettings(), said)
    await archiver.resume()
    archiver.say()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(archiver.follow(), name="follow for the archive")
            group.create_task(archiver.write(), name="write the archive")
            group.create_task(archiver.copy_snapshots(), name="snapshots for the archive")
    except BaseExceptionGroup as errors:
        raise _leaf(errors) from None


class Archiver:
    """`resume`, then `follow`, `write` and `copy_snapshots` beside each other. `run_archiver` does that."""

    def __init__(self, log: SiteLog, archive: Archive, settings: ArchiveSettings, said: Said | None = None) -> None:
        self._log = log
        self._archive = archive
        self._settings = settings
        self._said = said or _nothing
        self._previous = ZEROS.hex()
        self._closed_to = 0
        """The last commit in a closed segment."""
        self._stored_to = 0
        """The last commit that is in the archive at all."""
        self._followed: tuple[int, bytes | None] = (0, None)
        """Position and hash of the last commit read from the journal, or known from the archive."""
        self._theirs: dict[int, bytes] = {}
        """Commits that another archiver wrote before we read them: their hashes, to be compared."""
        self._open: list[Link] = []
        """What the next segment will hold, as far as it is stored in parts."""
        self._open_bytes = 0
        self._open_since = 0.0
        self._pending: list[Link] = []
        self._pending_bytes = 0
        self._news, self._full, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @property
    def stored_to(self) -> int:
        return self._stored_to

    @property
    def full(self) -> bool:
        """So much has come that it must be written before more is read."""
        return self._full.is_set()

    def say(self, why_not: str = "") -> None:
        """Tell whoever wants to know how far it is."""
        self._said(self._stored_to, why_not)

    async def resume(self) -> None:
        """Find out what is stored, and that it is this journal. Raises ArchiveCorrupt, ConfigurationError, LogUnavailable."""
        await self._insist(self._find)
        position, known = self._followed
        first, last = await self._log.first_journal_seq(), await self._log.last_journal_seq()
        logger.info("archive at %s: %d of %d commits are there", self._archive.where, position, last)
        if last < position:
            raise ArchiveCorrupt(
                f"the archive at {self._archive.where} goes to {position}, the journal ends at {last}: it is another journal, or "
                "one that lost its end. Restore it from the archive, or give it an archive of its own"
            )
        if first > position + 1:
            raise ArchiveCorrupt(
                f"the archive at {self._archive.where} ends at {position}, the journal begins at {first}: what lies between is in "
                "neither. Give this journal an archive of its own"
            )
        if not position or first > position:
            return  # nothing is in both: whether the next commit follows, its own hash of the one before will say
        if blake3((await self._insist(lambda: self._log.read_commit(position))).data) != known:
            raise ArchiveCorrupt(
                f"the archive at {self._archive.where} and the journal hold different commits at {position}: they are two journals"
            )

    async def follow(self) -> None:
        """Read the journal and hold what came, within bounds, until it is written."""
        async with contextlib.aclosing(self._log.follow_journal(self._followed[0] + 1)) as batches:
            async for batch in batches:
                for stored in batch:
                    self.take(stored)
                while self.full:
                    self._room.clear()
                    await self._room.wait()

    async def write(self) -> None:
        """Write what came, part by part and segment by segment, for ever."""
        while True:
            await self._due()
            await self.flush()

    async def flush(self) -> None:
        """Write what came so far, and close the segment if it is time."""
        fresh, self._pending, self._pending_bytes = self._pending, [], 0
        self._news.clear()
        self._full.clear()
        self._room.set()
        if not self._open:
            self._open_since = self._now()
        if fresh and not self._time_to_close(fresh):
            await self._insist(lambda: self._part([each for each in fresh if each.seq > self._stored_to]))
        self._open += [each for each in fresh if each.seq > self._closed_to]
        self._open_bytes = _size(self._open)
        if self._open and self._time_to_close([]):
            await self._insist(self._close)
            await self._tidy()
        self.say()

    async def copy_snapshots(self) -> None:
        """Take over the newest snapshot that stands on archived commits, now and then, for ever."""
        task = asyncio.current_task()
        assert task is not None
        # A cancellation can get lost inside the NATS client: `asyncio.wait_for` before Python 3.12 swallows it if it loses a race.
        while not task.cancelling():
            try:
                await self.copy_snapshot()
            except (ConfigurationError, ArchiveCorrupt):
                raise
            except CordboardError as error:
                logger.warning("no snapshot for the archive this time: %s", error)
            await asyncio.sleep(self._settings.snapshot_s)

    async def copy_snapshot(self) -> None:
        """Once. Older ones are thinned out as the router's are."""
        shelf = self._archive.shelf
        for name in reversed(parsed(await self._log.snapshots.names())):
            if name.seq > self._stored_to:
                continue
            kept = await shelf.names()
            if str(name) in kept or blake3((await self._log.read_commit(name.seq)).data) != name.commit_hash:
                return
            try:
                data = await self._log.snapshots.get(str(name))
            except SnapshotDamaged as error:
                logger.warning("an older snapshot is taken: %s", error)
                continue
            await shelf.put(str(name), data)
            for old in superfluous(parsed([*kept, str(name)])):
                await shelf.delete(str(old))
            logger.info("snapshot at %d is in the archive", name.seq)
            return

    async def _find(self) -> None:
        closed = await self._archive.closed_keys()
        end: bytes | None = None
        if closed:
            header, links = await self._archive.read(closed[-1])
            self._previous, self._closed_to, end = header.hash, header.last_seq, links[-1].hash
        found: list[Link] = []
        at = self._closed_to
        for header in sorted(await self._archive.parts(), key=lambda part: part.first_seq):
            if header.last_seq <= at:
                continue
            if end is not None and header.first_seq > at + 1:
                logger.warning(
                    "%s has no commits %d to %d: they are archived anew", self._archive.where, at + 1, header.first_seq - 1
                )
                break
            _, links = await self._archive.read(self._archive.part_key(header.first_seq))
            fresh = [each for each in links if each.seq > at]
            try:
                join(end, fresh, at + 1 if end is not None else fresh[0].seq)
            except JournalCorrupt as error:
                raise ArchiveCorrupt(f"{self._archive.where}: {error}") from error
            found += fresh
            at, end = fresh[-1].seq, fresh[-1].hash
        self._open, self._open_bytes, self._open_since = found, _size(found), self._now()
        self._stored_to, self._followed = at, (at, end)

    def take(self, stored: Stored) -> None:
        """The next commit of the journal, to be written with the next `flush`. Raises JournalCorrupt, ArchiveCorrupt."""
        each = link(self._log.site, stored)
        position, before = self._followed
        join(ZEROS if position == 0 else before, [each], position + 1)
        self._followed = (each.seq, each.hash)
        if self._theirs.pop(each.seq, each.hash) != each.hash:
            raise ArchiveCorrupt(
                f"{self._archive.where} holds another commit at {each.seq} than this journal: they are two journals"
            )
        self._pending.append(each)
        self._pending_bytes += len(each.stored.data)
        self._news.set()
        if self._pending_bytes >= self._settings.segment_bytes:
            self._full.set()

    async def _due(self) -> None:
        """Returns when something is to be written: a moment after something came, or when the open segment is old."""
        left_s = self._open_since + self._settings.segment_age_s - self._now() if self._open else None
        try:
            async with asyncio.timeout(left_s):
                await self._news.wait()
        except TimeoutError:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.part_s):
                await self._full.wait()

    def _time_to_close(self, fresh: list[Link]) -> bool:
        large = self._open_bytes + _size(fresh) >= self._settings.segment_bytes
        return large or self._now() - self._open_since >= self._settings.segment_age_s

    async def _part(self, links: list[Link]) -> None:
        if not links:
            return
        key = self._archive.part_key(links[0].seq)
        header, data = await asyncio.to_thread(write, self._log.site, links, closed=False, previous=self._previous)
        if await self._archive.storage.put_if_absent(key, data):
            self._stored_to = header.last_seq
        else:
            await self._compare(key, links)

    async def _close(self) -> None:
        links = self._open
        if not links:
            return
        key = self._archive.closed_key(links[0].seq)
        header, data = await asyncio.to_thread(write, self._log.site, links, closed=True, previous=self._previous)
        if await self._archive.storage.put_if_absent(key, data):
            self._previous, self._closed_to = header.hash, header.last_seq
            self._stored_to = max(self._stored_to, header.last_seq)
            logger.info(
                "archived %d to %d: %d bytes, %d packed", header.first_seq, header.last_seq, header.plain_bytes, header.bytes
            )
        else:
            self._previous, self._closed_to = await self._compare(key, links)
            # What came with this flush should have been stored by the segment; theirs ends before it.
            await self._part([each for each in links if each.seq > self._stored_to])
        self._open = [each for each in links if each.seq > self._closed_to]
        self._open_bytes, self._open_since = _size(self._open), self._now()

    async def _compare(self, key: str, links: list[Link]) -> tuple[str, int]:
        """Somebody was here before, perhaps we ourselves: go on behind what stands there. Returns its header's hash and its end.

        Raises ArchiveCorrupt if it is not the same journal.
        """
        header, theirs = await self._archive.read(key)
        ours = {each.seq: each.hash for each in links}
        if any(ours.get(each.seq, each.hash) != each.hash for each in theirs):
            raise ArchiveCorrupt(f"{key} holds other commits than this journal: two journals write into {self._archive.where}")
        self._theirs |= {each.seq: each.hash for each in theirs if each.seq > self._followed[0]}
        self._stored_to = max(self._stored_to, header.last_seq)
        if header.last_seq < links[-1].seq and not header.closed:
            await self._part([each for each in links if each.seq > header.last_seq])
        return header.hash, header.last_seq

    async def _tidy(self) -> None:
        """Parts that a closed segment holds wholly may go; what cannot be deleted now will be next time."""
        try:
            for key in await self._archive.part_keys():
                with contextlib.suppress(NotFound):
                    if (await self._archive.header(key)).last_seq <= self._closed_to:
                        await self._archive.storage.delete(key)
        except (ArchiveUnavailable, ArchiveCorrupt) as error:
            logger.warning("parts that are no longer needed stay in the archive: %s", error)

    async def _insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """`work` again and again until the storage, or the log, answers."""
        pause_s = _RETRY_S
        while True:
            try:
                return await work()
            except (ArchiveUnavailable, LogUnavailable, NotFound) as error:
                logger.warning("the archive waits: %s", error)
                self.say(str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(_RETRY_MAX_S, pause_s * 2)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _size(links: list[Link]) -> int:
    return sum(len(each.stored.data) for each in links)


def _nothing(_position: int, _why_not: str) -> None:
    return


def _leaf(error: BaseException) -> BaseException:
    """The error that ended the group, bare: whoever supervises the role asks for its type."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

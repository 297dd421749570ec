"""Putting an archived journal on an empty server: commits at their positions, snapshots beside them, a new inbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from cordboard.archive import Archive, ArchivedJournal
from cordboard.archive.digest import blake3
from cordboard.errors import ArchiveCorrupt, InvalidInput
from cordboard.log.restoring import connect_to_restore, restore_journal
from cordboard.log.snapshot_name import parsed
from cordboard.log.streams import DEFAULTS, StreamSettings
from cordboard.router.restoring import newest_sound_snapshot


@dataclass(frozen=True, slots=True)
class Target:
    """The server that is to be filled."""

    url: str
    monitor_url: str | None = None
    streams: StreamSettings = DEFAULTS
    allow_lazy_fsync: bool = False


class Restored(msgspec.Struct, frozen=True):
    """What was put back, and the new inbox's id (hex). `last_stored_ms`: when the last commit was stored (Unix ms): what came after
    it is lost, unless it is published again."""

    site: str
    first_seq: int
    last_seq: int
    last_stored_ms: int
    commits: int
    snapshots: int
    inbox_id: str


async def restore_site(archive: Archive, target: Target, *, from_snapshot: bool, progress: Callable[[int, int], None]) -> Restored:
    """Raises Conflict if the server has anything of the site, InvalidInput if the archive has nothing to restore (from),
    ArchiveCorrupt, ArchiveUnavailable, LogUnavailable."""
    journal = await ArchivedJournal.open(archive)
    first, last = await archive.first_seq(), await journal.last_journal_seq()
    if not last:
        raise InvalidInput(f"{archive.where} holds no commit")
    if from_snapshot:
        found = await newest_sound_snapshot(journal, last)
        if found is None:
            raise InvalidInput(f"{archive.where} holds no snapshot that can be used: restore without --from-snapshot")
        first = found
    async with connect_to_restore(
        target.url,
        archive.site,
        first,
        allow_lazy_fsync=target.allow_lazy_fsync,
        monitor_url=target.monitor_url,
        settings=target.streams,
    ) as log:
        commits = journal.follow_journal(first)
        count = await restore_journal(log.journal, commits, lambda seq: progress(seq - first + 1, last - first + 1))
        end = await journal.read_commit(last)
        if blake3((await log.read_commit(last)).data) != blake3(end.data):
            raise ArchiveCorrupt("the restored journal does not end as the archive does")
        names = [name for name in parsed(await archive.shelf.names()) if first <= name.seq <= last]
        for name in names:
            await log.snapshots.put(str(name), await archive.shelf.get(str(name)))
        return Restored(archive.site, first, last, end.stored_ms, count, len(names), log.inbox_id.hex())

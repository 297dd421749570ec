"""Snapshots: the core's state at a journal position, so that recovery folds only what came after it.

A name says what the bytes must be: position, the hash of the commit there, level, and the hash of the state. A snapshot
whose commit is not in this journal, whose state differs from its name, or that cannot be read, is passed over for an older one.
"""

from __future__ import annotations

import contextlib
import logging

from cordboard import codec
from cordboard._core import LEVEL, Router, commit_hash
from cordboard.errors import CordboardError, JournalCorrupt, LevelUnsupported, LogUnavailable, NotFound, SnapshotDamaged, StoreFull
from cordboard.log.port import Journal, SiteLog, Snapshots
from cordboard.log.snapshot_name import KEPT, SnapshotName, dispensable, parsed, superfluous
from cordboard.router.core import CoreThread
from cordboard.router.reading import patiently

__all__ = [
    "EVERY_BYTES",
    "EVERY_COMMITS",
    "KEPT",
    "Rhythm",
    "SnapshotName",
    "newest",
    "store",
    "stored_above",
    "superfluous",
    "take",
]
logger = logging.getLogger(__name__)

EVERY_COMMITS = 5_000
EVERY_BYTES = 32 * 1024 * 1024
"""A recovery folds about so much, or less: under load one commit holds hundreds of facts."""
OVERDUE = 4
TRIES = 3


def take(router: Router, last_commit: bytes) -> tuple[SnapshotName, bytes]:
    """The state now, `last_commit` being the newest commit in it. Runs on the core's thread."""
    position = router.position()
    name = SnapshotName(position.seq, position.hash, codec.decode_commit(last_commit).level, router.state_hash())
    return name, router.snapshot()


async def store(log: SiteLog, name: SnapshotName, data: bytes) -> bool:
    """Keep the snapshot, and thin out the older ones. False: the log is away, which is no reason to stop; the next one will do."""
    try:
        await _put(log.snapshots, name, data)
        for old in superfluous(parsed(await log.snapshots.names())):
            await log.snapshots.delete(str(old))
    except (LogUnavailable, NotFound) as error:
        logger.warning("snapshot at %d is not stored: %s", name.seq, error)
        return False
    logger.info("snapshot at %d stored, %d bytes", name.seq, len(data))
    return True


async def _put(kept: Snapshots, name: SnapshotName, data: bytes) -> None:
    """Where there is no room, older ones make some: what a recovery begins with counts for more than questions about the past."""
    while True:
        try:
            return await kept.put(str(name), data)
        except StoreFull as full:
            gone = [old for old in dispensable(parsed(await kept.names())) if old != name]
            if not gone:
                raise
            logger.warning("snapshot at %d: %s; %d older ones give way", name.seq, full, len(gone))
        for old in gone:
            await kept.delete(str(old))


class Rhythm:
    """When to take one: when what came since would take a while to fold. `commits`: how many came already."""

    def __init__(self, every_commits: int = EVERY_COMMITS, commits: int = 0) -> None:
        self._every_commits = every_commits
        self._commits = commits
        self._bytes = 0

    def committed(self, size: int) -> None:
        """One more commit of so many bytes."""
        self._commits += 1
        self._bytes += size

    def taken(self) -> None:
        self._commits = self._bytes = 0

    @property
    def due(self) -> bool:
        return self._commits >= self._every_commits or self._bytes >= EVERY_BYTES

    @property
    def overdue(self) -> bool:
        """No quiet moment can be waited for."""
        return self._commits >= OVERDUE * self._every_commits or self._bytes >= OVERDUE * EVERY_BYTES


async def newest(log: Journal, core: CoreThread, up_to: int, above: int = 0) -> Router | None:
    """The router of the newest valid snapshot at or below position `up_to` (and above `above`); None if there is none."""
    names = await patiently(log.snapshots.names, "names of snapshots")
    for name in reversed([known for known in parsed(names) if above < known.seq <= up_to]):
        try:
            return await _load(log, core, name)
        except (LogUnavailable, LevelUnsupported):
            raise
        except CordboardError as error:
            logger.warning("snapshot at %d is passed over: %s", name.seq, error)
    return None


async def stored_above(log: Journal, above: int) -> int:
    """The position of the newest stored snapshot above position `above` that is one of this journal; 0 if there is none.

    Raises LogUnavailable.
    """
    for name in reversed([known for known in parsed(await log.snapshots.names()) if known.seq > above]):
        with contextlib.suppress(NotFound):  # beyond the journal's end
            if commit_hash((await log.read_commit(name.seq)).data) == name.commit_hash:
                return name.seq
    return 0


async def _load(log: Journal, core: CoreThread, name: SnapshotName) -> Router:
    stored = await patiently(lambda: log.read_commit(name.seq), f"commit {name.seq}")
    if commit_hash(stored.data) != name.commit_hash:
        raise JournalCorrupt("it belongs to another journal")
    if name.level > LEVEL:
        raise LevelUnsupported(f"the journal is of level {name.level}, this build knows levels up to {LEVEL} (docs/adr/0003)")
    data = await _read(log, name)
    return await core.run(lambda: _restore(name, data))


async def _read(log: Journal, name: SnapshotName) -> bytes:
    """Patient with a log that is away. One that answers, and does not give this snapshot, will not give it later either."""
    for _ in range(TRIES):
        try:
            return await log.snapshots.get(str(name))
        except LogUnavailable as error:
            logger.warning("snapshot at %d cannot be read: %s; trying again", name.seq, error)
        await patiently(log.snapshots.names, "names of snapshots")
    raise SnapshotDamaged(f"it could not be read {TRIES} times, though the log answers")


def _restore(name: SnapshotName, data: bytes) -> Router:
    router = Router.restore(data)
    position = router.position()
    if (position.seq, position.hash, router.state_hash()) != (name.seq, name.commit_hash, name.state_hash):
        raise JournalCorrupt("its state is not what its name says")
    return router

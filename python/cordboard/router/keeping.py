"""Snapshots now and then: when, by whom, and in the background. What one is stands in `snapshots`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from cordboard._core import Router
from cordboard.errors import CordboardError
from cordboard.log.port import SiteLog
from cordboard.router import snapshots
from cordboard.router.core import CoreThread
from cordboard.router.peers import Peers

logger = logging.getLogger(__name__)

SNAPSHOT_GAP_S = 60.0
ASK_S = 1.0
"""At most so often the store is asked whether what somebody says is there."""

Reached = Callable[[int], Awaitable[None]]


class Keeping:
    """One router's snapshots. Whoever leads makes them only if nobody stands by, or nobody who does has made one for long."""

    def __init__(
        self, log: SiteLog, core: CoreThread, peers: Peers, group: asyncio.TaskGroup, rhythm: snapshots.Rhythm, gap_s: float
    ) -> None:
        """`rhythm`: what came since the newest snapshot; `gap_s`: at most one in so many seconds."""
        self._log = log
        self._core = core
        self._peers = peers
        self._group = group
        self._rhythm = rhythm
        self._gap_s = gap_s
        self._clock = asyncio.get_running_loop().time
        self._known_seq = peers.snapshot_seq
        self._taken_at = self._clock()
        self._storing: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._asked_at = -ASK_S

    def committed(self, size: int) -> None:
        """The state went on by a commit of so many bytes."""
        self._rhythm.committed(size)

    def due(self, *, ours: bool, quiet: bool) -> bool:
        """Enough to fold, and a quiet moment; or so much that no quiet moment can be waited for, nor (`ours` is False) another."""
        self._ask()
        if self._peers.snapshot_seq > self._known_seq:
            self._known_seq = self._peers.snapshot_seq
            self._rhythm.taken()
        if not self._rhythm.due or (self._storing is not None and not self._storing.done()):
            return False
        if self._clock() - self._taken_at < self._gap_s:
            return False
        return (quiet and ours) or self._rhythm.overdue

    async def take(self, router: Router, last_commit: bytes, reached: Reached) -> None:
        """Copy the state, which ends with `last_commit`; store it in the background, once its position is acknowledged."""
        name, data = await self._core.run(lambda: snapshots.take(router, last_commit))
        self._rhythm.taken()
        self._taken_at = self._clock()
        self._storing = self._group.create_task(self._store(name, data, reached), name=f"snapshot {name.seq}")

    async def stored(self) -> None:
        """Wait for the one under way."""
        if self._asking is not None:
            self._asking.cancel()
        if self._storing is not None:
            await self._storing

    def give_up(self) -> None:
        """Leave the one under way to others."""
        for task in (self._asking, self._storing):
            if task is not None:
                task.cancel()

    def _ask(self) -> None:
        """Anybody can say that a snapshot is stored. The store knows."""
        if self._peers.rumoured_seq <= self._peers.snapshot_seq or (self._asking is not None and not self._asking.done()):
            return
        if self._clock() - self._asked_at >= ASK_S:
            self._asked_at = self._clock()
            self._asking = self._group.create_task(self._look(), name="look for snapshots")

    async def _look(self) -> None:
        self._peers.rumoured_seq = 0  # who says it again is heard again
        try:
            self._peers.stored(await snapshots.stored_above(self._log, self._peers.snapshot_seq))
        except CordboardError as error:  # the archive's, too, if the journal was trimmed
            logger.debug("which snapshots are stored is not known: %s", error)

    async def _store(self, name: snapshots.SnapshotName, data: bytes, reached: Reached) -> None:
        await reached(name.seq)
        if await snapshots.store(self._log, name, data):
            self._peers.stored(name.seq)
            self._known_seq = max(self._known_seq, name.seq)

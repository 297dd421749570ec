"""A router that does not lead: it folds every commit as it comes, so that nothing is left to recover when it takes over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from functools import partial

from cordboard import metrics
from cordboard._core import Position, Router
from cordboard.errors import LogUnavailable
from cordboard.log.port import SiteLog, Stored
from cordboard.router.core import CoreThread
from cordboard.router.inbox import last_frame
from cordboard.router.keeping import Keeping
from cordboard.router.peers import Peers
from cordboard.router.reading import BATCH_MAX

logger = logging.getLogger(__name__)

LOOK_S = 0.05
PROBE_S = 1.0
"""A journal that does not say in this time where it ends could not take a commit either."""


class Standby:
    """Follows the journal with `router`, which has folded it so far, until it is our turn to lead."""

    def __init__(self, log: SiteLog, core: CoreThread, router: Router, peers: Peers) -> None:
        self._log = log
        self._core = core
        self._router = router
        self._peers = peers
        self._last_commit = b""
        self._moved = asyncio.Event()
        self._clock = asyncio.get_running_loop().time
        self.position: Position = router.position()
        """Where the fold stands."""
        self._free_since: float | None = None
        self._called_at: tuple[int, float | None] | None = None

    async def called(self, stop: asyncio.Event, keeping: Keeping, *, at_once: bool) -> str:
        """Wait until it is our turn, and say why; empty if `stop` was set first. `at_once`: do not wait for anybody's silence.

        Raises JournalCorrupt if a commit cannot be folded.
        """
        if at_once:
            return "nobody else can"
        why = await self._listen(stop, keeping)
        # A fold that was under way when we left off ends on the core's thread; nobody may ask the router before.
        await self._core.run(self._router.position)
        return why

    async def is_still_called(self) -> bool:
        """To be asked right before taking over: has nobody led since `called` returned? False: stand by on.

        Between the two lie questions to the log, which may take as long as those who come after us in the queue wait. The fence
        refuses a take-over at a place that is taken, but not behind what was folded meanwhile: that would end a sound epoch.
        """
        return self._called_at is None or (await self._is_at_end() and self._stands_at() == self._called_at)

    async def _listen(self, stop: asyncio.Event, keeping: Keeping) -> str:
        self._peers.sign(self.position.epoch)
        self._notice()
        following = asyncio.create_task(self._follow(keeping), name="follow journal")
        stopping = asyncio.create_task(stop.wait(), name="watch stop")
        try:
            while not stop.is_set():
                if why := await self._turn():
                    return why
                self._moved.clear()
                moving = asyncio.create_task(self._moved.wait(), name="watch journal")
                await asyncio.wait([following, stopping, moving], timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                moving.cancel()
                if following.done():
                    following.result()
            return ""
        finally:
            following.cancel()
            stopping.cancel()
            await asyncio.wait([following, stopping])

    async def _turn(self) -> str:
        """Why it is our turn now; empty: it is not."""
        timing, silence_s, rank = self._peers.timing, self._peers.silence_s(), self._peers.rank()
        self._called_at = self._stands_at()
        if self._free_since is not None:
            # Nobody leads, and the journal says so: those before us in the queue get their chance, not the one who left.
            # Not while there is more to fold: whoever leaves off listening before it came would be called again at once, for ever.
            if self._clock() - self._free_since < rank * timing.rank_s or not await self._is_at_end():
                return ""
            return "the router before stepped down" if self.position.seq else "the journal is empty"
        if silence_s < timing.silence_s + rank * timing.rank_s or not await self.is_still_called():
            return ""
        return f"nobody was heard to lead for {silence_s:.1f} s"

    def _stands_at(self) -> tuple[int, float | None]:
        """Our fold's end, and, unless the journal itself says that nobody leads, since when there is silence."""
        return self.position.seq, self._peers.heard_at if self._free_since is None else None

    async def _is_at_end(self) -> bool:
        """Does the log answer, and does the journal end where our fold does? Else somebody leads, or nobody can."""
        try:
            async with asyncio.timeout(PROBE_S):
                last = await self._log.last_journal_seq()
        except (LogUnavailable, TimeoutError):
            last = -1
        if last == self.position.seq:
            return True
        self._peers.listen_anew()
        return False

    async def _follow(self, keeping: Keeping) -> None:
        async with contextlib.aclosing(self._log.follow_journal(self.position.seq + 1)) as batches:
            async for batch in batches:
                for start in range(0, len(batch), BATCH_MAX):
                    await self._core.run(partial(self._fold, batch[start : start + BATCH_MAX]))
                    self._peers.sign(self.position.epoch)
                    self._notice()
                    await self._peers.stand_by(self.position.epoch)
                for stored in batch:
                    keeping.committed(len(stored.data))
                if keeping.due(ours=self._peers.rank() == 0, quiet=True):
                    await keeping.take(self._router, self._last_commit, _acknowledged)

    def _fold(self, batch: Sequence[Stored]) -> None:
        """Runs on the core's thread."""
        self._router.fold([stored.data for stored in batch])
        self._last_commit = batch[-1].data
        self.position = self._router.position()

    def _notice(self) -> None:
        """What the newest commit says of who leads."""
        metrics.at("router", self.position.seq)
        metrics.EPOCH.set(self.position.epoch)
        # Of an inbox that was lost and made anew nothing is read, wherever the one before had ended.
        ours = self.position.inbox_id == self._log.inbox_id
        metrics.inbox_read(last_frame(self.position) if ours else 0)
        if self.position.stepped_down or self.position.seq == 0:
            self._free_since = self._clock()
        else:
            self._free_since = None
        self._moved.set()


async def _acknowledged(_seq: int) -> None:
    """What was read from the journal is durable."""

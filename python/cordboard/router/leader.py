"""One epoch of one router, from its take-over on: turn after turn, until it is told to stop or another one leads."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from cordboard import codec, metrics
from cordboard._core import Router
from cordboard.errors import SteppedDown
from cordboard.log.port import SiteLog
from cordboard.router.clock import TurnClock
from cordboard.router.core import CoreThread
from cordboard.router.inbox import Inbox, last_frame
from cordboard.router.keeping import Keeping
from cordboard.router.peers import Peers
from cordboard.router.reading import patiently
from cordboard.router.window import Window

logger = logging.getLogger(__name__)

PAUSE_MIN_S = 0.001
ROUTED = [metrics.ROUTED_FACTS.labels(verdict) for verdict in ("accepted", "refused", "duplicate", "quarantined")]
"""As `Router.verdicts` has them."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a step gave: commits ending at position `seq`, and when to step again (Unix ms) if no frame comes."""

    commits: list[bytes]
    seq: int
    deadline_ms: int | None
    inbox_seq: int
    """The last frame of the inbox that was read, or begun."""


class Leader:
    """The loop of a router that took over. Its helpers live in `group`."""

    def __init__(
        self,
        log: SiteLog,
        core: CoreThread,
        router: Router,
        clock: TurnClock,
        window: Window,
        peers: Peers,
        keeping: Keeping,
        group: asyncio.TaskGroup,
        last_commit: bytes,
    ) -> None:
        self._log = log
        self._core = core
        self._router = router
        self._clock = clock
        self._window = window
        self._peers = peers
        self._keeping = keeping
        self._group = group
        self._last_commit = last_commit
        self._wake = asyncio.Event()
        position = router.position()
        self._epoch = position.epoch
        self._inbox = Inbox(log, max(1, position.inbox_seq), self._wake.set)

    async def lead(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then everything decided, and that the epoch is over, is durable. Raises SteppedDown."""
        followers = [
            self._group.create_task(self._window.run(), name="append"),
            self._group.create_task(self._inbox.follow(), name="follow inbox"),
            self._group.create_task(self._wake_on(stop), name="watch stop"),
            self._group.create_task(self._yield_to_others(), name="watch others"),
        ]
        turn = await self._step([])
        while not stop.is_set():
            self._wake.clear()
            if not self._inbox:
                await self._pause(turn)
            await self._window.room()
            if stop.is_set():
                break
            turn = await self._step(self._inbox.take())
            if self._keeping.due(ours=not self._peers.has_standby(), quiet=not self._inbox):
                await self._keeping.take(self._router, self._last_commit, self._window.reached)
        await self._step_down()
        await self._keeping.stored()
        for follower in followers:
            follower.cancel()

    async def _step(self, frames: list[tuple[int, int, bytes]]) -> Turn:
        """One turn. The next one is decided while these commits are still on their way."""
        at_ms = self._clock.now_ms()
        turn = await self._core.run(lambda: _turn(self._router, frames, at_ms))
        first = turn.seq - len(turn.commits) + 1
        for seq, commit in enumerate(turn.commits, first):
            await self._window.append(seq, commit)
            self._keeping.committed(len(commit))
            self._last_commit = commit
        metrics.at("router", turn.seq)
        metrics.inbox_read(turn.inbox_seq)
        return turn

    async def _step_down(self) -> None:
        """End the epoch, so that whoever stands by need not wait for our silence."""
        at_ms = self._clock.now_ms()
        commit = await self._core.run(lambda: self._router.step_down(at_ms))
        await self._window.append(self._router.position().seq, commit)
        await self._window.drained()
        self._peers.fall_silent()

    async def _pause(self, turn: Turn) -> None:
        """Until frames come, the deadline is due, or the router is told to stop."""
        timer = None
        if turn.deadline_ms is not None:
            delay_s = (turn.deadline_ms - self._clock.now_ms()) / 1000
            # At least a moment, so that a deadline that brings nothing cannot keep the loop busy.
            timer = asyncio.get_running_loop().call_later(max(delay_s, 0.0 if turn.commits else PAUSE_MIN_S), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _yield_to_others(self) -> None:
        """A router without work meets the fence only with the next fact: it may have been paused, and hear that another leads.

        Anybody can say so. The journal knows, and is asked at most once a beat.
        """
        doubted = 0
        while True:
            claim = await self._peers.claimed(self._epoch)
            epoch = await self._newest_epoch()
            if epoch > self._epoch:
                raise SteppedDown(f"another router leads in epoch {epoch}")
            if claim > doubted:
                logger.warning("somebody says that they lead in epoch %d, which the journal does not have", claim)
                doubted = claim
            await asyncio.sleep(self._peers.timing.beat_s)

    async def _newest_epoch(self) -> int:
        """Of the journal's last commit."""
        last = await patiently(self._log.last_journal_seq, "end of the journal")
        if last <= self._window.acknowledged:
            return self._epoch
        commit = await patiently(lambda: self._log.read_commit(last), f"commit {last}")
        return codec.decode_commit(commit.data).epoch


def _turn(router: Router, frames: list[tuple[int, int, bytes]], at_ms: int) -> Turn:
    """Runs on the core's thread."""
    decided = router.verdicts()
    begun_s = time.perf_counter()
    commits = router.step(frames, at_ms)
    metrics.STEP_S.observe(time.perf_counter() - begun_s)
    if commits:
        metrics.COMMITS.inc(len(commits))
        metrics.COMMIT_BYTES.inc(sum(map(len, commits)))
    if frames:
        metrics.FRAMES.inc(len(frames))
        for counter, before, after in zip(ROUTED, decided, router.verdicts(), strict=True):
            counter.inc(after - before)
    position = router.position()
    return Turn(commits, position.seq, router.next_deadline(), last_frame(position))

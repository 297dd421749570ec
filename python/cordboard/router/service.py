"""The router's shell: recover, take over, then turn after turn. All decisions are the core's; all waiting is here.

recover ─▶ take over (the fence) ─▶ ┌─▶ gather frames, or wait for the next deadline
                                    │   step (core's thread) ─▶ commits ─▶ JOURNAL, one at a time; the next turn goes on meanwhile
                                    └── a snapshot now and then
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from cordboard._core import Router
from cordboard.log.port import Appender, SiteLog
from cordboard.router import snapshots
from cordboard.router.clock import Clock, SystemClock, TurnClock, check_not_behind, check_stamp
from cordboard.router.core import CoreThread
from cordboard.router.inbox import Inbox
from cordboard.router.reading import patiently
from cordboard.router.recovery import recover
from cordboard.router.window import Window

logger = logging.getLogger(__name__)

SNAPSHOT_GAP_S = 60.0
PAUSE_MIN_S = 0.001


@dataclass(frozen=True, slots=True)
class Turn:
    """What a step gave: commits ending at position `seq`, and when to step again (Unix ms) if no frame comes."""

    commits: list[bytes]
    seq: int
    deadline_ms: int | None


async def run_router(
    log: SiteLog,
    *,
    stop: asyncio.Event | None = None,
    snapshot_every: int = snapshots.EVERY_COMMITS,
    snapshot_gap_s: float = SNAPSHOT_GAP_S,
    leading: Callable[[int], None] | None = None,
    clock: Clock | None = None,
) -> None:
    """Lead the site of `log` until cancelled, or until `stop` is set; then everything decided is durable before it returns.

    `leading` is called with the epoch once the take-over is durable. A snapshot is made every `snapshot_every` commits
    (sooner if they are large), at most one in `snapshot_gap_s`. While the log is away the router waits.
    Raises SteppedDown (another router leads: start again as a follower), ConfigurationError (clocks apart),
    JournalCorrupt.
    """
    clock = clock or SystemClock()
    async with CoreThread() as core:
        recovered = await recover(log, core)
        router = recovered.router
        server_ms = await patiently(log.server_time_ms, "the server's time")
        # Our clock after the server's: the answer may take an election, and others are stamped meanwhile.
        check_not_behind(clock.wall_ms(), server_ms)
        turn_clock = TurnClock(clock, router.position().at_ms)
        async with log.appender() as appender:
            commit = await _take_over(log, core, router, appender, clock, turn_clock)
            position = router.position()
            logger.info("leading %s in epoch %d from %d", log.site, position.epoch, position.seq)
            if leading is not None:
                leading(position.epoch)
            try:
                async with asyncio.TaskGroup() as group:
                    window = Window(appender, position.seq)
                    rhythm = snapshots.Rhythm(snapshot_every, position.seq - recovered.snapshot_seq)
                    leader = _Leader(log, core, router, turn_clock, window, group, commit, rhythm)
                    await leader.lead(stop or asyncio.Event(), snapshot_gap_s)
            except BaseExceptionGroup as errors:
                _raise_first(errors)


async def _take_over(
    log: SiteLog, core: CoreThread, router: Router, appender: Appender, clock: Clock, turn_clock: TurnClock
) -> bytes:
    """Extend the journal by a new epoch, and check the server's clock by the stamp it puts there."""
    at_ms = turn_clock.now_ms()
    commit = await core.run(lambda: router.take_over(log.inbox_id, at_ms))
    seq = router.position().seq
    before_ms = clock.wall_ms()
    await appender.append(seq, commit)
    after_ms = clock.wall_ms()
    stored = await patiently(lambda: log.read_commit(seq), f"commit {seq}")
    check_stamp(before_ms, stored.stored_ms, after_ms)
    return commit


class _Leader:
    """One epoch of one router."""

    def __init__(
        self,
        log: SiteLog,
        core: CoreThread,
        router: Router,
        clock: TurnClock,
        window: Window,
        group: asyncio.TaskGroup,
        last_commit: bytes,
        rhythm: snapshots.Rhythm,
    ) -> None:
        self._log = log
        self._core = core
        self._router = router
        self._clock = clock
        self._window = window
        self._group = group
        self._last_commit = last_commit
        self._wake = asyncio.Event()
        self._inbox = Inbox(log, max(1, self._router.position().inbox_seq), self._wake.set)
        self._rhythm = rhythm
        self._snapshot_at = asyncio.get_running_loop().time()
        self._storing: asyncio.Task[None] | None = None

    async def lead(self, stop: asyncio.Event, snapshot_gap_s: float) -> None:
        followers = [
            self._group.create_task(self._window.run(), name="append"),
            self._group.create_task(self._inbox.follow(), name="follow inbox"),
            self._group.create_task(self._wake_on(stop), name="watch stop"),
        ]
        turn = await self._step([])
        while not stop.is_set():
            self._wake.clear()
            if not self._inbox:
                await self._pause(turn)
            await self._window.room()
            turn = await self._step(self._inbox.take())
            if self._snapshot_due(snapshot_gap_s):
                await self._snapshot()
        await self._window.drained()
        if self._storing is not None:
            await self._storing
        for follower in followers:
            follower.cancel()

    async def _step(self, frames: list[tuple[int, int, bytes]]) -> Turn:
        """One turn. The next one is decided while these commits are still on their way."""
        at_ms = self._clock.now_ms()
        turn = await self._core.run(lambda: _turn(self._router, frames, at_ms))
        first = turn.seq - len(turn.commits) + 1
        for seq, commit in enumerate(turn.commits, first):
            await self._window.append(seq, commit)
            self._rhythm.committed(len(commit))
            self._last_commit = commit
        return turn

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

    def _snapshot_due(self, gap_s: float) -> bool:
        """Enough to fold, and a quiet moment; or so much that no quiet moment can be waited for."""
        if not self._rhythm.due or (self._storing is not None and not self._storing.done()):
            return False
        if asyncio.get_running_loop().time() - self._snapshot_at < gap_s:
            return False
        return not self._inbox or self._rhythm.overdue

    async def _snapshot(self) -> None:
        """Copy the state between two turns; store it in the background, once its position is acknowledged."""
        name, data = await self._core.run(lambda: snapshots.take(self._router, self._last_commit))
        self._rhythm.taken()
        self._snapshot_at = asyncio.get_running_loop().time()
        self._storing = self._group.create_task(self._store(name, data), name=f"snapshot {name.seq}")

    async def _store(self, name: snapshots.SnapshotName, data: bytes) -> None:
        await self._window.reached(name.seq)
        await snapshots.store(self._log, name, data)


def _turn(router: Router, frames: list[tuple[int, int, bytes]], at_ms: int) -> Turn:
    """Runs on the core's thread."""
    commits = router.step(frames, at_ms)
    return Turn(commits, router.position().seq, router.next_deadline())


def _raise_first(errors: BaseExceptionGroup[BaseException]) -> NoReturn:
    """The error that ended the group, bare: whoever supervises the role asks for its type."""
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    raise first from None

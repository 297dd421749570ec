"""The router's shell: recover, stand by, take over, then turn after turn. All decisions are the core's; all waiting is here.

recover ─▶ stand by: fold what comes ─▶ take over (the fence) ─▶ ┌─▶ gather frames, or wait for the next deadline
   ▲                                                             │   step (core's thread) ─▶ commits ─▶ JOURNAL, one at a time
   └───────────── another router leads: what was decided since is dropped ◀── the next turn goes on meanwhile
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeVar

from cordboard import metrics
from cordboard._core import Router
from cordboard.errors import SteppedDown
from cordboard.log.port import Appender, SiteLog
from cordboard.router import snapshots
from cordboard.router.clock import Clock, SystemClock, TurnClock, check_clock
from cordboard.router.core import CoreThread
from cordboard.router.keeping import SNAPSHOT_GAP_S, Keeping
from cordboard.router.leader import Leader
from cordboard.router.peers import TIMING, Peers, Timing
from cordboard.router.reading import patiently
from cordboard.router.recovery import recover
from cordboard.router.standby import Standby
from cordboard.router.window import Window

logger = logging.getLogger(__name__)
T = TypeVar("T")

ANSWER_MAX_MS = 1_000
"""A longer wait says little of the server's clock."""
CLOCK_TRIES = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """What a router does just now, and the newest epoch it knows."""

    phase: Literal["reading", "standby", "leading"]
    epoch: int


async def serve_router(
    log: SiteLog,
    *,
    stop: asyncio.Event | None = None,
    at_once: bool = False,
    standing: Callable[[Standing], None] | None = None,
    snapshot_every: int = snapshots.EVERY_COMMITS,
    snapshot_gap_s: float = SNAPSHOT_GAP_S,
    clock: Clock | None = None,
    incarnation: bytes | None = None,
    timing: Timing = TIMING,
) -> None:
    """Stand by for the site of `log`, lead when it is our turn, stand by again when another leads: until `stop` is set or the
    task is cancelled. Told to stop, whoever leads ends its epoch first, so that the next one takes over at once.

    `at_once`: lead at the start without listening for another router; for whoever knows that there is none.
    `incarnation`: 16 bytes that no other router has (default: random). A snapshot is made every `snapshot_every` commits (sooner
    if they are large), at most one in `snapshot_gap_s`. While the log is away the router waits.
    Raises ConfigurationError (clocks apart), JournalCorrupt.
    """
    stop = stop or asyncio.Event()
    peers = Peers(log, incarnation or secrets.token_bytes(16), timing)
    clock = clock or SystemClock()

    def tell(now: Standing) -> None:
        metrics.LEADING.set(now.phase == "leading")
        metrics.EPOCH.set(now.epoch)
        if standing is not None:
            standing(now)

    async with _bare_errors(), asyncio.TaskGroup() as group:
        company = group.create_task(peers.run(), name="beats")
        while not stop.is_set():
            tell(Standing("reading", 0))
            try:
                await _live(_Life(log, peers, clock, tell, stop, at_once, snapshot_every, snapshot_gap_s))
            except SteppedDown as reason:
                logger.warning("stepped down: %s; standing by", reason)
                metrics.OVERTAKEN.inc()
            peers.fall_silent()
            at_once = False
        company.cancel()


async def run_router(
    log: SiteLog,
    *,
    stop: asyncio.Event | None = None,
    snapshot_every: int = snapshots.EVERY_COMMITS,
    snapshot_gap_s: float = SNAPSHOT_GAP_S,
    leading: Callable[[int], None] | None = None,
    clock: Clock | None = None,
) -> None:
    """One life of a router that knows of no other: lead at once, until cancelled or `stop` is set, as `serve_router` does.

    `leading` is called with the epoch once the take-over is durable. Raises SteppedDown as soon as another router leads.
    """

    def tell(standing: Standing) -> None:
        if standing.phase == "leading" and leading is not None:
            leading(standing.epoch)

    alone = Peers(log, secrets.token_bytes(16))
    life = _Life(log, alone, clock or SystemClock(), tell, stop or asyncio.Event(), True, snapshot_every, snapshot_gap_s)
    await _live(life)


@dataclass(frozen=True, slots=True)
class _Life:
    """What one life of a router is given: from recovery to its end, or to where another one leads."""

    log: SiteLog
    peers: Peers
    clock: Clock
    tell: Callable[[Standing], None]
    stop: asyncio.Event
    at_once: bool
    snapshot_every: int
    snapshot_gap_s: float


async def _live(life: _Life) -> None:
    log, peers = life.log, life.peers
    async with CoreThread() as core:
        recovered = await _unless(life.stop, recover(log, core))
        if recovered is None:
            return
        router = recovered.router
        await _unless(life.stop, _compare_clocks(log, life.clock))
        TurnClock(life.clock, router.position().at_ms)  # refuses at the start what would fail at the take-over
        peers.stored(recovered.snapshot_seq)
        rhythm = snapshots.Rhythm(life.snapshot_every, router.position().seq - recovered.snapshot_seq)
        standby = Standby(log, core, router, peers)
        if not life.at_once:
            logger.info("standing by for %s from %d in epoch %d", log.site, standby.position.seq, standby.position.epoch)
            peers.sign(standby.position.epoch)
            await peers.stand_by(standby.position.epoch)
            life.tell(Standing("standby", standby.position.epoch))
        async with _bare_errors(), asyncio.TaskGroup() as group:
            keeping = Keeping(log, core, peers, group, rhythm, life.snapshot_gap_s)
            while why := await standby.called(life.stop, keeping, at_once=life.at_once):
                if await _lead(life, core, router, standby, keeping, why):
                    return
            keeping.give_up()


async def _lead(life: _Life, core: CoreThread, router: Router, standby: Standby, keeping: Keeping, why: str) -> bool:
    """Take over, and lead until the end. False: another router was quicker, and nothing was done."""
    log = life.log
    # Before anything is stored: a journal that is ahead of its time would let no other router lead until that has passed.
    await _compare_clocks(log, life.clock)
    turn_clock = TurnClock(life.clock, router.position().at_ms)
    async with log.appender() as appender:
        if not await standby.is_still_called():
            logger.info("another router leads %s: standing by on", log.site)
            return False
        commit = await _take_over(life, core, router, appender, turn_clock)
        position = router.position()
        logger.info("leading %s in epoch %d from %d: %s", log.site, position.epoch, position.seq, why)
        metrics.TAKE_OVERS.inc()
        await life.peers.lead(position.epoch)
        life.tell(Standing("leading", position.epoch))
        window = Window(appender, position.seq)
        # Within the appender's life: closed, it would tell those who wait for it that the log is away.
        async with asyncio.TaskGroup() as group:
            await Leader(log, core, router, turn_clock, window, life.peers, keeping, group, commit).lead(life.stop)
    return True


async def _compare_clocks(log: SiteLog, clock: Clock) -> None:
    """Raises ConfigurationError if the server's clock and ours are too far apart to lead."""
    for _ in range(CLOCK_TRIES):
        before_ms = clock.wall_ms()
        server_ms = await patiently(log.server_time_ms, "the server's time")
        after_ms = clock.wall_ms()
        # An answer that took an election says little: ask again.
        if after_ms - before_ms <= ANSWER_MAX_MS:
            break
    check_clock(before_ms, server_ms, after_ms)


async def _take_over(life: _Life, core: CoreThread, router: Router, appender: Appender, turn_clock: TurnClock) -> bytes:
    """Extend the journal by a new epoch, and look at the server's clock once more by the stamp it puts there."""
    log, clock, incarnation = life.log, life.clock, life.peers.incarnation
    at_ms = turn_clock.now_ms()
    commit = await core.run(lambda: router.take_over(log.inbox_id, at_ms, incarnation))
    seq = router.position().seq
    before_ms = clock.wall_ms()
    await appender.append(seq, commit)
    after_ms = clock.wall_ms()
    stored = await patiently(lambda: log.read_commit(seq), f"commit {seq}")
    check_clock(before_ms, stored.stored_ms, after_ms)
    return commit


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What `work` gives; None if `stop` is set before it is done."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.wait([working, stopping])


@contextlib.asynccontextmanager
async def _bare_errors() -> AsyncIterator[None]:
    """A group's first error, bare: whoever supervises the role asks for its type."""
    try:
        yield
    except BaseExceptionGroup as errors:
        _raise_first(errors)


def _raise_first(errors: BaseExceptionGroup[BaseException]) -> NoReturn:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    raise first from None

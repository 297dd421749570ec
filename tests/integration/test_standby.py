"""Routers that stand by for each other on one log in this process: who folds, who leads, who keeps snapshots."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars

import msgspec
import pytest

from cordboard import codec
from cordboard.cli.roles import lead
from cordboard.cli.vitals import Vitals
from cordboard.errors import ConfigurationError, JournalCorrupt
from cordboard.events import event as words
from cordboard.log.faults import Fault
from cordboard.log.memory import MemoryLog, MemoryServer, MemorySnapshots
from cordboard.log.subjects import BEATS
from cordboard.router import Standing, serve_router
from cordboard.router.peers import Beat, Timing
from tests.integration.crowd import PATIENCE_S, crowd
from tests.integration.test_router import Skewed, all_decided, verified
from tests.logs import until
from tests.routers import epochs

SITE = "default"
TIMING = Timing(beat_s=0.02, silence_s=1.2, rank_s=0.3)
"""Silence is longer than a busy machine holds the loop up: who is not dead must not be taken for it."""
TOOK_OVER, STEPPED_DOWN = words.RouterTookOver, words.RouterSteppedDown


class Served:
    """A router that stands by first."""

    def __init__(self, log: MemoryLog, name: bytes = b"a", *, every: int = 5_000, at_once: bool = False) -> None:
        self.stop = asyncio.Event()
        self.standings: list[Standing] = []
        self.task = asyncio.create_task(
            serve_router(
                log, stop=self.stop, at_once=at_once, standing=self.standings.append, snapshot_every=every, snapshot_gap_s=0,
                incarnation=name * 16, timing=TIMING,
            )
        )  # fmt: skip

    async def is_(self, phase: str, epoch: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.standings or (self.standings[-1].phase, self.standings[-1].epoch) != (phase, epoch):
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.001)

    async def halt(self) -> None:
        self.stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await self.task

    async def kill(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


async def test_one_leads_and_the_next_in_line_follows_it() -> None:
    log = MemoryLog(SITE)
    async with epochs(log) as history, crowd(log) as people:
        first = Served(log, b"a")
        await first.is_("leading", 1)
        third, second = Served(log, b"c"), Served(log, b"b")
        await second.is_("standby", 1)
        await third.is_("standby", 1)
        await asyncio.sleep(4 * TIMING.beat_s)
        await people.open()
        await people.arrive(20)
        await first.halt()
        await second.is_("leading", 2)
        await people.arrive(20)
        await second.kill()
        await third.is_("leading", 3)
        await people.ended(40)
        await third.halt()
        all_decided(people, await verified(log))
        await history.until(lambda: len(history.changes) == 5)
    assert history.changes == [(TOOK_OVER, 1), (STEPPED_DOWN, 1), (TOOK_OVER, 2), (TOOK_OVER, 3), (STEPPED_DOWN, 3)]


async def test_a_standby_folds_all_and_recovers_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "cordboard.router")
    log = MemoryLog(SITE)
    async with crowd(log) as people:
        first = Served(log, at_once=True)
        await first.is_("leading", 1)
        second = Served(log, b"b")
        await second.is_("standby", 1)
        await people.open()
        await people.arrive(40)
        await people.ended(40)
        caplog.clear()
        await first.halt()
        await second.is_("leading", 2)
        assert "recovered" not in caplog.text
        await second.halt()
    all_decided(people, await verified(log))


class Signed(MemorySnapshots):
    """Snapshots of which is known whose task stored them."""

    def __init__(self) -> None:
        super().__init__()
        self.by: list[str] = []

    async def put(self, name: str, data: bytes) -> None:
        self.by.append(writer.get())
        await super().put(name, data)


writer: contextvars.ContextVar[str] = contextvars.ContextVar("writer")


async def test_who_stands_by_keeps_the_snapshots() -> None:
    server = MemoryServer(SITE)
    server.snapshots = kept = Signed()
    log = MemoryLog(SITE, server=server)
    came = 0

    async def stored(count: int) -> None:
        """Contacts come until so many snapshots are kept: how many commits they make is not ours to say."""
        nonlocal came
        async with asyncio.timeout(PATIENCE_S):
            while len(kept.by) < count:
                came += 10
                await people.arrive(10)
                await people.ended(came)

    async with crowd(log) as people:
        writer.set("leader")
        leader = Served(log, b"a", every=20, at_once=True)
        await leader.is_("leading", 1)
        await people.open()
        await stored(1)
        assert set(kept.by) == {"leader"}, "nobody stands by"
        writer.set("standby")
        standby = Served(log, b"b", every=20)
        await standby.is_("standby", 1)
        await asyncio.sleep(4 * TIMING.beat_s)
        kept.by.clear()
        await stored(2)
        assert set(kept.by) == {"standby"}
        await leader.halt()
        await standby.is_("leading", 2)
        await standby.halt()
    all_decided(people, await verified(log))


async def test_who_loses_the_race_stands_by() -> None:
    log = MemoryLog(SITE)
    both = [Served(log, b"a", at_once=True), Served(log, b"b", at_once=True)]
    async with crowd(log) as people:
        await people.open()
        async with asyncio.timeout(PATIENCE_S):
            await until(lambda: sorted(served.standings[-1].phase for served in both if served.standings) == ["leading", "standby"])
        await people.arrive(20)
        await people.ended(20)
        for served in both:
            await served.halt()
    all_decided(people, await verified(log))


class Asked(MemoryLog):
    """A log that counts how often it is asked where the journal ends."""

    asked = 0

    async def last_journal_seq(self) -> int:
        self.asked += 1
        return await super().last_journal_seq()


@pytest.mark.parametrize("claim", [2, 1 << 40])
async def test_nobody_steps_down_for_what_the_journal_does_not_have(claim: int, caplog: pytest.LogCaptureFixture) -> None:
    log = Asked(SITE)
    served = Served(log)
    await served.is_("leading", 1)
    for _ in range(3):
        before = log.asked
        async with asyncio.timeout(PATIENCE_S):
            while log.asked == before:
                await log.whisper(BEATS, msgspec.msgpack.encode(Beat(b"z" * 16, "leading", claim)))
                await asyncio.sleep(0.001)
    assert caplog.text.count(f"they lead in epoch {claim}, which the journal does not have") == 1
    assert served.standings[-1] == Standing("leading", 1)
    # And it hears as well as before who does lead, though it has nothing to write.
    other = Served(log, b"b", at_once=True)
    await other.is_("leading", 2)
    await served.is_("standby", 2)
    await other.halt()
    await served.is_("leading", 3)
    await served.halt()
    await verified(log)


async def test_the_last_commit_is_sent_until_the_log_has_it() -> None:
    log = MemoryLog(SITE, ack_wait_s=0.02)
    served = Served(log)
    await served.is_("leading", 1)
    log.journal.plan.extend([Fault.LOSE_MESSAGE, Fault.LOSE_ACK])
    await served.halt()
    last = codec.decode_commit((await log.read_commit(await log.last_journal_seq())).data)
    assert [type(codec.decode_event(entry)) for entry in last.entries] == [STEPPED_DOWN]
    await verified(log)


async def test_the_role_hands_over_when_it_is_cancelled_and_says_what_it_does() -> None:
    log, vitals = MemoryLog(SITE), Vitals.of(["router"])
    role = asyncio.create_task(lead(log, vitals, at_once=True))
    await until(lambda: vitals.says.get("router") == "leading since epoch 1")
    assert vitals.unready == {"router": ""}
    other = asyncio.create_task(lead(log, standing := Vitals.of(["router"])))
    await until(lambda: standing.says.get("router") == "standing by, epoch 1")
    assert standing.unready == {"router": ""}
    role.cancel()
    with pytest.raises(asyncio.CancelledError):
        await role
    await until(lambda: standing.says.get("router") == "leading since epoch 2")
    other.cancel()
    with pytest.raises(asyncio.CancelledError):
        await other
    async with epochs(log) as history:
        await history.until(lambda: len(history.changes) == 4)
    assert history.changes == [(TOOK_OVER, 1), (STEPPED_DOWN, 1), (TOOK_OVER, 2), (STEPPED_DOWN, 2)]


async def test_a_standby_whose_clock_is_wrong_says_so_at_once() -> None:
    log = MemoryLog(SITE)
    served = Served(log)
    await served.is_("leading", 1)
    with pytest.raises(ConfigurationError, match="clock"):
        await serve_router(log, clock=Skewed(1_000_000_000_000))
    await served.halt()


async def test_a_standby_stops_at_what_it_cannot_fold() -> None:
    log = MemoryLog(SITE)
    served = Served(log)
    await served.is_("leading", 1)
    standby = Served(log, b"b")
    await standby.is_("standby", 1)
    await served.kill()
    last = await log.read_commit(await log.last_journal_seq())
    async with log.appender() as appender:
        await appender.append(last.seq + 1, last.data)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(JournalCorrupt):
            await standby.task

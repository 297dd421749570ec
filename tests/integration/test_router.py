"""The router on a real log with the real core: whatever dies, nothing is lost and the journal verifies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordboard import codec
from cordboard.errors import ConfigurationError, JournalCorrupt, SteppedDown
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.faults import Fault
from cordboard.log.memory import MemoryLog
from cordboard.log.port import SiteLog
from cordboard.router import run_router, snapshots
from cordboard.router.verify import VerifyReport, verify
from tests.integration.crowd import PATIENCE_S, Crowd, crowd

SITE = "default"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def log(server: EmbeddedServer) -> AsyncIterator[SiteLog]:
    async with connect(server.url, SITE, create=True) as log:
        yield log


class Led:
    """A router task that can be waited for, stopped and killed."""

    def __init__(self, log: SiteLog, **options: int | float) -> None:
        self.stop = asyncio.Event()
        self._leads = asyncio.Event()
        self.epoch = 0
        self.task = asyncio.create_task(run_router(log, stop=self.stop, leading=self._leading, **options))  # type: ignore[arg-type]

    def _leading(self, epoch: int) -> None:
        self.epoch = epoch
        self._leads.set()

    async def leads(self) -> None:
        waiting = asyncio.create_task(self._leads.wait())
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait([waiting, self.task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.task.done():
            self.task.result()

    async def kill(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    async def halt(self) -> None:
        self.stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await self.task


@contextlib.asynccontextmanager
async def leading(log: SiteLog, **options: int | float) -> AsyncIterator[Led]:
    led = Led(log, **options)
    try:
        await led.leads()
        yield led
        await led.halt()
    finally:
        await led.kill()


async def verified(log: SiteLog) -> VerifyReport:
    report = await verify(log)
    assert (report.divergences, report.violations, report.lost) == ([], [], 0)
    return report


def all_decided(people: Crowd, report: VerifyReport) -> None:
    assert report.inputs == people.published + report.duplicates
    assert report.quarantined == 0
    site = people.boards.site()
    assert site.open == 0
    assert all(row.load == 0 for row in people.boards.agents())


async def test_facts_become_commits(log: SiteLog) -> None:
    async with leading(log) as led, crowd(log) as people:
        assert led.epoch == 1
        await people.open()
        await people.arrive(60)
        await people.ended(60)
    all_decided(people, await verified(log))
    assert {row.queue: row.answered for row in people.boards.queues()}.keys() == {"orders", "invoices"}
    assert sum(row.answered for row in people.boards.queues()) == 60
    assert people.desks.contacts() == []


async def test_a_router_cancelled_in_mid_flight_loses_nothing(log: SiteLog) -> None:
    async with crowd(log) as people:
        first = Led(log)
        await first.leads()
        await people.open()
        arriving = asyncio.create_task(people.arrive(120))
        for _ in range(3):
            await people.reached(people.boards.position + 5)
            await first.kill()
            first = Led(log)
            await first.leads()
        await arriving
        await people.ended(120)
        await first.halt()
    all_decided(people, await verified(log))


async def test_a_killed_router_process_loses_nothing(server: EmbeddedServer, log: SiteLog) -> None:
    async with crowd(log) as people:
        opening = asyncio.create_task(people.open())
        arriving = asyncio.create_task(people.arrive(150))
        for epoch in (1, 2, 3):
            router = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.integration.router_process", server.url, SITE, stdout=asyncio.subprocess.PIPE
            )
            assert router.stdout is not None
            async with asyncio.timeout(PATIENCE_S):
                assert await router.stdout.readline() == f"leading {epoch}\n".encode()
            await people.reached(people.boards.position + 10)
            router.send_signal(signal.SIGKILL)
            await router.wait()
        async with leading(log) as led:
            assert led.epoch == 4
            await opening
            await arriving
            await people.ended(150)
    all_decided(people, await verified(log))


async def test_a_killed_server_loses_nothing(server: EmbeddedServer, log: SiteLog) -> None:
    async with leading(log), crowd(log) as people:
        await people.open()
        arriving = asyncio.create_task(people.arrive(120))
        for _ in range(2):
            await people.reached(people.boards.position + 5)
            os.kill(server.pid, signal.SIGKILL)
        await arriving
        await people.ended(120)
    all_decided(people, await verified(log))


async def test_of_two_routers_one_wins(log: SiteLog) -> None:
    async with crowd(log) as people:
        both = [Led(log), Led(log)]
        await people.open()
        async with asyncio.timeout(PATIENCE_S):
            done, _ = await asyncio.wait([led.task for led in both], return_when=asyncio.FIRST_COMPLETED)
        assert [type(task.exception()) for task in done] == [SteppedDown]
        winner = next(led for led in both if not led.task.done())
        await people.arrive(30)
        await people.ended(30)
        await winner.halt()
    all_decided(people, await verified(log))


async def test_a_router_that_was_overtaken_steps_down_and_forks_nothing(log: SiteLog) -> None:
    async with crowd(log) as people:
        old = Led(log)
        await old.leads()
        await people.open()
        await people.opened()
        async with leading(log) as new:
            assert new.epoch == 2
            arriving = asyncio.create_task(people.arrive(60))
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.wait([old.task])
            with pytest.raises(SteppedDown):
                old.task.result()
            await arriving
            await people.ended(60)
    all_decided(people, await verified(log))


async def test_lost_acks_and_lost_commits_are_settled(caplog: pytest.LogCaptureFixture) -> None:
    log = MemoryLog(SITE, ack_wait_s=0.02)
    log.journal.plan.extend([None, Fault.LOSE_ACK, None, None, Fault.LOSE_MESSAGE, Fault.LOSE_ACK] * 5)
    log.inbox.plan.extend([None, Fault.LOSE_ACK, Fault.LOSE_MESSAGE] * 5)
    async with leading(log), crowd(log) as people:
        await people.open()
        await people.arrive(40)
        await people.ended(40)
    all_decided(people, await verified(log))
    assert not log.journal.plan and not log.inbox.plan


async def test_recovery_begins_with_the_newest_sound_snapshot(log: SiteLog, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "cordboard.router")
    async with crowd(log) as people:
        async with leading(log, snapshot_every=5, snapshot_gap_s=0):
            await people.open()
            await people.arrive(60)
            await people.ended(60)
        names = sorted(await log.snapshots.names())
        assert len(names) >= snapshots.KEPT
        assert snapshots.superfluous([parsed for name in names if (parsed := snapshots.SnapshotName.parse(name))]) == []
        newest, second = (int(name.split("-")[0]) for name in (names[-1], names[-2]))
        await _recovers_from(log, newest, caplog)
        data = await log.snapshots.get(names[-1])
        await log.snapshots.put(names[-1], data[:-1] + bytes([data[-1] ^ 1]))
        await _recovers_from(log, second, caplog)
        await log.snapshots.put(names[-1].replace(names[-1].split("-")[1], "0" * 64), data)
        await _recovers_from(log, second, caplog)
    report = await verify(log, from_seq=second + 3)
    assert (report.clean, report.first_seq, report.lost) == (True, second + 3, 0)
    await verified(log)


async def _recovers_from(log: SiteLog, seq: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    async with leading(log):
        pass
    assert f"snapshot at {seq} and" in caplog.text


async def test_poison_is_quarantined_and_what_stands_around_it_routed(log: SiteLog) -> None:
    poison = [b"\xc1", b"", b"\x93\x01", codec.encode(facts.ContactAbandoned(bytes(16), bytes(16)))[:-3], b"\x91\x7f", bytes(1000)]
    async with leading(log), crowd(log) as people, log.publisher("poison") as publisher:
        await people.open()
        for index, data in enumerate(poison):
            await publisher.publish(data)
            await people.arrive(index % 2)
        await people.ended(3)
    report = await verified(log)
    assert report.quarantined == len(poison)
    assert report.inputs == people.published + len(poison)


async def test_the_same_fact_counts_once(log: SiteLog) -> None:
    async with leading(log), crowd(log) as people, log.publisher("again") as publisher:
        await people.open()
        arrival = codec.encode(facts.ContactArrived(people.id(), people.id(), "chat", "orders"))
        for _ in range(5):
            await publisher.publish(arrival)
        await people.ended(1)
    report = await verified(log)
    assert report.duplicates == 4
    assert people.boards.site().contacts == 1


async def test_verify_finds_a_stranger_in_the_journal(log: SiteLog) -> None:
    async with crowd(log) as people:
        async with leading(log):
            await people.open()
            await people.opened()
            last = await log.read_commit(await log.last_journal_seq())
        ended = await log.last_journal_seq()
    forged = codec.decode_commit(last.data)
    assert forged.entries[0].tag == INPUT_TAG
    async with log.appender() as appender:
        await appender.append(ended + 1, last.data)
    report = await verify(log)
    assert not report.clean
    assert {finding.seq for finding in report.violations} >= {ended + 1}
    with pytest.raises(JournalCorrupt):
        await run_router(log)


class Skewed:
    """A machine whose clock is wrong."""

    def __init__(self, wall_ms: int) -> None:
        self._wall_ms = wall_ms

    def wall_ms(self) -> int:
        return self._wall_ms

    def elapsed_ms(self) -> int:
        return 0


@pytest.mark.parametrize("wall_ms", [1_000_000_000_000, 4_000_000_000_000])
async def test_clocks_apart_are_refused(log: SiteLog, wall_ms: int) -> None:
    with pytest.raises(ConfigurationError, match="clock"):
        await run_router(log, clock=Skewed(wall_ms))

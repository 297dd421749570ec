"""Who lives, who is first in line, and what silence is worth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import msgspec
import pytest

from cordboard.log.memory import MemoryLog, MemorySnapshots
from cordboard.log.snapshot_name import SnapshotName, parsed
from cordboard.log.subjects import BEATS
from cordboard.router.core import CoreThread
from cordboard.router.keeping import ASK_S, Keeping
from cordboard.router.peers import STANDBYS_MAX, Beat, Peers, Timing
from cordboard.router.snapshots import OVERDUE, Rhythm
from tests.archives import lived
from tests.logs import until

SELF = b"m" * 16
TIMING = Timing(beat_s=0.002)


class Loop:
    """A clock that goes on when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Cut(MemoryLog):
    """A log whose connection can be lost."""

    at: int | None = 0

    @property
    def connection(self) -> int | None:
        return self.at


@pytest.fixture
def log() -> Cut:
    return Cut("default")


@pytest.fixture
async def clock() -> Loop:
    return Loop()


@pytest.fixture
async def peers(log: Cut, clock: Loop) -> AsyncIterator[Peers]:
    peers = Peers(log, SELF, TIMING)
    peers._clock = clock
    peers.listen_anew()
    peers._looked_at = clock.now
    running = asyncio.create_task(peers.run())
    await asyncio.sleep(0.01)
    yield peers
    running.cancel()
    await asyncio.wait([running])


def beat(incarnation: bytes, standing: Literal["leading", "standby"], epoch: int, snapshot_seq: int = 0) -> bytes:
    return msgspec.msgpack.encode(Beat(incarnation * 16, standing, epoch, snapshot_seq))


async def heard(log: MemoryLog, *beats: bytes) -> None:
    for data in beats:
        await log.whisper(BEATS, data)
    await asyncio.sleep(0.01)


def pass_time(peers: Peers, clock: Loop, seconds: float) -> float:
    """As a standby does, which looks many times a second."""
    for _ in range(round(seconds * 10)):
        clock.now += 0.1
        peers.silence_s()
    return round(peers.silence_s(), 3)


async def test_the_rank_is_the_place_among_those_who_stand_by(log: Cut, clock: Loop, peers: Peers) -> None:
    assert (peers.rank(), peers.has_standby()) == (0, False)
    await heard(log, beat(b"z", "standby", 1), beat(b"a", "standby", 1), beat(b"c", "standby", 1), beat(b"b", "leading", 1))
    assert (peers.rank(), peers.has_standby()) == (2, True)
    await heard(log, beat(b"a", "leading", 1))
    assert peers.rank() == 1, "who leads stands by no more"
    clock.now += 2 * TIMING.fresh_s
    assert (peers.rank(), peers.has_standby()) == (0, False), "who is not heard any more is gone"


async def test_silence_ends_with_a_beat_or_a_commit(log: Cut, clock: Loop, peers: Peers) -> None:
    peers.sign(1)
    assert pass_time(peers, clock, 1.2) == 1.2
    await heard(log, beat(b"a", "standby", 1))
    assert pass_time(peers, clock, 0) == 1.2, "a standby leads nothing"
    await heard(log, beat(b"a", "leading", 1))
    assert pass_time(peers, clock, 0.3) == 0.3
    peers.sign(4)
    assert pass_time(peers, clock, 0.2) == 0.2
    await heard(log, beat(b"a", "leading", 3))
    assert pass_time(peers, clock, 0.2) == 0.4, "the epoch is over in which it believes to lead"
    await heard(log, beat(b"a", "leading", 4))
    assert pass_time(peers, clock, 0) == 0


async def test_a_claim_that_no_commit_bears_out_changes_nothing(log: Cut, clock: Loop, peers: Peers) -> None:
    peers.sign(4)
    await heard(log, beat(b"z", "leading", 1 << 40))
    await heard(log, beat(b"a", "leading", 4))
    assert pass_time(peers, clock, 0.3) == 0.3, "who does lead is heard as before"
    await heard(log, beat(b"z", "leading", 1 << 40))
    assert pass_time(peers, clock, 0) == 0.3, "and who does not keeps nobody from taking over"
    peers.sign(5)
    await heard(log, beat(b"a", "leading", 5))
    assert pass_time(peers, clock, 0) == 0


async def test_nothing_is_silent_without_a_connection(log: Cut, clock: Loop, peers: Peers) -> None:
    assert pass_time(peers, clock, 1) == 1
    log.at = None
    assert pass_time(peers, clock, 5) == 0
    log.at = 1
    assert pass_time(peers, clock, 0) == 0
    assert pass_time(peers, clock, 1) == 1, "it begins anew with the connection"
    log.at = 2
    assert pass_time(peers, clock, 0) == 0, "lost and found between two looks"


async def test_who_slept_heard_nothing(clock: Loop, peers: Peers) -> None:
    assert pass_time(peers, clock, 1) == 1
    clock.now += 60
    assert pass_time(peers, clock, 0) == 0


async def test_what_is_no_beat_is_passed_over(log: Cut, clock: Loop, peers: Peers, caplog: pytest.LogCaptureFixture) -> None:
    for data in (b"", b"\xc1", b"\x91\x01", msgspec.msgpack.encode([b"short", "leading", 1]), beat(b"a", "leading", 1)[:-2]):
        await heard(log, data)
    await heard(log, msgspec.msgpack.encode([b"a" * 16, "asleep", 1, 0]), msgspec.msgpack.encode([b"a" * 16, "leading", -1, 0]))
    assert caplog.text.count("a beat cannot be read") == 7
    assert pass_time(peers, clock, 0.5) == 0.5
    peers.sign(1)
    assert pass_time(peers, clock, 0.5) == 0.5
    await heard(log, msgspec.msgpack.encode([b"a" * 16, "leading", 1, 0, "what a later release says besides"]))
    assert pass_time(peers, clock, 0) == 0


async def test_a_router_hears_that_another_says_it_leads(log: Cut, peers: Peers) -> None:
    await peers.lead(3)
    claimed = asyncio.create_task(peers.claimed(3))
    await heard(log, beat(b"a", "leading", 2), beat(b"z", "leading", 3))
    assert not claimed.done()
    await heard(log, beat(b"a", "leading", 5))
    assert await claimed == 5
    again = asyncio.create_task(peers.claimed(3))
    await asyncio.sleep(0.01)
    assert not again.done(), "it was told once"
    await heard(log, beat(b"a", "leading", 5))
    assert await again == 5


async def test_what_is_said_is_said_again_and_again_until_silence(log: Cut, peers: Peers) -> None:
    said: list[Beat] = []

    async def listen() -> None:
        async for _, data in log.listen(BEATS):
            said.append(msgspec.msgpack.decode(data, type=Beat))

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    await peers.stand_by(2)
    peers.snapshot_seq = 70
    await until(lambda: len(said) > 3)
    await peers.lead(3)
    await until(lambda: said[-1].standing == "leading")
    assert said[-1] == Beat(SELF, "leading", 3, 70)
    peers.fall_silent()
    await asyncio.sleep(0.01)  # what was under way
    count = len(said)
    await asyncio.sleep(5 * TIMING.beat_s)
    assert len(said) == count
    listening.cancel()


async def test_the_newest_snapshot_is_known_to_all(log: Cut, peers: Peers) -> None:
    await heard(log, beat(b"a", "standby", 1, 5_000), beat(b"b", "leading", 1, 3_000))
    assert peers.rumoured_seq == 5_000
    assert peers.snapshot_seq == 0, "anybody can say so"


async def test_a_crowd_that_somebody_makes_up_is_not_a_queue_without_end(log: Cut, peers: Peers) -> None:
    await heard(log, *(beat(bytes([number]), "standby", 1) for number in range(100)))
    assert peers.rank() == STANDBYS_MAX


class Shelved(Cut):
    """A log that counts how often its snapshots are asked for."""

    asked = 0

    @property
    def snapshots(self) -> MemorySnapshots:
        type(self).asked += 1
        return self._server.snapshots


async def test_of_what_is_said_to_be_stored_only_what_is_there_counts(clock: Loop) -> None:
    log = Shelved("default")
    names = list[SnapshotName]()
    while len(names) < 2:
        await lived(log, 10, seed=len(names) + 1, before=10 * len(names), snapshot_every=4)
        names = parsed(log._server.snapshots.blobs)
    last, newest = await log.last_journal_seq(), names[-1]
    peers = Peers(log, SELF, TIMING)
    peers.stored(names[-2].seq)
    async with CoreThread() as core, asyncio.TaskGroup() as group:
        rhythm = Rhythm(every_commits=4, commits=OVERDUE * 4)
        keeping = Keeping(log, core, peers, group, rhythm, gap_s=0)
        keeping._clock, keeping._taken_at = clock, clock.now

        async def due() -> bool:
            clock.now += ASK_S
            keeping.due(ours=False, quiet=False)
            await asyncio.sleep(0.01)
            return keeping.due(ours=False, quiet=False)

        assert await due()
        log._server.snapshots.blobs[str(SnapshotName(last + 7, bytes(32), 2, bytes(32)))] = b"of a journal that lost its end"
        log._server.snapshots.blobs[str(SnapshotName(newest.seq + 1, bytes(32), 2, bytes(32)))] = b"of another journal"
        for seq in (newest.seq - 1, last + 7, 1 << 62):
            del log._server.snapshots.blobs[str(newest)]
            peers._hear(Beat(b"z" * 16, "standby", 1, seq))
            assert await due() and peers.snapshot_seq < newest.seq, "forged, or no longer true"
            log._server.snapshots.blobs[str(newest)] = b"there"
        asked = log.asked
        for _ in range(20):
            peers._hear(Beat(b"z" * 16, "standby", 1, 1 << 62))
            keeping.due(ours=False, quiet=False)
            await asyncio.sleep(0)
        assert log.asked == asked, "the store is not asked as often as somebody speaks"
        assert not await due(), "a false word leads to the true one"
        assert peers.snapshot_seq == newest.seq
        await keeping.stored()

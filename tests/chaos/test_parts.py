"""The nemesis' own parts: a plan that repeats, wires that do what they are told, pauses that are counted right."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.cluster import Server
from tests.chaos.nemesis import Struck
from tests.chaos.network import HOST, Network, free_ports
from tests.chaos.plan import ALL, faults
from tests.chaos.report import Report, rows, silence, text


def test_a_seed_gives_the_same_faults_again() -> None:
    def plan(seed: int) -> list[object]:
        return list(itertools.islice(faults(seed), 200))

    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_every_kind_comes_before_any_comes_again() -> None:
    plan = list(itertools.islice(faults(3), 2 * len(ALL)))
    assert sorted(fault.kind for fault in plan[: len(ALL)]) == sorted(ALL)
    assert sorted(fault.kind for fault in plan[len(ALL) :]) == sorted(ALL)
    assert any(fault.companion for fault in plan)


def test_only_processes_keep_company_and_only_if_they_may_be_struck() -> None:
    plan = list(itertools.islice(faults(3, ("kill the leader", "kill a router")), 50))
    assert {fault.companion for fault in plan} == {None, "kill a router"}
    assert all(fault.kind == "kill the leader" for fault in plan if fault.companion)


class Wired:
    """A server that says everything back, behind a proxy, and a client of it."""

    def __init__(self, network: Network, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.network, self._reader, self.writer = network, reader, writer

    async def hears(self, size: int) -> bytes:
        async with asyncio.timeout(60):
            return await self._reader.read(size)

    async def silent(self) -> bool:
        """Nothing comes while others do their part."""
        reading = asyncio.create_task(self._reader.read(1))
        await asyncio.wait([reading], timeout=0.2)
        reading.cancel()
        await asyncio.wait([reading])
        return reading.cancelled()


@pytest.fixture
async def wired() -> AsyncIterator[Wired]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    ports, network = free_ports(5_000), Network()
    server = await asyncio.start_server(echo, HOST, next(ports))
    await network.open("a", "b", server.sockets[0].getsockname()[1], next(ports))
    reader, writer = await asyncio.open_connection(HOST, network.port("a", "b"))
    yield Wired(network, reader, writer)
    writer.close()
    await network.close()
    server.close()


async def test_a_wire_carries_both_ways(wired: Wired) -> None:
    wired.writer.write(b"x")
    assert await wired.hears(1) == b"x"


@pytest.mark.parametrize("way", [("a", "b"), ("b", "a")])
async def test_what_is_stalled_arrives_late(wired: Wired, way: tuple[str, str]) -> None:
    wired.network.stall([way])
    wired.writer.write(b"y")
    assert await wired.silent()
    wired.network.heal()
    assert await wired.hears(1) == b"y"


async def test_a_cut_breaks_the_wire_and_refuses_the_next(wired: Wired) -> None:
    wired.network.cut([("b", "a")])
    with pytest.raises(ConnectionError):
        if await wired.hears(1) == b"":
            raise ConnectionError
    reader, writer = await asyncio.open_connection(HOST, wired.network.port("a", "b"))
    with pytest.raises(ConnectionError):
        writer.write(b"z")
        if await reader.read(1) == b"":
            raise ConnectionError
    writer.close()
    wired.network.heal()
    reader, writer = await asyncio.open_connection(HOST, wired.network.port("a", "b"))
    writer.write(b"z")
    assert await reader.read(1) == b"z"
    writer.close()


def test_a_disk_that_is_put_back_holds_what_it_held(tmp_path: Path) -> None:
    server = Server("n1", tmp_path / "n1", itertools.count(1))
    stream = server.store / "jetstream" / "stream"
    stream.mkdir(parents=True)
    (stream / "1.blk").write_bytes(b"ours")
    server.take_disk_out()
    assert not list(server.store.iterdir())
    (server.store / "jetstream").mkdir()
    (server.store / "jetstream" / "2.blk").write_bytes(b"theirs")
    server.put_disk_back()
    assert [path.read_bytes() for path in server.store.rglob("*.blk")] == [b"ours"]


def test_a_silence_counts_as_far_as_it_lies_in_the_window() -> None:
    assert silence([0, 10, 500, 510], 100, 200) == 100
    assert silence([0, 10, 500, 510], 5, 505) == 490
    assert silence([0, 10, 500, 510], 501, 600) == 9
    assert silence([0, 10], 11, 600) == 0
    assert silence([], 0, 1) == 0


def test_rows_take_each_silence_for_the_fault_it_fell_into() -> None:
    struck = [
        Struck("kill the leader", "n1", 1_000, healed_ms=2_000, well_ms=3_000),
        Struck("slow links", "n2", 5_000, healed_ms=6_000, well_ms=None),
        Struck("two empty disks, the third away", "n2, n3", 9_000, healed_ms=9_500, well_ms=9_600, untried="no leader"),
    ]
    acks = {"one": [900, 4_000, 5_100, 5_200], "other": [950, 2_000, 5_050]}
    leader, slow = rows(struck, acks, [900, 4_900, 5_300])
    assert (leader.nobody_acked, leader.one_waited, leader.nothing_decided) == ((2_000,) * 3, (3_000,) * 3, (3_900,) * 3)
    assert (leader.healing, leader.never_well) == ((1_000,) * 3, 0)
    assert (slow.nobody_acked, slow.nothing_decided, slow.never_well) == ((100,) * 3, (300,) * 3, 1)


def test_the_last_line_has_its_form() -> None:
    report = Report(
        seed=1, seconds=1, faults=2, acknowledged=3, commits=9, lost=["x"], doubled=[], violations=[], rows=[], skipped={},
        unasked={}, struck=[],
    )  # fmt: skip
    assert text(report).splitlines()[-1] == "faults=2 acknowledged=3 lost=1 doubled=0 violations=0"
    assert not report.clean

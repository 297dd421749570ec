"""Clients and roles on a cluster: round a server that is cut off, without one at all, with as many copies as were asked for."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import pytest

from cordboard import codec
from cordboard.errors import LogUnavailable
from cordboard.events import fact as facts
from cordboard.log import SiteLog, Stored, StreamSettings, connect, wire
from cordboard.log.subjects import inbox_stream, journal_stream, snapshot_bucket
from tests.chaos.cluster import Cluster, cluster
from tests.chaos.network import free_ports
from tests.chaos.processes import Process
from tests.chaos.site import SITE, an_id

PATIENCE_S = 90.0
THRICE = StreamSettings(replicas=3, inbox_max_bytes=16 * 1024**2, journal_max_bytes=16 * 1024**2)
ONCE = StreamSettings(inbox_max_bytes=16 * 1024**2, journal_max_bytes=16 * 1024**2)


def router(servers: Cluster, name: str, directory: Path) -> Process:
    command = [sys.executable, "-m", "cordboard.main", "run", "router", "--site", SITE, "--nats-replicas", "3"]
    command += ["--nats-url", servers.urls, "--nats-monitor-url", servers.monitor_urls]
    return Process(name, command, directory / f"{name}.log")


async def copies(servers: Cluster) -> dict[str, int]:
    """How many servers hold each stream, as their leaders tell it."""
    found: dict[str, int] = {}
    for server in servers.servers.values():
        for _, told in await servers.streams(server):
            if (told.get("cluster") or {}).get("leader") == server.name:
                found[told["name"]] = 1 + len(told["cluster"].get("replicas") or [])
    return found


async def test_a_cluster_serves_with_whatever_majority_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PATIENCE_S", 2.0)
    async with cluster(tmp_path, free_ports(9_000)) as servers, asyncio.timeout(PATIENCE_S):
        assert await servers.until(servers.healthy, PATIENCE_S)
        await a_client_of_a_server_that_is_cut_off_goes_to_another(servers)
        await streams_grow_to_three_copies(servers, tmp_path)
        await a_role_starts_without_the_third_server(servers, tmp_path)


async def a_client_of_a_server_that_is_cut_off_goes_to_another(servers: Cluster) -> None:
    async with (
        connect(servers.urls, "apart", create=True, monitor_url=servers.monitor_urls, settings=THRICE) as log,
        log.publisher("source") as publisher,
    ):
        assert await servers.until(servers.well, PATIENCE_S)
        first = log._wire.server_id
        ids = {name: (await server.ask("/varz"))["server_id"] for name, server in servers.servers.items()}
        ours = next(name for name, server_id in ids.items() if server_id == first)
        servers.network.stall(servers.ways(ours, clients=False))
        following = asyncio.create_task(frame(log, 1))
        fact = codec.check_fact(facts.ContactAbandoned(an_id("left"), an_id("contact")))
        while True:
            with contextlib.suppress(LogUnavailable):
                position = await publisher.publish(fact)
                break
        assert log._wire.server_id in set(ids.values()) - {first}
        assert position.inbox_seq >= (await following).seq, "an attempt without an answer may have been stored, too"
        servers.network.heal()


async def streams_grow_to_three_copies(servers: Cluster, directory: Path) -> None:
    async with connect(servers.urls, SITE, create=True, monitor_url=servers.monitor_urls, settings=ONCE) as log:
        # One copy each: what a cluster has that was set up without saying how many.
        assert await log.last_journal_seq() == 0
        assert (await copies(servers))[journal_stream(SITE)] == 1
    first = router(servers, "first", directory)
    await first.start()

    async def grown() -> bool:
        held = await copies(servers)
        return [held.get(stream) for stream in (inbox_stream(SITE), journal_stream(SITE))] == [3, 3]

    try:
        assert await servers.until(grown, PATIENCE_S), first.output.read_text()
        assert await servers.until(servers.well, PATIENCE_S)
    finally:
        await first.stop()


async def a_role_starts_without_the_third_server(servers: Cluster, directory: Path) -> None:
    async with connect(servers.urls, SITE, monitor_url=servers.monitor_urls) as log:
        before = await log.last_journal_seq()
        await log.snapshots.put("1", b"kept thrice")
        assert (await copies(servers))[f"OBJ_{snapshot_bucket(SITE)}"] == 3
        await servers.servers["n3"].process.kill()
        second = router(servers, "second", directory)
        await second.start()

        async def leads() -> bool:
            return await log.last_journal_seq() > before

        try:
            assert await servers.until(leads, PATIENCE_S), second.output.read_text()
            assert await log.snapshots.get("1") == b"kept thrice"
        finally:
            await second.stop()


async def frame(log: SiteLog, seq: int) -> Stored:
    async with contextlib.aclosing(log.follow_inbox(seq)) as batches:
        async for batch in batches:
            return batch[0]
    raise AssertionError("it follows for ever")

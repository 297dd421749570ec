"""A damaged block on one server of three: NATS keeps the hole and calls the copy current. It is told; an empty disk mends it."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

from typer.testing import CliRunner, Result

from cordboard import codec
from cordboard.events import fact as facts
from cordboard.log import SiteLog, StreamSettings, connect
from cordboard.log.copies import copies as count
from cordboard.log.copies import examine
from cordboard.log.subjects import inbox_stream
from cordboard.main import app
from tests.chaos.cluster import Cluster, Server, cluster
from tests.chaos.network import free_ports
from tests.chaos.site import SITE, an_id

PATIENCE_S = 120.0
THRICE = StreamSettings(replicas=3, inbox_max_bytes=16 * 1024**2, journal_max_bytes=16 * 1024**2)
FRAMES = 400


async def test_a_copy_with_a_hole_is_told_and_mended(tmp_path: Path) -> None:
    async with cluster(tmp_path, free_ports(9_200)) as servers, asyncio.timeout(PATIENCE_S):
        assert await servers.until(servers.healthy, PATIENCE_S)
        async with connect(servers.urls, SITE, create=True, monitor_url=servers.monitor_urls, settings=THRICE) as log:
            assert await servers.until(servers.well, PATIENCE_S)
            await frames(log, FRAMES)
            leader = await servers.stream_leader(inbox_stream(SITE))
            victim = next(server for server in servers.servers.values() if server is not leader)
            await victim.process.stop()  # so its index remembers how far it had come
            remembered = index(victim).read_bytes()
            await victim.start()
            assert await servers.until(servers.well, PATIENCE_S)
            await frames(log, 1)
            assert await servers.until(partial(all_came, servers), PATIENCE_S)
            await victim.process.kill()
            index(victim).write_bytes(remembered)  # as if it died before it wrote its index anew, which it does now and then
            flip(victim)
            await victim.start()
            assert await servers.until(servers.well, PATIENCE_S), "NATS calls it current"
            assert await servers.until(partial(all_came, servers), PATIENCE_S)
            await it_is_told(servers, victim)
            await victim.process.kill()
            victim.wipe()
            await victim.start()
            assert await servers.until(servers.well, PATIENCE_S)
            assert await servers.until(partial(all_came, servers), PATIENCE_S)
            mended = await examine(servers.monitor_urls, SITE)
            assert mended.whole, mended
            assert {copy.messages for copy in mended.copies if copy.stream == inbox_stream(SITE)} == {FRAMES + 1}
            assert (await copies(servers)).exit_code == 0


async def frames(log: SiteLog, number: int) -> None:
    """So many, of one fact each."""
    async with log.publisher("source") as publisher:
        for index in range(number):
            await publisher.publish(codec.check_fact(facts.ContactAbandoned(an_id(f"left {number} {index}"), an_id("contact"))))


async def all_came(servers: Cluster) -> bool:
    """Every server has the last frame: two of them are enough for it to be acknowledged."""
    found = await count(servers.monitor_urls, SITE)
    return [copy.last_seq for copy in found.copies if copy.stream == inbox_stream(SITE)] == [FRAMES + 1] * len(servers.servers)


def index(server: Server) -> Path:
    """What it remembers of its copy of the inbox, beside the blocks."""
    return next(server.store.glob(f"jetstream/*/streams/{inbox_stream(SITE)}/msgs/index.db"))


def flip(server: Server) -> None:
    """A bit, a tenth into its copy of the inbox."""
    block = max(index(server).parent.glob("*.blk"), key=lambda path: path.stat().st_size)
    data = bytearray(block.read_bytes())
    data[len(data) // 10] ^= 1
    block.write_bytes(data)


async def it_is_told(servers: Cluster, victim: Server) -> None:
    about = f"{inbox_stream(SITE)} on {victim.name}"
    told = await examine(servers.monitor_urls, SITE)
    assert list(told.missing) == [about] and 0 < told.missing[about] < FRAMES
    plain = await copies(servers)
    assert plain.exit_code == 1
    assert f"{victim.name} lacks {told.missing[about]} messages of {inbox_stream(SITE)}" in " ".join(plain.output.split())
    program = await copies(servers, "--json")
    assert program.exit_code == 1 and json.loads(program.output)["missing"] == told.missing


async def copies(servers: Cluster, *options: str) -> Result:
    command = ["site", "copies", "--site", SITE, "--nats-monitor-url", servers.monitor_urls, *options]
    return await asyncio.to_thread(CliRunner().invoke, app, command)

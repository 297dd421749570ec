"""Latency: from when a fact was due to be said until the board has folded its verdict, at shares of what the engine takes at most.

And at low load until an agent's desktop shows the offer, beside one awaited publish.
"""

import asyncio
import contextlib
import secrets
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import nats

from cordboard import codec
from cordboard.client import Client
from cordboard.demo import engine as engines
from cordboard.log import connect
from cordboard.v1.desk_pb2 import DeskSnapshot, Offer
from cordboard.v1.staff_service_pb2 import AgentDeclaration
from cordboard.v1.types_pb2 import AgentChannel, Membership
from tests.benchmarks.engine import PEER_SUBJECT, SITE, WEBSHOP, Engine, arrival
from tests.benchmarks.plots import Plot
from tests.benchmarks.report import rank
from tests.benchmarks.rows import QUICK, ROUNDS, Row
from tests.benchmarks.throughput import SOURCES, spoken

SHARES = (1, 50, 90)
SECONDS = 1.0 if QUICK else 4.0
FACTS_MIN = 2 * SOURCES
PERCENTILES = (50, 99, 99.9)
SAMPLES = 40 if QUICK else 100
"""A round."""
AGENT = "bench"


async def load_rows(engine: Engine, capacity: float) -> list[Row]:
    """A row a share of `capacity` (facts a second) and percentile."""
    found: dict[str, list[float]] = {}
    said: dict[int, str] = {}
    for _ in range(ROUNDS):
        for share in SHARES:
            rate = capacity * share / 100
            took = await delays(engine, max(FACTS_MIN, int(rate * SECONDS)), max(rate, FACTS_MIN / SECONDS / 4))
            said[share] = f"{len(took):,} facts at {rate:,.0f} a second, from when each was due"
            for percent in PERCENTILES:
                found.setdefault(f"latency_p{percent:g}_at_{share}", []).append(rank(took, percent))
    return [Row(name, "latency", tuple(values), said[int(name.rpartition("_")[2])]) for name, values in found.items()]


def plot(rows: Sequence[Row]) -> Plot:
    """Percentiles by share of what the engine takes at most."""
    found = Plot("pipeline-latency", "From when a fact was due to the board, ms (median of the rounds)", "% of capacity")
    for row in rows:
        if " ms" in row.goal.unit and "_at_" in row.name:
            percentile, _, share = row.name.removeprefix("latency_").partition("_at_")
            found.add(percentile, float(share), row.median)
    return found


async def delays(engine: Engine, total: int, rate: float) -> list[float]:
    """Milliseconds of each fact."""
    await engine.seen()
    total -= total % (2 * SOURCES)
    stood = await spoken(engine, total, rate)
    await engine.folded(total)
    commits = [((frame, done), at_ns) for frame, done, at_ns in await engine.seen()]
    reached = [place for place, _ in commits]
    return [(commits[bisect_left(reached, (frame, index + 1))][1] / 1e6 - due * 1e3) for due, frame, index in stood]


async def desk_rows(directory: Path) -> list[Row]:
    """One agent is free; each time a task comes, is offered on the agent's gRPC stream, and ends. The engine is `cordboard up`."""
    async with (
        engines.running(directory, ["--site", SITE, "--policy", str(WEBSHOP)]) as engine,
        contextlib.AsyncExitStack() as stack,
    ):
        log = await stack.enter_async_context(connect(engine.nats_url, SITE, allow_lazy_fsync=True))
        publisher = await stack.enter_async_context(log.publisher("bench"))
        client = await stack.enter_async_context(Client(engine.grpc))
        broker = await nats.connect(engine.nats_url)
        stack.push_async_callback(broker.close)
        peer = broker.jetstream()
        await peer.add_stream(name="PEER", subjects=[PEER_SUBJECT])
        offers = await _watch(client, await stack.enter_async_context(asyncio.TaskGroup()), stack)
        found: dict[int, list[float]] = {50: [], 99: []}
        milliseconds: list[float] = []
        for _ in range(ROUNDS):
            ours: list[float] = []
            theirs: list[float] = []
            for _ in range(SAMPLES):
                begin = time.perf_counter()
                await peer.publish(PEER_SUBJECT, secrets.token_bytes(64))
                theirs.append((time.perf_counter() - begin) * 1_000)
                contact = secrets.token_bytes(16)
                fact = codec.encode(arrival(contact))
                begin = time.perf_counter()
                await publisher.publish(fact)
                async with asyncio.timeout(10):
                    seen, when = await offers.get()
                assert seen == contact.hex()
                ours.append((when - begin) * 1_000)
                await client.end_contact(seen)
            milliseconds += ours
            for percent, values in found.items():
                values.append(rank(ours, percent) / rank(theirs, percent))
    took = f"p50 {rank(milliseconds, 50):.2f} ms, p99 {rank(milliseconds, 99):.2f} ms"
    said = f"fact in → offer on the agent's gRPC stream, {SAMPLES} a round: {took}"
    return [Row(f"latency_p{percent}_vs_publish", "latency", tuple(values), said) for percent, values in found.items()]


async def _watch(client: Client, group: asyncio.TaskGroup, stack: contextlib.AsyncExitStack) -> asyncio.Queue[tuple[str, float]]:
    """A free agent's desk: contacts offered, and when that was seen."""
    declaration = AgentDeclaration(
        person=AGENT, name="Bench", memberships=[Membership(queue="orders")], channels=[AgentChannel(channel="task")]
    )
    await client.declare_agents([declaration])
    offers: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
    watching = asyncio.Event()

    async def watch() -> None:
        async for change in client.watch_desk(AGENT):
            if isinstance(change.event, DeskSnapshot):
                watching.set()
            elif isinstance(change.event, Offer):
                offers.put_nowait((change.event.contact_id, time.perf_counter()))

    desk = group.create_task(watch())
    stack.callback(desk.cancel)
    await watching.wait()
    await client.set_presence(AGENT, "ready")
    return offers

"""Low load: one fact into the inbox → the offer on the agent's gRPC stream, beside one awaited `js.publish` on the same server.

The engine is `cordboard up` as users run it. One agent is free; each round publishes one task, waits for the offer, and cancels
the task.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import nats
import pytest
import uvloop

from cordboard import codec
from cordboard.client import Client
from cordboard.demo import engine as engines
from cordboard.log import connect
from cordboard.v1.agent_service_pb2 import AgentDeclaration, DeskSnapshot, Offer
from cordboard.v1.types_pb2 import AgentChannel, Membership
from tests.benchmarks.engine import PEER_SUBJECT, SITE, WEBSHOP, arrival
from tests.benchmarks.report import header, rank

SAMPLES = 400
AGENT = "bench"


async def measure(directory: Path, say: Callable[[str], None]) -> None:
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

        desk = asyncio.create_task(watch())
        await watching.wait()
        await client.set_presence(AGENT, "ready")
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
        desk.cancel()
        for name, values in (("js.publish, awaited", theirs), ("fact → offer on the gRPC stream", ours)):
            say(f"{name}: p50 {rank(values, 50):.2f} ms, p99 {rank(values, 99):.2f} ms, max {max(values):.2f} ms")
        say(f"ratio p50 {rank(ours, 50) / rank(theirs, 50):.1f}, p99 {rank(ours, 99) / rank(theirs, 99):.1f}")


def test_low_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nlow load, N={SAMPLES}; {header()}")
        uvloop.run(measure(tmp_path, print))

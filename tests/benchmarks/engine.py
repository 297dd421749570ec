"""An engine to measure: a real NATS server that fsyncs every message, a router in its own process, boards folded here."""

import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import nats
from nats.aio.client import Client as Nats
from nats.js import JetStreamContext

from cordboard import codec
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG, Commit
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.feed import Feed
from cordboard.log.port import FactPosition, Publisher
from cordboard.policy import load
from cordboard.projections.boards import Boards

SITE = "webshop"
WEBSHOP = Path("examples/webshop.yaml")
PEER_STREAM, PEER_SUBJECT = "PEER", "peer.facts"
SETTLE_S = 60.0


class Engine:
    """Publish facts, and wait until the boards here have seen what became of them."""

    def __init__(self, publisher: Publisher, feed: Feed, boards: Boards, peer: JetStreamContext) -> None:
        self.publisher, self.feed, self.boards, self.peer = publisher, feed, boards, peer
        self.frames: set[int] = set()
        self._inputs = 0
        self._expected = 0
        self._caught_up = asyncio.Event()

    def count(self, _seq: int, commit: Commit) -> None:
        """Attached to the feed after the boards: every verdict counts."""
        self._inputs += sum(1 for entry in commit.entries if entry.tag == INPUT_TAG)
        if self._inputs >= self._expected:
            self._caught_up.set()

    async def publish(self, fact: facts.Fact) -> FactPosition:
        position = await self.publisher.publish(codec.encode(fact))
        self.frames.add(position.inbox_seq)
        return position

    def expect(self, more: int) -> None:
        """`more` facts are about to be published."""
        self._expected += more
        self._caught_up.clear()

    async def caught_up(self) -> None:
        """Every expected fact has its verdict in the journal, and the boards have folded it."""
        async with asyncio.timeout(SETTLE_S):
            await self._caught_up.wait()


def arrival(contact: bytes) -> facts.ContactArrived:
    return facts.ContactArrived(secrets.token_bytes(16), contact, "task", "orders")


def end(contact: bytes) -> facts.ContactEndRequested:
    return facts.ContactEndRequested(secrets.token_bytes(16), contact)


@contextlib.asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Engine]:
    """Server, router process, feed and a peer stream with the same durability."""
    async with EmbeddedServer(directory / "nats") as server, connect(server.url, SITE) as log:
        router = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "cordboard.main",
                "run",
                "router",
                "--site",
                SITE,
                "--nats-url",
                server.url,
                "--allow-lazy-fsync",
            ),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        client: Nats = await nats.connect(server.url)
        peer = client.jetstream()
        await peer.add_stream(name=PEER_STREAM, subjects=[PEER_SUBJECT])
        feed, boards = Feed(log), Boards()
        feed.attach(boards.apply)
        try:
            async with log.publisher("bench") as publisher, asyncio.TaskGroup() as group:
                engine = Engine(publisher, feed, boards, peer)
                feed.attach(engine.count)
                following = group.create_task(feed.run())
                engine.expect(1)
                await engine.publish(facts.PolicyPublished(secrets.token_bytes(16), load(WEBSHOP).compiled(1)))
                await engine.caught_up()
                yield engine
                following.cancel()
        finally:
            await client.close()
            router.terminate()
            await router.wait()

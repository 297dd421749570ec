"""An engine to measure, stage by stage: a NATS server that fsyncs every message, a router and a board in processes of their own.

The gateway's end of the log is here.
"""

import asyncio
import contextlib
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import nats
from nats.aio.client import Client as Nats
from nats.js import JetStreamContext

from cordboard import codec
from cordboard.events import fact as facts
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.port import FactPosition, Publisher
from cordboard.policy import load
from tests.benchmarks.board import SEEN

SITE = "webshop"
WEBSHOP = Path("examples/webshop.yaml")
PEER_STREAM, PEER_SUBJECT = "PEER", "peer.facts"
SETTLE_S = 120.0
LINE_MAX = 64 * 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")


class Engine:
    """Publish facts, and wait until the board has folded what became of them."""

    def __init__(
        self, url: str, publisher: Publisher, board: asyncio.subprocess.Process, peer: JetStreamContext, pids: dict[str, int]
    ):
        self.url, self.publisher, self.peer = url, publisher, peer
        self._board, self._pids = board, pids

    async def publish(self, fact: facts.Fact) -> FactPosition:
        return await self.publisher.publish(codec.encode(fact))

    async def folded(self, more: int) -> None:
        """Wait until `more` facts than at the last call have their verdict in the journal, and the board has folded them."""
        await self._ask(f"expect {more}")

    async def seen(self) -> list[tuple[int, int, int]]:
        """What the board folded since the last call: (inbox_seq, facts of it, monotonic ns), a commit each."""
        return list(SEEN.iter_unpack(bytes.fromhex(await self._ask("seen"))))

    def cpu(self) -> dict[str, float]:
        """Processor seconds by stage, so far. Linux only: empty elsewhere."""
        return {stage: seconds for stage, pid in self._pids.items() if (seconds := _cpu(pid)) is not None}

    async def _ask(self, line: str) -> str:
        assert self._board.stdin and self._board.stdout
        self._board.stdin.write(f"{line}\n".encode())
        async with asyncio.timeout(SETTLE_S):
            return (await self._board.stdout.readline()).decode().strip()


def arrival(contact: bytes) -> facts.ContactArrived:
    return facts.ContactArrived(secrets.token_bytes(16), contact, "task", "orders")


def end(contact: bytes) -> facts.ContactEndRequested:
    return facts.ContactEndRequested(secrets.token_bytes(16), contact)


@contextlib.asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Engine]:
    """Server, router, board, and a peer stream with the same durability."""
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(EmbeddedServer(directory / "nats"))
        log = await stack.enter_async_context(connect(server.url, SITE, create=True))
        router = ["cordboard.main", "run", "router", "--site", SITE, "--nats-url", server.url, "--allow-lazy-fsync"]
        routing = await stack.enter_async_context(process(*router))
        board = await stack.enter_async_context(process("tests.benchmarks.board", server.url, SITE))
        client: Nats = await nats.connect(server.url)
        stack.push_async_callback(client.close)
        peer = client.jetstream()
        await peer.add_stream(name=PEER_STREAM, subjects=[PEER_SUBJECT])
        publisher = await stack.enter_async_context(log.publisher("bench"))
        pids = {"gateway": os.getpid(), "server": server.pid, "router": routing.pid, "board": board.pid}
        engine = Engine(server.url, publisher, board, peer, pids)
        await engine.publish(facts.PolicyPublished(secrets.token_bytes(16), load(WEBSHOP).compiled(1)))
        await engine.folded(1)
        yield engine


@contextlib.asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m` these, until the context is left."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=LINE_MAX,
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.wait()


def _cpu(pid: int) -> float | None:
    if pid == os.getpid():
        return time.process_time()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS

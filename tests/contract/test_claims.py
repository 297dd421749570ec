"""Claims on a real server: a name has one holder, however many ask, and whatever becomes of an answer on its way."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordboard.errors import ConfigurationError, LogUnavailable
from cordboard.log.claims import Claims, open_claims
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.wire import open_wire

SOON_S = 30.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(tmp_path) as server:
        yield server


@pytest.fixture
async def two(server: EmbeddedServer) -> AsyncIterator[tuple[Claims, Claims]]:
    async with open_claims(server.url, "default", "dial") as one, open_claims(server.url, "default", "dial") as other:
        yield one, other


def paused(server: EmbeddedServer) -> int:
    """Its process, once every thread stands still: the signal says so to one, and the others may answer a moment longer."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    threads = Path(f"/proc/{server.pid}/task")
    while any((thread / "stat").read_text().rpartition(") ")[2][0] != "T" for thread in threads.iterdir()):
        time.sleep(0.001)
    return server.pid


async def test_each_name_has_one_holder_however_many_ask(two: tuple[Claims, Claims]) -> None:
    names = [f"ab.{number}.0" for number in range(50)]
    asked = [claims.take(name, SOON_S) for name in names for claims in two]
    answers = await asyncio.gather(*asked)
    assert [one + other for one, other in zip(answers[::2], answers[1::2], strict=True)] == [1] * 50


async def test_whose_answer_is_lost_learns_that_it_has_it(server: EmbeddedServer, two: tuple[Claims, Claims]) -> None:
    one, other = two
    pid = paused(server)
    asking = asyncio.create_task(one.take("ab.1.0", SOON_S))
    await asyncio.sleep(1.3)  # its first question waits in the socket, and nobody answers in time
    os.kill(pid, signal.SIGCONT)
    assert await asking
    assert not await other.take("ab.1.0", SOON_S)


async def test_who_cannot_know_does_not_have_it(server: EmbeddedServer, two: tuple[Claims, Claims]) -> None:
    pid = paused(server)
    try:
        with pytest.raises(LogUnavailable):
            await two[0].take("ab.2.0", 0.2)
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_stream_that_would_let_two_have_it_is_refused(server: EmbeddedServer) -> None:
    async with open_claims(server.url, "default", "dial") as claims, open_wire(server.url, "somebody") as wire:
        config = (await wire.call(f"STREAM.INFO.{claims.stream}"))["config"] | {"discard_new_per_subject": False}
        await wire.call(f"STREAM.UPDATE.{claims.stream}", config)
        with pytest.raises(ConfigurationError, match="two could claim"):
            await claims.declare()


async def test_claims_outlive_the_server(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server, open_claims(server.url, "default", "dial") as claims:
        assert await claims.take("ab.3.0", SOON_S)
    async with EmbeddedServer(tmp_path) as server, open_claims(server.url, "default", "dial") as claims:
        assert not await claims.take("ab.3.0", SOON_S)

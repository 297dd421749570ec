"""The durable pipeline: facts from many sources → inbox → router → journal → boards, beside awaited `js.publish` on one server.

Each source sends its contact's arrival and end, one after the other, each awaited until durable; frames grow by themselves with the
number of sources. A round measures the peer and every row once, so each ratio compares figures of the same minute.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from tests.benchmarks.engine import PEER_SUBJECT, Engine, arrival, end, running
from tests.benchmarks.report import header, ratios, spread

ROUNDS = 5
PEER_MESSAGES = 600
PEER_BYTES = 64
ROWS = {1: 400, 16: 3_200, 64: 9_600, 256: 25_600}
"""Facts a round by the number of independent sources."""


async def peer(engine: Engine) -> float:
    """Awaited publishes a second, one by one."""
    payload = secrets.token_bytes(PEER_BYTES)
    begin = time.perf_counter()
    for _ in range(PEER_MESSAGES):
        await engine.peer.publish(PEER_SUBJECT, payload)
    return PEER_MESSAGES / (time.perf_counter() - begin)


async def row(engine: Engine, sources: int, total: int) -> tuple[float, float]:
    """Facts a second from first publish to last board, and facts a frame."""
    engine.frames.clear()
    engine.expect(total)

    async def source() -> None:
        for _ in range(total // sources // 2):
            contact = secrets.token_bytes(16)
            await engine.publish(arrival(contact))
            await engine.publish(end(contact))

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(sources):
            group.create_task(source())
    await engine.caught_up()
    return total / (time.perf_counter() - begin), total / len(engine.frames)


async def measure(directory: Path, say: Callable[[str], None]) -> None:
    async with running(directory) as engine:
        await row(engine, 64, 3_200)  # warm
        peers: list[float] = []
        rates: dict[int, list[float]] = {sources: [] for sources in ROWS}
        sizes: dict[int, list[float]] = {sources: [] for sources in ROWS}
        for _ in range(ROUNDS):
            peers.append(await peer(engine))
            for sources, total in ROWS.items():
                rate, size = await row(engine, sources, total)
                rates[sources].append(rate)
                sizes[sources].append(size)
        say(f"peer: awaited js.publish, sync always, N={PEER_MESSAGES}: {spread(peers)} messages/s")
        for sources, total in ROWS.items():
            say(
                f"{sources:>4} sources, N={total}: {spread(rates[sources])} facts/s, {spread(sizes[sources])} facts a frame, "
                f"ratio to the peer {spread(ratios(rates[sources], peers))}"
            )


def test_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\npipeline, {ROUNDS} rounds, min / median / max; {header()}")
        uvloop.run(measure(tmp_path, print))

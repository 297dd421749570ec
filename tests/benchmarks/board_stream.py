"""Every row of the boards over gRPC, as WatchBoards bundles them, beside one row a message: rows a second, by the same server.

Nothing changes between the watches, so that for both the rows stand written already: the streams are compared, not the writing.
"""

import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

from cordboard.api import boards
from cordboard.client import Client
from tests.api_site import an_agent, api_site
from tests.benchmarks.report import spread
from tests.benchmarks.rows import QUICK, ROUNDS, Row

AGENTS = 300 if QUICK else 1_000
DECLARED_AT_ONCE = 100


async def rows(directory: Path) -> list[Row]:
    bundled: list[float] = []
    single: list[float] = []
    async with api_site(directory) as site, Client(site.target) as client:
        for start in range(0, AGENTS, DECLARED_AT_ONCE):
            numbers = range(start, start + DECLARED_AT_ONCE)
            await client.declare_agents([an_agent(f"agent {number}", "orders") for number in numbers])
        for _ in range(ROUNDS + 1):
            bundled.append(await streamed(client))
            with one_row_a_message():
                single.append(await streamed(client))
    ratios = tuple(ours / theirs for ours, theirs in zip(bundled[1:], single[1:], strict=True))
    said = f"{AGENTS:,} agents with 3 channels: {spread(bundled[1:])} rows/s; one a message {spread(single[1:])}"
    return [Row("board_stream", "streamed rows", ratios, said)]


async def streamed(client: Client) -> float:
    """Rows a second of a watch that begins, until it has every row."""
    begin, count = time.perf_counter(), 0
    async with aclosing(client.watch_boards()) as changes:
        async for change in changes:
            count += len(change.queues) + len(change.agents)
            if change.resume_token:
                break
    assert count > AGENTS
    return count / (time.perf_counter() - begin)


@contextmanager
def one_row_a_message() -> Iterator[None]:
    bundle = boards.MESSAGE_ROWS_MAX
    boards.MESSAGE_ROWS_MAX = 1
    try:
        yield
    finally:
        boards.MESSAGE_ROWS_MAX = bundle

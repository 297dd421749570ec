"""The league behind a socket and durable: nobody gets an answer before it is on disk.

Ours is the whole way: facts from many sources → inbox → router process → journal → a follower, several facts and events a
decision, many decisions under way at once. The peers keep a line of contacts and no more: one call a decision. A line in a store
gives the best first only to one who asks at a time; rows with many under way there stand beside (Redis answers a pipeline
in order; PostgreSQL's connections overtake each other, so its decisions are others).
"""

import asyncio
import contextlib
import functools
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import uvloop

from cordboard import codec
from cordboard._core import Router
from cordboard.cli.process import collect_rarely
from cordboard.events.commit import INPUT_TAG, Commit
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.feed import Feed
from cordboard.log.port import Publisher
from tests.benchmarks.peers.postgres_skip_locked import PostgresLine, Way
from tests.benchmarks.peers.redis_zsets import RedisZsets, redis_server
from tests.benchmarks.rows import QUICK, ROUNDS, League, Row
from tests.benchmarks.steps import OPERATION_FACTS, SITE, START_MS, Call, Recording, record
from tests.benchmarks.workload import NOBODY, Size, fnv, suits
from tests.postgres import own_server

LEAGUE: League = "behind a socket, durable"
CALLS = 512 if QUICK else 2_048
UNDER_WAY = 256
FRAME = 64
SETTLE_S = 120.0
POSTGRES: dict[str, tuple[Way, int]] = {
    "PostgreSQL in order of the line": ("in order", 1),
    "PostgreSQL by class": ("by class", 1),
    "PostgreSQL by class, 16 connections": ("by class", 16),
}
"""How it is asked, and over how many connections."""
ROWS = {
    "Redis": "durable_vs_redis",
    "Redis, pipelined": "durable_vs_redis_pipelined",
    "PostgreSQL in order of the line": "durable_vs_postgres_in_order",
    "PostgreSQL by class": "durable_vs_postgres",
    "PostgreSQL by class, 16 connections": "durable_vs_postgres_concurrent",
}
OFFER_MADE = 13
SKILL_BITS = 4


class Pipeline:
    """The engine: facts go in, and what was decided comes back from the journal."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._inputs = self._expected = 0
        self._caught_up = asyncio.Event()
        self.offers: list[tuple[bytes, bytes]] = []

    def fold(self, _seq: int, commit: Commit) -> None:
        for entry in commit.entries:
            if entry.tag == INPUT_TAG:
                self._inputs += 1
            elif entry.tag == OFFER_MADE:
                assert entry.agent and entry.contact
                self.offers.append((entry.agent, entry.contact))
        if self._inputs >= self._expected:
            self._caught_up.set()

    async def tell(self, facts: Sequence[bytes]) -> float:
        """Seconds until the last of these facts, told in this order, has its verdict in the journal and we have read it."""
        self._expected += len(facts)
        self._caught_up.clear()
        left = iter(facts)

        async def source() -> None:
            for fact in left:
                await self._publisher.publish(fact)

        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(UNDER_WAY * OPERATION_FACTS):
                group.create_task(source())
        async with asyncio.timeout(SETTLE_S):
            await self._caught_up.wait()
        return time.perf_counter() - begin


@contextlib.asynccontextmanager
async def pipeline(directory: Path) -> AsyncIterator[Pipeline]:
    """A server that syncs every message, a router in a process of its own, a follower here."""
    async with EmbeddedServer(directory / "nats") as server, connect(server.url, SITE, create=True) as log:
        command = ["-m", "cordboard.main", "run", "router", "--site", SITE, "--nats-url", server.url, "--allow-lazy-fsync"]
        quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
        router = await asyncio.create_subprocess_exec(sys.executable, *command, **quiet)
        feed = Feed(log)
        try:
            async with log.publisher("bench") as publisher, asyncio.TaskGroup() as group:
                ours = Pipeline(publisher)
                feed.attach(ours.fold)
                following = group.create_task(feed.run())
                yield ours
                following.cancel()
        finally:
            router.terminate()
            await router.wait()


class Peers:
    """The calls as Redis and PostgreSQL get them."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        sets = recording.sets
        self._served = [[n for n, needs in enumerate(sets) if suits(skills, needs)] for skills in recording.agents]
        # What an agent can do, level by level, against what a contact needs: a question of subsets.
        self._able = [
            [token(skill, at) for skill, level in skills.items() for at in range(1, level + 1)] for skills in recording.agents
        ]
        self._needs = [[token(skill, level) for skill, level in needs] for needs in sets]

    def redis_line(self) -> list[tuple[int, int, int]]:
        return [(waiting.needs, waiting.place, waiting.contact) for waiting in self._recording.line]

    def redis_calls(self, calls: Sequence[Call]) -> list[tuple[Sequence[int], int, int, int]]:
        return [(self._served[call.agent], call.arrived.needs, call.arrived.place, call.arrived.contact) for call in calls]

    def postgres_line(self) -> list[tuple[int, int, int, list[int]]]:
        line = self._recording.line
        return [(waiting.contact, waiting.needs, waiting.place, self._needs[waiting.needs]) for waiting in line]

    def postgres_calls(self, calls: Sequence[Call], way: Way) -> list[tuple[list[int], int, int, int, list[int]]]:
        may = self._able if way == "in order" else self._served
        arrived = [
            (call.arrived.contact, call.arrived.needs, call.arrived.place, self._needs[call.arrived.needs]) for call in calls
        ]
        return [(may[call.agent], *each) for call, each in zip(calls, arrived, strict=True)]


def token(skill: int, level: int) -> int:
    return skill << SKILL_BITS | level


@dataclass
class Side:
    """A contender: does calls, and says whom it took. Its calls a second, round by round."""

    name: str
    take: Callable[[int], Awaitable[tuple[float, list[int]]]]
    in_order: bool = True
    """False: its calls overtake each other, so it may decide otherwise; then only that nobody is taken twice is asked."""
    rates: list[float] = field(default_factory=list)
    found: list[int] = field(default_factory=list)

    async def turn(self, number: int) -> None:
        seconds, found = await self.take(number)
        self.rates.append(CALLS / seconds)
        self.found.extend(found)

    def flaw(self, expected: Sequence[int]) -> str:
        if self.in_order:
            return "" if fnv(self.found) == fnv(expected) else f"{self.name} decided otherwise"
        return "" if len(set(self.found)) == len(self.found) else f"{self.name} gave a contact to two"


def rows(directory: Path, say: Callable[[str], None]) -> list[Row]:
    size = Size(500 if QUICK else 1_000, 5_000 if QUICK else 10_000, CALLS * (ROUNDS + 2))
    recording = record(size, Router(SITE).take_over(bytes(16), START_MS))
    if any(call.found is None for call in recording.calls):
        raise RuntimeError("the workload lets an agent idle: what waits then is no longer a line")
    return uvloop.run(contest(directory, recording, say))


async def contest(directory: Path, recording: Recording, say: Callable[[str], None]) -> list[Row]:
    collect_rarely()  # as every role does; the peers' clients are in this process as well
    expected = [call.found or 0 for call in recording.calls[: CALLS * (ROUNDS + 1)]]
    async with contextlib.AsyncExitStack() as stack:
        sides = [await our_side(stack, directory, recording)]
        sides.extend(redis_sides(stack, recording))
        sides.extend(await postgres_sides(stack, recording))
        for number in range(ROUNDS + 1):
            for side in sides:
                await side.turn(number)
    ours = sides[0]
    for side in sides:
        say(f"{side.name}: {statistics.median(side.rates[1:]):,.0f} decisions/s; decisions {fnv(side.found)}")
    return [row(ours, side, expected) for side in sides[1:]]


def row(ours: Side, peer: Side, expected: Sequence[int]) -> Row:
    # The first round warms up.
    values = tuple(own / other for own, other in zip(ours.rates[1:], peer.rates[1:], strict=True))
    rate, other = (statistics.median(side.rates[1:]) for side in (ours, peer))
    said = f"{rate:,.0f} decisions/s with {UNDER_WAY} under way; {peer.name} {other:,.0f}; decisions {fnv(ours.found)}"
    if not peer.in_order:
        said += f", by its own order {fnv(peer.found)}"
    return Row(ROWS[peer.name], LEAGUE, values, said, ours.flaw(expected) or peer.flaw(expected))


def calls_of(recording: Recording, number: int) -> list[Call]:
    return recording.calls[number * CALLS : (number + 1) * CALLS]


async def our_side(stack: contextlib.AsyncExitStack, directory: Path, recording: Recording) -> Side:
    ours = await stack.enter_async_context(pipeline(directory))
    await ours.tell([fact for frame, _ in recording.setup for fact in codec.decode_frame(frame[2])])
    frames = [codec.decode_frame(frame[2]) for frame, _ in recording.measured]
    per_round = CALLS * OPERATION_FACTS // FRAME

    async def take(number: int) -> tuple[float, list[int]]:
        before = len(ours.offers)
        part = frames[number * per_round : (number + 1) * per_round]
        seconds = await ours.tell([fact for frame in part for fact in frame])
        return seconds, [recording.numbers[contact] for _, contact in ours.offers[before:]]

    return Side("ours", take)


def redis_sides(stack: contextlib.AsyncExitStack, recording: Recording) -> Iterator[Side]:
    path = stack.enter_context(redis_server())
    peers = Peers(recording)
    for database, (name, under_way) in enumerate({"Redis": 1, "Redis, pipelined": UNDER_WAY}.items()):
        redis = RedisZsets(path, database)
        redis.line_up(peers.redis_line())
        yield Side(name, functools.partial(ask_redis, redis, peers, recording, under_way))


async def ask_redis(
    redis: RedisZsets, peers: "Peers", recording: Recording, under_way: int, number: int
) -> tuple[float, list[int]]:
    calls = peers.redis_calls(calls_of(recording, number))
    begin = time.perf_counter()
    found = redis.take(calls, under_way)
    return time.perf_counter() - begin, found


async def postgres_sides(stack: contextlib.AsyncExitStack, recording: Recording) -> list[Side]:
    peers, sides = Peers(recording), []
    # The line is deleted from at its head all the time: dead rows must go as fast.
    tuned = {"shared_buffers": "1GB", "autovacuum": "on", "autovacuum_naptime": "1s", "autovacuum_vacuum_cost_delay": "0"}
    server, _ = stack.enter_context(own_server(durable=True, settings=tuned))
    for name, (way, connections) in POSTGRES.items():
        url = server.database().replace("+asyncpg", "")
        opened = [await asyncpg.connect(url) for _ in range(connections)]
        for connection in opened:
            stack.push_async_callback(connection.close)
        line = PostgresLine(way, opened)
        await line.line_up(peers.postgres_line())
        sides.append(Side(name, functools.partial(ask_postgres, line, way, peers, recording), in_order=connections == 1))
    return sides


async def ask_postgres(line: PostgresLine, way: Way, peers: "Peers", recording: Recording, number: int) -> tuple[float, list[int]]:
    calls = peers.postgres_calls(calls_of(recording, number), way)
    begin = time.perf_counter()
    found = await line.take(calls)
    return time.perf_counter() - begin, [NOBODY if each is None else each for each in found]

"""When a standby takes over, in time that is only thought: how long each question to the log takes is the test's to say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from cordboard import codec, metrics
from cordboard.events import event as words
from cordboard.events.fact import Fact, PolicyPublished, PriorityRequested
from cordboard.log.memory import MemoryLog, MemoryServer
from cordboard.log.port import Stored
from cordboard.router import Standing, serve_router
from tests.sim.loop import WORLD, VirtualLoop
from tests.sim.process import abandon
from tests.sim.site import POLICY

SITE = "default"
EPOCH_MS = 1_700_000_000_000


@dataclass
class VirtualClock:
    """The loop's own time, as a machine's."""

    loop: VirtualLoop

    def wall_ms(self) -> int:
        return EPOCH_MS + round(self.loop.time() * 1000)

    def elapsed_ms(self) -> int:
        return self.wall_ms()


class SlowLog(MemoryLog):
    """A log whose answers are on their way for so long, once it is slow."""

    end_s = time_s = follow_s = 0.0

    async def last_journal_seq(self) -> int:
        await asyncio.sleep(self.end_s)
        return await super().last_journal_seq()

    async def server_time_ms(self) -> int:
        await asyncio.sleep(self.time_s)
        return await super().server_time_ms()

    async def follow_journal(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        async with contextlib.aclosing(super().follow_journal(from_seq)) as batches:
            async for batch in batches:
                await asyncio.sleep(self.follow_s)
                yield batch


class Routers:
    """Routers beside each other; who sorts first stands first in the queue."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.clock = VirtualClock(loop)
        self.server = MemoryServer(SITE, self.clock.wall_ms)
        self.logs: dict[bytes, SlowLog] = {}
        self.standings: dict[bytes, Standing] = {}
        self.tasks: dict[bytes, asyncio.Task[None]] = {}
        self.stops: dict[bytes, asyncio.Event] = {}

    def start(self, name: bytes, inbox_id: bytes = bytes(16)) -> None:
        log = self.logs[name] = SlowLog(SITE, server=self.server, inbox_id=inbox_id)

        def stands(standing: Standing) -> None:
            self.standings[name] = standing

        stop = self.stops[name] = asyncio.Event()
        life = serve_router(log, stop=stop, clock=self.clock, incarnation=name * 16, standing=stands)
        self.tasks[name] = asyncio.create_task(life, name=f"router {name!r}")

    async def kill(self, name: bytes) -> None:
        task = self.tasks.pop(name)
        task.cancel()
        await asyncio.wait([task])
        del self.standings[name]

    async def hand_over(self, name: bytes) -> None:
        self.stops[name].set()
        await self.tasks.pop(name)
        del self.standings[name]

    def leaders(self) -> list[bytes]:
        return [name for name, standing in self.standings.items() if standing.phase == "leading"]

    def take_overs(self) -> list[int]:
        """The epochs that began, by the journal."""
        commits = [codec.decode_commit(stored.data) for stored in self.server.journal.messages]
        events = [codec.decode_event(entry) for commit in commits for entry in commit.entries]
        return [event.epoch for event in events if isinstance(event, words.RouterTookOver)]

    async def three(self) -> None:
        """`z` leads; `a` and `b` stand by, in this order."""
        self.start(b"z")
        await asyncio.sleep(1)
        self.start(b"b")
        self.start(b"a")
        await asyncio.sleep(2)
        assert (self.leaders(), self.take_overs()) == ([b"z"], [1])

    async def end(self) -> None:
        for name in list(self.tasks):
            await self.kill(name)


def played(story: Callable[[Routers], Coroutine[Any, Any, None]]) -> None:
    loop = VirtualLoop()

    async def tell() -> None:
        routers = Routers(loop)
        await story(routers)
        await routers.end()

    task = loop.create_task(tell(), context=WORLD)
    try:
        assert loop.run(task.done, 1_000)
        task.result()
    finally:
        abandon(task)


@pytest.mark.parametrize("second", [(0.0, 0.0), (0.2, 0.0), (0.0, 0.4), (0.4, 0.4)])
@pytest.mark.parametrize("first_s", [0.25, 0.45])
def test_a_leader_that_dies_is_followed_by_one_router_however_slow_the_log_answers(
    first_s: float, second: tuple[float, float]
) -> None:
    """The first in line learns the time late; the second the end of the journal, and the time."""

    async def story(routers: Routers) -> None:
        await routers.three()
        routers.logs[b"a"].time_s = first_s
        routers.logs[b"b"].end_s, routers.logs[b"b"].time_s = second
        await routers.kill(b"z")
        await asyncio.sleep(6)
        assert routers.take_overs() == [1, 2]
        assert len(routers.leaders()) == 1
        await routers.kill(routers.leaders()[0])
        await asyncio.sleep(6)
        assert routers.take_overs() == [1, 2, 3], "who was not called then is called now"

    played(story)


@pytest.mark.parametrize("follow_s", [0.0, 0.2, 0.35, 0.5])
def test_who_hears_of_a_hand_over_before_its_successor_stands_by_on(follow_s: float) -> None:
    """The second in line learns late that the first leads already; it must get to hear it, and lead when that one ends."""

    async def story(routers: Routers) -> None:
        await routers.three()
        routers.logs[b"b"].follow_s = follow_s
        await routers.hand_over(b"z")
        await asyncio.sleep(3)
        assert (routers.leaders(), routers.take_overs()) == ([b"a"], [1, 2])
        await routers.hand_over(b"a")
        await asyncio.sleep(3)
        assert (routers.leaders(), routers.take_overs()) == ([b"b"], [1, 2, 3])

    played(story)


def fact_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_a_router_counts_its_own_verdicts_and_only_the_inbox_that_is_there() -> None:
    """A standby of a site whose inbox was lost has read nothing of the new one, however far the old one was read."""

    def counted() -> list[float]:
        verdicts = ("accepted", "refused", "duplicate", "quarantined")
        return [metrics.REGISTRY.get_sample_value("cordboard_router_facts_total", {"verdict": each}) or 0 for each in verdicts]

    async def story(routers: Routers) -> None:
        before = counted()
        routers.start(b"z")
        policy: Fact = PolicyPublished(fact_id(1), codec.encode(POLICY))
        urgent = [codec.encode(PriorityRequested(fact_id(number), fact_id(9), 3)) for number in (2, 3, 2)]
        async with routers.logs[b"z"].publisher("api") as publisher:
            for data in (codec.encode(policy), *urgent, b"no fact"):
                await publisher.publish(data)
        await routers.server.inbox.send(b"no frame")
        await asyncio.sleep(1)
        assert [after - was for after, was in zip(counted(), before, strict=True)] == [1, 2, 1, 2]
        assert metrics.inbox_position() == 6
        await routers.kill(b"z")
        routers.server.inbox.messages.clear()
        routers.start(b"b", inbox_id=b"another inbox id")
        await asyncio.sleep(0.5)
        assert routers.standings[b"b"].phase == "standby" and metrics.inbox_position() == 0

    played(story)

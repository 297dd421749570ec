"""A site's life without people: contacts arrive, and a desk that follows the journal accepts, connects and ends every one."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from cordboard import codec
from cordboard.errors import LogUnavailable
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import AgentChannel, Membership
from cordboard.events.commit import INPUT_TAG, Entry
from cordboard.log.port import Publisher, SiteLog
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from tests.journal import policy

AGENTS = 8
PATIENCE_S = 60.0


class Crowd:
    """Ids come from a seed, so that a failing run can be repeated."""

    def __init__(self, log: SiteLog, publisher: Publisher, seed: int = 1) -> None:
        self.boards = Boards()
        self.desks = Desks()
        self.published = 0
        self._log = log
        self._publisher = publisher
        self._random = random.Random(seed)
        self._moved = asyncio.Event()
        self._answers: asyncio.Queue[facts.Fact] = asyncio.Queue()

    def id(self) -> bytes:
        return self._random.randbytes(16)

    async def say(self, fact: facts.Fact) -> None:
        """Until it is durable: the same fact again and again is one fact."""
        data = codec.check_fact(fact)
        self.published += 1
        while True:
            with contextlib.suppress(LogUnavailable):
                await self._publisher.publish(data)
                return
            await asyncio.sleep(0.01)

    async def open(self) -> None:
        """A policy and ready agents."""
        await self.say(facts.PolicyPublished(self.id(), codec.encode(policy("orders", "invoices"))))
        for _ in range(AGENTS):
            agent = self.id()
            memberships = [Membership("orders"), Membership("invoices", 1)]
            await self.say(
                facts.AgentDeclared(self.id(), agent, [], memberships, [AgentChannel("chat", 30, 3), AgentChannel("task", 60, 1)])
            )
            await self.say(facts.PresenceRequested(self.id(), agent, "ready"))

    async def arrive(self, count: int) -> None:
        """`count` contacts, a few at a time."""
        arrivals = [
            facts.ContactArrived(
                self.id(),
                self.id(),
                self._random.choice(["chat", "task"]),
                self._random.choice(["orders", "invoices"]),
                priority=number % 3,
            )
            for number in range(count)
        ]
        for start in range(0, count, 10):
            await asyncio.gather(*(self.say(fact) for fact in arrivals[start : start + 10]))

    async def ended(self, count: int) -> None:
        """Wait until so many contacts have ended."""
        async with asyncio.timeout(PATIENCE_S):
            while sum(self.boards.site().ended.values()) < count:
                self._moved.clear()
                await self._moved.wait()

    async def opened(self) -> None:
        """Wait until all agents are ready: then the router has nothing left to do."""
        async with asyncio.timeout(PATIENCE_S):
            while self.boards.site().agents_ready < AGENTS:
                self._moved.clear()
                await self._moved.wait()

    async def reached(self, seq: int) -> None:
        """Wait until the journal has come to `seq`."""
        async with asyncio.timeout(PATIENCE_S):
            while self.boards.position < seq:
                self._moved.clear()
                await self._moved.wait()

    async def _follow(self) -> None:
        async with contextlib.aclosing(self._log.follow_journal(1)) as batches:
            async for batch in batches:
                for stored in batch:
                    commit = codec.decode_commit(stored.data)
                    self.boards.apply(stored.seq, commit)
                    self.desks.apply(stored.seq, commit)
                    for entry in commit.entries:
                        if entry.tag != INPUT_TAG and (answer := self._answer(entry)) is not None:
                            self._answers.put_nowait(answer)
                self._moved.set()

    def _answer(self, entry: Entry) -> facts.Fact | None:
        match codec.decode_event(entry):
            case words.OfferMade(attempt=attempt):
                return facts.OfferAnswered(self.id(), entry.contact or b"", attempt, entry.agent or b"", True)
            case words.OfferAccepted(attempt=attempt):
                return facts.ContactConnected(self.id(), entry.contact or b"", attempt, entry.agent or b"")
            case words.EngagementStarted():
                return facts.EngagementEndRequested(self.id(), entry.contact or b"", entry.agent or b"")
        return None

    async def _reply(self) -> None:
        while True:
            await self.say(await self._answers.get())


@contextlib.asynccontextmanager
async def crowd(log: SiteLog, seed: int = 1) -> AsyncIterator[Crowd]:
    """A crowd that replies as long as the context lasts."""
    async with log.publisher("crowd") as publisher, asyncio.TaskGroup() as group:
        people = Crowd(log, publisher, seed)
        tasks = [group.create_task(people._follow()), *(group.create_task(people._reply()) for _ in range(4))]
        try:
            yield people
        finally:
            for task in tasks:
                task.cancel()

"""What runs in the simulated processes: the real shells, put together as the command line does, without their sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from cordboard import codec
from cordboard.api.declared import Declared
from cordboard.api.outcomes import Outcomes
from cordboard.api.site import Site, commit_reader
from cordboard.doors import Doors
from cordboard.events.commit import INPUT_TAG
from cordboard.events.fact import Fact
from cordboard.gateway.entrance.cases import Cases
from cordboard.gateway.entrance.entrance import Entrance
from cordboard.gateway.limits import Limits
from cordboard.gateway.policy_view import PolicyView
from cordboard.log.feed import Feed
from cordboard.log.memory import MemoryLog, MemoryServer
from cordboard.log.port import FactPosition, Publisher
from cordboard.log.publisher import FramePublisher
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.history.arrivals import Arrivals
from cordboard.projections.history.reader import DecidedAt
from cordboard.projections.history.store import read_up_to, store
from cordboard.router import Standing, serve_router
from cordboard.vault import Acceptance
from cordboard.vault.intake import Intake
from tests.sim.database import Database, InlineEngine, open_vault
from tests.sim.machine import MachineClock
from tests.sim.site import SITE

MakeLog = Callable[[], MemoryLog]
Acknowledged = Callable[[bytes, FactPosition], None]
SNAPSHOT_EVERY = 12
SNAPSHOT_GAP_S = 1.0


class RouterRole:
    """A standby first, as `cordboard run router` is. `leads` is told each epoch."""

    def __init__(self, log: MakeLog, clock: MachineClock, leads: Callable[[int], None]) -> None:
        self._log, self._clock, self._leads = log, clock, leads
        self._stop = asyncio.Event()

    async def run(self) -> None:
        self._stop = asyncio.Event()
        await serve_router(
            self._log(),
            stop=self._stop,
            standing=self._stands,
            clock=self._clock,
            snapshot_every=SNAPSHOT_EVERY,
            snapshot_gap_s=SNAPSHOT_GAP_S,
        )

    def hand_over(self) -> None:
        self._stop.set()

    def _stands(self, standing: Standing) -> None:
        if standing.phase == "leading":
            self._leads(standing.epoch)


class GatewayRole:
    """The entrance of one gateway with its vault. `serving` is there while it takes letters."""

    def __init__(self, name: str, log: MakeLog, database: Database, acknowledged: Acknowledged) -> None:
        self.name = name
        self._log, self._database, self._acknowledged = log, database, acknowledged
        self.serving: Entrance | None = None
        self.publisher: FramePublisher | None = None

    async def run(self) -> None:
        self.serving = self.publisher = None
        log = self._log()
        async with open_vault(self._database) as vault, asyncio.TaskGroup() as group:
            policy, cases, feed = PolicyView(), Cases(), Feed(log)
            entrance = Entrance(self.name, vault, policy, cases, Limits())
            for fold in (policy.apply, cases.apply, entrance.apply):
                feed.attach(fold)
            group.create_task(feed.run())
            async with log.publisher(self.name) as publisher:
                self.publisher = publisher
                await feed.caught_up()
                intake = Intake(vault, noting(publisher, self._acknowledged), None, self.name)
                group.create_task(intake.sweep())
                entrance.open(intake, lambda: feed.backlog)
                group.create_task(entrance.run())
                self.serving = entrance
                await asyncio.Event().wait()

    async def pending(self) -> list[Acceptance]:
        async with open_vault(self._database) as vault:
            return await vault.pending(0, 1_000)


class WholeHistory:
    """Stands where the API's history would: what the journal says of a fact, read from the server itself."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    async def reached(self, seq: int, timeout_s: float) -> bool:
        await asyncio.sleep(timeout_s if seq > len(self._server.journal.messages) else 0.001)
        return seq <= len(self._server.journal.messages)

    async def decided(self, fact_id: bytes) -> DecidedAt | None:
        for message in self._server.journal.messages:
            for index, entry in enumerate(codec.decode_commit(message.data).entries):
                if entry.tag == INPUT_TAG and codec.fact_id(codec.decode_input(entry).fact) == fact_id:
                    return DecidedAt(message.seq, index)
        return None


class ApiRole:
    """Commands and what desks and boards show, without gRPC."""

    def __init__(self, log: MakeLog, server: MemoryServer, acknowledged: Acknowledged) -> None:
        self._log, self._server, self._acknowledged = log, server, acknowledged
        self.serving: Site | None = None
        self.feed: Feed | None = None
        self.publisher: FramePublisher | None = None

    async def run(self) -> None:
        self.serving = self.publisher = None
        log = self._log()
        boards, desks, declared, doors = Boards(), Desks(), Declared(), Doors()
        outcomes = Outcomes(commit_reader(log))
        feed = self.feed = Feed(log)
        for fold in (boards.apply, desks.apply, outcomes.apply, declared.apply, doors.apply):
            feed.attach(fold)
        nothing: Any = None
        history: Any = WholeHistory(self._server)
        async with asyncio.TaskGroup() as group:
            group.create_task(feed.run())
            async with log.publisher("api") as publisher:
                self.publisher = publisher
                await feed.caught_up()
                heard = _Noting(publisher, self._acknowledged)
                self.serving = Site(
                    log=log, vault=nothing, boards=boards, desks=desks, feed=feed, history=history, publisher=heard,
                    intake=nothing, outcomes=outcomes, declared=declared, effects=nothing, quarantine=nothing,
                    signals=nothing, people=nothing, shown=nothing, tokens=nothing, erasure=nothing, explainer=nothing,
                    attendance=nothing, doors=doors, promises=nothing, slas=nothing, missed=nothing, next_steps=nothing,
                    numbers=nothing,
                )  # fmt: skip
                await asyncio.Event().wait()

    async def command(self, fact: Fact) -> tuple[int, tuple[Any, ...]]:
        """Position and events of the outcome. Raises what the site raises."""
        assert self.serving is not None
        outcome = await self.serving.command(fact)
        return outcome.seq, outcome.events


class SourceRole:
    """Some system of the house that publishes facts, several at once."""

    def __init__(self, name: str, log: MakeLog, acknowledged: Acknowledged) -> None:
        self.name = name
        self._log, self._acknowledged = log, acknowledged
        self.serving: Callable[[bytes], Any] | None = None
        self.publisher: FramePublisher | None = None

    async def run(self) -> None:
        self.serving = self.publisher = None
        async with self._log().publisher(self.name) as publisher:
            self.publisher = publisher
            self.serving = noting(publisher, self._acknowledged)
            await asyncio.Event().wait()


class ProjectorRole:
    """The history, by the projector's own arrivals and store; FastStream's subscription is the log's follower here."""

    def __init__(self, log: MakeLog, database: Database) -> None:
        self._log, self._engine = log, InlineEngine(database)

    async def run(self) -> None:
        engine: Any = self._engine
        log = self._log()
        async with engine.begin() as connection:
            arrivals = Arrivals(SITE, await read_up_to(connection))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take(log, arrivals))
            while commits := await arrivals.batch():
                await store(engine, commits)
                await asyncio.sleep(1.5)  # so that a batch holds many: a statement costs what a commit does

    async def _take(self, log: MemoryLog, arrivals: Arrivals) -> None:
        async for messages in log.follow_journal(arrivals.begin):
            for message in messages:
                arrivals.take(message.seq, message.data)


def noting(publisher: Publisher, acknowledged: Acknowledged) -> Callable[[bytes], Any]:
    async def publish(fact: bytes) -> FactPosition:
        place = await publisher.publish(fact)
        acknowledged(fact, place)
        return place

    return publish


class _Noting:
    def __init__(self, publisher: Publisher, acknowledged: Acknowledged) -> None:
        self.publish = noting(publisher, acknowledged)

"""The demo: `cordboard up` as a child process, a crowd over real sockets, a live board, a report, a verification."""

import asyncio
import contextlib
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from cordboard import codec
from cordboard.client import Client
from cordboard.demo import engine as engines
from cordboard.demo.agents import Person, Words
from cordboard.demo.customers import Customer
from cordboard.demo.engine import Engine
from cordboard.demo.report import Report, close
from cordboard.demo.services import Service
from cordboard.demo.tally import Tally
from cordboard.events.policy import ChannelProfile, Policy, QueuePolicy
from cordboard.log import connect

DRAIN_S = 45.0
GRACE_S = 2.0
BULK_SHARE = 0.1


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How large a crowd, for how long. Rates are arrivals a second, spread like a Poisson process."""

    seconds: float = 30.0
    chats_per_second: float = 11.0
    tasks_per_second: float = 8.0
    seed: int = 1


class Show(msgspec.Struct, frozen=True):
    """What the demo tells while it runs. `boards` gets the client of a running engine."""

    say: Callable[[str], None]
    boards: Callable[[Client], Coroutine[Any, Any, None]]


def hastened(policy: Policy) -> Policy:
    """The same policy at the pace of a demo: what takes minutes in a contact centre takes seconds here."""

    def channel(profile: ChannelProfile) -> ChannelProfile:
        return replace(profile, offer_ttl_ms=4_000, connect_ms=3_000, wrap_up_ms=2_000, wrap_up_max_ms=6_000)

    def queue(rules: QueuePolicy) -> QueuePolicy:
        return replace(rules, target_ms=4_000, targets_ms=dict.fromkeys(rules.targets_ms, 10000), short_abandon_ms=1_000)

    return replace(
        policy,
        channels=[channel(profile) for profile in policy.channels],
        queues=[queue(rules) for rules in policy.queues],
        prefer_ms=2_000,
        decline_cooldown_ms=5_000,
        reoffer_min_ms=1_000,
        toggle_grace_ms=1_000,
    )


class Crowd:
    """Customers, services and agents of one run."""

    def __init__(self, plan: Plan, engine: Engine, policy: Policy, people: list[str], tally: Tally) -> None:
        self._plan, self._engine, self._policy, self._people, self._tally = plan, engine, policy, people, tally
        self._dice = random.Random(plan.seed)

    async def run(self, show: Show) -> None:
        """Agents log in, contacts arrive for the planned time, then everybody finishes."""
        async with contextlib.AsyncExitStack() as stack:
            desks = [await stack.enter_async_context(Client(self._engine.grpc)) for _ in range(4)]
            services = await stack.enter_async_context(Client(self._engine.grpc))
            watcher = await stack.enter_async_context(Client(self._engine.grpc))
            async with asyncio.TaskGroup() as group:
                staff = [group.create_task(self._person(person, desks[index % 4])) for index, person in enumerate(self._people)]
                board = group.create_task(show.boards(watcher))
                async with asyncio.TaskGroup() as arrivals:
                    arrivals.create_task(self._chats(arrivals))
                    arrivals.create_task(self._tasks(arrivals, services))
                show.say("the last customers are gone; agents finish")
                await self._drained(watcher, show)
                for task in (*staff, board):
                    task.cancel()

    async def _person(self, person: str, client: Client) -> None:
        breaks = [reason.name for reason in self._policy.reasons if reason.klass in ("break", "meal")]
        words = Words(self._policy.dispositions or [""], breaks or [""])
        await Person(client, person, words, self._tally, self._own_dice()).run()

    async def _chats(self, group: asyncio.TaskGroup) -> None:
        queues = [queue.name for queue in self._policy.queues]
        async for _ in self._moments(self._plan.chats_per_second):
            customer = Customer(self._engine.chat_url, self._dice.choice(queues), self._tally, self._own_dice())
            group.create_task(customer.run())

    async def _tasks(self, group: asyncio.TaskGroup, client: Client) -> None:
        service = Service(client, [queue.name for queue in self._policy.queues], self._tally, self._own_dice())
        async for _ in self._moments(self._plan.tasks_per_second):
            group.create_task(service.submit_bulk() if self._dice.random() < BULK_SHARE / 5 else service.submit())

    async def _moments(self, rate: float) -> AsyncIterator[None]:
        """Poisson arrivals, open loop: a slow engine does not slow the customers down."""
        loop = asyncio.get_running_loop()
        begin, due = loop.time(), 0.0
        while rate > 0:
            due += self._dice.expovariate(rate)
            if due > self._plan.seconds:
                return
            await asyncio.sleep(max(0.0, begin + due - loop.time()))
            yield

    async def _drained(self, client: Client, show: Show) -> None:
        """Until no contact is open, at most DRAIN_S."""
        loop = asyncio.get_running_loop()
        until = loop.time() + DRAIN_S
        while loop.time() < until:
            boards = await client.get_boards()
            if boards.site.open == 0 and not any(row.wrapping for row in boards.queues):
                return
            await asyncio.sleep(0.3)
        show.say("some contacts are still open")

    def _own_dice(self) -> random.Random:
        return random.Random(self._dice.getrandbits(64))


async def demo(
    plan: Plan,
    policy: Policy,
    arrange: Callable[[Client], Coroutine[Any, Any, list[str]]],
    show: Show,
    tell: Callable[[Report], None],
    *,
    data_dir: Path | None = None,
    keep: Callable[[Engine], Coroutine[Any, Any, None]] | None = None,
) -> Report:
    """Run everything. `arrange` declares the agents and returns their person ids; `tell` hears the report, and `keep` is awaited
    after it, before the engine stops."""
    with contextlib.ExitStack() as files:
        where = data_dir or Path(files.enter_context(tempfile.TemporaryDirectory(prefix="cordboard-demo-")))
        async with engines.running(where, ["--site", policy.site, "--grace", str(GRACE_S)]) as engine:
            tally = Tally()
            async with Client(engine.grpc) as client:
                await client.ready()
                await client.publish_policy(codec.encode(hastened(replace(policy, version=1))))
                people = await arrange(client)
            show.say(f"engine up: gRPC {engine.grpc}, chat http://{engine.http}/chat; {len(people)} agents")
            await Crowd(plan, engine, policy, people, tally).run(show)
            show.say("reading and verifying the journal")
            async with connect(engine.nats_url, policy.site, monitor_url=engine.monitor_url, name="cordboard-demo") as log:
                report = await close(log, tally, plan.seconds)
            tell(report)
            if keep is not None:
                await keep(engine)
            return report

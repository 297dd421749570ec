"""The demo: `cordboard up` as a child process, a crowd over real sockets, a live board, a report, a verification."""

import asyncio
import contextlib
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import httpx
import msgspec
from msgspec.structs import replace

from cordboard import codec
from cordboard.client import Client
from cordboard.demo import engine as engines
from cordboard.demo.agents import VOICE, Person, Words
from cordboard.demo.callers import MOBILES, Caller, Place
from cordboard.demo.customers import Customer
from cordboard.demo.engine import Engine
from cordboard.demo.far_side import Secrets, far_side, make_secrets, write_secrets
from cordboard.demo.mailers import Correspondent, Post
from cordboard.demo.meeting import meeting
from cordboard.demo.pace import answered_at, hastened
from cordboard.demo.report import Report, close
from cordboard.demo.services import Service
from cordboard.demo.shown import Wanted
from cordboard.demo.sources import Door, Source, Visitor
from cordboard.demo.tally import Tally
from cordboard.demo.website import Browser
from cordboard.events.policy import Policy
from cordboard.events.promises import PromiseKind
from cordboard.log import connect
from cordboard.v1.availability_service_pb2 import DoorState
from cordboard.vault.clock import now_ms

DRAIN_S = 45.0
GRACE_S = 2.0
BULK_SHARE = 0.1


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How large a crowd, for how long. Rates are arrivals a second, spread like a Poisson process."""

    seconds: float = 30.0
    chats_per_second: float = 8.0
    tasks_per_second: float = 4.0
    mails_per_second: float = 2.0
    forms_per_second: float = 0.8
    """More than one a second from one address is asked to wait."""
    webhooks_per_second: float = 1.0
    callbacks_per_second: float = 0.5
    """Customers who name a time. With some, chat customers who must wait may keep their place, too."""
    away_percent: int = 70
    """Of the agents: called to a meeting in the middle of it, which nobody had planned."""
    seed: int = 1

    def calls(self) -> bool:
        """It is long and busy enough that calls of each kind are kept in it."""
        return self._reaches("seconds", "chats_per_second", "callbacks_per_second")

    def dips(self) -> bool:
        """It is long and busy enough that chat cannot be answered in time while agents are away. With none left, a door closes."""
        return self._reaches("seconds", "chats_per_second", "away_percent") and self.away_percent < 100

    def _reaches(self, *names: str) -> bool:
        return all(getattr(self, name) >= getattr(USUAL, name) for name in names)


USUAL = Plan()


class Show(msgspec.Struct, frozen=True):
    """What the demo tells while it runs. `boards` gets the client of a running engine."""

    say: Callable[[str], None]
    boards: Callable[[Client], Coroutine[Any, Any, None]]


class Writer(Protocol):
    """Somebody who writes, and reacts to the answer."""

    async def run(self) -> None: ...


class Crowd:
    """Customers, services and agents of one run."""

    def __init__(self, plan: Plan, engine: Engine, policy: Policy, people: list[str], tally: Tally, secrets: Secrets) -> None:
        self._plan, self._engine, self._policy, self._people, self._tally = plan, engine, policy, people, tally
        self._secrets = secrets
        self._dice = random.Random(plan.seed)
        self._doors = {door.queue: door.name for door in policy.entry_points if door.channel == "chat" and door.availability}
        self._queues_of_places = {queue.name for queue in policy.queues if queue.callbacks and queue.callbacks.hold_place}
        promising = {queue.name for queue in policy.queues if queue.callbacks}
        self._doors_of_calls = [door for door in policy.entry_points if door.channel == VOICE and door.queue in promising]

    def wanted(self) -> Wanted:
        """What must have been shown by the run, as far as the policy knows of it."""
        kinds: dict[PromiseKind, bool] = {"scheduled": bool(self._doors_of_calls), "hold_place": bool(self._queues_of_places)}
        return Wanted(
            calls=[kind for kind, known in kinds.items() if known and self._plan.calls()],
            dip=list(self._doors.values()) if self._plan.dips() else (),
        )

    async def run(self, show: Show) -> None:
        """Agents log in, contacts arrive for the planned time, then everybody finishes."""
        async with contextlib.AsyncExitStack() as stack:
            desks = [await stack.enter_async_context(Client(self._engine.grpc)) for _ in range(4)]
            services = await stack.enter_async_context(Client(self._engine.grpc))
            watcher = await stack.enter_async_context(Client(self._engine.grpc))
            letters = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30))
            web = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://{self._engine.http}", trust_env=False, timeout=30)
            )
            async with asyncio.TaskGroup() as group:
                people = [self._person(person, desks[index % 4]) for index, person in enumerate(self._people)]
                staff = [group.create_task(person.run()) for person in people]
                board = group.create_task(show.boards(watcher))
                async with asyncio.TaskGroup() as arrivals:
                    arrivals.create_task(
                        meeting(self._plan.seconds, self._plan.away_percent, people, self._policy, self._own_dice(), show.say)
                    )
                    arrivals.create_task(self._chats(arrivals, web, services))
                    arrivals.create_task(self._tasks(arrivals, services))
                    arrivals.create_task(self._callers(arrivals, web, services))
                    self._write(arrivals, letters)
                show.say("the last customers are gone; agents finish")
                await self._drained(watcher, show)
                for task in (*staff, board):
                    task.cancel()

    def _person(self, person: str, client: Client) -> Person:
        breaks = [reason.name for reason in self._policy.reasons if reason.klass in ("break", "meal")]
        words = Words(self._policy.dispositions or [""], breaks or [""])
        return Person(client, person, words, self._tally, self._own_dice())

    async def _chats(self, group: asyncio.TaskGroup, web: httpx.AsyncClient, client: Client) -> None:
        queues = [queue.name for queue in self._policy.queues]
        places = self._queues_of_places if self._plan.callbacks_per_second else set[str]()
        async for _ in self._moments(self._plan.chats_per_second):
            queue, dice = self._dice.choice(queues), self._own_dice()
            browser = Browser(web, self._tally, dice)
            place = Place(client, self._tally, dice) if queue in places else None
            customer = Customer(self._engine.chat_url, queue, browser, self._doors.get(queue), place, self._tally, dice)
            group.create_task(customer.run())

    async def _callers(self, group: asyncio.TaskGroup, web: httpx.AsyncClient, client: Client) -> None:
        """Whoever would be called, where the policy promises calls."""
        doors = self._doors_of_calls
        async for _ in self._moments(self._plan.callbacks_per_second if doors else 0):
            dice = self._own_dice()
            browser = Browser(web, self._tally, dice)
            group.create_task(Caller(client, browser, dice.choice(doors), self._tally, dice).run())

    async def _tasks(self, group: asyncio.TaskGroup, client: Client) -> None:
        service = Service(client, [queue.name for queue in self._policy.queues], self._tally, self._own_dice())
        async for _ in self._moments(self._plan.tasks_per_second):
            group.create_task(service.submit_bulk() if self._dice.random() < BULK_SHARE / 5 else service.submit())

    def _write(self, group: asyncio.TaskGroup, http: httpx.AsyncClient) -> None:
        """Mails, forms and webhooks, as far as the policy has doors for them."""
        plan, tally, at = self._plan, self._tally, f"http://{self._engine.http}"
        doors = [door.address for door in self._policy.entry_points if door.address]
        if self._engine.smtp is not None and doors:
            post = Post(self._engine.smtp, tally)
            group.create_task(self._each(group, plan.mails_per_second, partial(Correspondent, post, doors, tally)))
            for form in self._policy.forms[:1]:
                page = Door(http, f"{at}/form/{form.name}", "form", tally)
                group.create_task(self._each(group, plan.forms_per_second, partial(Visitor, page, form, post, doors[0], tally)))
        for webhook in self._policy.webhooks[:1]:
            hook, secret = Door(http, f"{at}/webhook/{webhook.name}", "webhook", tally), self._secrets[webhook.name]
            group.create_task(self._each(group, plan.webhooks_per_second, partial(Source, hook, webhook, secret, tally)))

    async def _each(self, group: asyncio.TaskGroup, rate: float, make: Callable[[random.Random], Writer]) -> None:
        async for _ in self._moments(rate):
            group.create_task(make(self._own_dice()).run())

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
        """Until no contact is open but who is promised a call for later, every answer has arrived, and no chat door is busy;
        at most DRAIN_S."""
        loop = asyncio.get_running_loop()
        until, gone_ms = loop.time() + DRAIN_S, now_ms()
        while loop.time() < until:
            boards = await client.get_boards()
            promises = [promise async for promise in client.list_promises(page_size=1_000, after=boards.consistency_token)]
            later = sum(promise.from_ms > gone_ms and not promise.outcome for promise in promises)
            quiet = boards.site.open <= later and not any(row.wrapping for row in boards.queues)
            if quiet and self._tally.post.settled() and not await self._busy(client, boards.consistency_token):
                return
            await asyncio.sleep(0.3)
        show.say("some contacts are still open, or answers still under way")

    async def _busy(self, client: Client, token: str) -> bool:
        names = list(self._doors.values())
        doors = (await client.get_availability(names, after=token)).doors if names else ()
        return any(door.state == DoorState.DOOR_STATE_BUSY for door in doors)

    def _own_dice(self) -> random.Random:
        return random.Random(self._dice.getrandbits(64))


def telephones(seed: int) -> str:
    """The customers' telephones, as `--voice` wants them: most are picked up soon."""
    return f"simulated:?seed={seed}&no_answer=12&busy=5&voicemail=5&ring_ms=900"


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
    async with contextlib.AsyncExitStack() as stack:
        where = data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cordboard-demo-")))
        tally, secrets = Tally(), make_secrets(policy)
        outside = await stack.enter_async_context(far_side(tally, secrets))
        options = ["--site", policy.site, "--grace", str(GRACE_S), "--smtp-relay", outside.relay]
        options += ["--behind-proxy", "--callback-numbers", ",".join(MOBILES), "--voice", telephones(plan.seed)]
        options += ["--webhook-secrets", str(write_secrets(secrets, where / "webhooks.yaml"))]
        engine = await stack.enter_async_context(engines.running(where, options))
        fast = answered_at(hastened(replace(policy, version=1)), outside.receiver)
        async with Client(engine.grpc) as client:
            await client.ready()
            await client.publish_policy(codec.encode(fast))
            people = await arrange(client)
        show.say(
            f"engine up: gRPC {engine.grpc}, chat http://{engine.http}/chat, "
            f"callbacks http://{engine.http}/callbacks/…, mail {engine.smtp}; {len(people)} agents"
        )
        crowd = Crowd(plan, engine, fast, people, tally, secrets)
        await crowd.run(show)
        show.say("reading and verifying the journal")
        async with connect(engine.nats_url, policy.site, monitor_url=engine.monitor_url, name="cordboard-demo") as log:
            report = await close(log, tally, plan.seconds, crowd.wanted())
        tell(report)
        if keep is not None:
            await keep(engine)
        return report

"""A whole site for tests of the API: real NATS, real router, SQLite, the gRPC server on a real port, and a client."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cordboard import codec
from cordboard.api import run_api
from cordboard.client import AgentDeclaration, Client, DeskChange
from cordboard.events import Commit
from cordboard.events.bounds import Requirement
from cordboard.events.commit import INPUT_TAG
from cordboard.events.policy import ChannelProfile, EntryPoint, Policy, QueuePolicy, Reason, Rule, Topic
from cordboard.log import SiteLog, connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.feed import Feed
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.history import HistoryReader, run_history
from cordboard.router import run_router
from cordboard.v1.types_pb2 import AgentChannel, Membership, Skill
from cordboard.vault import Vault

SITE = "default"
Event = TypeVar("Event")
PATIENCE_S = 60.0
POLICY = Policy(
    version=0,
    site=SITE,
    skills=["nl.written", "garden"],
    channels=[
        ChannelProfile(
            name="chat", presence="live", klass=1, answered_on="first_message", wrap_up_ms=60_000, wrap_up_max_ms=180_000,
            cost=30, max_concurrent=3,
        ),
        ChannelProfile(name="task", presence="async", klass=3, answered_on="connected", cost=50, max_concurrent=2),
        ChannelProfile(
            name="mail", presence="async", klass=3, answered_on="first_message", cost=20, max_concurrent=5, reply="mail"
        ),
    ],
    queues=[QueuePolicy(name="orders"), QueuePolicy(name="invoices"), QueuePolicy(name="nobody")],
    reasons=[Reason("lunch", "meal")],
    dispositions=["solved"],
    max_parked=2,
    topics=[
        Topic(name="delivery", queue="orders"), Topic(name="billing", queue="invoices"), Topic(name="pages", queue="nobody"),
        Topic(name="silence", queue="nobody"),
    ],
    entry_points=[EntryPoint(name="order_form", channel="chat"), EntryPoint(name="service", channel="mail", topic="delivery")],
    segments=["gold"],
    rules=[
        Rule(name="refund", keywords=["refund*"], topic="billing", priority=4, requirements=[Requirement("garden", 2)]),
        Rule(name="known", segments=["gold"], topic="billing", priority=9),
        Rule(name="form", fields={"reason": ["late"]}, topic="delivery"),
    ],
    default=Rule(name="other", topic="silence"),
)  # fmt: skip


@dataclass
class ApiSite:
    """A running site. `stop_api` and `start_api` restart the API role alone."""

    log: SiteLog
    vault: Vault
    history: HistoryReader
    nats_url: str
    vault_url: str
    port: int = 0
    session_grace_s: float = 3_600.0
    periods_every_s: float = 3_600.0
    clock_ms: int = 0
    """By which agents' references grow old."""
    told: Counter[tuple[str, bytes | None]] = field(default_factory=Counter)
    """How often the journal has named each event, by the agent it is about, as far as the API has read."""
    feed: Feed = field(init=False)
    desks: Desks = field(init=False)
    _roles: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start_api(self) -> None:
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        boards, self.desks, self.feed = Boards(), Desks(), Feed(self.log)
        self.feed.attach(boards.apply)
        self.feed.attach(self.desks.apply)
        self.told.clear()
        self.feed.attach(self._tell)
        api = run_api(
            self.log, self.vault, boards, self.desks, self.feed, self.history, port=self.port,
            session_grace_s=self.session_grace_s, callback_numbers="BE", periods_every_s=self.periods_every_s,
            clock=lambda: self.clock_ms, ready=ready.set_result,
        )  # fmt: skip
        self._roles = [asyncio.create_task(api, name="api"), asyncio.create_task(self.feed.run(), name="feed")]
        await asyncio.wait([ready, *self._roles], return_when=asyncio.FIRST_COMPLETED)
        for role in self._roles:
            if role.done():
                role.result()
        self.port = ready.result()

    def _tell(self, _seq: int, commit: Commit) -> None:
        self.told.update(
            (type(codec.decode_event(entry)).__name__, entry.agent) for entry in commit.entries if entry.tag != INPUT_TAG
        )

    async def until_told(self, name: str, agent: bytes | None, count: int) -> None:
        """Return once the journal has named an event about an agent so often."""
        while self.told[name, agent] < count:
            await self.feed.reached(self.feed.position + 1, 1.0)

    async def stop_api(self) -> None:
        await cancelled(*self._roles)


async def cancelled(*tasks: asyncio.Task[None]) -> None:
    """Cancel, wait, and fail if one had ended by itself."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(outcome, asyncio.CancelledError):
            raise AssertionError("a role ended by itself") from outcome


@contextlib.asynccontextmanager
async def api_site(
    directory: Path,
    policy: Policy | None = POLICY,
    *,
    session_grace_s: float = 3_600.0,
    periods_every_s: float = 3_600.0,
    recorded: Sequence[bytes] = (),
) -> AsyncIterator[ApiSite]:
    """Everything up, caught up, and with `policy` in force. `recorded`: the commits that its journal begins with."""
    vault_url = f"sqlite+aiosqlite:///{directory / 'vault.db'}"
    views = f"sqlite+aiosqlite:///{directory / 'views.db'}"
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(EmbeddedServer(directory / "nats"))
        log = await stack.enter_async_context(connect(server.url, SITE, create=True))
        async with log.appender() as appender:
            for seq, commit in enumerate(recorded, 1):
                await appender.append(seq, commit)
        vault = await stack.enter_async_context(Vault.open(vault_url, bytes(32)))
        history = await stack.enter_async_context(HistoryReader.open(views))
        roles = [
            asyncio.create_task(run_router(log), name="router"),
            asyncio.create_task(run_history(server.url, SITE, views), name="history"),
        ]
        site = ApiSite(log, vault, history, server.url, vault_url, session_grace_s=session_grace_s, periods_every_s=periods_every_s)
        try:
            await site.start_api()
            if policy is not None:
                async with Client(site.target) as client:
                    await client.publish_policy(codec.encode(policy))
            yield site
        finally:
            await site.stop_api()
            await cancelled(*roles)


def an_agent(person: str, *queues: str, skills: Sequence[tuple[str, int]] = ()) -> AgentDeclaration:
    """A declaration for every channel."""
    return AgentDeclaration(
        person=person,
        name=person.title(),
        skills=[Skill(skill=skill, level=level) for skill, level in skills],
        memberships=[Membership(queue=queue) for queue in queues],
        channels=[AgentChannel(channel=channel) for channel in ("chat", "task", "mail")],
    )


class DeskReader:
    """Reads one desk; `until` skips to the next event of a kind and keeps what came before in `seen`."""

    def __init__(self, client: Client, person: str) -> None:
        self._changes = client.watch_desk(person)
        self.seen: list[DeskChange] = []

    async def until(self, kind: type[Event]) -> Event:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                change = await anext(self._changes)
                self.seen.append(change)
                if isinstance(change.event, kind):
                    return change.event

    async def close(self) -> None:
        await self._changes.aclose()

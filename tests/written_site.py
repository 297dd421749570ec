"""A site for tests of the written channels: log in memory, the real router, vault on SQLite, an entrance."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cordboard import codec
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import AgentChannel, Membership, Skill
from cordboard.events.commit import INPUT_TAG, Commit
from cordboard.events.policy import (
    ChannelProfile,
    EntryPoint,
    Form,
    FormField,
    Policy,
    QueuePolicy,
    Rule,
    Topic,
    Webhook,
)
from cordboard.events.verdict import Verdict
from cordboard.gateway.entrance.cases import Cases
from cordboard.gateway.entrance.entrance import Entrance, Letter, Sender
from cordboard.gateway.limits import Limits
from cordboard.gateway.policy_view import PolicyView
from cordboard.log.feed import Feed
from cordboard.log.memory import MemoryLog
from cordboard.log.port import Backlog, Publisher, SiteLog
from cordboard.router import run_router
from cordboard.vault import Vault
from cordboard.vault.clock import now_ms
from cordboard.vault.intake import Intake
from tests.journal import SITE

PATIENCE_S = 60.0
DAY_MS = 24 * 3_600_000


def _written(name: str, reply: Any = "mail") -> ChannelProfile:
    return ChannelProfile(name=name, presence="async", klass=3, answered_on="first_message", cost=30, max_concurrent=3, reply=reply)


POLICY = Policy(
    version=1,
    site=SITE,
    skills=["nl.written", "en.written"],
    channels=[
        ChannelProfile(name="chat", presence="live", klass=1, answered_on="first_message"),
        _written("mail"),
        _written("form"),
        _written("webhook", "webhook"),
    ],
    queues=[QueuePolicy(name="orders"), QueuePolicy(name="invoices")],
    segments=["gold"],
    topics=[Topic(name="delivery", queue="orders"), Topic(name="invoice", queue="invoices")],
    entry_points=[
        EntryPoint(name="service", channel="mail", address="service@shop.example", queue="orders"),
        EntryPoint(name="contact", channel="form", queue="orders", language="nl"),
        EntryPoint(name="reviews", channel="webhook", queue="orders"),
    ],
    forms=[
        Form(
            name="contact",
            labels={"en": "Contact us", "nl": "Neem contact op"},
            fields=[
                FormField(name="who", role="name", labels={"en": "Your name", "nl": "Uw naam"}),
                FormField(name="mail", kind="email", role="email", required=True, labels={"en": "Mail address", "nl": "E-mail"}),
                FormField(name="reason", kind="choice", choices={"order": {"en": "An order"}, "invoice": {"en": "An invoice"}}),
                FormField(name="count", kind="number"),
                FormField(name="phone", kind="phone"),
                FormField(name="bought", kind="date"),
                FormField(name="urgent", kind="checkbox"),
                FormField(name="subject", role="subject", max_length=80),
                FormField(name="language", role="language"),
                FormField(name="text", kind="long_text", role="text", required=True, max_length=2_000),
            ],
        )
    ],
    webhooks=[
        Webhook(
            name="reviews",
            text="/review/text",
            subject="/review/title",
            customer="/author/email",
            customer_name="/author/name",
            language="/review/language",
            thread="/review/id",
            fields={"rating": "/review/rating", "tags": "/review/tags"},
        )
    ],
    rules=[
        Rule(name="gold", segments=["gold"], priority=9),
        Rule(name="invoice-form", fields={"reason": ["invoice"]}, topic="invoice"),
        Rule(name="invoices", keywords=["factu*", "invoice*"], topic="invoice", priority=3),
        Rule(name="alarm", keywords=["alarm"], topic="delivery", new_case=True),
    ],
)


def mail(number: int | str, *, replies_to: tuple[str, ...] = (), **members: Any) -> Letter:
    """A mail of Bo to the service."""
    own = f"<{number}@customer.example>"
    given: dict[str, Any] = {
        "channel": "mail",
        "entry_point": "service",
        "external_id": own,
        "sender": Sender("email", "bo@customer.example", "Bo"),
        "subject": "Mijn bestelling",
        "text": f"Waar blijft pakket {number}?",
        "threads": (own,),
        "replies_to": replies_to,
    }
    return Letter(**(given | members))


class Record:
    """The journal as a fold: what was decided about arrivals, and what happened, contact by contact."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[facts.ContactArrived, Verdict]] = []
        self.events: dict[bytes, list[words.Event]] = {}
        self.offers: dict[bytes, tuple[bytes, int]] = {}
        self.moved = asyncio.Event()

    def apply(self, seq: int, commit: Commit) -> None:
        for entry in commit.entries:
            if entry.tag == INPUT_TAG:
                body = codec.decode_input(entry)
                fact = codec.decode_fact(body.fact)
                if isinstance(fact, facts.ContactArrived):
                    self.arrivals.append((fact, body.verdict))
            elif entry.contact is not None:
                event = codec.decode_event(entry)
                self.events.setdefault(entry.contact, []).append(event)
                if isinstance(event, words.OfferMade) and entry.agent is not None:
                    self.offers[entry.contact] = (entry.agent, event.attempt)
        self.moved.set()

    def of(self, contact: bytes, kind: type) -> list[Any]:
        return [event for event in self.events.get(contact, []) if isinstance(event, kind)]

    async def until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self.moved.clear()
                await self.moved.wait()


class WrittenSite:
    """`open` starts the gateway's part, `shut` ends it as a stop would; `later_ms` moves the cases' clock."""

    def __init__(self, log: SiteLog, vault: Any, name: str = "mail", limits: Limits | None = None) -> None:
        self.log, self.vault = log, vault
        self.name, self.limits = name, limits or Limits()
        self.later_ms = 0
        self.backlog = Backlog(0, 0)
        self.published: list[bytes] = []

    async def open(self) -> None:
        self._stack = AsyncExitStack()
        self.record, self.policy = Record(), PolicyView()
        self.cases = Cases(lambda: now_ms() + self.later_ms)
        self.entrance = Entrance(self.name, self.vault, self.policy, self.cases, self.limits)
        self.feed = Feed(self.log)
        for fold in (self.policy.apply, self.cases.apply, self.entrance.apply, self.record.apply):
            self.feed.attach(fold)
        self.publisher: Publisher = await self._stack.enter_async_context(self.log.publisher(self.name))
        self._tasks = [asyncio.create_task(self.feed.run())]
        assert await self.feed.reached(await self.log.last_journal_seq(), PATIENCE_S)
        self.intake = Intake(self.vault, self.publish, None, self.name)
        self.entrance.open(self.intake, lambda: self.backlog)
        self._tasks.append(asyncio.create_task(self.entrance.run()))

    async def publish(self, fact: bytes) -> object:
        self.published.append(fact)
        return await self.publisher.publish(fact)

    async def shut(self) -> None:
        self.entrance.close()
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes
        await self._stack.aclose()

    async def say(self, fact: facts.Fact) -> None:
        """A fact from elsewhere."""
        await self.publisher.publish(codec.check_fact(fact))

    async def adopt(self, policy: Policy = POLICY) -> None:
        in_force = self.policy.policy
        version = 1 + (in_force.version if in_force is not None else 0)
        data = codec.encode(replace(policy, version=version))
        await self.say(facts.PolicyPublished(secrets.token_bytes(16), data))
        await self.record.until(lambda: self.policy.policy is not None and self.policy.policy.version == version)

    async def decided(self, count: int) -> list[tuple[facts.ContactArrived, Verdict]]:
        """All arrivals with their verdicts, once there are `count`."""
        await self.record.until(lambda: len(self.record.arrivals) >= count)
        return self.record.arrivals

    async def queued(self, contact: bytes) -> words.ContactQueued:
        await self.record.until(lambda: self.record.of(contact, words.ContactQueued))
        event = self.record.of(contact, words.ContactQueued)[-1]
        assert isinstance(event, words.ContactQueued)
        return event

    # -- agents

    async def agent(self, name: str) -> bytes:
        """Declared for everything, and ready."""
        agent = name.encode().ljust(16, b".")
        skills = [Skill("nl.written", 9), Skill("en.written", 9)]
        memberships = [Membership("orders"), Membership("invoices")]
        channels = [AgentChannel("mail"), AgentChannel("form"), AgentChannel("webhook")]
        await self.say(facts.AgentDeclared(secrets.token_bytes(16), agent, skills, memberships, channels))
        await self.say(facts.PresenceRequested(secrets.token_bytes(16), agent, "ready"))
        return agent

    async def engage(self, contact: bytes) -> bytes:
        """Whoever is offered the contact takes it."""
        await self.record.until(lambda: contact in self.record.offers)
        agent, attempt = self.record.offers[contact]
        await self.say(facts.OfferAnswered(secrets.token_bytes(16), contact, attempt, agent, True))
        await self.say(facts.ContactConnected(secrets.token_bytes(16), contact, attempt, agent))
        await self.record.until(lambda: self.record.of(contact, words.EngagementStarted))
        return agent

    async def end(self, contact: bytes) -> None:
        await self.say(facts.ContactEndRequested(secrets.token_bytes(16), contact, "completed"))
        await self.record.until(lambda: self.record.of(contact, words.ContactEnded))


@asynccontextmanager
async def routed(log: SiteLog) -> AsyncIterator[None]:
    """The real router leads."""
    leading: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    router = asyncio.create_task(run_router(log, leading=leading.set_result))
    try:
        await asyncio.wait([leading, router], return_when=asyncio.FIRST_COMPLETED)
        yield
    finally:
        router.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await router


@asynccontextmanager
async def written_site(directory: Path, policy: Policy | None = POLICY, **options: Any) -> AsyncIterator[WrittenSite]:
    log = MemoryLog(SITE)
    async with Vault.open(f"sqlite+aiosqlite:///{directory / 'vault.db'}", bytes(32)) as vault, routed(log):
        site = WrittenSite(log, vault, **options)
        await site.open()
        try:
            if policy is not None:
                await site.adopt(policy)
            yield site
        finally:
            await site.shut()

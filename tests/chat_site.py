"""A site for tests of the chat: log in memory, vault on SQLite, the gateway on a real port, and a router that does as it is told.

The router here is a script, not Cordboard's: it queues, relays and ends, and a test says who joins. So a test decides when verdicts
come and what they are. tests/integration/test_chat.py runs the same gateway with the real ones.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cordboard import codec
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import Key
from cordboard.events.commit import INPUT_TAG, Commit, Consumed, Entry, Input
from cordboard.events.door_events import DoorTurned
from cordboard.events.policy import ChannelProfile, NextStep, Policy, QueuePolicy
from cordboard.events.terms import DivertCause
from cordboard.events.verdict import Accepted, Duplicate, Refused, Verdict
from cordboard.gateway.limits import Limits
from cordboard.gateway.run import run_gateway
from cordboard.log.feed import Feed
from cordboard.log.memory import MemoryLog
from cordboard.log.port import SiteLog, Stored
from cordboard.vault import Content, Draft, Vault
from tests.journal import NO_HASH, SITE

SECRET = "0123456789abcdef0123456789abcdef"
PATIENCE_S = 60.0
POLICY = Policy(
    version=1,
    site=SITE,
    skills=["nl.written", "nl.spoken", "en.written", "garden"],
    channels=[ChannelProfile(name="chat", presence="live", klass=1, answered_on="first_message")],
    queues=[QueuePolicy(name="orders"), QueuePolicy(name="invoices")],
)


class ScriptedRouter:
    """Answers each fact at once, unless it is `paused`. `refuse` names a reason for the next facts of a kind.

    Whoever is called back is promised a call at 900."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._ordinals: dict[bytes, int] = {}
        self.facts: list[facts.Fact] = []
        self.refuse: dict[type, str] = {}
        self.turns_away: list[NextStep] = []
        """Who arrives is offered these instead."""
        self._decided: dict[bytes, Duplicate] = {}
        self.declines = False
        """Nobody can call any more."""
        self.running = asyncio.Event()
        self.running.set()
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        async with aclosing(self._log.follow_inbox(1)) as inbox:
            async for frames in inbox:
                for frame in frames:
                    await self.running.wait()
                    await self._take(frame)

    async def adopt(self, policy: Policy) -> None:
        await self._commit(None, self._event(words.PolicyAdopted(0, policy.version, NO_HASH, codec.encode(policy))))

    async def join(self, contact: bytes, agent: bytes) -> None:
        await self._commit(None, self._event(words.EngagementStarted(0, 1, "orders"), contact, agent))

    async def turn(self, event: DoorTurned) -> None:
        await self._commit(None, self._event(event))

    async def queue(self, contact: bytes, queue: str) -> None:
        await self._commit(None, self._queued(contact, queue))

    async def say(self, contact: bytes, agent: bytes, message: bytes) -> None:
        await self._commit(None, self._relayed(contact, message, "agent", agent))

    async def end(self, contact: bytes, reason: words.EndReason = "completed") -> None:
        del self._ordinals[contact]
        await self._commit(None, self._event(words.ContactEnded(0, reason, "engaged", None), contact))

    async def seen(self, count: int, kind: type) -> list[Any]:
        """The facts of a kind, once there are `count`."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: sum(isinstance(fact, kind) for fact in self.facts) >= count)
        return [fact for fact in self.facts if isinstance(fact, kind)]

    async def _take(self, frame: Stored) -> None:
        for index, data in enumerate(codec.decode_frame(frame.data)):
            fact = codec.decode_fact(data)
            fact_id = fact.fact_id
            again = self._decided.get(fact_id)
            verdict, events = self._decide(fact) if again is None else (again, [])
            self._decided.setdefault(fact_id, Duplicate(await self._log.last_journal_seq() + 1, 0))
            contact = getattr(fact, "contact", None)
            body = codec.encode(Input(frame.seq, index, frame.stored_ms, data, verdict))
            channel = getattr(fact, "channel", None)
            await self._commit(frame, Entry(INPUT_TAG, contact, None, channel, 0, body), *events)
            async with self._changed:
                self.facts.append(fact)
                self._changed.notify_all()

    def _decide(self, fact: facts.Fact) -> tuple[Verdict, list[Entry]]:
        reason = self.refuse.get(type(fact))
        if reason is not None:
            return Refused(reason), []
        match fact:
            case facts.ContactArrived(contact=contact, queue=queue) if self.turns_away:
                return Accepted(), [self.offered(contact, queue, "full", fact.entry_point)]
            case facts.NextStepChosen(contact=contact, successor=successor):
                return Accepted(), self._chosen(fact, contact, successor)
            case facts.ContactArrived(contact=contact, queue=queue):
                self._ordinals[contact] = 0
                return Accepted(), [self._queued(contact, queue)]
            case facts.MessagePosted(contact=contact, message=message, author=author) if contact in self._ordinals:
                return Accepted(), [self._relayed(contact, message, author, fact.agent)]
            case facts.DemandTurnedAway():
                return Accepted(), []
            case facts.ContactAbandoned(contact=contact) if contact in self._ordinals:
                del self._ordinals[contact]
                return Accepted(), [self._event(words.ContactEnded(0, "abandoned", "queued", None), contact)]
            case _:
                return Refused("contact_gone"), []

    def offered(self, contact: bytes, queue: str, cause: DivertCause, entry_point: str | None) -> Entry:
        event = words.NextStepOffered(
            at_ms=0, queue=queue, cause=cause, choices=self.turns_away, until_ms=60_000, requirements=[], priority=0, customer=None,
            preferred=[], entry_point=entry_point, topic=None, case=None, rule=None, language="nl", accepts=[], segment=None,
        )  # fmt: skip
        return self._event(event, contact)

    async def offer(self, contact: bytes, queue: str) -> None:
        await self._commit(None, self.offered(contact, queue, "closing", "widget"))

    def _chosen(self, fact: facts.NextStepChosen, contact: bytes, successor: bytes) -> list[Entry]:
        if fact.kind == "callback" and self.declines:
            return [self._event(words.CallbackDeclined(0, "orders", 0, "full", []), successor)]
        taken = words.NextStepTaken(0, fact.kind, fact.to, "customer", None if fact.kind == "message" else successor)
        entries = [self._event(taken, contact)]
        if fact.kind in ("voicemail", "form", "mail"):
            self._ordinals[successor] = 0
        if fact.kind == "queue":
            self._ordinals[successor] = 0
            entries.append(self._queued(successor, fact.to or ""))
            entries += [] if fact.message is None else [self._relayed(successor, fact.message, "customer", None)]
        if fact.kind == "callback":
            promise = words.PromiseMade(
                at_ms=0, queue="orders", kind="scheduled", mode="agent_first", due_ms=900, from_ms=0, until_ms=1_000,
                slot_ms=60_000, key=None, requirements=[], priority=0, customer=fact.customer, preferred=[], entry_point=None,
                topic=None, case=None, rule=None, language=None, accepts=[], hours=[], address=fact.address, waiting=None,
                replaces=None,
            )  # fmt: skip
            entries.append(self._event(promise, successor))
        return entries

    def _queued(self, contact: bytes, queue: str) -> Entry:
        return self._event(words.ContactQueued(0, 1, queue, Key(1, 0, 0), 0, 0, [], 0, None, [], 0, None, None, None), contact)

    def _relayed(self, contact: bytes, message: bytes, author: facts.Author, agent: bytes | None) -> Entry:
        self._ordinals[contact] += 1
        return self._event(words.MessageRelayed(0, message, author, self._ordinals[contact]), contact, agent)

    def _event(self, event: words.Event, contact: bytes | None = None, agent: bytes | None = None) -> Entry:
        tag = event.__struct_config__.tag
        assert isinstance(tag, int)
        return Entry(tag, contact, agent, "chat" if contact else None, 0, codec.encode(event))

    async def _commit(self, frame: Stored | None, *entries: Entry) -> None:
        seq = await self._log.last_journal_seq() + 1
        consumed = Consumed(self._log.inbox_id, frame.seq if frame else 0, 1 if frame else 0)
        commit = Commit(1, SITE, 1, seq, 1, 1, 0, NO_HASH, consumed, False, list(entries))
        await (await self._log.journal.send(codec.encode(commit), after=seq - 1))


class Customer:
    """A client of the chat: sends frames, waits for frames."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []

    async def say(self, kind: str, /, **members: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **members}))

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next frame of this kind; what comes before it is skipped (and kept in `frames`)."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.recv())
                self.frames.append(frame)
                if frame["type"] == kind:
                    return frame

    async def start(self, client_id: str = SECRET, **members: Any) -> dict[str, Any]:
        await self.say("start", **({"client_id": client_id, "queue": "orders", "text": "Hallo?"} | members))
        return await self.hear("started")

    async def closed(self) -> int | None:
        """The code with which the server closes; frames before that are kept."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    self.frames.append(json.loads(await self.socket.recv()))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else None

    def vanish(self) -> None:
        """Without a word, as a telephone in a tunnel."""
        self.socket.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()


class ChatSite:
    """A gateway on a port of its own. `open()` starts it, also again after `shut()`; the grace time is an hour by default."""

    def __init__(self, log: SiteLog, vault: Vault, **options: Any) -> None:
        self.vault = vault
        self.options = {"grace_s": 3_600.0} | options
        self._log = log
        self.port = 0
        self.feed = Feed(log)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.feed = Feed(self._log)
        gateway = run_gateway(self._log, self.vault, self.feed, ready=ready.set_result, **self.options)
        self._tasks = [asyncio.create_task(gateway), asyncio.create_task(self.feed.run())]
        waiting: list[asyncio.Future[Any]] = [ready, *self._tasks]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in self._tasks:
            if task.done():
                task.result()
        self.port = ready.result()

    async def shut(self) -> None:
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                raise AssertionError("a role ended by itself") from outcome
        self._tasks = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def customer(self, **options: Any) -> Customer:
        return Customer(await connect(f"ws://{self.address}/chat/ws", **options))


class ScriptedSite(ChatSite):
    """A chat site with a router by script."""

    def __init__(self, log: MemoryLog, vault: Vault, router: ScriptedRouter, **options: Any) -> None:
        super().__init__(log, vault, **options)
        self.log = log
        self.router = router

    async def write(self, contact: bytes, agent: bytes, text: str) -> bytes:
        """The agent writes: into the vault, then into the journal."""
        message, fact_id = secrets.token_bytes(16), secrets.token_bytes(16)
        draft = Draft("desk", message.hex(), contact, fact_id, b"\x90", None, (Content(message, "message", text),))
        await self.vault.accept(draft)
        await self.router.say(contact, agent, message)
        return message


@asynccontextmanager
async def chat_site(
    directory: Path, policy: Policy | None = POLICY, limits: Limits | None = None, **options: Any
) -> AsyncIterator[ScriptedSite]:
    """A running site with a router by script."""
    log = MemoryLog(SITE)
    router = ScriptedRouter(log)
    async with Vault.open(f"sqlite+aiosqlite:///{directory / 'vault.db'}", bytes(32)) as vault:
        routing = asyncio.create_task(router.run())
        site = ScriptedSite(log, vault, router, limits=limits, **options)
        try:
            if policy is not None:
                await router.adopt(policy)
            await site.open()
            yield site
        finally:
            await site.shut()
            routing.cancel()
            await asyncio.wait([routing])

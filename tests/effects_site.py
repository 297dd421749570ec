"""A site for tests of effects: real NATS, vault on SQLite, effects carried out for real, and a router that does as it is told.

The router here is a script: it decides what is said of effects as the core does, and a test writes the rest of the journal. Far
sides are real servers: an SMTP server that keeps what it takes, and an HTTP server that keeps what is posted.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from cordboard import codec
from cordboard.branch import name_of
from cordboard.effects import Limits, MailOut, Relay, Retries, WebhookOut, run_effects
from cordboard.effects.fold import Place
from cordboard.events import Fact
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import Key
from cordboard.events.commit import INPUT_TAG, Commit, Consumed, Entry, Input
from cordboard.events.policy import ChannelProfile, EntryPoint, MailPolicy, MailTemplate, Policy, QueuePolicy, Webhook
from cordboard.events.verdict import Accepted, Refused, Verdict
from cordboard.gateway.serve import bind, serving
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.feed import Feed
from cordboard.log.jetstream import JetStreamLog
from cordboard.log.port import Appender, SiteLog, Stored
from cordboard.log.work import WorkSettings
from cordboard.vault import Content, Draft, Vault
from cordboard.vault.envelope import Envelope as Origin
from cordboard.vault.envelope import envelope_content
from cordboard.vault.seal import MasterKeys
from cordboard.vault.tokens import EFFECTS, effect_id
from tests.journal import NO_HASH, SITE

OWN = "support@shop.example"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PATIENCE_S = 60.0
KEK = bytes(32)
IDS = MasterKeys(KEK).for_use(EFFECTS)
QUICK = Retries(delays_s=(0.05, 0.1, 0.2), total_s=600.0)
"""Never gives up within a test."""


async def outside_id(log: SiteLog, place: Place) -> str:
    """By which the outside knows the effect there, as hexadecimal digits."""
    commit = codec.decode_commit((await log.read_commit(place[0])).data)
    return effect_id(IDS, SITE, name_of(commit), *place).hex()


def policy(reply_url: str = "http://127.0.0.1:1/none") -> Policy:
    return Policy(
        version=1,
        site=SITE,
        skills=[],
        channels=[
            ChannelProfile(name="mail", presence="async", klass=3, answered_on="first_message", reply="mail"),
            ChannelProfile(name="hook", presence="async", klass=3, answered_on="first_message", reply="webhook"),
            ChannelProfile(name="chat", presence="live", klass=1, answered_on="first_message"),
        ],
        queues=[QueuePolicy(name="orders")],
        entry_points=[
            EntryPoint(name="support", channel="mail", address=OWN),
            EntryPoint(name="sales", channel="mail", address="sales@shop.example"),
            EntryPoint(name="reviews", channel="hook"),
        ],
        webhooks=[Webhook(name="reviews", text="/text", reply_url=reply_url)],
        mail=MailPolicy(
            sender_name="The Shop",
            templates={
                "nl": MailTemplate(greeting="Beste {customer},", signature="Met groet,\n{agent}"),
                "en": MailTemplate(greeting="Dear {customer},", signature="Regards,\n{agent}"),
            },
        ),
    )


class ScriptedRouter:
    """Decides what is said of effects, unless it is `paused`; everything else stands in the journal because a test wrote it."""

    def __init__(self, log: JetStreamLog) -> None:
        self._log = log
        self._appender: Appender | None = None
        self._seq = 0
        self._writing = asyncio.Lock()
        self._leading = asyncio.Event()
        self._effects: dict[Place, tuple[bytes | None, str, int]] = {}
        """Contact, state, round."""
        self._consumed = Consumed(log.inbox_id, 0, 0)
        self.facts: list[Fact] = []
        self.running = asyncio.Event()
        self.running.set()
        self.changed = asyncio.Condition()

    async def run(self) -> None:
        async with self._log.appender() as self._appender, aclosing(self._log.follow_inbox(1)) as inbox:
            self._leading.set()
            async for frames in inbox:
                for frame in frames:
                    await self.running.wait()
                    await self._take(frame)

    async def write(self, *entries: Entry) -> int:
        """A commit of its own; returns its position."""
        async with self._writing:
            await self._leading.wait()
            assert self._appender is not None
            self._seq += 1
            commit = Commit(1, SITE, 1, self._seq, 1, 1, self._seq, NO_HASH, self._consumed, False, list(entries))
            await self._appender.append(self._seq, codec.encode(commit))
            return self._seq

    async def request(self, contact: bytes, agent: bytes, message: bytes, kind: str, channel: str, *more: Entry) -> Place:
        """An effect; `more` follows in the same commit."""
        event = words.EffectRequested(self._seq * 1_000, kind, message, 2)
        seq = await self.write(an_entry(event, contact, agent, channel), *more)
        self._effects[(seq, 0)] = (contact, "open", 1)
        return seq, 0

    async def retry(self, place: Place) -> None:
        await self._decided(facts.EffectRetryRequested(secrets.token_bytes(16), *place))

    async def discard(self, place: Place) -> None:
        await self._decided(facts.EffectDiscardRequested(secrets.token_bytes(16), *place))

    def state(self, place: Place) -> str:
        return self._effects[place][1]

    async def ended(self, *places: Place, state: str = "done") -> None:
        """Returns when all of them are."""
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(lambda: all(self.state(place) == state for place in places))

    async def _take(self, frame: Stored) -> None:
        entries: list[Entry] = []
        for index, data in enumerate(codec.decode_frame(frame.data)):
            fact = codec.decode_fact(data)
            verdict, events = self._decide(fact)
            entries.append(Entry(INPUT_TAG, None, None, None, 0, codec.encode(Input(frame.seq, index, 0, data, verdict))))
            entries += events
            self.facts.append(fact)
        self._consumed = Consumed(self._log.inbox_id, frame.seq, len(codec.decode_frame(frame.data)))
        await self.write(*entries)
        async with self.changed:
            self.changed.notify_all()

    async def _decided(self, fact: facts.EffectRetryRequested | facts.EffectDiscardRequested) -> None:
        verdict, events = self._decide(fact)
        assert verdict == Accepted()
        await self.write(*events)

    def _decide(self, fact: Fact) -> tuple[Verdict, list[Entry]]:
        match fact:
            case facts.EffectDone(seq=seq, entry=entry) | facts.EffectFailed(seq=seq, entry=entry):
                contact, state, number = self._effects.get((seq, entry), (None, "done", 0))
                if state != "open":
                    return Refused("unknown_effect"), []
                failed = fact.reason if isinstance(fact, facts.EffectFailed) else None
                outcome: Any = "done" if failed is None else "failed"
                self._effects[(seq, entry)] = (contact, outcome, number)
                return Accepted(), [an_entry(words.EffectEnded(0, seq, entry, outcome, failed), contact)]
            case facts.EffectRetryRequested(seq=seq, entry=entry):
                contact, _, number = self._effects[(seq, entry)]
                self._effects[(seq, entry)] = (contact, "open", number + 1)
                return Accepted(), [an_entry(words.EffectRetried(0, seq, entry, number + 1), contact)]
            case facts.EffectDiscardRequested(seq=seq, entry=entry):
                contact, _, number = self._effects[(seq, entry)]
                self._effects[(seq, entry)] = (contact, "discarded", number)
                return Accepted(), [an_entry(words.EffectEnded(0, seq, entry, "discarded", None), contact)]
        return Refused("unknown_contact"), []


def an_entry(event: words.Event, contact: bytes | None, agent: bytes | None = None, channel: str | None = None) -> Entry:
    tag = event.__struct_config__.tag
    assert isinstance(tag, int)
    return Entry(tag, contact, agent, channel, 0, codec.encode(event))


@dataclass
class Mailbox:
    """The far side of mail. `answer` says what becomes of the next ones; what got 250 is in `taken`, what was sent in `seen`."""

    port: int = 0
    answer: Callable[[EmailMessage], str] = lambda _: "250 2.0.0 taken"
    refuse_recipient: Callable[[str], str | None] = lambda _: None
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared: dialogues wait before the answer to DATA."""
    slow: Callable[[EmailMessage], bool] = lambda _: True
    """Whom `open` concerns."""
    seen: list[EmailMessage] = field(default_factory=list)
    taken: list[EmailMessage] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self.open.set()
        make = lambda: SMTP(self, hostname="far.example", ident="far", loop=asyncio.get_running_loop())  # noqa: E731
        self._server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Connections are refused from now on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def relay(self) -> Relay:
        return Relay("127.0.0.1", self.port, "never")

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        refusal = self.refuse_recipient(address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        self.seen.append(mail)
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        try:
            if self.slow(mail):
                await self.open.wait()
        finally:
            self.busy -= 1
        said = self.answer(mail)
        if said.startswith("250"):
            self.taken.append(mail)
            self.senders.append(envelope.mail_from or "")
        return said


@dataclass
class Receiver:
    """The far side of webhooks."""

    url: str = ""
    answer: Callable[[], tuple[int, dict[str, str]]] = lambda: (200, {})
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        self.posts.append(({name.decode(): value.decode() for name, value in scope["headers"]}, body))
        status, headers = self.answer()
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": b"x" * 100_000})


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    with contextlib.closing(bind("127.0.0.1", 0, insecure_listen=False)) as listener:
        receiver.url = f"http://127.0.0.1:{listener.getsockname()[1]}/answers"
        async with serving(receiver, listener):
            yield receiver


class EffectsSite:
    """`open` and `shut` start and stop effects alone, as often as one likes."""

    def __init__(self, server: EmbeddedServer, log: JetStreamLog, vault: Vault, router: ScriptedRouter, mailbox: Mailbox) -> None:
        self.server = server
        self.log = log
        self.vault = vault
        self.router = router
        self.mailbox = mailbox
        self.options: dict[str, Any] = {
            "mail": MailOut(mailbox.relay, "engine.example"),
            "webhook": WebhookOut({"reviews": (SECRET,)}),
            "retries": QUICK,
            "limits": Limits(crowded_s=0.05),
            "queues": WorkSettings(ack_wait_s=3.0),
        }
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self, **options: Any) -> None:
        ready = asyncio.Event()
        feed = Feed(self.log)
        running = run_effects(self.log, self.vault, feed, self.server.url, SITE, ready=ready.set, **(self.options | options))
        self.tasks = [asyncio.create_task(running), asyncio.create_task(feed.run())]
        async with asyncio.timeout(PATIENCE_S):
            await ready.wait()

    async def shut(self) -> None:
        for task in self.tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []
        for outcome in outcomes:
            if not isinstance(outcome, asyncio.CancelledError):
                raise AssertionError("effects ended by themselves") from outcome

    def origin(self, number: int, to: str, channel: str = "mail") -> Origin:
        return Origin(
            transport="mail" if channel == "mail" else "webhook",
            to=to,
            name=f"Customer {number}",
            own=OWN if channel == "mail" else "reviews",
            subject=f"Question {number}",
            message_id=f"<question-{number}@home.example>",
            references=["<before@home.example>"],
            thread=f"thread {number}",
        )

    async def arrive(
        self,
        number: int,
        *,
        channel: str = "mail",
        entry_point: str = "support",
        origin: Origin | None = None,
        customer: bytes | None = None,
    ) -> bytes:
        """A customer's message; returns the contact."""
        contact, message = secrets.token_bytes(16), secrets.token_bytes(16)
        envelope = origin or self.origin(number, f"customer{number}@home.example", channel)
        contents = (Content(message, "message", f"My question is {number}."), envelope_content(message, envelope))
        await self.vault.accept(Draft("test", message.hex(), contact, secrets.token_bytes(16), b"\x90", None, contents))
        queued = words.ContactQueued(
            0, 1, "orders", Key(3, 0, 0), 0, 0, [], 0, customer, [], 0, None, entry_point, None, language="en"
        )
        relayed = words.MessageRelayed(0, message, "customer", 1)
        await self.router.write(an_entry(queued, contact, None, channel), an_entry(relayed, contact, None, channel))
        return contact

    async def answer(self, contact: bytes, text: str, *, kind: str = "mail", channel: str = "mail") -> Place:
        """The agent answers; returns the effect's place."""
        agent, message = await self.vault.agent_ref("anna", "Anna"), secrets.token_bytes(16)
        draft = Draft("desk", message.hex(), contact, secrets.token_bytes(16), b"\x90", None, (Content(message, "message", text),))
        await self.vault.accept(draft)
        return await self.router.request(contact, agent, message, kind, channel)


@asynccontextmanager
async def effects_site(directory: Path, adopted: Policy | None = None, *, opened: bool = True) -> AsyncIterator[EffectsSite]:
    """A running site with a far side for mail."""
    mailbox = Mailbox()
    await mailbox.start()
    async with (
        EmbeddedServer(directory / "nats") as server,
        connect(server.url, SITE, create=True) as log,
        Vault.open(f"sqlite+aiosqlite:///{directory / 'vault.db'}", KEK) as vault,
    ):
        router = ScriptedRouter(log)
        routing = asyncio.create_task(router.run())
        site = EffectsSite(server, log, vault, router, mailbox)
        try:
            await router.write(an_entry(words.PolicyAdopted(0, 1, NO_HASH, codec.encode(adopted or policy())), None))
            if opened:
                await site.open()
            yield site
        finally:
            await site.shut()
            routing.cancel()
            await asyncio.wait([routing])
            await mailbox.stop()

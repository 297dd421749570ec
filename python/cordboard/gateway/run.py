"""The gateway role: web chat, forms and webhooks behind one HTTP port, and the doors that mail comes by."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from functools import partial

from cordboard import codec
from cordboard.events import Commit
from cordboard.gateway.answers import Answers, DecidedAt
from cordboard.gateway.availability.http import Turnstile, availability_routes
from cordboard.gateway.availability.tickets import Tickets
from cordboard.gateway.callbacks.booking import Bookings
from cordboard.gateway.callbacks.http import callback_routes
from cordboard.gateway.chat.chat import Chat
from cordboard.gateway.chat.recordings import recording_routes
from cordboard.gateway.chat.session import Session
from cordboard.gateway.chat.tokens import ChatKeys
from cordboard.gateway.chat.whispers import Whispers
from cordboard.gateway.doors import Door
from cordboard.gateway.entrance.cases import Cases
from cordboard.gateway.entrance.entrance import Entrance
from cordboard.gateway.form.http import form_routes
from cordboard.gateway.http import ChatOptions, ChatSocket, make_app
from cordboard.gateway.limits import Limits
from cordboard.gateway.policy_view import PolicyView
from cordboard.gateway.serve import bind, serving
from cordboard.gateway.webhook.http import webhook_routes
from cordboard.log.feed import Feed
from cordboard.log.port import Backlog, Publisher, SiteLog
from cordboard.numbers import CallableNumbers
from cordboard.vault import Vault
from cordboard.vault.intake import Intake
from cordboard.vault.words import Acceptance

MAIL, FORM, WEBHOOK, CALLBACK = "mail", "form", "webhook", "callback"


async def run_gateway(
    log: SiteLog,
    vault: Vault,
    feed: Feed,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    grace_s: float = 30.0,
    insecure_listen: bool = False,
    ready: Callable[[int], None] | None = None,
    name: str = "chat",
    limits: Limits | None = None,
    allowed_origins: Collection[str] = (),
    expected_wait_ms: Callable[[str], int | None] | None = None,
    decided_at: DecidedAt | None = None,
    webhook_secrets: Mapping[str, Sequence[str]] | None = None,
    behind_proxy: bool = False,
    public_url: str | None = None,
    callback_numbers: str = "",
    doors: Sequence[Door] = (),
    probed: Callable[[Callable[[], str]], None] | None = None,
) -> None:
    """Serve every channel until cancelled. Start it before `feed.run()`: its folds are attached before the first await.

    `ready` hears the HTTP port once contacts are taken. `name` tells apart gateways that share a vault; keep it over restarts.
    `expected_wait_ms` says what to tell customers who wait in a queue of which the router says nothing. `decided_at` tells of a
    fact that the router may have forgotten whether the journal has it already. `webhook_secrets`: one or two a webhook.
    `behind_proxy`: clients' addresses are in X-Forwarded-For. `public_url`: scheme and host by which customers reach the gateway.
    `callback_numbers`: whose numbers the public may have calls promised to; none: no callbacks over HTTP.
    `probed` is given what says why no contacts can be taken at a moment, as /readyz does (empty: they can).
    Raises ConfigurationError if it cannot listen.
    """
    limits = limits or Limits()
    gateway = _Gateway(log, vault, feed, limits, name, grace_s, CallableNumbers(callback_numbers))
    if probed is not None:
        probed(gateway.unready)
    routes = [
        *availability_routes(gateway.turnstile, limits, allowed_origins, behind_proxy=behind_proxy),
        *callback_routes(gateway.bookings, limits, allowed_origins, behind_proxy=behind_proxy, public_url=public_url),
        *form_routes(gateway.entrances[FORM], limits, gateway.filling, behind_proxy=behind_proxy),
        *recording_routes(gateway.recordings, limits, allowed_origins, behind_proxy=behind_proxy),
        *webhook_routes(gateway.entrances[WEBHOOK], limits, webhook_secrets or {}),
    ]
    app = make_app(
        gateway.serve_chat,
        gateway.options,
        gateway.unready,
        gateway.room,
        allowed_origins,
        routes,
        behind_proxy=behind_proxy,
        language=gateway.language,
    )
    with contextlib.closing(bind(host, port, insecure_listen=insecure_listen)) as listener:
        bound = listener.getsockname()[1]
        async with (
            log.publisher(name) as publisher,
            asyncio.TaskGroup() as group,
            serving(app, listener, connections=limits.connections) as server,
            gateway.working(group, publisher, decided_at, doors),
        ):
            if expected_wait_ms is not None:
                group.create_task(gateway.tell_waits(expected_wait_ms))
            if ready is not None:
                ready(bound)
            await asyncio.shield(server)
            raise RuntimeError("the HTTP server ended by itself")


class _Gateway:
    """The parts, wired. All folds are attached in here: policy first, conversations before verdicts, so that who hears a verdict
    finds the conversation."""

    def __init__(
        self, log: SiteLog, vault: Vault, feed: Feed, limits: Limits, name: str, grace_s: float, numbers: CallableNumbers
    ) -> None:
        self._vault, self._feed, self._limits, self._name = vault, feed, limits, name
        self._policy, cases = PolicyView(), Cases()
        self.turnstile = Turnstile(self._policy, Tickets(vault.derive_key("tickets"), log.site), limits)
        keys = ChatKeys(vault.derive_key("chat"), name)
        self.entrances = {kind: Entrance(kind, vault, self._policy, cases, limits) for kind in (MAIL, FORM, WEBHOOK)}
        self._answers = Answers(partial(_read_commit, log))
        self.bookings = Bookings(CALLBACK, log.site, vault, self._policy, numbers, self._answers, limits)
        calls = self.bookings if numbers else None
        self._chat = Chat(name, vault, keys, self._policy, limits, grace_s, self.turnstile.take, self._answers, calls)
        self.recordings, self.filling = self._chat.recordings, self._chat.forms
        self._sessions: set[Session] = set()
        self._whispers = Whispers(log, self._chat)
        folds = [
            self._policy.apply,
            self.turnstile.doors.apply,
            cases.apply,
            self._chat.steps.apply,
            self._chat.conversations.apply,
            self._chat.verdicts.apply,
        ]
        if numbers:
            folds += [self.bookings.promises.apply, self.bookings.missed.apply]
        for fold in (*folds, self._answers.apply, *(entrance.apply for entrance in self.entrances.values())):
            feed.attach(fold)

    @contextlib.asynccontextmanager
    async def working(
        self, group: asyncio.TaskGroup, publisher: Publisher, decided_at: DecidedAt | None, doors: Sequence[Door]
    ) -> AsyncIterator[None]:
        """Once the folds have read the journal: all channels are open while the context lives."""
        group.create_task(self._whispers.run())
        group.create_task(self._policy.keep_warm())
        await self._feed.caught_up()

        async def decided(acceptance: Acceptance) -> bool:
            return decided_at is not None and await decided_at(acceptance.fact_id) is not None

        def intake(gateway: str) -> Intake:
            sweeping = Intake(self._vault, publisher.publish, decided, gateway)
            group.create_task(sweeping.sweep())
            return sweeping

        def backlog() -> Backlog:
            return self._feed.backlog

        self._answers.open(publisher.publish, decided_at)
        self.turnstile.open()
        self._chat.open(intake(self._name), backlog)
        self.bookings.open(intake(CALLBACK), publisher, backlog)
        group.create_task(self._chat.departures.run(publisher))
        group.create_task(self.turnstile.demand.run(publisher))
        for entrance in self.entrances.values():
            entrance.open(intake(entrance.name), backlog)
            group.create_task(entrance.run())
        for door in doors:
            group.create_task(door.run(self.entrances[MAIL]))
        try:
            yield
        finally:
            for entrance in self.entrances.values():
                entrance.close()
            self.bookings.close()
            self._chat.close()

    async def serve_chat(self, socket: ChatSocket) -> None:
        session = Session(socket, self._chat, self._whispers, socket.client)
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)

    def room(self) -> bool:
        return len(self._sessions) < self._limits.sockets

    def options(self) -> ChatOptions:
        return ChatOptions(self._policy.queues(), self._policy.languages())

    def language(self, entry_point: str) -> str | None:
        """That in which an entry point is spoken to."""
        door = self._policy.door(entry_point)
        return None if door is None else door.language

    def unready(self) -> str:
        if not self._chat.serving:
            return "reading the journal"
        return "" if self._policy.policy is not None else "the site has no policy yet"

    async def tell_waits(self, expected_wait_ms: Callable[[str], int | None]) -> None:
        while True:
            for conversation, socket in self._chat.waiting():
                if conversation.queue is not None and isinstance(socket, Session):
                    socket.expect(expected_wait_ms(conversation.queue))
            await asyncio.sleep(self._limits.wait_every_s)


async def _read_commit(log: SiteLog, seq: int) -> Commit:
    """Raises NotFound, LogUnavailable."""
    return codec.decode_commit((await log.read_commit(seq)).data)

"""The gateway role: web chat behind the HTTP edge."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection

from cordboard.gateway.chat import Chat
from cordboard.gateway.http import ChatOptions, ChatSocket, make_app
from cordboard.gateway.limits import Limits
from cordboard.gateway.policy_view import PolicyView
from cordboard.gateway.serve import bind, serving
from cordboard.gateway.session import Session
from cordboard.gateway.tokens import ChatKeys
from cordboard.gateway.whispers import Whispers
from cordboard.log.feed import Feed
from cordboard.log.port import SiteLog
from cordboard.vault import Vault
from cordboard.vault.intake import Intake
from cordboard.vault.words import Acceptance

_LOOK_S = 1.0


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
    decided: Callable[[Acceptance], Awaitable[bool]] | None = None,
) -> None:
    """Serve web chat until cancelled. Start it before `feed.run()`: its folds are attached before the first await.

    `ready` hears the port once chats are served. `name` tells apart gateways that share a vault; keep it over restarts.
    `expected_wait_ms` says what to tell customers who wait in a queue.
    `decided` tells of a fact that was pending for long whether the journal has it already.
    Raises ConfigurationError if it cannot listen.
    """
    limits = limits or Limits()
    policy = PolicyView()
    chat = Chat(name, vault, ChatKeys(vault.derive_key("chat"), name), policy, limits, grace_s)
    # Conversations before verdicts: who hears a verdict finds the conversation.
    for fold in (policy.apply, chat.conversations.apply, chat.verdicts.apply):
        feed.attach(fold)
    whispers = Whispers(log, chat)
    sessions: set[Session] = set()

    async def serve_chat(socket: ChatSocket) -> None:
        session = Session(socket, chat, whispers)
        sessions.add(session)
        try:
            await session.run()
        finally:
            sessions.discard(session)

    def unready() -> str:
        if not chat.serving:
            return "reading the journal"
        return "" if policy.policy is not None else "the site has no policy yet"

    def options() -> ChatOptions:
        return ChatOptions(policy.queues(), policy.languages())

    app = make_app(serve_chat, options, unready, lambda: len(sessions) < limits.sockets, allowed_origins)
    with contextlib.closing(bind(host, port, insecure_listen=insecure_listen)) as listener:
        bound = listener.getsockname()[1]
        async with log.publisher(name) as publisher, asyncio.TaskGroup() as group, serving(app, listener) as server:
            intake = Intake(vault, publisher.publish, decided, name)
            group.create_task(whispers.run())
            await _caught_up(log, feed)
            chat.open(intake, lambda: feed.backlog)
            group.create_task(chat.departures.run(publisher))
            group.create_task(intake.sweep())
            if expected_wait_ms is not None:
                group.create_task(_tell_waits(chat, expected_wait_ms))
            if ready is not None:
                ready(bound)
            try:
                await asyncio.shield(server)
                raise RuntimeError("the HTTP server ended by itself")
            finally:
                chat.close()


async def _caught_up(log: SiteLog, feed: Feed) -> None:
    """Wait until the folds have read what the journal held when this began."""
    last = await log.last_journal_seq()
    while not await feed.reached(last, _LOOK_S):
        pass


async def _tell_waits(chat: Chat, expected_wait_ms: Callable[[str], int | None]) -> None:
    while True:
        for conversation, socket in chat.waiting():
            if conversation.queue is not None and isinstance(socket, Session):
                socket.expect(expected_wait_ms(conversation.queue))
        await asyncio.sleep(chat.limits.wait_every_s)

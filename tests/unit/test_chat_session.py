"""One session on a socket that misbehaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import pytest

from cordboard.errors import VaultUnavailable
from cordboard.events import event as words
from cordboard.events.bounds import Key
from cordboard.events.door_events import WaitExpected
from cordboard.events.policy import NextStep
from cordboard.gateway.answers import Answers
from cordboard.gateway.chat.chat import Chat
from cordboard.gateway.chat.conversations import Conversation
from cordboard.gateway.chat.protocol import AgentTyping
from cordboard.gateway.chat.session import Session
from cordboard.gateway.chat.tokens import ChatKeys
from cordboard.gateway.limits import Limits
from cordboard.gateway.policy_view import PolicyView
from cordboard.log.port import Backlog
from cordboard.vault import Content, Person
from cordboard.vault.clock import now_ms
from tests.journal import about, commit
from tests.postgres import eventually

HOUR_MS = 3_600_000


class Texts:
    """As much of a vault as reading takes; `broken` is how it fails."""

    broken: Exception | None = None

    async def read(self, refs: Sequence[bytes]) -> dict[bytes, Content]:
        if self.broken is not None:
            raise self.broken
        return {ref: Content(ref, "message", "text") for ref in refs}

    async def agents(self, refs: Sequence[bytes]) -> dict[bytes, Person]:
        return {}


class Line:
    """A socket: what it is told to receive, what was sent and how it was closed. `stuck` takes nothing any more."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.code: int | None = None
        self.stuck = asyncio.Event()
        self.gone = False

    async def receive(self) -> str | bytes | None:
        return await self.incoming.get()

    async def send(self, frame: str) -> None:
        if self.gone:
            raise ConnectionError
        if self.stuck.is_set():
            await asyncio.Event().wait()
        self.sent.append(json.loads(frame))

    async def close(self, code: int, reason: str) -> None:
        self.code = code


class Nobody:
    async def typing(self, contact: bytes) -> None:
        return

    async def received(self, contact: bytes, message: bytes, state: Literal["delivered", "read"]) -> None:
        return


class World:
    """A chat in the journal, and a session that resumes it."""

    def __init__(self, limits: Limits) -> None:
        self.texts = Texts()
        keys, answers = ChatKeys(bytes(32), "chat"), Answers(None)  # type: ignore[arg-type]
        self.chat = Chat("chat", self.texts, keys, PolicyView(), limits, 3_600, lambda *_: False, answers)  # type: ignore[arg-type]
        self.chat.open(None, lambda: Backlog(0, 0))  # type: ignore[arg-type]
        self.contact = self.chat.keys.new_contact()
        self.line = Line()
        self._ordinal = 0
        self.enter("orders", None)

    def say(self, count: int) -> None:
        """The agent writes so many messages, in one commit."""
        first, self._ordinal = self._ordinal + 1, self._ordinal + count
        numbers = range(first, self._ordinal + 1)
        self._fold(*(words.MessageRelayed(0, number.to_bytes(16, "big"), "agent", number) for number in numbers))

    def enter(self, queue: str, said_ms: int | None) -> None:
        """The chat enters a queue, and the router says what wait is to be expected, or nothing."""
        queued = words.ContactQueued(0, 1, queue, Key(1, 0, 0), 0, 0, [], 0, None, [], 0, None, None, None)
        said = [] if said_ms is None else [WaitExpected(0, queue, 0, said_ms, said_ms, said_ms)]
        self._fold(queued, *said)

    def waits(self) -> list[int]:
        """What the customer was told of the wait."""
        return [frame["expected_ms"] for frame in self.line.sent if frame["type"] == "wait"]

    def broadcast(self, queue: str) -> None:
        """Everybody who waits in the queue is told something."""
        self.chat.conversations.apply(1, commit(1, 0, about(words.BroadcastMade(7, queue, bytes(16)))))

    def offer_steps(self, until_ms: int) -> None:
        """Nobody can help: the customer may do something else until then."""
        self._fold(
            words.NextStepOffered(
                at_ms=0, queue="orders", cause="closing", choices=[NextStep("message")], until_ms=until_ms, requirements=[],
                priority=0, customer=None, preferred=[], entry_point=None, topic=None, case=None, rule=None, language=None,
                accepts=[], segment=None,
            )
        )  # fmt: skip

    def time_is_up(self) -> None:
        self._fold(words.NextStepTaken(0, "message", None, "time", None))

    def end(self) -> None:
        self._fold(words.ContactEnded(0, "completed", "engaged", None))

    async def begin(self, seen: int = 0) -> asyncio.Task[None]:
        session = asyncio.create_task(Session(self.line, self.chat, Nobody()).run())
        token = self.chat.keys.token(self.contact)
        self.line.incoming.put_nowait(json.dumps({"type": "resume", "token": token, "seen": seen}))
        await eventually(lambda: len(self.line.sent) >= 2, "the session has begun")
        return session

    def _fold(self, *events: words.Event) -> None:
        entries = [msgspec.structs.replace(about(event, channel="chat"), contact=self.contact) for event in events]
        written = commit(1, 0, *entries)
        self.chat.steps.apply(1, written)
        self.chat.conversations.apply(1, written)


@pytest.fixture
async def world() -> World:
    return World(Limits(send_s=0.02, lag_lines=5, idle_s=0.02))


async def ended(session: asyncio.Task[None]) -> None:
    async with asyncio.timeout(60):
        await session


async def test_lines_are_told_in_order_up_to_the_end(world: World) -> None:
    world.say(100)
    session = await world.begin()
    world.end()
    await ended(session)
    assert [frame["type"] for frame in world.line.sent] == ["started", "queued", *["message"] * 100, "ended"]
    assert [frame["ordinal"] for frame in world.line.sent[2:-1]] == list(range(1, 101))
    assert world.line.code == 1000
    assert world.chat.socket(world.contact) is None


async def test_who_waits_in_the_queue_is_told_what_everybody_is_told(world: World) -> None:
    world.broadcast("invoices")
    world.broadcast("orders")
    session = await world.begin()
    world.end()
    world.broadcast("orders")
    await ended(session)
    assert [frame["type"] for frame in world.line.sent] == ["started", "queued", "notice", "ended"]
    assert world.line.sent[2] == {"type": "notice", "text": "text", "at_ms": 7}


async def test_a_client_that_takes_nothing_is_closed(world: World) -> None:
    session = await world.begin()
    world.line.stuck.set()
    world.say(1)
    await ended(session)
    assert world.line.code == 1013


async def test_a_client_that_falls_behind_is_closed(world: World) -> None:
    session = await world.begin()
    await eventually(lambda: world.line.sent[-1]["type"] == "queued", "it is up to date")
    world.say(6)
    await ended(session)
    assert world.line.code == 1013


async def test_a_client_that_is_gone_needs_no_close(world: World) -> None:
    session = await world.begin()
    world.line.gone = True
    world.say(1)
    await ended(session)
    assert world.line.code is None
    assert world.chat.socket(world.contact) is None


async def test_a_defect_ends_this_session_only(world: World, caplog: pytest.LogCaptureFixture) -> None:
    session = await world.begin()
    world.texts.broken = ZeroDivisionError()
    world.say(1)
    await ended(session)
    assert world.line.code == 1011
    assert "ZeroDivisionError" in caplog.text


async def test_while_the_vault_is_away_clients_come_back_later(world: World) -> None:
    session = await world.begin()
    world.texts.broken = VaultUnavailable("away")
    world.say(1)
    await ended(session)
    assert world.line.code == 1013


async def test_a_flood_of_hints_ends_no_socket(world: World) -> None:
    session = await world.begin()
    (_, socket), *_ = world.chat.waiting()
    assert isinstance(socket, Session)
    for _ in range(1_000):
        socket.hint(AgentTyping())
    world.end()
    await ended(session)
    assert world.line.code == 1000


async def test_whoever_does_not_begin_is_closed(world: World) -> None:
    await ended(asyncio.create_task(Session(world.line, world.chat, Nobody()).run()))
    assert world.line.code == 1008


async def test_the_expected_wait_is_never_raised_within_a_visit(world: World) -> None:
    session = await world.begin()
    (_, socket), *_ = world.chat.waiting()
    assert isinstance(socket, Session)
    for expected_ms in (60_000, None, 90_000, 30_000):
        socket.expect(expected_ms)
    world.end()
    await ended(session)
    assert world.waits() == [60_000, 30_000]


async def test_what_the_router_says_of_the_wait_is_told_and_stands(world: World) -> None:
    world.enter("invoices", 300_000)
    session = await world.begin()
    (_, socket), *_ = world.chat.waiting()
    assert isinstance(socket, Session)
    for boards_ms in (600_000, 60_000):
        socket.expect(boards_ms)
    world.enter("orders", 120_000)
    await eventually(lambda: world.waits() == [300_000, 120_000], "the other queue's wait is told")
    world.enter("returns", None)
    await eventually(lambda: world.line.sent[-1] == {"type": "queued", "queue": "returns"}, "of this one the router says nothing")
    socket.expect(60_000)
    world.end()
    await ended(session)
    assert world.waits() == [300_000, 120_000, 60_000]


async def test_who_comes_back_is_told_the_same_wait(world: World) -> None:
    world.enter("orders", 0)
    world.say(1)
    session = await world.begin(seen=1)
    await eventually(lambda: world.waits() == [0], "it is said again")
    world.end()
    await ended(session)


async def test_cancelled_it_lets_go_of_its_chat(world: World) -> None:
    session = await world.begin()
    session.cancel()
    with pytest.raises(asyncio.CancelledError):
        await session
    assert world.chat.socket(world.contact) is None


async def test_who_chooses_what_to_do_instead_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that neither starts nor resumes is sent away at once here."""
    world = World(Limits(idle_s=0.0))
    world.offer_steps(now_ms() + HOUR_MS)

    async def turned_away(*_: object) -> Conversation:
        world.chat.steps.refuse(world.contact, "")
        raise AssertionError("nothing was offered")

    monkeypatch.setattr(world.chat, "start", turned_away)
    world.line.incoming.put_nowait(json.dumps({"type": "start", "client_id": "0" * 32, "text": "Hallo?"}))
    session = asyncio.create_task(Session(world.line, world.chat, Nobody()).run())
    await eventually(lambda: len(world.line.sent) == 1, "the customer is shown what can be done")
    world.line.incoming.put_nowait('{"type": "typing"}')
    await eventually(lambda: len(world.line.sent) == 2, "the socket is still read")
    world.time_is_up()
    await eventually(lambda: len(world.line.sent) == 3, "the customer is told")
    assert world.line.sent[2] == {"type": "next_step", "kind": "message", "by": "time"}
    assert not session.done()
    world.line.incoming.put_nowait('{"type": "typing"}')
    await session
    assert world.line.code == 1008
    assert [frame["reason"] for frame in world.line.sent if frame["type"] == "error"] == ["queue_closing", *2 * ["not_started"]]


@pytest.mark.parametrize("seen", [0, 2])
async def test_what_can_be_chosen_is_shown_again_after_a_resume(seen: int) -> None:
    world = World(Limits())
    world.say(1)
    world.offer_steps(now_ms() + HOUR_MS)
    world.say(1)
    session = await world.begin(seen)
    shown = {"type": "next_steps", "steps": [{"kind": "message"}], "told": ""}
    await eventually(lambda: sum(frame["type"] == "next_steps" for frame in world.line.sent) == 1, "the steps are shown")
    (frame,) = (frame for frame in world.line.sent if frame["type"] == "next_steps")
    assert frame == shown | {"until_ms": frame["until_ms"]}
    queued = [frame["type"] for frame in world.line.sent].index("queued")
    assert world.line.sent.index(frame) > queued
    world.line.incoming.put_nowait(None)
    await session
    # What is over is shown no more.
    world.time_is_up()
    world.line = Line()
    session = await world.begin(seen=2)
    world.say(1)
    await eventually(lambda: world.line.sent[-1]["type"] == "message", "the newest message has come")
    assert "next_steps" not in [frame["type"] for frame in world.line.sent]
    world.line.incoming.put_nowait(None)
    await session

"""Web chat as it runs: WebSockets, vault, NATS, the router with the real core; at the end the journal verifies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordboard import codec
from cordboard.events import Commit
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import AgentChannel, Membership, Skill
from cordboard.events.verdict import Accepted
from cordboard.gateway.chat.verdicts import Verdicts
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.feed import Feed
from cordboard.log.port import Publisher, SiteLog
from cordboard.policy import load
from cordboard.projections.boards import Boards
from cordboard.router import run_router
from cordboard.router.verify import verify
from cordboard.vault import Content, Draft, Vault
from tests.chat_site import PATIENCE_S, SECRET, ChatSite
from tests.postgres import eventually

SITE = "webshop"
EXAMPLE = Path(__file__).parents[2] / "examples" / "webshop.yaml"


def fresh() -> bytes:
    return secrets.token_bytes(16)


class Desk:
    """One agent who accepts and opens every offer, and writes when told to."""

    def __init__(self, vault: Vault, agent: bytes, publisher: Publisher) -> None:
        self.boards = Boards()
        self.verdicts = Verdicts()
        self.engaged: asyncio.Queue[bytes] = asyncio.Queue()
        self._vault = vault
        self._agent = agent
        self._publisher = publisher
        self._offers: asyncio.Queue[facts.Fact] = asyncio.Queue()

    def apply(self, seq: int, commit: Commit) -> None:
        self.boards.apply(seq, commit)
        self.verdicts.apply(seq, commit)
        for entry in commit.entries:
            if entry.tag == 13 and entry.contact is not None:
                offer = codec.decode_event(entry)
                assert isinstance(offer, words.OfferMade)
                self._offers.put_nowait(facts.OfferAnswered(fresh(), entry.contact, offer.attempt, self._agent, True))
                self._offers.put_nowait(facts.ContactConnected(fresh(), entry.contact, offer.attempt, self._agent))
            elif entry.tag == 19 and entry.contact is not None:
                self.engaged.put_nowait(entry.contact)

    async def answer(self) -> None:
        while True:
            await self.tell(await self._offers.get())

    async def tell(self, fact: facts.Fact) -> None:
        await self._publisher.publish(codec.check_fact(fact))

    async def do(self, fact: facts.ContactEndRequested | facts.MessagePosted | facts.EngagementEndRequested) -> None:
        verdict = self.verdicts.future(fact.contact, fact.fact_id)
        await self.tell(fact)
        async with asyncio.timeout(PATIENCE_S):
            assert await verdict == Accepted()

    async def write(self, contact: bytes, text: str) -> None:
        fact = facts.MessagePosted(fresh(), contact, fresh(), "agent", self._agent)
        content = Content(fact.message, "message", text)
        await self._vault.accept(Draft("desk", fact.fact_id.hex(), contact, fact.fact_id, codec.encode(fact), None, (content,)))
        await self.do(fact)
        await self._vault.published(fact.fact_id)

    async def end(self, contact: bytes) -> None:
        await self.do(facts.EngagementEndRequested(fresh(), contact, self._agent))


class Place(ChatSite):
    """The whole of it. `ann` is absent until she is `ready`."""

    def __init__(self, log: SiteLog, vault: Vault, agent: bytes, desk: Desk, server: EmbeddedServer) -> None:
        super().__init__(log, vault)
        self.server = server
        self.agent = agent
        self.ann = desk

    async def ready(self) -> None:
        await self.ann.tell(facts.PresenceRequested(fresh(), self.agent, "ready"))

    def ended(self) -> dict[str, int]:
        return dict(self.ann.boards.site().ended)


@contextlib.asynccontextmanager
async def running(*roles: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for role in roles:
            role.cancel()
        for outcome in await asyncio.gather(*roles, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                raise AssertionError("a role ended by itself") from outcome


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(EmbeddedServer(tmp_path / "nats"))
        log = await stack.enter_async_context(connect(server.url, SITE, create=True))
        vault = await stack.enter_async_context(Vault.open(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", bytes(32)))
        agent = await vault.agent_ref("ann@example.org", "Ann")
        publisher = await stack.enter_async_context(log.publisher("desk"))
        desk = Desk(vault, agent, publisher)
        feed = Feed(log)
        feed.attach(desk.apply)
        roles = [asyncio.create_task(role) for role in (run_router(log), feed.run(), desk.answer())]
        async with running(*roles):
            await desk.tell(facts.PolicyPublished(fresh(), load(EXAMPLE).compiled(1)))
            declared = facts.AgentDeclared(
                fresh(), agent, [Skill("nl.written", 8)], [Membership("orders")], [AgentChannel("chat")], None
            )
            await desk.tell(declared)
            place = Place(log, vault, agent, desk, server)
            await eventually(lambda: desk.boards.agents(), "the agent is declared")
            await place.open()
            try:
                yield place
            finally:
                await place.shut()
        report = await verify(log)
        assert report.clean, report


async def test_a_conversation(place: Place) -> None:
    async with await place.customer() as bo:
        await bo.start(language="nl", name="Bo")
        await bo.hear("queued")
        await bo.say("message", client_id="m1", text="Mag ik iets vragen?")
        while (await bo.hear("receipt")).get("ordinal") != 2:
            pass
        await place.ready()
        assert (await bo.hear("agent_joined"))["name"] == "Ann"
        contact = await place.ann.engaged.get()
        await place.ann.write(contact, "Natuurlijk")
        told = await bo.hear("message")
        assert (told["ordinal"], told["text"]) == (3, "Natuurlijk")
        await place.ann.end(contact)
        assert (await bo.hear("ended"))["reason"] == "completed"
        assert await bo.closed() == 1000


async def test_nobody_who_writes_the_language_means_waiting_and_leaving_means_abandoned(place: Place) -> None:
    await place.ready()
    async with await place.customer() as bo:
        await bo.start(language="fr")
        await bo.hear("queued")
        await bo.say("leave")
        assert (await bo.hear("ended"))["reason"] == "abandoned"
    assert place.ann.engaged.empty()


async def test_leaving_an_engaged_chat_completes_it(place: Place) -> None:
    await place.ready()
    async with await place.customer() as bo:
        await bo.start()
        await bo.hear("agent_joined")
        await place.ann.write(await place.ann.engaged.get(), "Goedendag")
        await bo.hear("message")
        await bo.say("leave")
        assert (await bo.hear("ended"))["reason"] == "completed"


async def test_a_restart_of_the_gateway_in_mid_chat(place: Place) -> None:
    await place.ready()
    bo, cy = await place.customer(), await place.customer()
    started = await bo.start()
    contact = bytes.fromhex(started["contact"])
    await cy.start("c" * 32)
    await bo.hear("agent_joined")
    await place.shut()
    assert await bo.closed() == 1012
    await place.ann.write(contact, "Bent u daar nog?")
    place.options["grace_s"] = 1.0
    await place.open()
    async with await place.customer() as again:
        await again.say("resume", token=started["token"], seen=1)
        assert (await again.hear("message"))["text"] == "Bent u daar nog?"
        await again.say("message", client_id="m1", text="Ja")
        while (await again.hear("receipt")).get("ordinal") != 3:
            pass
        await eventually(lambda: sum(place.ended().values()) == 1, "the one who did not come back is gone")
        await place.ann.end(contact)
        assert (await again.hear("ended"))["reason"] == "completed"
    await cy.socket.close()


async def test_starts_and_messages_are_counted_once(place: Place) -> None:
    sockets = [await place.customer() for _ in range(4)]
    for socket in sockets:
        await socket.say("start", client_id=SECRET, queue="orders", text="Hallo?")
    heard = await asyncio.gather(*(socket.hear("started") for socket in sockets))
    assert len({frame["contact"] for frame in heard}) == 1
    for socket in sockets:
        await socket.socket.close()
    async with await place.customer() as bo:
        await bo.say("resume", token=heard[0]["token"])
        for _ in range(3):
            await bo.say("message", client_id="m1", text="Hallo?")
        for _ in range(3):
            await bo.hear("receipt")
        await bo.say("message", client_id="m2", text="Nog iets")
        while (receipt := await bo.hear("receipt")).get("client_id") != "m2" or receipt["state"] != "relayed":
            pass
        assert receipt["ordinal"] == 3
        await bo.say("leave")
        assert (await bo.hear("ended"))["reason"] == "abandoned"
    await eventually(lambda: sum(place.ended().values()) > 0, "the boards, which fold for themselves, know it too")
    assert place.ended() == {"abandoned": 1}


async def test_the_log_dies_in_mid_chat(place: Place) -> None:
    await place.ready()
    async with await place.customer() as bo:
        await bo.start()
        await bo.hear("agent_joined")
        contact = await place.ann.engaged.get()
        os.kill(place.server.pid, signal.SIGKILL)
        for number in range(5):
            await bo.say("message", client_id=f"m{number}", text=f"nummer {number}")
        relayed: dict[str, int] = {}
        while len(relayed) < 5:
            receipt = await bo.hear("receipt")
            if receipt["state"] == "relayed" and receipt["ordinal"] > 1:
                relayed[receipt["client_id"]] = receipt["ordinal"]
        assert relayed == {f"m{number}": number + 2 for number in range(5)}
        await place.ann.end(contact)
        assert (await bo.hear("ended"))["reason"] == "completed"

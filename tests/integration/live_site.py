"""A whole engine as a child process with people of its own, and what its journal says afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from cordboard import codec
from cordboard.client import AgentDeclaration, Client, DeskSnapshot, Offer
from cordboard.events import event as words
from cordboard.events.commit import INPUT_TAG, Entry, Input
from cordboard.events.policy import Policy
from cordboard.log.port import SiteLog
from cordboard.policy import load
from cordboard.v1.types_pb2 import AgentChannel, Membership, Skill

EXAMPLE = Path(__file__).parents[2] / "examples" / "webshop.yaml"
SITE = "webshop"
QUEUE = "orders"
PATIENCE_S = 60.0
SERVANTS = ("anna", "bram", "cleo")
PUPPET = "pim"
"""An agent who does nothing by himself; only he has the skill that contacts meant for him need."""
PUPPET_SKILL = ("mediation", 9)


def policy() -> Policy:
    """The web shop's."""
    return msgspec.structs.replace(load(EXAMPLE).policy, version=1)


@dataclass
class Good:
    """Contacts that must be offered and completed, whatever happens around them. Ids as hex."""

    expected: set[str] = field(default_factory=set)
    offered: set[str] = field(default_factory=set)
    heard: Counter[str] = field(default_factory=Counter)
    """Chats that came to a good end: an answer, then `completed`."""


class LiveSite:
    """A running `cordboard up` with a policy, three agents who serve everybody, and a puppet."""

    def __init__(self, client: Client, target: str, http: str, work: asyncio.TaskGroup, seed: int) -> None:
        self.client = client
        self.target, self.http = target, http
        self.good = Good()
        self.agents: dict[str, bytes] = {}
        self.wrong: list[str] = []
        """What was answered otherwise than it must be."""
        self._work = work
        self._chance = random.Random(seed)
        self._kinds = self._alternating()
        self._running: list[asyncio.Task[None]] = []
        self._serving: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Publish the policy, declare everybody, and let the servants begin."""
        await self.client.ready()
        await self.client.publish_policy(codec.encode(policy()))
        channels = [AgentChannel(channel="chat"), AgentChannel(channel="task")]
        queues = [Membership(queue=queue.name) for queue in policy().queues]
        skills = [Skill(skill=f"{language}.written", level=8) for language in ("nl", "fr", "de", "en")]
        everybody = [
            *(
                AgentDeclaration(person=one, name=one.title(), skills=skills, memberships=queues, channels=channels)
                for one in SERVANTS
            ),
            AgentDeclaration(
                person=PUPPET, skills=[Skill(skill=PUPPET_SKILL[0], level=PUPPET_SKILL[1])], memberships=queues, channels=channels
            ),
        ]
        for result in await self.client.declare_agents(everybody):
            assert result.code == 0, result
            self.agents[result.person] = bytes.fromhex(result.agent_id)
        seated = [asyncio.Event() for _ in SERVANTS]
        for person, seat in zip(SERVANTS, seated, strict=True):
            self._serving.append(self._work.create_task(self._serve_all(person, seat)))
        for seat in seated:
            await seat.wait()
        for person in (*SERVANTS, PUPPET):
            await self.client.set_presence(person, "ready")

    # Good contacts

    def arrive(self) -> None:
        """One good contact more, a chat or a task by turns."""
        self._spawn(next(self._kinds)())

    async def submit(self) -> None:
        """A task over gRPC."""
        done = await self.client.submit_contact(
            channel="task", queue=QUEUE, subject="Retour", requirements={"nl.written": 5}, text="Graag nakijken."
        )
        self.good.expected.add(done.contact_id)

    async def chat(self) -> None:
        """A customer on a socket of their own."""
        async with connect(self.chat_url, compression=None) as socket:
            await self.converse(socket)

    async def converse(self, socket: ClientConnection) -> None:
        """Start a chat on `socket`, write twice, hear the agent, stay to the end."""
        await say(socket, type="start", client_id=self._chance.randbytes(16).hex(), queue=QUEUE, language="nl", text="Hallo?")
        contact = (await hear(socket, "started"))["contact"]
        self.good.expected.add(contact)
        await say(socket, type="message", client_id="m1", text="Bent u daar?")
        await hear(socket, "message")
        assert (await hear(socket, "ended"))["reason"] == "completed"
        self.good.heard[contact] += 1

    @property
    def chat_url(self) -> str:
        return f"ws://{self.http}/chat/ws"

    async def settled(self) -> None:
        """Every good contact has come to its end, nobody waits, nobody works; then the servants go."""
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*self._running)
            async with contextlib.aclosing(self.client.watch_boards()) as changes:
                async for change in changes:
                    if change.HasField("site") and not change.site.open and not await self._wrapping():
                        break
        for servant in self._serving:
            servant.cancel()

    async def _wrapping(self) -> bool:
        return any(row.wrapping for row in (await self.client.get_boards()).queues)

    def _alternating(self) -> Iterator[Any]:
        while True:
            yield self.chat
            yield self.submit

    def _spawn(self, running: Coroutine[Any, Any, None]) -> None:
        self._running.append(self._work.create_task(running))

    # Servants

    async def _serve_all(self, person: str, seated: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as hands:
            async for change in self.client.watch_desk(person):
                match change.event:
                    case DeskSnapshot():
                        seated.set()
                    case Offer() as offer:
                        hands.create_task(self._serve(person, offer))

    async def _serve(self, person: str, offer: Offer) -> None:
        """Everything at once and right: whatever fails here fails the test."""
        contact = offer.contact_id
        self.good.offered.add(contact)
        await self.client.accept_offer(person, contact, offer.attempt)
        await self.client.confirm_connected(person, contact, offer.attempt)
        await self.client.send_message(person, contact, "Goedemiddag, ik kijk het na.")
        await self.client.end_engagement(person, contact, "solved", note="nagekeken")
        await self.client.finish_wrap_up(person, contact)


async def say(socket: ClientConnection, **frame: object) -> None:
    await socket.send(json.dumps(frame))


async def hear(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of a kind; others are passed over. An error frame that was not asked for is a failure."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            frame: dict[str, Any] = json.loads(await socket.recv())
            if frame["type"] == kind:
                return frame
            assert frame["type"] != "error", frame


# What is left behind


@dataclass
class Journal:
    """The whole journal. `inputs` by their place in the inbox; events by contact, in order."""

    inputs: dict[tuple[int, int], Input] = field(default_factory=dict)
    repeated: int = 0
    """Inputs that stand in the journal twice: must be 0."""
    events: dict[bytes, list[words.Event]] = field(default_factory=dict)
    commits: int = 0

    def add(self, entry: Entry) -> None:
        if entry.tag == INPUT_TAG:
            decided = codec.decode_input(entry)
            place = (decided.inbox_seq, decided.index)
            self.repeated += place in self.inputs
            self.inputs[place] = decided
        elif entry.contact is not None:
            self.events.setdefault(entry.contact, []).append(codec.decode_event(entry))

    def ends(self) -> dict[str, list[str]]:
        """Reasons for which each contact (hex) ended: exactly one each, if all is well."""
        return {
            contact.hex(): [event.reason for event in events if isinstance(event, words.ContactEnded)]
            for contact, events in self.events.items()
        }


async def read_journal(log: SiteLog) -> Journal:
    """From the first commit to the last there is now."""
    journal, last = Journal(), await log.last_journal_seq()
    if last == 0:
        return journal
    async with contextlib.aclosing(log.follow_journal(1)) as batches:
        async for batch in batches:
            for stored in batch:
                journal.commits += 1
                for entry in codec.decode_commit(stored.data).entries:
                    journal.add(entry)
            if batch[-1].seq >= last:
                return journal
    return journal


def complaints(log_file: Path) -> list[str]:
    """Lines of a process's log that no healthy process writes."""
    lines = log_file.read_text(errors="replace").splitlines()
    signs = ("Traceback", "exception was never retrieved", "was never awaited", " CRITICAL ", "panicked")
    return [line for line in lines if any(sign in line for sign in signs)]


def servers_on(data_dir: Path) -> list[int]:
    """Pids of nats-server processes that were started with a configuration inside `data_dir`."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            arguments = status.read_bytes().split(b"\0")
            if arguments[0].endswith(b"nats-server") and any(part.startswith(bytes(data_dir.absolute())) for part in arguments[1:]):
                found.append(int(status.parent.name))
    return sorted(found)


@contextlib.asynccontextmanager
async def living(target: str, http: str, seed: int) -> AsyncIterator[LiveSite]:
    """The people of a running engine."""
    async with Client(target) as client, asyncio.TaskGroup() as work:
        site = LiveSite(client, target, http, work, seed)
        await site.open()
        yield site

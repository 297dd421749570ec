"""Agents on gRPC streams, with human delays: they accept, decline, miss, answer, take breaks and wrap up."""

import asyncio
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from cordboard.client import Client, ClientError
from cordboard.demo.correspondence import WRITTEN
from cordboard.demo.letters import ANSWERS
from cordboard.demo.tally import Tally
from cordboard.demo.texts import LANGUAGES, REPLIES
from cordboard.v1.desk_pb2 import (
    ChannelSwitch,
    DeskSnapshot,
    EngagementEnd,
    EngagementStart,
    Message,
    Offer,
    OfferAcceptance,
    PresenceReport,
    WorkState,
)
from cordboard.v1.types_pb2 import Author, Presence

VOICE = "voice"
ACCEPT, DECLINE = 0.90, 0.06
"""The rest is missed: the offer's deadline passes."""
BREAK_SHARE = 0.03
PARK_SHARE = 0.2
PARK_MS = (1_500, 4_000)
"""Written contacts that an agent puts aside once, until the customer writes or this time is over."""
LATE = frozenset(
    {"contact_gone", "expired", "revoked", "not_connecting", "not_engaged", "not_wrapping", "already_accepted", "declined"}
)
"""Refusals that are everyday life: the customer or the clock was faster."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the site's policy offers an agent to say (empty where it has none)."""

    dispositions: list[str]
    breaks: list[str]


class Person:
    """One agent at a desk. `run` serves until cancelled, and goes offline then."""

    def __init__(self, client: Client, person: str, words: Words, tally: Tally, dice: random.Random) -> None:
        self._client, self._person, self._words, self._tally, self._dice = client, person, words, tally, dice
        self._replied_to: dict[str, asyncio.Event] = {}
        self._offers: dict[str, Offer] = {}
        self._parked: set[str] = set()
        self._free = asyncio.Event()
        self._free.set()

    async def leave(self, reason: str) -> None:
        """Called away: what is at hand is finished, nothing new comes, and breaks do not end before `be_back`."""
        self._free.clear()
        await self._try(self._client.set_presence(self._person, "not_ready", reason=reason))

    async def be_back(self) -> None:
        self._free.set()
        await self._ready()

    async def run(self) -> None:
        """Log in, watch the desk, work. A desk stream that breaks is opened again: it begins with a snapshot."""
        async with asyncio.TaskGroup() as work:
            work.create_task(self._ready())
            while True:
                try:
                    async for change in self._client.watch_desk(self._person):
                        self._react(work, change.event)
                except ClientError as error:
                    self._tally.happened[f"desk stream: {error.reason or error.code.name}"] += 1
                await asyncio.sleep(0.3)

    def _react(self, work: asyncio.TaskGroup, event: object) -> None:
        match event:
            case Offer():
                self._tally.see_offer(event.contact_id, event.attempt, event.wait_ms)
                self._note(event)
                work.create_task(self._consider(event.contact_id, event.attempt))
            case DeskSnapshot():
                self._pick_up(work, event)
            case OfferAcceptance():
                work.create_task(self._connect(event.contact_id, event.attempt))
            case EngagementStart():
                work.create_task(self._serve(event.contact_id, event.messages))
            case Message() if event.author == Author.AUTHOR_CUSTOMER:
                self._replied_to.setdefault(event.contact_id, asyncio.Event()).set()
            case EngagementEnd():
                self._replied_to.pop(event.contact_id, None)
                self._offers.pop(event.contact_id, None)
                if event.wrap_until_ms:
                    work.create_task(self._wrap_up(event.contact_id))
            case ChannelSwitch() if not event.on and event.cause == "missed":
                work.create_task(self._come_back())
            case PresenceReport() if event.effective == Presence.PRESENCE_NOT_READY:
                work.create_task(self._come_back())
            case _:
                pass

    def _pick_up(self, work: asyncio.TaskGroup, desk: DeskSnapshot) -> None:
        """After a broken stream: go on with what is at hand."""
        for item in desk.work:
            contact, attempt = item.offer.contact_id, item.offer.attempt
            self._note(item.offer)
            if item.state == WorkState.WORK_STATE_OFFERED:
                work.create_task(self._consider(contact, attempt))
            elif item.state == WorkState.WORK_STATE_CONNECTING:
                work.create_task(self._connect(contact, attempt))
            elif item.state == WorkState.WORK_STATE_ENGAGED:
                work.create_task(self._serve(contact, item.messages))

    def _note(self, offer: Offer) -> None:
        self._offers[offer.contact_id] = offer

    async def _ready(self) -> None:
        await self._try(self._client.set_presence(self._person, "ready"))

    async def _consider(self, contact: str, attempt: int) -> None:
        await self._pause(0.15, 0.9)
        chance = self._dice.random()
        if chance < ACCEPT:
            await self._try(self._client.accept_offer(self._person, contact, attempt))
        elif chance < ACCEPT + DECLINE:
            self._tally.happened["agent declined"] += 1
            await self._try(self._client.decline_offer(self._person, contact, attempt, self._dice.choice(self._words.breaks)))
        else:
            self._tally.happened["agent missed"] += 1

    async def _connect(self, contact: str, attempt: int) -> None:
        if self._offers.get(contact, Offer()).channel == VOICE:
            return  # the dialler rings the customer, and says what came of it
        await self._pause(0.05, 0.3)
        await self._try(self._client.confirm_connected(self._person, contact, attempt))

    async def _serve(self, contact: str, messages: Sequence[Message]) -> None:
        offer = self._offers.get(contact, Offer())
        if offer.channel == "chat":
            if not await self._chat(contact):
                return
        elif offer.channel in WRITTEN:
            if not await self._correspond(contact, offer, messages):
                return
        else:
            await self._pause(0.5, 2.5)
        await self._try(self._client.end_engagement(self._person, contact, self._dice.choice(self._words.dispositions)))

    async def _chat(self, contact: str) -> bool:
        """Say something, listen, a few times. False if the customer is gone."""
        for _ in range(self._dice.choice((1, 2, 2, 3))):
            heard = self._replied_to.setdefault(contact, asyncio.Event())
            heard.clear()
            await self._pause(0.3, 1.2)
            if not await self._say(contact, self._dice.choice(REPLIES)):
                return False
            await self._wait_for(heard)
        return True

    async def _correspond(self, contact: str, offer: Offer, messages: Sequence[Message]) -> bool:
        """Read, answer, and put some of it aside once. False if the contact is no longer here."""
        await self._pause(0.4, 1.6)
        if all(message.author != Author.AUTHOR_CUSTOMER for message in messages):
            self._tally.happened["agent looked at a bounce"] += 1
            return True
        token = f"{self._dice.getrandbits(48):012x}"
        self._tally.post.say(token, offer.channel, contact)
        if not await self._say(contact, f"{ANSWERS.get(offer.language, ANSWERS[LANGUAGES[-1]])} [{token}]"):
            return False
        self._tally.post.confirm(token)
        if contact in self._parked or self._dice.random() >= PARK_SHARE:
            return True
        self._parked.add(contact)
        self._tally.happened["agent parked"] += 1
        await self._try(self._client.park_contact(self._person, contact, "customer", for_ms=self._dice.randint(*PARK_MS)))
        return False

    async def _say(self, contact: str, text: str) -> bool:
        await self._try(self._client.send_signal(self._person, contact, "typing"))
        try:
            sent = await self._client.send_message(self._person, contact, text)
        except ClientError as error:
            self._tally.happened[f"agent too late: {error.reason}" if error.reason in LATE else f"agent error: {error.reason}"] += 1
            return False
        self._tally.sent[contact].add(sent.message_id)
        return True

    async def _wait_for(self, heard: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._dice.uniform(0.4, 1.0)):
                await heard.wait()
        except TimeoutError:
            return

    async def _wrap_up(self, contact: str) -> None:
        """Most finish by themselves; some leave it to the deadline."""
        await self._pause(0.2, 1.5)
        if self._dice.random() < 0.8:
            await self._try(self._client.finish_wrap_up(self._person, contact))
        if self._dice.random() < BREAK_SHARE:
            self._tally.happened["agent took a break"] += 1
            await self._try(self._client.set_presence(self._person, "not_ready", reason=self._dice.choice(self._words.breaks)))

    async def _come_back(self) -> None:
        await self._pause(0.8, 2.0)
        await self._free.wait()
        await self._ready()

    async def _pause(self, shortest_s: float, longest_s: float) -> None:
        await asyncio.sleep(self._dice.uniform(shortest_s, longest_s))

    async def _try(self, call: Awaitable[object]) -> None:
        """A refusal is counted, not raised: people click too late."""
        try:
            await call
        except ClientError as error:
            self._tally.happened[
                f"agent too late: {error.reason}" if error.reason in LATE else f"agent error: {error.reason or error.code.name}"
            ] += 1

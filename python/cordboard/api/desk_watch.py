"""WatchDesk: the desk as it stands, then each change of it, with content from the vault."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from cordboard.api.content import Described, describe
from cordboard.api.signals import Heard
from cordboard.api.site import Site
from cordboard.api.status import ReaderTooSlow
from cordboard.api.translate import desk as to_pb
from cordboard.api.translate.changes import fill_plain
from cordboard.events import event as words
from cordboard.projections.live import Desk, DeskChange, LiveContact, Said, Work
from cordboard.v1 import agent_service_pb2 as pb
from cordboard.v1.types_pb2 import AUTHOR_CUSTOMER

QUEUE_MAX = 1_000
BATCH_MAX = 100
BOOKMARK_S = 15.0
MESSAGES_MAX = 200
_WHOLE = (words.DeadlinesShifted, words.AgentRegistered, words.AgentRemoved)
"""Events after which the whole desk is told again: they may move everything on it."""
_WITH_CONVERSATION = (words.OfferMade, words.EngagementStarted, words.ContactParked)
"""Events that are told with what has been said so far, or with the newest of it."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The desk as it was right after commit `seq`."""

    seq: int
    at_ms: int
    desk: Desk
    contacts: dict[bytes, LiveContact | None]
    said: dict[bytes, list[Said]]


@dataclass(frozen=True, slots=True)
class _Noted:
    """A change, and what had been said in the conversation when it was folded."""

    change: DeskChange
    said: tuple[Said, ...] = ()


async def watch_desk(site: Site, agent: bytes) -> AsyncIterator[pb.WatchDeskResponse]:
    """For ever. Raises ReaderTooSlow, or Draining when the server stops."""
    with site.attendance.attend(agent), _Watch(site, agent) as watch:
        while True:
            site.refuse_when_draining()
            items = await watch.take()
            if not items:
                yield pb.WatchDeskResponse(consistency_token=site.token(), at_ms=site.desks.at_ms, bookmark=pb.Bookmark())
            for response in await _told(site, items):
                yield response


class _Watch:
    """A bounded queue between the fold, which must not wait, and one reader, which may be slow."""

    def __init__(self, site: Site, agent: bytes) -> None:
        self._site = site
        self._agent = agent
        self._items: deque[_Snapshot | _Noted | Heard] = deque()
        self._arrived = asyncio.Event()
        self._overrun = False
        self._unsubscribe: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        # Subscribed and photographed without an await in between: no change is missed or told twice.
        self._unsubscribe = [
            self._site.desks.subscribe(self._agent, self._change),
            self._site.signals.subscribe(self._agent, self._put),
        ]
        self._put(self._snapshot(self._site.desks.position, self._site.desks.at_ms))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    async def take(self) -> list[_Snapshot | _Noted | Heard]:
        """What has happened, at most BATCH_MAX at a time; nothing if nothing did for BOOKMARK_S or the server is draining."""
        if not self._items:
            self._arrived.clear()
            waits = [asyncio.ensure_future(self._arrived.wait()), asyncio.ensure_future(self._site.draining.wait())]
            try:
                await asyncio.wait(waits, timeout=BOOKMARK_S, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
        if self._overrun:
            raise ReaderTooSlow(f"{QUEUE_MAX} changes were not read in time: watch again")
        return [self._items.popleft() for _ in range(min(BATCH_MAX, len(self._items)))]

    def _put(self, item: _Snapshot | _Noted | Heard) -> None:
        if len(self._items) >= QUEUE_MAX:
            # A lost signal is no loss; a lost change would make the desk lie.
            self._overrun = self._overrun or not isinstance(item, Heard)
        else:
            self._items.append(item)
        self._arrived.set()

    def _change(self, change: DeskChange) -> None:
        if isinstance(change.event, _WHOLE):
            self._put(self._snapshot(change.seq, change.event.at_ms))
        elif isinstance(change.event, words.MessageRelayed | words.MessageAttached):
            live = change.contact
            if live is not None and live.state in ("engaged", "parked") and live.agent == self._agent:
                self._put(_Noted(change))
        elif isinstance(change.event, words.ContactReclassified):
            # Whoever said so: the one who has it must know.
            if change.contact is not None and change.contact.agent == self._agent:
                self._put(_Noted(change))
        elif change.entry.agent == self._agent:
            tells = isinstance(change.event, _WITH_CONVERSATION) and change.entry.contact is not None
            self._put(_Noted(change, tuple(self._said(change.entry.contact)) if tells and change.entry.contact else ()))

    def _snapshot(self, seq: int, at_ms: int) -> _Snapshot:
        desk = self._site.desks.desk(self._agent)
        contacts = {work.contact: self._site.desks.contact(work.contact) for work in desk.work}
        piled = [live.contact for live in desk.parked]
        said = {contact: self._said(contact) for contact in (*contacts, *piled)}
        return _Snapshot(seq, at_ms, desk, contacts, said)

    def _said(self, contact: bytes) -> list[Said]:
        return self._site.desks.messages(contact)[-MESSAGES_MAX:]


async def _told(site: Site, items: list[_Snapshot | _Noted | Heard]) -> list[pb.WatchDeskResponse]:
    """The items as messages, all their content fetched in one read each of texts, people and descriptions."""
    told = _Telling(site)
    for item in items:
        told.note(item)
    await told.fetch()
    responses = [response for item in items if (response := told.response(item)) is not None]
    await describe(site.vault, [message for response in responses for message in _described(response)])
    return responses


def _described(response: pb.WatchDeskResponse) -> Iterator[Described]:
    """What of it shows a contact."""
    match response.WhichOneof("change"):
        case "offer_made":
            yield response.offer_made
        case "contact_parked":
            yield response.contact_parked
        case "snapshot":
            yield from (work.offer for work in response.snapshot.work)
            yield from response.snapshot.parked


class _Telling:
    """Turns items into messages, once the vault has said what the references in them mean."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._texts: set[bytes] = set()
        self._asked: set[bytes] = set()
        """Messages that may have come with files: agents cannot send any."""
        self._agents: set[bytes] = set()

    def note(self, item: _Snapshot | _Noted | Heard) -> None:
        """Collect the references of one item."""
        if isinstance(item, _Snapshot):
            for said in item.said.values():
                self._note_said(said)
            for live in (*item.contacts.values(), *item.desk.parked):
                self._note_contact(live)
        elif isinstance(item, _Noted):
            self._note_said(list(item.said))
            self._note_contact(item.change.contact)
            if isinstance(item.change.event, words.MessageRelayed | words.MessageAttached):
                self._note_said([_said(item.change, item.change.event)])

    def _note_said(self, said: list[Said]) -> None:
        self._texts.update(one.message for one in said)
        self._asked.update(one.message for one in said if one.author != "agent")
        self._agents.update(one.agent for one in said if one.agent is not None)

    def _note_contact(self, live: LiveContact | None) -> None:
        if live is not None and live.owner is not None:
            self._agents.add(live.owner)
        if live is not None and live.park is not None and live.park.note is not None:
            self._texts.add(live.park.note)

    async def fetch(self) -> None:
        vault = self._site.vault
        self._contents = await vault.read(sorted(self._texts)) if self._texts else {}
        self._files = await vault.attachments(sorted(self._asked)) if self._asked else {}
        self._people = await self._site.people.of(self._agents)

    def response(self, item: _Snapshot | _Noted | Heard) -> pb.WatchDeskResponse | None:
        """None for what is no change of the desk."""
        if isinstance(item, Heard):
            return pb.WatchDeskResponse(signal=_signal(item))
        if isinstance(item, _Snapshot):
            return pb.WatchDeskResponse(consistency_token=self._site.token(item.seq), at_ms=item.at_ms, snapshot=self._whole(item))
        response = pb.WatchDeskResponse(consistency_token=self._site.token(item.change.seq), at_ms=item.change.event.at_ms)
        return response if self._fill(response, item) else None

    def _whole(self, snapshot: _Snapshot) -> pb.DeskSnapshot:
        return pb.DeskSnapshot(
            presence=to_pb.presence(snapshot.desk),
            channels=to_pb.switches(snapshot.desk),
            declared=snapshot.desk.declared,
            work=[self._work(work, snapshot) for work in snapshot.desk.work],
            parked=[self._parked(live, snapshot.said[live.contact]) for live in snapshot.desk.parked],
        )

    def _work(self, work: Work, snapshot: _Snapshot) -> pb.Work:
        said = snapshot.said[work.contact]
        open_talk = self._conversation(work.contact, said) if work.state in ("engaged", "wrapping") else []
        return to_pb.work(work, self._offer(snapshot.contacts[work.contact], work, said), open_talk)

    def _offer(self, live: LiveContact | None, work: Work, said: Sequence[Said]) -> pb.Offer:
        offer = to_pb.offer(live, work, self._people)
        offer.text = self._newest(said)
        return offer

    def _parked(self, live: LiveContact, said: Sequence[Said]) -> pb.ParkedContact:
        assert live.park is not None, "it lies on a pile"
        note = self._contents.get(live.park.note) if live.park.note is not None else None
        parked = to_pb.parked(live, live.park, note.text if note is not None else "")
        parked.text = self._newest(said)
        return parked

    def _newest(self, said: Sequence[Said]) -> str:
        """What the customer wrote last; a contact that was submitted with a text shows that one instead."""
        texts = (self._contents.get(one.message) for one in reversed(said) if one.author == "customer" and one.ordinal)
        newest = next(texts, None)
        return newest.text if newest is not None else ""

    def _conversation(self, contact: bytes, said: Sequence[Said]) -> list[pb.Message]:
        return [self._message(contact, one) for one in said]

    def _message(self, contact: bytes, said: Said) -> pb.Message:
        return to_pb.message(contact, said, self._contents, self._people, self._files)

    def _fill(self, response: pb.WatchDeskResponse, item: _Noted) -> bool:
        """Set the one change that the event is; False if it is none that a desk shows."""
        change, event = item.change, item.change.event
        if isinstance(event, words.PresenceChanged):
            response.presence.CopyFrom(to_pb.presence_change(event))
        elif isinstance(event, words.ChannelSwitchSet):
            switch = pb.ChannelSwitch(channel=change.entry.channel or "", on=event.on, cause=event.cause)
            response.channel_switched.CopyFrom(switch)
        elif change.entry.contact is None:
            return False
        else:
            return self._fill_content(response, item, change.entry.contact) or fill_plain(response, change, change.entry.contact)
        return True

    def _fill_content(self, response: pb.WatchDeskResponse, item: _Noted, contact: bytes) -> bool:
        """The changes that show something of the vault's."""
        change = item.change
        match change.event:
            case words.OfferMade() as event:
                response.offer_made.CopyFrom(self._offer(change.contact, _work(change, event), item.said))
            case words.EngagementStarted(attempt=attempt, queue=queue):
                response.engagement_started.CopyFrom(
                    pb.EngagementStart(
                        contact_id=contact.hex(), attempt=attempt, queue=queue, messages=self._conversation(contact, item.said)
                    )
                )
            case words.MessageRelayed() | words.MessageAttached() as event:
                response.message.CopyFrom(self._message(contact, _said(change, event)))
            case words.ContactParked() if change.contact is not None and change.contact.park is not None:
                response.contact_parked.CopyFrom(self._parked(change.contact, item.said))
            case _:
                return False
        return True


def _said(change: DeskChange, event: words.MessageRelayed | words.MessageAttached) -> Said:
    agent = change.entry.agent if event.author == "agent" else None
    ordinal = event.ordinal if isinstance(event, words.MessageRelayed) else 0
    return Said(ordinal, event.author, event.message, agent, event.at_ms)


def _work(change: DeskChange, event: words.OfferMade) -> Work:
    return Work(
        contact=change.entry.contact or b"",
        attempt=event.attempt,
        state="offered",
        queue=event.queue,
        channel=change.entry.channel or (change.contact.channel if change.contact is not None else ""),
        cost=event.cost,
        wait_ms=event.wait_ms,
        since_ms=event.at_ms,
        deadline_ms=event.expires_ms,
    )


def _signal(heard: Heard) -> pb.Signal:
    return pb.Signal(
        contact_id=heard.contact.hex(),
        kind=to_pb.TO_SIGNAL[heard.kind],
        author=AUTHOR_CUSTOMER,
        message_id=heard.message.hex() if heard.message is not None else "",
    )

"""WatchDesk: the desk as it stands, then each change of it, with content from the vault."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from cordboard.api.content import Described, describe
from cordboard.api.signals import Heard
from cordboard.api.site import Site
from cordboard.api.status import Draining, ReaderTooSlow
from cordboard.api.translate import desk as to_pb
from cordboard.api.translate.changes import SideEvent, fill_plain, role_change, side_change
from cordboard.api.translate.words import TO_ROLE
from cordboard.events import event as words
from cordboard.projections.desks import moves_siblings
from cordboard.projections.live import Desk, DeskChange, LiveContact, Said, Work
from cordboard.v1 import desk_pb2 as pb
from cordboard.v1.types_pb2 import AUTHOR_CUSTOMER

QUEUE_MAX = 1_000
BATCH_MAX = 100
BOOKMARK_S = 15.0
MESSAGES_MAX = 200
_WHOLE = (words.DeadlinesShifted, words.AgentRegistered, words.AgentRemoved)
"""Events after which the whole desk is told again: they may move everything on it."""
_WITH_CONVERSATION = (words.OfferMade, words.EngagementStarted, words.ContactParked)
"""Events that are told with what has been said so far, or with the newest of it."""
_OF_CONTACT = (words.MessageRelayed, words.MessageAttached, words.ContactReclassified, words.ContactReprioritised)
"""Events that everybody must know who has the contact, whoever caused them."""
_OF_OTHERS = (words.EngagementHeld, words.EngagementResumed, words.RoleChanged)
"""Events of one agent at a contact that concern all who are there."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The desk as it was right after commit `seq`."""

    seq: int
    at_ms: int
    desk: Desk
    contacts: dict[bytes, LiveContact | None]
    said: dict[bytes, list[Said]]
    hands: Mapping[bytes, to_pb.InHand]


@dataclass(frozen=True, slots=True)
class _Noted:
    """A change, with what had been said in the conversation, and who had it in hand, when it was folded.

    `own` is false for what happened to somebody else at a contact of this agent's; `moved` is this agent's offer if its deadline
    moved by it.
    """

    change: DeskChange
    said: tuple[Said, ...] = ()
    hands: to_pb.InHand = ()
    own: bool = True
    moved: Work | None = None


async def watch_desk(site: Site, person: str, agent: bytes) -> AsyncIterator[pb.WatchDeskResponse]:
    """For ever. Raises ReaderTooSlow, or Draining when the server stops or the person has got another reference than `agent`."""
    with site.attendance.attend(agent), _Watch(site, agent) as watch:
        while True:
            site.refuse_when_draining()
            items = await watch.take()
            if not items:
                yield pb.WatchDeskResponse(consistency_token=site.token(), at_ms=site.desks.at_ms, bookmark=pb.Bookmark())
            for response in await _told(site, agent, items):
                yield response
            if site.declared.registered(agent) is None and await site.people.ref(person) != agent:
                raise Draining("the agent has a new reference: watch again")


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
        contact = change.entry.contact
        if isinstance(change.event, _WHOLE):
            self._put(self._snapshot(change.seq, change.event.at_ms))
        elif isinstance(change.event, _OF_CONTACT):
            if change.contact is not None and self._concerns(change.contact, change.event):
                self._put(_Noted(change))
        elif change.entry.agent != self._agent:
            if contact is not None and (noted := self._of_others(change, contact)) is not None:
                self._put(noted)
        elif contact is not None and isinstance(change.event, _WITH_CONVERSATION):
            self._put(_Noted(change, tuple(self._said(contact)), self._site.desks.in_hand(contact)))
        else:
            self._put(_Noted(change))

    def _concerns(self, live: LiveContact, event: words.Event) -> bool:
        """Of this agent's contact, in whatever role. What is said before an engagement is told when it starts."""
        if live.agent == self._agent:
            said = isinstance(event, words.MessageRelayed | words.MessageAttached)
            return not said or live.state in ("engaged", "parked")
        return any(agent == self._agent and work.state == "engaged" for agent, work in self._site.desks.in_hand(live.contact))

    def _of_others(self, change: DeskChange, contact: bytes) -> _Noted | None:
        """What happened to another agent, if it concerns this one: a side, or a sibling whose connection came to nothing."""
        if isinstance(change.event, _OF_OTHERS):
            return _Noted(change, own=False)
        if change.hand is not None and change.hand.role != "primary":
            return _Noted(change, own=False) if isinstance(change.event, SideEvent) else None
        if not moves_siblings(change.event):
            return None
        mine = [work for agent, work in self._site.desks.in_hand(contact) if (agent, work.state) == (self._agent, "offered")]
        return _Noted(change, own=False, moved=mine[0]) if mine else None

    def _snapshot(self, seq: int, at_ms: int) -> _Snapshot:
        desk = self._site.desks.desk(self._agent)
        contacts = {work.contact: self._site.desks.contact(work.contact) for work in desk.work}
        piled = [live.contact for live in desk.parked]
        said = {contact: self._said(contact) for contact in (*contacts, *piled)}
        hands = {contact: self._site.desks.in_hand(contact) for contact in contacts}
        return _Snapshot(seq, at_ms, desk, contacts, said, hands)

    def _said(self, contact: bytes) -> list[Said]:
        return self._site.desks.messages(contact)[-MESSAGES_MAX:]


async def _told(site: Site, agent: bytes, items: list[_Snapshot | _Noted | Heard]) -> list[pb.WatchDeskResponse]:
    """The items as messages, all their content fetched in one read each of texts, people and descriptions."""
    told = _Telling(site, agent)
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

    def __init__(self, site: Site, agent: bytes) -> None:
        self._site = site
        self._agent = agent
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
            for hands in item.hands.values():
                self._note_hands(hands)
            self._note_givers(item.desk.work)
        elif isinstance(item, _Noted):
            self._note_said(list(item.said))
            self._note_contact(item.change.contact)
            self._note_hands(item.hands)
            if item.change.entry.agent is not None:
                self._agents.add(item.change.entry.agent)
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

    def _note_hands(self, hands: to_pb.InHand) -> None:
        self._agents.update(agent for agent, _ in hands)
        self._note_givers(work for _, work in hands)

    def _note_givers(self, works: Iterable[Work]) -> None:
        self._agents.update(work.given.by for work in works if work.given is not None and work.given.by is not None)

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
        hands = snapshot.hands[work.contact]
        return to_pb.work(
            work,
            self._offer(snapshot.contacts[work.contact], work, said),
            open_talk,
            to_pb.primary_of(hands, self._people),
            to_pb.sides_of(hands, self._people, without=self._agent),
        )

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
        elif not item.own:
            return self._fill_of_others(response, item, change.entry.contact)
        else:
            return self._fill_content(response, item, change.entry.contact) or fill_plain(response, change, change.entry.contact)
        return True

    def _fill_content(self, response: pb.WatchDeskResponse, item: _Noted, contact: bytes) -> bool:
        """The changes that show something of the vault's."""
        change = item.change
        match change.event:
            case words.OfferMade() as event:
                response.offer_made.CopyFrom(self._offer(change.contact, _work(change, event), item.said))
            case words.EngagementStarted(attempt=attempt, queue=queue, role=role):
                response.engagement_started.CopyFrom(
                    pb.EngagementStart(
                        contact_id=contact.hex(),
                        attempt=attempt,
                        queue=queue,
                        messages=self._conversation(contact, item.said),
                        role=TO_ROLE[role],
                        primary=to_pb.primary_of(item.hands, self._people),
                        sides=to_pb.sides_of(item.hands, self._people, without=self._agent),
                    )
                )
            case words.RoleChanged() as event:
                response.role_changed.CopyFrom(role_change(event, contact, self._agent, self._people))
            case words.MessageRelayed() | words.MessageAttached() as event:
                response.message.CopyFrom(self._message(contact, _said(change, event)))
            case words.ContactParked() if change.contact is not None and change.contact.park is not None:
                response.contact_parked.CopyFrom(self._parked(change.contact, item.said))
            case _:
                return False
        return True

    def _fill_of_others(self, response: pb.WatchDeskResponse, item: _Noted, contact: bytes) -> bool:
        """What happened to another agent at a contact of this one's."""
        event, agent, hand = item.change.event, item.change.entry.agent, item.change.hand
        if item.moved is not None:
            move = pb.OfferMove(contact_id=contact.hex(), attempt=item.moved.attempt, expires_ms=item.moved.deadline_ms or 0)
            response.offer_moved.CopyFrom(move)
        elif agent is not None and isinstance(event, words.RoleChanged):
            response.role_changed.CopyFrom(role_change(event, contact, agent, self._people))
        elif agent is not None and hand is not None and isinstance(event, SideEvent):
            response.side_changed.CopyFrom(side_change(event, contact, agent, hand.role, self._people))
        else:
            return fill_plain(response, item.change, contact)
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
        role=event.role,
        cause=event.cause,
        given=event.direct,
        interrupts=event.interrupts,
    )


def _signal(heard: Heard) -> pb.Signal:
    return pb.Signal(
        contact_id=heard.contact.hex(),
        kind=to_pb.TO_SIGNAL[heard.kind],
        author=AUTHOR_CUSTOMER,
        message_id=heard.message.hex() if heard.message is not None else "",
    )

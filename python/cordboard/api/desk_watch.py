"""WatchDesk: the desk as it stands, then each change of it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from types import TracebackType
from typing import Self

from cordboard.api.alarms import DeskAlarms
from cordboard.api.desk_told import Alarm, Item, Noted, Snapshot, told
from cordboard.api.signals import Heard
from cordboard.api.site import Site
from cordboard.api.status import Draining, ReaderTooSlow
from cordboard.api.translate.changes import SideEvent
from cordboard.events import event as words
from cordboard.projections.desks import moves_siblings
from cordboard.projections.live import DeskChange, LiveContact, Said
from cordboard.projections.slas import SlaClock
from cordboard.v1 import desk_pb2 as pb

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


async def watch_desk(site: Site, person: str, agent: bytes, groups: Collection[str]) -> AsyncIterator[pb.WatchDeskResponse]:
    """For ever; `groups`: those whose alarms the desk shows, too. Raises ReaderTooSlow, or Draining when the server stops or the
    person has got another reference than `agent`."""
    with site.attendance.attend(agent), _Watch(site, agent, groups) as watch:
        while True:
            site.refuse_when_draining()
            items = await watch.take()
            if not items:
                yield pb.WatchDeskResponse(consistency_token=site.token(), at_ms=site.desks.at_ms, bookmark=pb.Bookmark())
            for response in await told(site, agent, items):
                yield response
            if site.declared.registered(agent) is None and await site.people.ref(person) != agent:
                raise Draining("the agent has a new reference: watch again")


class _Watch:
    """A bounded queue between the fold, which must not wait, and one reader, which may be slow."""

    def __init__(self, site: Site, agent: bytes, groups: Collection[str]) -> None:
        self._site = site
        self._agent = agent
        self._alarms = DeskAlarms(site, agent, groups)
        self._items: deque[Item] = deque()
        self._arrived = asyncio.Event()
        self._overrun = False
        self._unsubscribe: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        # Subscribed and photographed without an await in between: no change is missed or told twice.
        self._unsubscribe = [
            self._site.desks.subscribe(self._agent, self._change),
            self._site.signals.subscribe(self._agent, self._put),
            self._site.slas.subscribe(self._clock),
        ]
        self._put(self._snapshot(self._site.desks.position, self._site.desks.at_ms))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    async def take(self) -> list[Item]:
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

    def _put(self, item: Item) -> None:
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
                self._put(Noted(change))
        elif change.entry.agent != self._agent:
            if contact is not None and (noted := self._of_others(change, contact)) is not None:
                self._put(noted)
        elif contact is not None and isinstance(change.event, _WITH_CONVERSATION):
            self._put(Noted(change, tuple(self._said(contact)), self._site.desks.in_hand(contact)))
            for clock in self._alarms.taken_up(contact):
                self._put(Alarm(clock, change.seq, change.event.at_ms))
        else:
            self._put(Noted(change))

    def _clock(self, clock: SlaClock) -> None:
        if self._alarms.concerns(clock):
            self._put(Alarm(clock, self._site.slas.position, self._site.slas.at_ms))

    def _concerns(self, live: LiveContact, event: words.Event) -> bool:
        """Of this agent's contact, in whatever role. What is said before an engagement is told when it starts."""
        if live.agent == self._agent:
            said = isinstance(event, words.MessageRelayed | words.MessageAttached)
            return not said or live.state in ("engaged", "parked")
        return any(agent == self._agent and work.state == "engaged" for agent, work in self._site.desks.in_hand(live.contact))

    def _of_others(self, change: DeskChange, contact: bytes) -> Noted | None:
        """What happened to another agent, if it concerns this one: a side, or a sibling whose connection came to nothing."""
        if isinstance(change.event, _OF_OTHERS):
            return Noted(change, own=False)
        if change.hand is not None and change.hand.role != "primary":
            return Noted(change, own=False) if isinstance(change.event, SideEvent) else None
        if not moves_siblings(change.event):
            return None
        mine = [work for agent, work in self._site.desks.in_hand(contact) if (agent, work.state) == (self._agent, "offered")]
        return Noted(change, own=False, moved=mine[0]) if mine else None

    def _snapshot(self, seq: int, at_ms: int) -> Snapshot:
        desk = self._site.desks.desk(self._agent)
        contacts = {work.contact: self._site.desks.contact(work.contact) for work in desk.work}
        piled = [live.contact for live in desk.parked]
        said = {contact: self._said(contact) for contact in (*contacts, *piled)}
        hands = {contact: self._site.desks.in_hand(contact) for contact in contacts}
        return Snapshot(seq, at_ms, desk, contacts, said, hands, self._alarms.standing())

    def _said(self, contact: bytes) -> list[Said]:
        return self._site.desks.messages(contact)[-MESSAGES_MAX:]

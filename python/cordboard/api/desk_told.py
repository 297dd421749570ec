"""What happens at a desk as messages, with content from the vault."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cordboard.api.content import Described, describe
from cordboard.api.missed import missed_behind
from cordboard.api.signals import Heard
from cordboard.api.site import Site
from cordboard.api.translate import desk as to_pb
from cordboard.api.translate.changes import SideEvent, fill_plain, role_change, side_change
from cordboard.api.translate.promises import preview
from cordboard.api.translate.slas import clock_message
from cordboard.api.translate.words import TO_ROLE
from cordboard.events import event as words
from cordboard.projections.live import Desk, DeskChange, LiveContact, Said, Work
from cordboard.projections.slas import SlaClock
from cordboard.promises import Promise
from cordboard.v1 import desk_pb2 as pb
from cordboard.v1.types_pb2 import AUTHOR_CUSTOMER


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The desk as it was right after commit `seq`."""

    seq: int
    at_ms: int
    desk: Desk
    contacts: dict[bytes, LiveContact | None]
    said: dict[bytes, list[Said]]
    hands: Mapping[bytes, to_pb.InHand]
    slas: Sequence[SlaClock]


@dataclass(frozen=True, slots=True)
class Noted:
    """A change, with what had been said in the conversation, and who had it in hand, when it was folded.

    `own` is false for what happened to somebody else at a contact of this agent's; `moved` is this agent's offer if its deadline
    moved by it.
    """

    change: DeskChange
    said: tuple[Said, ...] = ()
    hands: to_pb.InHand = ()
    own: bool = True
    moved: Work | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """A clock of an SLA that the agent, or a group that the desk listens for, is told of."""

    clock: SlaClock
    seq: int
    """The commit after which it is told."""
    at_ms: int


Item = Snapshot | Noted | Alarm | Heard


async def told(site: Site, agent: bytes, items: list[Item]) -> list[pb.WatchDeskResponse]:
    """The items as messages, all their content fetched in one read each of texts, people and descriptions."""
    told = Telling(site, agent)
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


class Telling:
    """Turns items into messages, once the vault has said what the references in them mean."""

    def __init__(self, site: Site, agent: bytes) -> None:
        self._site = site
        self._agent = agent
        self._texts: set[bytes] = set()
        self._asked: set[bytes] = set()
        """Messages that may have come with files: agents cannot send any."""
        self._agents: set[bytes] = set()
        self._promises: dict[bytes, Promise] = {}

    def note(self, item: Item) -> None:
        """Collect the references of one item."""
        if isinstance(item, Snapshot):
            for said in item.said.values():
                self._note_said(said)
            for live in (*item.contacts.values(), *item.desk.parked):
                self._note_contact(live)
            for hands in item.hands.values():
                self._note_hands(hands)
            self._note_givers(item.desk.work)
            self._note_promises(item.contacts)
        elif isinstance(item, Noted):
            self._note_said(list(item.said))
            self._note_contact(item.change.contact)
            self._note_hands(item.hands)
            if item.change.entry.agent is not None:
                self._agents.add(item.change.entry.agent)
            if isinstance(item.change.event, words.OfferMade) and item.change.entry.contact is not None:
                self._note_promises([item.change.entry.contact])
            if isinstance(item.change.event, words.MessageRelayed | words.MessageAttached):
                self._note_said([_said(item.change, item.change.event)])

    def _note_promises(self, contacts: Iterable[bytes]) -> None:
        """What is promised to them, as it is told."""
        for contact in contacts:
            if (promise := self._site.promises.get(contact)) is None:
                continue
            self._promises[contact] = promise
            if promise.address is not None:
                self._texts.add(promise.address)

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

    def response(self, item: Item) -> pb.WatchDeskResponse | None:
        """None for what is no change of the desk."""
        if isinstance(item, Heard):
            return pb.WatchDeskResponse(signal=_signal(item))
        if isinstance(item, Alarm):
            token = self._site.token(item.seq)
            return pb.WatchDeskResponse(consistency_token=token, at_ms=item.at_ms, sla_changed=clock_message(item.clock))
        if isinstance(item, Snapshot):
            return pb.WatchDeskResponse(consistency_token=self._site.token(item.seq), at_ms=item.at_ms, snapshot=self._whole(item))
        response = pb.WatchDeskResponse(consistency_token=self._site.token(item.change.seq), at_ms=item.change.event.at_ms)
        return response if self._fill(response, item) else None

    def _whole(self, snapshot: Snapshot) -> pb.DeskSnapshot:
        return pb.DeskSnapshot(
            presence=to_pb.presence(snapshot.desk),
            channels=to_pb.switches(snapshot.desk),
            declared=snapshot.desk.declared,
            work=[self._work(work, snapshot) for work in snapshot.desk.work],
            parked=[self._parked(live, snapshot.said[live.contact]) for live in snapshot.desk.parked],
            slas=[clock_message(clock) for clock in snapshot.slas],
        )

    def _work(self, work: Work, snapshot: Snapshot) -> pb.Work:
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
        if (promise := self._promises.get(work.contact)) is not None:
            number = self._contents.get(promise.address) if promise.address is not None else None
            offer.callback.CopyFrom(preview(promise, number, missed_behind(self._site, promise)))
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

    def _fill(self, response: pb.WatchDeskResponse, item: Noted) -> bool:
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

    def _fill_content(self, response: pb.WatchDeskResponse, item: Noted, contact: bytes) -> bool:
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

    def _fill_of_others(self, response: pb.WatchDeskResponse, item: Noted, contact: bytes) -> bool:
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

"""Desks: live contacts and what every agent has before them, folded from the journal in memory.

Pure: no clock and no waiting. Sinks are called while a commit is folded, so they must only note and return.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from cordboard import codec
from cordboard.errors import JournalCorrupt
from cordboard.events import event as words
from cordboard.events.commit import INPUT_TAG, Commit, Entry
from cordboard.events.promises import DUE_BEGINS_WAIT
from cordboard.projections.about import agent_of, channel_of, contact_of
from cordboard.projections.availability import declared, present, switched
from cordboard.projections.contacts import Contacts
from cordboard.projections.hands import Hand, Hands
from cordboard.projections.live import Desk, DeskChange, LiveContact, Park, Said, Sink, Work
from cordboard.projections.sinks import Sinks


class Desks:
    """Feed every commit in order to `apply`. Everything returned is frozen: a change makes a new one."""

    def __init__(self) -> None:
        self.position = 0
        self.at_ms = 0
        self._level = 0
        self._contacts = Contacts()
        self._desks: dict[bytes, Desk] = {}
        self._work: dict[bytes, dict[tuple[bytes, int], Work]] = {}
        self._hands: dict[bytes, Hands] = {}
        self._parked: dict[bytes, dict[bytes, None]] = {}
        """Parked contacts by owner, in the order they were parked."""
        self._sinks = Sinks()
        self._folds: dict[int, Callable[[Entry, Any], None]] = {
            4: self._deadlines_shifted,
            10: self._contact_queued,
            11: self._contact_ended,
            12: self._nothing,
            13: self._offer_made,
            14: self._offer_accepted,
            15: self._offer_over,
            16: self._offer_over,
            17: self._offer_over,
            18: self._offer_over,
            46: self._offer_over,
            74: self._callback_due,
            75: self._attempt_recorded,
            80: self._promise_held,
            19: self._engagement_started,
            20: self._contact_answered,
            21: self._message_relayed,
            22: self._engagement_ended,
            23: self._wrap_up_ended,
            24: self._wrap_up_extended,
            25: self._contact_parked,
            26: self._park_ended,
            27: self._contact_reclassified,
            28: self._message_attached,
            30: self._agent_registered,
            31: self._agent_removed,
            32: self._presence_changed,
            33: self._channel_switch_set,
            34: self._nothing,
            45: self._customer_erased,
            47: self._contact_reprioritised,
            49: self._agent_schedule_set,
            50: self._nothing,
            51: self._nothing,
            52: self._nothing,
            53: self._nothing,
            54: self._nothing,
            55: self._contact_relaxed,
            59: self._contact_promoted,
            60: self._contact_linked,
            63: self._engagement_held,
            64: self._engagement_resumed,
            65: self._role_changed,
            66: self._contact_dormant,
            67: self._contact_revived,
            68: self._agent_silence_noticed,
        }

    # Reading

    def contact(self, contact: bytes) -> LiveContact | None:
        """A live contact, or one that ended a short while ago."""
        return self._contacts.find(contact)

    def contacts(self) -> list[LiveContact]:
        """All live contacts in the order of arrival."""
        return self._contacts.all()

    def messages(self, contact: bytes) -> list[Said]:
        """The newest messages of a live or lately ended contact, oldest first."""
        return self._contacts.messages(contact)

    def desk(self, agent: bytes) -> Desk:
        """The agent's desk; an empty one (`declared` false) for an agent the site does not know."""
        desk = self._desks.get(agent, Desk(agent=agent))
        work, parked = self._work.get(agent, {}), self._parked.get(agent, {})
        if not work and not parked:
            return desk
        return replace(desk, work=tuple(work.values()), parked=self._contacts.those(parked))

    def in_hand(self, contact: bytes) -> list[tuple[bytes, Work]]:
        """Who has the contact in hand and as what, by attempt: whoever is offered it, connecting or engaged."""
        hands = self._hands.get(contact)
        found = [] if hands is None else sorted(hands.by_attempt.items())
        return [(hand.agent, self._work[hand.agent][contact, attempt]) for attempt, hand in found]

    def agents(self) -> list[bytes]:
        """Declared agents, by id."""
        return sorted(agent for agent, desk in self._desks.items() if desk.declared)

    def subscribe(self, agent: bytes, sink: Sink) -> Callable[[], None]:
        """`sink` is called with every change of the agent's desk from now on; call what is returned to end that."""
        return self._sinks.add(agent, sink)

    # Folding

    def apply(self, seq: int, commit: Commit) -> None:
        """Fold the next commit. Raises JournalCorrupt if it is not the next one."""
        if seq != self.position + 1:
            raise JournalCorrupt(f"desks stand at {self.position} and were given commit {seq}")
        self.position = seq
        self.at_ms = max(self.at_ms, commit.at_ms)
        self._level = commit.level
        for entry in commit.entries:
            if entry.tag == INPUT_TAG or (fold := self._folds.get(entry.tag)) is None:
                continue
            event = codec.decode_event(entry)
            if not self._sinks:
                fold(entry, event)
                continue
            before = self._contacts.live(entry.contact) if entry.contact else None
            hand, there = self._hand(entry, event), self._there(entry)
            fold(entry, event)
            self._tell(DeskChange(seq, entry, event, None, self._hand(entry, event) or hand), before, there)

    def _hand(self, entry: Entry, event: words.Event) -> Hand | None:
        """The attempt that the event is about."""
        hands = self._hands.get(entry.contact) if entry.contact else None
        return None if hands is None else hands.by_attempt.get(getattr(event, "attempt", 0))

    def _there(self, entry: Entry) -> set[bytes]:
        """Agents who are engaged with the contact that the event is about."""
        hands = self._hands.get(entry.contact) if entry.contact else None
        return set() if hands is None else hands.engaged()

    def _tell(self, change: DeskChange, before: LiveContact | None, there: set[bytes]) -> None:
        """To the agent the event names, to whoever has the contact or is engaged with it before or after it, to those who may
        accept it again; or, if it moves all deadlines, to everyone."""
        entry, event = change.entry, change.event
        after = self.contact(entry.contact) if entry.contact else None
        if isinstance(event, words.DeadlinesShifted):
            audience: set[bytes | None] = {*self._sinks.agents()}
        else:
            audience = {entry.agent, before.agent if before else None, after.agent if after else None}
            audience |= there | self._there(entry)
            if moves_siblings(event) and entry.contact:
                audience |= {agent for agent, _ in self.in_hand(entry.contact)}
        self._sinks.tell(audience, replace(change, contact=after))

    def _nothing(self, _entry: Entry, _event: words.Event) -> None:
        """Changes no desk, but desks are told."""

    def _deadlines_shifted(self, _entry: Entry, event: words.DeadlinesShifted) -> None:
        for works in self._work.values():
            for key, work in works.items():
                if work.deadline_ms is None:
                    continue
                moved = works[key] = replace(work, deadline_ms=work.deadline_ms + event.gap_ms)
                live = self._contacts.live(work.contact)
                hands = self._hands.get(work.contact)
                if live is not None and hands is not None and hands.primary == work.attempt and live.deadline_ms is not None:
                    self._change(work.contact, deadline_ms=moved.deadline_ms)

    def _contact_queued(self, entry: Entry, event: words.ContactQueued) -> None:
        self._contacts.queue(contact_of(entry), channel_of(entry), event, self.position)

    def _contact_ended(self, entry: Entry, event: words.ContactEnded) -> None:
        contact = contact_of(entry)
        self._hands.pop(contact, None)
        if event.state == "scheduled" and self._contacts.live(contact) is None:
            return  # promised a call that never became due: no desk has seen it
        self._contacts.end(contact, self.position, event.reason, event.at_ms)

    def _offer_made(self, entry: Entry, event: words.OfferMade) -> None:
        contact, agent = contact_of(entry), agent_of(entry)
        live = self._change(contact, attempt=event.attempt)
        self._work.setdefault(agent, {})[contact, event.attempt] = Work(
            contact=contact,
            attempt=event.attempt,
            state="offered",
            queue=event.queue,
            channel=live.channel,
            cost=event.cost,
            wait_ms=event.wait_ms,
            since_ms=event.at_ms,
            deadline_ms=event.expires_ms,
            role=event.role,
            cause=event.cause,
            given=event.direct,
            interrupts=event.interrupts,
        )
        self._hands.setdefault(contact, Hands()).offer(event.attempt, agent, event.role)
        self._pass_on(contact)

    def _offer_accepted(self, entry: Entry, event: words.OfferAccepted) -> None:
        self._turn(entry, event.attempt, state="connecting", since_ms=event.at_ms, deadline_ms=event.connect_by_ms)
        hands = self._hands_of(entry)
        hands.turn(event.attempt, "connecting")
        if hands.role(event.attempt) == "primary":
            self._move_siblings(contact_of(entry), None)
        self._pass_on(contact_of(entry))

    def _move_siblings(self, contact: bytes, until_ms: int | None) -> None:
        """What others were offered may be accepted until then; None: not while somebody is connecting."""
        for agent, work in self.in_hand(contact):
            if work.role == "primary" and work.state == "offered":
                self._work[agent][contact, work.attempt] = replace(work, deadline_ms=until_ms)

    def _offer_over(
        self,
        entry: Entry,
        event: words.OfferDeclined | words.OfferExpired | words.OfferRevoked | words.ConnectExpired | words.ConnectFailed,
    ) -> None:
        contact = contact_of(entry)
        self._clear(entry, event.attempt)
        hand = self._hands_of(entry).release(event.attempt)
        until_ms = getattr(event, "siblings_until_ms", None)
        if until_ms is not None:
            self._move_siblings(contact, until_ms)
        # The contact may be gone, or in its next visit already.
        if hand is not None and hand.role == "primary" and self._contacts.live(contact) is not None:
            self._pass_on(contact)

    def _attempt_recorded(self, entry: Entry, event: words.AttemptRecorded) -> None:
        """The customer was not reached: the contact waits for its next time, and nobody has it."""
        self._clear(entry, event.attempt)
        self._hands_of(entry).release(event.attempt)
        self._change(contact_of(entry), state="scheduled", agent=None, deadline_ms=None)

    def _promise_held(self, entry: Entry, _event: words.PromiseHeld) -> None:
        """Its customer is here as another contact: if it waited for an agent, it does not now."""
        contact = contact_of(entry)
        if self._contacts.live(contact) is not None:
            self._change(contact, state="scheduled", agent=None, deadline_ms=None)

    def _callback_due(self, entry: Entry, event: words.CallbackDue) -> None:
        live = self._change(contact_of(entry), key=event.key)
        if self._level >= DUE_BEGINS_WAIT:
            # Nobody waited for the call before. The window ends when it did.
            rest_ms = max(0, live.entered_ms + live.target_ms - event.at_ms)
            self._change(live.contact, entered_ms=event.at_ms, queued_at_ms=event.at_ms, target_ms=rest_ms)

    def _engagement_started(self, entry: Entry, event: words.EngagementStarted) -> None:
        self._turn(entry, event.attempt, state="engaged", since_ms=event.at_ms, deadline_ms=None)
        self._hands_of(entry).turn(event.attempt, "engaged")
        self._pass_on(contact_of(entry))

    def _role_changed(self, entry: Entry, event: words.RoleChanged) -> None:
        self._turn(entry, event.attempt, role=event.role)
        self._hands_of(entry).change_role(event.attempt, event.role)
        self._pass_on(contact_of(entry))

    def _contact_linked(self, entry: Entry, event: words.ContactLinked) -> None:
        if event.cause == "promised" and self._contacts.live(contact_of(entry)) is not None:
            self._change(contact_of(entry), promised=event.other)

    def _engagement_held(self, entry: Entry, event: words.EngagementHeld) -> None:
        self._turn(entry, event.attempt, held_since_ms=event.at_ms, silent_since_ms=None, requeue_at_ms=None)

    def _engagement_resumed(self, entry: Entry, event: words.EngagementResumed) -> None:
        self._turn(entry, event.attempt, held_since_ms=None)

    def _contact_dormant(self, entry: Entry, event: words.ContactDormant) -> None:
        self._turn(entry, event.attempt, cost=event.cost, dormant=True, dormant_end_ms=event.end_at_ms)

    def _contact_revived(self, entry: Entry, event: words.ContactRevived) -> None:
        self._turn(entry, event.attempt, cost=event.cost, dormant=False, dormant_end_ms=None)

    def _agent_silence_noticed(self, entry: Entry, event: words.AgentSilenceNoticed) -> None:
        self._turn(entry, event.attempt, silent_since_ms=event.since_ms, requeue_at_ms=event.requeue_at_ms)

    def _contact_reprioritised(self, entry: Entry, event: words.ContactReprioritised) -> None:
        self._change(contact_of(entry), priority=event.priority, key=event.key)

    def _contact_relaxed(self, entry: Entry, event: words.ContactRelaxed) -> None:
        requirements = tuple(event.requirements)
        self._change(contact_of(entry), priority=event.priority, key=event.key, requirements=requirements)

    def _contact_promoted(self, entry: Entry, event: words.ContactPromoted) -> None:
        self._change(contact_of(entry), key=event.key)

    def _contact_answered(self, entry: Entry, event: words.ContactAnswered) -> None:
        live = self._contacts.live(contact_of(entry))
        if live is not None and live.answered_ms is None:
            self._change(contact_of(entry), answered_ms=event.at_ms)

    def _message_relayed(self, entry: Entry, event: words.MessageRelayed) -> None:
        agent = entry.agent if event.author == "agent" else None
        self._contacts.note(contact_of(entry), Said(event.ordinal, event.author, event.message, agent, event.at_ms))
        if agent is not None:
            for other, work in self.in_hand(contact_of(entry)):
                if work.silent_since_ms is not None:
                    self._work[other][work.contact, work.attempt] = replace(work, silent_since_ms=None, requeue_at_ms=None)

    def _message_attached(self, entry: Entry, event: words.MessageAttached) -> None:
        # What belongs to a contact of long ago stands in the history alone.
        if self.contact(contact_of(entry)) is not None:
            self._contacts.note(contact_of(entry), Said(0, event.author, event.message, None, event.at_ms))

    def _engagement_ended(self, entry: Entry, event: words.EngagementEnded) -> None:
        contact = contact_of(entry)
        hand = self._hands_of(entry).release(event.attempt)
        if self._contacts.live(contact) is not None and hand is not None and hand.role == "primary":
            self._change(contact, agent=None, deadline_ms=None)
        self._contacts.dispose(contact, event.disposition)
        if event.wrap_until_ms is None:
            self._clear(entry, event.attempt)
        else:
            self._turn(
                entry,
                event.attempt,
                state="wrapping",
                since_ms=event.at_ms,
                deadline_ms=event.wrap_until_ms,
                cost=event.wrap_cost,
                held_since_ms=None,
            )

    def _wrap_up_ended(self, entry: Entry, event: words.WrapUpEnded) -> None:
        self._contacts.dispose(contact_of(entry), event.disposition)
        self._clear(entry, event.attempt)

    def _wrap_up_extended(self, entry: Entry, event: words.WrapUpExtended) -> None:
        self._turn(entry, event.attempt, deadline_ms=event.until_ms)

    def _contact_parked(self, entry: Entry, event: words.ContactParked) -> None:
        contact, owner = contact_of(entry), agent_of(entry)
        park = Park(event.kind, event.at_ms, event.until_ms, event.note)
        self._change(contact, state="parked", agent=owner, owner=owner, deadline_ms=None, park=park)
        self._parked.setdefault(owner, {})[contact] = None

    def _park_ended(self, entry: Entry, _event: words.ParkEnded) -> None:
        contact = contact_of(entry)
        live = self._contacts.live(contact)
        if live is None or live.park is None or live.owner is None:
            raise JournalCorrupt(f"commit {self.position} brings back contact {contact.hex()}, which is not parked")
        piled = self._parked[live.owner]
        del piled[contact]
        if not piled:
            del self._parked[live.owner]
        # A new visit, or its end, follows in the same commit.
        self._change(contact, state="queued", agent=None, park=None)

    def _contact_reclassified(self, entry: Entry, event: words.ContactReclassified) -> None:
        self._change(contact_of(entry), topic=event.topic)

    def _customer_erased(self, _entry: Entry, event: words.CustomerErased) -> None:
        # What is written on them from here on belongs to nobody.
        self._contacts.part_from(event.customer)

    def _agent_registered(self, entry: Entry, event: words.AgentRegistered) -> None:
        self._desks[agent_of(entry)] = declared(self._desk(entry), event)

    def _agent_removed(self, entry: Entry, _event: words.AgentRemoved) -> None:
        self._desks.pop(agent_of(entry), None)

    def _presence_changed(self, entry: Entry, event: words.PresenceChanged) -> None:
        self._desks[agent_of(entry)] = present(self._desk(entry), event)

    def _agent_schedule_set(self, entry: Entry, event: words.AgentScheduleSet) -> None:
        self._desks[agent_of(entry)] = replace(self._desk(entry), leaves_ms=event.leaves_ms)

    def _channel_switch_set(self, entry: Entry, event: words.ChannelSwitchSet) -> None:
        self._desks[agent_of(entry)] = switched(self._desk(entry), channel_of(entry), event)

    # Shared steps

    def _desk(self, entry: Entry) -> Desk:
        return self._desks.get(agent_of(entry), Desk(agent=agent_of(entry)))

    def _hands_of(self, entry: Entry) -> Hands:
        return self._hands.setdefault(contact_of(entry), Hands())

    def _pass_on(self, contact: bytes) -> None:
        """The contact is in the hands of its primary, or of those who may become it; else it waits."""
        hands = self._hands[contact]
        agent, attempt = hands.agent, hands.primary
        work = None if agent is None or attempt is None else self._work.get(agent, {}).get((contact, attempt))
        live = self._change(contact, state=hands.stage, agent=agent, deadline_ms=None if work is None else work.deadline_ms)
        if hands.stage == "engaged" and live.served_by != agent:
            self._change(contact, served_by=agent)

    def _change(self, contact: bytes, **changes: Any) -> LiveContact:
        return self._contacts.change(contact, self.position, **changes)

    def _turn(self, entry: Entry, attempt: int, **changes: Any) -> None:
        works = self._work.get(agent_of(entry), {})
        work = works.get((contact_of(entry), attempt))
        if work is None:
            raise JournalCorrupt(f"commit {self.position} speaks of offer {contact_of(entry).hex()}/{attempt}, which is not alive")
        works[work.contact, attempt] = replace(work, **changes)

    def _clear(self, entry: Entry, attempt: int) -> None:
        agent = agent_of(entry)
        works = self._work.get(agent, {})
        works.pop((contact_of(entry), attempt), None)
        if not works:
            self._work.pop(agent, None)


def moves_siblings(event: words.Event) -> bool:
    """Others who were offered the contact cannot accept it for now, or can again."""
    return isinstance(event, words.OfferAccepted) or getattr(event, "siblings_until_ms", None) is not None

"""Boards: what a floor manager looks at, folded from the journal in memory.

Pure: no clock and no waiting. A board equals the fold of the journal up to `position`, however it was fed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from cordboard import codec
from cordboard.errors import JournalCorrupt
from cordboard.events import event as words
from cordboard.events.commit import INPUT_TAG, Commit, Entry
from cordboard.events.policy import Policy
from cordboard.events.promises import DUE_BEGINS_WAIT
from cordboard.policy.hours import days_left
from cordboard.projections.about import agent_of, channel_of, contact_of
from cordboard.projections.hands import Hands
from cordboard.projections.notices import Notices
from cordboard.projections.outgoing import Outgoing
from cordboard.projections.queues import Queues
from cordboard.projections.rows import AgentRow, QueueRow, SiteRow
from cordboard.projections.sla_tallies import ABOUT_CLOCKS, SlaTallies
from cordboard.projections.staff import Staff, Work
from cordboard.projections.tally import Tally


class Stay:
    """A contact's current visit."""

    __slots__ = ("channel", "hands", "offered", "owner", "queue")

    def __init__(self, queue: str, channel: str, hands: Hands) -> None:
        self.queue = queue
        self.channel = channel
        self.hands = hands
        self.offered = False
        self.owner: bytes | None = None
        """Who has put the contact aside, while it is parked."""


class Boards:
    """Queues, channels, agents and the site. Feed every commit in order to `apply`; read rows at any time."""

    def __init__(self) -> None:
        self.position = 0
        self.at_ms = 0
        self._policy_version = 0
        self._policy: Policy | None = None
        self._staff = Staff()
        self._queues = Queues(self._staff)
        self._slas = SlaTallies(self._queues)
        self.notices = Notices()
        self._stays: dict[bytes, Stay] = {}
        self._work: dict[tuple[bytes, int], Work] = {}
        self._contacts = 0
        self._promised: set[bytes] = set()
        """Contacts that were promised a call and have not ended."""
        self._due_ms: dict[bytes, int] = {}
        """When those are to be called who are promised a slot, until the promise ends."""
        self._level = 0
        self._ended: Counter[str] = Counter()
        self._outgoing = Outgoing()
        self._folds: dict[int, Callable[[Entry, Any], None]] = {
            5: self._policy_adopted,
            10: self._contact_queued,
            11: self._contact_ended,
            12: self._visit_ended,
            13: self._offer_made,
            14: self._offer_accepted,
            15: self._offer_over,
            16: self._offer_over,
            17: self._offer_over,
            18: self._offer_over,
            46: self._offer_over,
            75: self._offer_over,
            19: self._engagement_started,
            22: self._engagement_ended,
            23: self._wrap_up_ended,
            25: self._contact_parked,
            26: self._park_ended,
            30: self._agent_changed,
            31: self._agent_changed,
            32: self._agent_changed,
            33: self._agent_changed,
            40: self._outgoing.requested,
            41: self._outgoing.ended,
            42: self._outgoing.retried,
            49: self._agent_changed,
            50: self._agent_changed,
            51: self._agent_changed,
            52: self._agent_changed,
            53: self._agent_reserved,
            54: self._agent_released,
            56: self._threshold_reached,
            57: self._queue_mode_set,
            62: self._matter_repeated,
            71: self._queue_hours_turned,
            72: self._promise_made,
            74: self._callback_due,
            76: self._promise_ended,
            65: self._role_changed,
            66: self._cost_changed,
            67: self._cost_changed,
            **dict.fromkeys(ABOUT_CLOCKS, self._sla_turned),
        }

    # Reading

    def queues(self) -> list[QueueRow]:
        """A row for every queue of the policy, and for every other one that still has counts, by name."""
        return self._queues.queues(self.at_ms)

    def cells(self) -> list[QueueRow]:
        """A row for every channel of every queue that had a contact, by names."""
        return self._queues.cells()

    def channels(self) -> list[QueueRow]:
        """A row for every channel over all queues, by name."""
        return self._queues.channels()

    def agents(self) -> tuple[AgentRow, ...]:
        """A row for every agent of the site, by id; the same tuple until one of them changes."""
        return self._staff.rows(self.at_ms)

    def site(self) -> SiteRow:
        return SiteRow(
            seq=self.position,
            at_ms=self.at_ms,
            policy_version=self._policy_version,
            contacts=self._contacts,
            ended=dict(self._ended),
            agents=len(self._staff.agents),
            agents_ready=self._staff.agents_ready,
            absences={reason: count for reason, count in sorted(self._staff.absences.items()) if count},
            occupancy_permille=self._staff.site.permille(self.at_ms),
            parked=self._queues.parked,
            days_left=None if self._policy is None else days_left(self._policy, self.at_ms),
            effects_open=self._outgoing.open,
            effects_failed=len(self._outgoing.dead_letters),
        )

    def queue(self, queue: str) -> QueueRow | None:
        return self._queues.queue(queue, self.at_ms)

    def agent(self, agent: bytes) -> AgentRow | None:
        return self._staff.row(agent, self.at_ms) if agent in self._staff.agents else None

    def changed_since(self, seq: int) -> tuple[list[QueueRow], list[AgentRow]]:
        """Rows of queues and of agents that changed after position `seq`. A removed agent comes as a row that is `gone`."""
        return self._queues.queues_changed_since(seq, self.at_ms), list(self._staff.changed_since(seq, self.at_ms))

    def parts_changed_since(self, seq: int) -> list[QueueRow]:
        """Rows of single channels, of one queue and over all of them, that changed after position `seq`."""
        return [*self._queues.cells_changed_since(seq), *self._queues.channels_changed_since(seq)]

    @property
    def forgotten(self) -> int:
        """Agents removed at or before this position are forgotten: `changed_since` an older one may miss them."""
        return self._staff.forgotten

    @property
    def declarations(self) -> int:
        """Grows whenever what `serving` says may have changed."""
        return self._staff.declarations

    def serving(self) -> dict[str, frozenset[bytes]]:
        """The agents who are declared for each queue, there or not."""
        return self._staff.serving()

    # Folding

    def apply(self, seq: int, commit: Commit) -> None:
        """Fold the next commit. Raises JournalCorrupt if it is not the next one."""
        if seq != self.position + 1:
            raise JournalCorrupt(f"boards stand at {self.position} and were given commit {seq}")
        self.position = seq
        self.at_ms = max(self.at_ms, commit.at_ms)
        self._level = commit.level
        for entry in commit.entries:
            if entry.tag != INPUT_TAG and (fold := self._folds.get(entry.tag)) is not None:
                fold(entry, codec.decode_event(entry))
        if self._staff.changed:
            for door in self._staff.changed:
                self._queues.touch(*door, self.position)
            self._staff.changed.clear()

    def _policy_adopted(self, _entry: Entry, event: words.PolicyAdopted) -> None:
        policy = codec.decode_policy(event.policy)
        self._policy_version = event.version
        self._policy = policy
        self._queues.adopt(policy.queues, self.position)
        self.notices.adopt(policy)

    def _queue_mode_set(self, _entry: Entry, event: words.QueueModeSet) -> None:
        self._queues.set_mode(event, self.position)

    def _queue_hours_turned(self, _entry: Entry, event: words.QueueHoursTurned) -> None:
        self._queues.turn_hours(event, self.position)

    def _threshold_reached(self, entry: Entry, event: words.ThresholdReached) -> None:
        self.notices.reached(self._stays[contact_of(entry)].queue, event.name)

    def _matter_repeated(self, entry: Entry, _event: words.MatterRepeated) -> None:
        self.notices.repeated(self._stays[contact_of(entry)].queue)

    def _sla_turned(self, entry: Entry, event: Any) -> None:
        self._slas.fold(entry, event, self.position)

    def _agent_changed(self, entry: Entry, event: Any) -> None:
        self._staff.fold(entry, event, self.position)

    def _contact_queued(self, entry: Entry, event: words.ContactQueued) -> None:
        contact, channel = contact_of(entry), channel_of(entry)
        if event.visit == 1 and contact not in self._promised:
            self._contacts += 1
        before = self._stays.get(contact)
        self._stays[contact] = Stay(event.queue, channel, before.hands if before is not None and event.visit > 1 else Hands())
        tally = self._queues.tally(event.queue, channel)
        tally.visits += 1
        if self._level >= DUE_BEGINS_WAIT and event.at_ms < self._due_ms.get(contact, 0):
            tally.early.add(contact)
        else:
            tally.waiting[contact] = event.at_ms
        self._touch(event.queue, channel)

    def _promise_made(self, entry: Entry, event: words.PromiseMade) -> None:
        """A contact from here on, though it stands in no queue before its time."""
        contact = contact_of(entry)
        self._promised.add(contact)
        if event.kind == "scheduled":
            self._due_ms[contact] = event.due_ms
        self._contacts += 1

    def _callback_due(self, entry: Entry, event: words.CallbackDue) -> None:
        """Nobody waited for the call before."""
        if self._level < DUE_BEGINS_WAIT:
            return
        contact = contact_of(entry)
        stay = self._stay(contact)
        tally = self._queues.tally(stay.queue, stay.channel)
        tally.early.discard(contact)
        tally.waiting[contact] = event.at_ms
        tally.waiting.move_to_end(contact)
        self._touch(stay.queue, stay.channel)

    def _promise_ended(self, entry: Entry, _event: words.PromiseEnded) -> None:
        self._due_ms.pop(contact_of(entry), None)

    def _visit_ended(self, entry: Entry, event: words.VisitEnded) -> None:
        contact = contact_of(entry)
        stay = self._stay(contact)
        short_ms = self._queues.short_abandon_ms(event.queue)
        tally = self._queues.tally(event.queue, stay.channel)
        tally.end_visit(self.position, event.outcome, event.wait_ms, event.target_ms, short_ms)
        self._leave(contact, stay)

    def _contact_ended(self, entry: Entry, event: words.ContactEnded) -> None:
        contact = contact_of(entry)
        self._promised.discard(contact)
        # Whoever is promised a call stands in no queue before its time, and perhaps never does.
        if event.state != "scheduled" or contact in self._stays:
            self._leave(contact, self._stay(contact))
            del self._stays[contact]
        self._ended[event.reason] += 1

    def _offer_made(self, entry: Entry, event: words.OfferMade) -> None:
        contact, agent = contact_of(entry), agent_of(entry)
        stay = self._stay(contact)
        work = Work(agent, event.queue, stay.channel, event.cost)
        self._work[contact, event.attempt] = work
        self._staff.take(work)
        stay.hands.offer(event.attempt, agent, event.role)
        self._count_offered(stay)
        self._touch_work(work)

    def _offer_accepted(self, entry: Entry, event: words.OfferAccepted) -> None:
        work = self._working(entry, event.attempt)
        self._stay(contact_of(entry)).hands.turn(event.attempt, "connecting")
        self._staff.turn(work, "connecting", event.at_ms)
        self._touch_work(work)

    def _offer_over(
        self,
        entry: Entry,
        event: words.OfferDeclined
        | words.OfferExpired
        | words.OfferRevoked
        | words.ConnectExpired
        | words.ConnectFailed
        | words.AttemptRecorded,
    ) -> None:
        work = self._working(entry, event.attempt)
        del self._work[contact_of(entry), event.attempt]
        self._staff.release(work, event.at_ms)
        stay = self._stays.get(contact_of(entry))
        if stay is not None:
            stay.hands.release(event.attempt)
            self._count_offered(stay)
        self._touch_work(work)

    def _count_offered(self, stay: Stay) -> None:
        """A contact counts once, however many agents are offered it; what sides are offered is not the contact."""
        offered = stay.hands.waits_for_answer
        if offered != stay.offered:
            self._queues.tally(stay.queue, stay.channel).offering += offered - stay.offered
            stay.offered = offered
            self._touch(stay.queue, stay.channel)

    def _engagement_started(self, entry: Entry, event: words.EngagementStarted) -> None:
        contact = contact_of(entry)
        work = self._working(entry, event.attempt)
        self._staff.turn(work, "engaged", event.at_ms)
        stay = self._stay(contact)
        stay.hands.turn(event.attempt, "engaged")
        if event.role == "primary":
            self._count_engaged(work)
            self._leave(contact, stay)
        self._touch_work(work)

    def _count_engaged(self, work: Work) -> None:
        """The queue's boards count a contact once: by its primary."""
        work.counted = True
        self._queues.tally(work.queue, work.channel).engaged += 1

    def _role_changed(self, entry: Entry, event: words.RoleChanged) -> None:
        work = self._working(entry, event.attempt)
        self._stay(contact_of(entry)).hands.change_role(event.attempt, event.role)
        if event.role == "primary" and not work.counted:
            self._count_engaged(work)
        self._touch_work(work)

    def _cost_changed(self, entry: Entry, event: words.ContactDormant | words.ContactRevived) -> None:
        work = self._working(entry, event.attempt)
        self._staff.recost(work, event.cost, event.at_ms)
        self._touch_work(work)

    def _engagement_ended(self, entry: Entry, event: words.EngagementEnded) -> None:
        work = self._working(entry, event.attempt)
        tally = self._queues.tally(work.queue, work.channel)
        tally.engaged -= work.counted
        self._stay(contact_of(entry)).hands.release(event.attempt)
        work.talk_ms = max(0, event.at_ms - work.turned_ms)
        if event.wrap_until_ms is not None:
            self._staff.turn(work, "wrapping", event.at_ms, event.wrap_cost)
            tally.wrapping += work.counted
        else:
            self._finish(entry, event.attempt, work, tally, event.at_ms, 0)
        self._touch_work(work)

    def _wrap_up_ended(self, entry: Entry, event: words.WrapUpEnded) -> None:
        work = self._working(entry, event.attempt)
        tally = self._queues.tally(work.queue, work.channel)
        tally.wrapping -= work.counted
        self._finish(entry, event.attempt, work, tally, event.at_ms, max(0, event.at_ms - work.turned_ms))
        self._touch_work(work)

    def _finish(self, entry: Entry, attempt: int, work: Work, tally: Tally, at_ms: int, wrap_ms: int) -> None:
        del self._work[contact_of(entry), attempt]
        self._staff.release(work, at_ms)
        tally.handled += work.counted
        tally.handle_ms += work.counted * (work.talk_ms + wrap_ms)

    def _contact_parked(self, entry: Entry, _event: words.ContactParked) -> None:
        stay = self._stay(contact_of(entry))
        stay.owner = agent_of(entry)
        self._park(stay, stay.owner, 1)

    def _park_ended(self, entry: Entry, _event: words.ParkEnded) -> None:
        stay = self._stay(contact_of(entry))
        if stay.owner is None:
            raise JournalCorrupt(f"commit {self.position} brings back contact {contact_of(entry).hex()}, which is not parked")
        self._park(stay, stay.owner, -1)
        stay.owner = None

    def _park(self, stay: Stay, owner: bytes, by: int) -> None:
        self._queues.tally(stay.queue, stay.channel).parked += by
        self._staff.parked[owner] += by
        self._touch(stay.queue, stay.channel)
        if owner in self._staff.agents:
            self._staff.touch(owner, self.position)

    def _agent_reserved(self, entry: Entry, _event: words.AgentReserved) -> None:
        contact, agent = contact_of(entry), agent_of(entry)
        stay = self._stay(contact)
        self._reserve(agent, contact, stay.queue, stay.channel, 1)

    def _agent_released(self, entry: Entry, _event: words.AgentReleased) -> None:
        stay = self._stay(contact_of(entry))
        self._reserve(agent_of(entry), None, stay.queue, stay.channel, -1)

    def _reserve(self, agent: bytes, contact: bytes | None, queue: str, channel: str, by: int) -> None:
        self._queues.tally(queue, channel).reserved += by
        self._staff.agent(agent).reserved_for = contact
        self._touch(queue, channel)
        self._staff.touch(agent, self.position)

    # Shared steps

    def _leave(self, contact: bytes, stay: Stay) -> None:
        """The contact no longer waits in its queue: connected, gone or moved."""
        tally = self._queues.tally(stay.queue, stay.channel)
        tally.waiting.pop(contact, None)
        tally.early.discard(contact)
        if stay.offered:
            stay.offered = False
            tally.offering -= 1
        self._touch(stay.queue, stay.channel)

    def _stay(self, contact: bytes) -> Stay:
        stay = self._stays.get(contact)
        if stay is None:
            raise JournalCorrupt(f"commit {self.position} speaks of contact {contact.hex()}, which is in no queue")
        return stay

    def _working(self, entry: Entry, attempt: int) -> Work:
        work = self._work.get((contact_of(entry), attempt))
        if work is None:
            raise JournalCorrupt(f"commit {self.position} speaks of offer {contact_of(entry).hex()}/{attempt}, which is not alive")
        return work

    def _touch(self, queue: str, channel: str) -> None:
        self._queues.touch(queue, channel, self.position)

    def _touch_work(self, work: Work) -> None:
        self._touch(work.queue, work.channel)
        self._staff.touch(work.agent, self.position)

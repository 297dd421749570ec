"""Commits → changes of rows. A fold in memory, pure but for its own result; nothing here knows a database.

    changes = Changes(known, hands)     # known: visit that each touched contact was in so far, 0 if none; who had it in hand
    for commit in commits:
        changes.apply(commit)

Every change is an absolute value, so rows need not be read before they are written; changes of one batch to one row are merged.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events import INPUT_TAG, Commit, Entry
from cordboard.events import event as e
from cordboard.events.fact import BroadcastRequested, ContactArrived
from cordboard.events.promises import DUE_BEGINS_WAIT
from cordboard.projections.about import agent_of
from cordboard.projections.hands import Hand, Hands
from cordboard.projections.history.details import fields_of, verdict_details

Row = dict[str, Any]
_HANDS = msgspec.json.Decoder(dict[int, Hand])
Key = tuple[Any, ...]
_HOMES = frozenset({10, 21, 28})
"""ContactQueued, MessageRelayed, MessageAttached: the first of them that an arrival caused says which contact it became part of."""


class Rows:
    """Changes to one table: rows to insert, and values to set in rows that are there. A `first_only` value stays once it is set."""

    __slots__ = ("_first_only", "inserts", "updates")

    def __init__(self, first_only: frozenset[str] = frozenset()) -> None:
        self.inserts: dict[Key, Row] = {}
        self.updates: dict[Key, Row] = {}
        self._first_only = first_only

    def insert(self, key: Key, row: Row) -> None:
        self.inserts[key] = row

    def set(self, key: Key, **values: Any) -> None:
        row = self.inserts.get(key)
        if row is None:
            row = self.updates.setdefault(key, {})
        for name, value in values.items():
            if not (name in self._first_only and row.get(name) is not None):
                row[name] = value

    def drop(self, contact: bytes) -> None:
        """Forget what was to change about this contact."""
        for changes in (self.inserts, self.updates):
            for key in [key for key in changes if key[0] == contact]:
                del changes[key]


class Changes:
    """What a batch of commits changes. `contacts`, `visits`, `engagements` and `promises` by primary key; `timeline`,
    `broadcasts` and `slas` rows in order."""

    def __init__(self, known: Mapping[bytes, int], hands: Mapping[bytes, str] | None = None) -> None:
        self.contacts = Rows(first_only=frozenset({"answered_at_ms"}))
        self.visits = Rows()
        self.engagements = Rows()
        self.promises = Rows()
        self.timeline: list[Row] = []
        self.broadcasts: list[Row] = []
        self.slas: list[Row] = []
        self.visit_of: dict[bytes, int] = dict(known)
        self.level = 0
        """Of the commit that is being folded."""
        self._hands = {contact: Hands(_HANDS.decode(text)) for contact, text in (hands or {}).items()}
        self.verdicts: Counter[str] = Counter()
        """How many inputs got which verdict."""
        self.promised: Counter[str] = Counter()
        """How many promises were made, are at risk, or ended so."""
        self.reborn: set[bytes] = set()
        """Contacts whose id has been used before, longer ago than the router remembers: their old rows are to be deleted first."""

    def hands_of(self, contact: bytes) -> Hands:
        return self._hands.setdefault(contact, Hands())

    def in_hands(self, contact: bytes, *, pass_on: bool = True) -> None:
        """Who has the contact in hand now; if it is `pass_on`, that is where it is."""
        hands = self.hands_of(contact)
        self.contacts.set((contact,), hands=msgspec.json.encode(hands.by_attempt).decode())
        if pass_on:
            self.contacts.set((contact,), state=hands.stage, agent=hands.agent)

    def apply(self, commit: Commit) -> None:
        """Raises JournalCorrupt if an entry's body cannot be read."""
        self.level = commit.level
        homes: dict[int, bytes] = {}
        for entry in commit.entries:
            if entry.tag in _HOMES and entry.contact is not None:
                homes.setdefault(entry.cause, entry.contact)
        for index, entry in enumerate(commit.entries):
            if entry.contact is None:
                if entry.tag == INPUT_TAG:
                    self._broadcast(commit, index, entry)
            elif entry.tag == INPUT_TAG:
                self._input(commit, index, entry, entry.contact, homes)
            else:
                self._event(commit, index, entry, entry.contact)

    def _input(self, commit: Commit, index: int, entry: Entry, contact: bytes, homes: Mapping[int, bytes]) -> None:
        given = codec.decode_input(entry)
        details = verdict_details(given.verdict)
        self.verdicts[details["verdict"]] += 1
        fact_id, name = None, "Quarantined"
        if given.fact:
            try:
                fact = codec.decode_fact(given.fact)
            except InvalidInput:
                # A fact of a newer release: its bytes stay in the journal, the timeline says that there was one.
                name = "UnknownFact"
            else:
                name, fact_id = type(fact).__name__, fact.fact_id
                details |= fields_of(fact)
                if isinstance(fact, ContactArrived) and (home := homes.get(index, contact)) != contact:
                    # It joined its case's contact: the one it would have become never came to be.
                    details["arrived_as"] = contact.hex()
                    contact = home
        self._tell(commit, index, entry, contact, given.stored_ms, name, details, fact_id)

    def _broadcast(self, commit: Commit, index: int, entry: Entry) -> None:
        """Of the inputs that are about no contact, those that broadcast something."""
        given = codec.decode_input(entry)
        verdict = verdict_details(given.verdict)["verdict"]
        self.verdicts[verdict] += 1
        try:
            fact = codec.decode_fact(given.fact) if given.fact else None
        except InvalidInput:
            return  # of a newer release
        if isinstance(fact, BroadcastRequested):
            self.broadcasts.append(
                {
                    "seq": commit.seq,
                    "entry": index,
                    "at_ms": given.stored_ms,
                    "fact": fact.fact_id,
                    "queue": fact.queue,
                    "message": fact.message,
                    "by": fact.by,
                    "reason": fact.reason,
                    "verdict": verdict,
                }
            )

    def _event(self, commit: Commit, index: int, entry: Entry, contact: bytes) -> None:
        event = codec.decode_event(entry)
        if (fold := FOLDS.get(type(event))) is not None:
            fold(self, entry, contact, event)
            self.contacts.set((contact,), last_seq=commit.seq)
        elif isinstance(event, e.SlaMet | e.SlaBroken | e.SlaCancelled):
            self.slas.append({"seq": commit.seq, "entry": index, "contact": contact, "channel": entry.channel} | _sla_row(event))
        self._tell(commit, index, entry, contact, event.at_ms, type(event).__name__, fields_of(event), None)

    def _tell(
        self, commit: Commit, index: int, entry: Entry, contact: bytes, at_ms: int, name: str, details: Row, fact_id: bytes | None
    ) -> None:
        self.timeline.append(
            {
                "contact": contact,
                "seq": commit.seq,
                "entry": index,
                "at_ms": at_ms,
                "name": name,
                "agent": entry.agent,
                "channel": entry.channel,
                "visit": self.visit_of.get(contact) or None,
                "fact": fact_id,
                "details": msgspec.json.encode(details).decode(),
            }
        )


def _sla_row(event: e.SlaMet | e.SlaBroken | e.SlaCancelled) -> Row:
    outcome, spare_ms = "broken", 0
    if not isinstance(event, e.SlaBroken):
        outcome, spare_ms = "met" if isinstance(event, e.SlaMet) else "cancelled", event.spare_ms
    return {
        "case": event.case,
        "sla": event.name,
        "queue": event.queue,
        "internal": event.internal,
        "outcome": outcome,
        "ended_ms": event.at_ms,
        "spare_ms": spare_ms,
    }


def touched(commits: Iterable[Commit]) -> set[bytes]:
    """The contacts that these commits are about."""
    return {entry.contact for commit in commits for entry in commit.entries if entry.contact is not None}


def _queued(changes: Changes, entry: Entry, contact: bytes, event: e.ContactQueued) -> None:
    # Who was promised a call has its row already.
    begins = event.visit == 1 and changes.visit_of.get(contact) != 0
    if begins:
        _forget(changes, contact)
    changes.visit_of[contact] = event.visit
    changes.visits.insert(
        (contact, event.visit),
        {
            "contact": contact,
            "visit": event.visit,
            "queue": event.queue,
            "channel": entry.channel,
            "priority": event.priority,
            "entered_ms": event.at_ms,
            "queued_at_ms": event.queued_at_ms,
            "target_ms": event.target_ms,
            "left_ms": None,
            "wait_ms": None,
            "outcome": None,
        },
    )
    if not begins:
        changes.contacts.set((contact,), state="queued", agent=None, queue=event.queue, priority=event.priority, visits=event.visit)
        return
    changes.contacts.insert((contact,), _row(contact, entry, event, state="queued", visits=1))


def _row(contact: bytes, entry: Entry, event: e.ContactQueued | e.PromiseMade, *, state: str, visits: int) -> Row:
    """A contact's life begins."""
    return {
        "id": contact,
        "channel": entry.channel,
        "queue": event.queue,
        "state": state,
        "priority": event.priority,
        "customer": event.customer,
        "agent": None,
        "entry_point": event.entry_point,
        "topic_first": event.topic,
        "topic": event.topic,
        "rule": event.rule,
        "language": event.language,
        "case": event.case or contact,
        "owner": None,
        "park_kind": None,
        "park_until_ms": None,
        "park_note": None,
        "disposition": None,
        "queued_at_ms": event.at_ms,
        "answered_at_ms": None,
        "ended_at_ms": None,
        "end_reason": None,
        "end_state": None,
        "successor": None,
        "visits": visits,
        "attempts": 0,
        "hands": "{}",
        "messages": 0,
        "last_seq": 0,
    }


def _promised(changes: Changes, entry: Entry, contact: bytes, event: e.PromiseMade) -> None:
    """It stands in no queue yet: its first visit begins when its time comes."""
    _forget(changes, contact)
    changes.visit_of[contact] = 0
    changes.contacts.insert((contact,), _row(contact, entry, event, state="scheduled", visits=0))
    changes.promised["made"] += 1
    changes.promises.insert(
        (contact,),
        {
            "contact": contact,
            "queue": event.queue,
            "channel": entry.channel,
            "made_ms": event.at_ms,
            "due_ms": event.due_ms,
            "at_risk": False,
            "outcome": None,
            "reason": None,
            "ended_ms": None,
            "lateness_ms": None,
        },
    )


def _at_risk(changes: Changes, _entry: Entry, contact: bytes, _event: e.PromiseAtRisk) -> None:
    changes.promised["at_risk"] += 1
    changes.promises.set((contact,), at_risk=True)


def _promise_ended(changes: Changes, _entry: Entry, contact: bytes, event: e.PromiseEnded) -> None:
    changes.promised[event.outcome] += 1
    changes.promises.set(
        (contact,), outcome=event.outcome, reason=event.reason, ended_ms=event.at_ms, lateness_ms=event.lateness_ms
    )


def _forget(changes: Changes, contact: bytes) -> None:
    if contact in changes.visit_of:
        # The later life has the rows; the timeline keeps both.
        changes.reborn.add(contact)
        for rows in (changes.contacts, changes.visits, changes.engagements, changes.promises):
            rows.drop(contact)
    changes.hands_of(contact).by_attempt.clear()


def _due(changes: Changes, _entry: Entry, contact: bytes, event: e.CallbackDue) -> None:
    if changes.level >= DUE_BEGINS_WAIT:
        visit = changes.visit_of.get(contact, 0)
        changes.visits.set((contact, visit), entered_ms=event.at_ms, queued_at_ms=event.at_ms)


def _attempted(changes: Changes, _entry: Entry, contact: bytes, event: e.AttemptRecorded) -> None:
    changes.hands_of(contact).release(event.attempt)
    changes.in_hands(contact, pass_on=False)
    changes.contacts.set((contact,), state="scheduled", agent=None)


def _held(changes: Changes, _entry: Entry, contact: bytes, _event: e.PromiseHeld) -> None:
    changes.contacts.set((contact,), state="scheduled", agent=None)


def _ended(changes: Changes, _entry: Entry, contact: bytes, event: e.ContactEnded) -> None:
    changes.contacts.set(
        (contact,),
        state="ended",
        ended_at_ms=event.at_ms,
        end_reason=event.reason,
        end_state=event.state,
        successor=event.successor,
    )


def _visit_ended(changes: Changes, _entry: Entry, contact: bytes, event: e.VisitEnded) -> None:
    # Of a promised contact wait and target count from when it was due, not from when it was queued.
    changes.visits.set(
        (contact, event.visit),
        entered_ms=event.entered_ms,
        target_ms=event.target_ms,
        left_ms=event.at_ms,
        wait_ms=event.wait_ms,
        outcome=event.outcome,
    )


def _offered(changes: Changes, entry: Entry, contact: bytes, event: e.OfferMade) -> None:
    changes.contacts.set((contact,), attempts=event.attempt)
    changes.hands_of(contact).offer(event.attempt, agent_of(entry), event.role)
    changes.in_hands(contact)


def _accepted(changes: Changes, _entry: Entry, contact: bytes, event: e.OfferAccepted) -> None:
    changes.hands_of(contact).turn(event.attempt, "connecting")
    changes.in_hands(contact)


def _let_go(
    changes: Changes,
    _entry: Entry,
    contact: bytes,
    event: e.OfferDeclined | e.OfferExpired | e.OfferRevoked | e.ConnectExpired | e.ConnectFailed,
) -> None:
    # Gone or transferred: another event of the same cause says where the contact is now.
    changes.hands_of(contact).release(event.attempt)
    changes.in_hands(contact)


def _role_changed(changes: Changes, _entry: Entry, contact: bytes, event: e.RoleChanged) -> None:
    changes.hands_of(contact).change_role(event.attempt, event.role)
    changes.in_hands(contact)


def _reprioritised(changes: Changes, _entry: Entry, contact: bytes, event: e.ContactReprioritised | e.ContactRelaxed) -> None:
    changes.contacts.set((contact,), priority=event.priority)
    changes.visits.set((contact, changes.visit_of.get(contact, 0)), priority=event.priority)


def _engaged(changes: Changes, entry: Entry, contact: bytes, event: e.EngagementStarted) -> None:
    changes.hands_of(contact).turn(event.attempt, "engaged")
    changes.in_hands(contact)
    changes.engagements.insert(
        (contact, event.attempt),
        {
            "contact": contact,
            "attempt": event.attempt,
            "visit": changes.visit_of.get(contact, 0),
            "agent": entry.agent,
            "channel": entry.channel,
            "queue": event.queue,
            "started_ms": event.at_ms,
            "ended_ms": None,
            "ended_by": None,
            "disposition": None,
            "note": None,
            "wrap_until_ms": None,
            "wrap_ended_ms": None,
            "wrap_ended_by": None,
        },
    )


def _answered(changes: Changes, _entry: Entry, contact: bytes, event: e.ContactAnswered) -> None:
    changes.contacts.set((contact,), answered_at_ms=event.at_ms)


def _relayed(changes: Changes, _entry: Entry, contact: bytes, event: e.MessageRelayed) -> None:
    changes.contacts.set((contact,), messages=event.ordinal)


def _engagement_ended(changes: Changes, _entry: Entry, contact: bytes, event: e.EngagementEnded) -> None:
    changes.engagements.set(
        (contact, event.attempt),
        ended_ms=event.at_ms,
        ended_by=event.by,
        disposition=event.disposition,
        note=event.note,
        wrap_until_ms=event.wrap_until_ms,
    )
    # Who had it stays with the contact until somebody else does.
    changes.hands_of(contact).release(event.attempt)
    changes.in_hands(contact, pass_on=False)
    if event.disposition is not None:
        changes.contacts.set((contact,), disposition=event.disposition)


def _wrapped(changes: Changes, _entry: Entry, contact: bytes, event: e.WrapUpEnded) -> None:
    key = (contact, event.attempt)
    changes.engagements.set(key, wrap_ended_ms=event.at_ms, wrap_ended_by=event.by)
    if event.disposition is not None:
        changes.engagements.set(key, disposition=event.disposition)
        changes.contacts.set((contact,), disposition=event.disposition)
    if event.note is not None:
        changes.engagements.set(key, note=event.note)


def _extended(changes: Changes, _entry: Entry, contact: bytes, event: e.WrapUpExtended) -> None:
    changes.engagements.set((contact, event.attempt), wrap_until_ms=event.until_ms)


def _parked(changes: Changes, entry: Entry, contact: bytes, event: e.ContactParked) -> None:
    changes.contacts.set(
        (contact,),
        state="parked",
        agent=entry.agent,
        owner=entry.agent,
        park_kind=event.kind,
        park_until_ms=event.until_ms,
        park_note=event.note,
    )


def _park_ended(changes: Changes, _entry: Entry, contact: bytes, _event: e.ParkEnded) -> None:
    # Its state comes with the new visit, or the end, in the same commit.
    changes.contacts.set((contact,), park_kind=None, park_until_ms=None, park_note=None)


def _reclassified(changes: Changes, _entry: Entry, contact: bytes, event: e.ContactReclassified) -> None:
    changes.contacts.set((contact,), topic=event.topic)


FOLDS: dict[type, Callable[[Changes, Entry, bytes, Any], None]] = {
    e.ContactQueued: _queued,
    e.ContactEnded: _ended,
    e.VisitEnded: _visit_ended,
    e.OfferMade: _offered,
    e.OfferAccepted: _accepted,
    e.OfferDeclined: _let_go,
    e.OfferExpired: _let_go,
    e.OfferRevoked: _let_go,
    e.ConnectExpired: _let_go,
    e.ConnectFailed: _let_go,
    e.PromiseMade: _promised,
    e.CallbackDue: _due,
    e.AttemptRecorded: _attempted,
    e.PromiseHeld: _held,
    e.PromiseAtRisk: _at_risk,
    e.PromiseEnded: _promise_ended,
    e.ContactReprioritised: _reprioritised,
    e.ContactRelaxed: _reprioritised,
    e.RoleChanged: _role_changed,
    e.EngagementStarted: _engaged,
    e.ContactAnswered: _answered,
    e.MessageRelayed: _relayed,
    e.EngagementEnded: _engagement_ended,
    e.WrapUpEnded: _wrapped,
    e.WrapUpExtended: _extended,
    e.ContactParked: _parked,
    e.ParkEnded: _park_ended,
    e.ContactReclassified: _reclassified,
}
"""Events that change rows; the others only stand in the timeline."""

"""The history of one contact, told the slow way: read everything about it, then say what the rows must be."""

from collections.abc import Iterable
from typing import Any

from cordboard import codec
from cordboard.events import INPUT_TAG, Commit, Entry
from cordboard.events import event as words
from cordboard.events.fact import ContactArrived
from cordboard.events.verdict import Accepted

Row = dict[str, Any]


def contacts(commits: Iterable[Commit]) -> dict[bytes, list[tuple[int, int, Entry]]]:
    """(seq, entry index, entry) of every contact. What joined another contact is told of that one."""
    found: dict[bytes, list[tuple[int, int, Entry]]] = {}
    for commit in commits:
        for index, entry in enumerate(commit.entries):
            if entry.contact is not None:
                found.setdefault(_home(commit, index, entry) or entry.contact, []).append((commit.seq, index, entry))
    return found


def _home(commit: Commit, index: int, entry: Entry) -> bytes | None:
    """The contact that a message went to which arrived as a contact of its own; None for everything else."""
    if entry.tag != INPUT_TAG or not isinstance(codec.decode_input(entry).verdict, Accepted):
        return None
    fact = codec.decode_fact(codec.decode_input(entry).fact)
    if not isinstance(fact, ContactArrived):
        return None
    caused = [
        (other.contact, codec.decode_event(other)) for other in commit.entries if other.tag != INPUT_TAG and other.cause == index
    ]
    if any(contact == fact.contact for contact, _ in caused):
        return None
    where = {contact for contact, event in caused if isinstance(event, words.MessageRelayed | words.MessageAttached)}
    # Without a message there is nothing to join with, unless that brought a parked contact back.
    where |= {contact for contact, event in caused if isinstance(event, words.ParkEnded)}
    assert len(where) <= 1, "it went to one contact"
    return where.pop() if where else None


def events_of(entries: list[tuple[int, int, Entry]]) -> list[tuple[Entry, words.Event]]:
    """The events of the contact's life; of its last one, if its id was used again after the router had forgotten it."""
    events = [(entry, codec.decode_event(entry)) for _, _, entry in entries if entry.tag != INPUT_TAG]
    births: list[int] = []
    promised = False
    for at, (_, event) in enumerate(events):
        # The first visit of a promised contact begins no life: the promise did.
        if isinstance(event, words.PromiseMade) or (isinstance(event, words.ContactQueued) and event.visit == 1 and not promised):
            births.append(at)
        if isinstance(event, words.PromiseMade | words.ContactQueued):
            promised = isinstance(event, words.PromiseMade)
    return events[births[-1] :] if births else []


def contact_row(contact: bytes, entries: list[tuple[int, int, Entry]]) -> Row | None:
    """The row of history_contacts without `last_seq` and `hands`; None if the contact was never queued, nor promised a call."""
    events = events_of(entries)
    queued = [event for _, event in events if isinstance(event, words.ContactQueued)]
    if not events:
        return None
    begun = next(event for _, event in events if isinstance(event, words.PromiseMade | words.ContactQueued))
    last = [begun, *queued][-1]
    ended = next((event for _, event in events if isinstance(event, words.ContactEnded)), None)
    answers = [event.at_ms for _, event in events if isinstance(event, words.ContactAnswered)]
    state, agent = state_of(events)
    return {
        "id": contact,
        "channel": entries[-1][2].channel if entries[-1][2].channel else events[0][0].channel,
        "queue": last.queue,
        "state": state,
        "priority": priorities(events)[queued[-1].visit] if queued else begun.priority,
        "customer": begun.customer,
        "agent": agent,
        "entry_point": begun.entry_point,
        "topic_first": begun.topic,
        "topic": ([begun.topic] + [event.topic for _, event in events if isinstance(event, words.ContactReclassified)])[-1],
        "rule": begun.rule,
        "language": begun.language,
        "case": begun.case or contact,
        **park_of(events),
        "disposition": ([None] + [said for _, event in events if (said := getattr(event, "disposition", None))])[-1],
        "queued_at_ms": begun.at_ms,
        "answered_at_ms": min(answers, default=None),
        "ended_at_ms": ended.at_ms if ended else None,
        "end_reason": ended.reason if ended else None,
        "end_state": ended.state if ended else None,
        "successor": ended.successor if ended else None,
        "visits": len(queued),
        "attempts": len([event for _, event in events if isinstance(event, words.OfferMade)]),
        "messages": len([event for _, event in events if isinstance(event, words.MessageRelayed)]),
    }


def state_of(events: list[tuple[Entry, words.Event]]) -> tuple[str, bytes | None]:
    """State and agent after the last event: of the primary attempts that live the one that is furthest."""
    state, agent = "", None
    held: dict[int, tuple[bytes | None, str, str]] = {}
    for entry, event in events:
        attempt = getattr(event, "attempt", 0)
        match event:
            case words.ContactQueued():
                state, agent = "queued", None
                continue
            case words.PromiseMade() | words.AttemptRecorded() | words.PromiseHeld():
                held.pop(attempt, None)
                state, agent = "scheduled", None
                continue
            case words.ContactParked():
                state, agent = "parked", entry.agent
                continue
            case words.ContactEnded():
                state = "ended"
                continue
            case words.EngagementEnded():
                held.pop(attempt, None)
                continue
            case words.OfferMade():
                held[attempt] = entry.agent, event.role, "offered"
            case words.OfferAccepted():
                held[attempt] = entry.agent, held[attempt][1], "connecting"
            case words.EngagementStarted():
                held[attempt] = entry.agent, held[attempt][1], "engaged"
            case words.RoleChanged():
                held[attempt] = entry.agent, event.role, "engaged"
            case (
                words.OfferDeclined() | words.OfferExpired() | words.OfferRevoked() | words.ConnectExpired() | words.ConnectFailed()
            ):
                held.pop(attempt)
            case _:
                continue
        state, agent = "queued", None
        for stage in ("offered", "connecting", "engaged"):
            of_stage = [who for _, (who, role, reached) in sorted(held.items()) if (role, reached) == ("primary", stage)]
            if of_stage:
                state, agent = stage, of_stage[0]
    return state, agent


def priorities(events: list[tuple[Entry, words.Event]]) -> dict[int, int]:
    """The last priority of every visit."""
    found: dict[int, int] = {}
    for _, event in events:
        match event:
            case words.ContactQueued():
                found[event.visit] = event.priority
            case words.ContactReprioritised() | words.ContactRelaxed():
                found[max(found)] = event.priority
            case _:
                pass
    return found


def park_of(events: list[tuple[Entry, words.Event]]) -> Row:
    """Who parked it last; and why and until when, if nothing has brought it back."""
    parks = [(entry, event) for entry, event in events if isinstance(event, words.ContactParked | words.ParkEnded)]
    owners = [entry.agent for entry, event in parks if isinstance(event, words.ContactParked)]
    row: Row = {"owner": owners[-1] if owners else None, "park_kind": None, "park_until_ms": None, "park_note": None}
    if parks and isinstance(last := parks[-1][1], words.ContactParked):
        row.update(park_kind=last.kind, park_until_ms=last.until_ms, park_note=last.note)
    return row


def due_in(events: list[tuple[Entry, words.Event]]) -> dict[int, int]:
    """When the promised call became due, by the visit that had begun before: its wait counts from then."""
    found: dict[int, int] = {}
    visit = 0
    for _, event in events:
        match event:
            case words.ContactQueued():
                visit = event.visit
            case words.CallbackDue():
                found[visit] = event.at_ms
    return found


def visit_rows(contact: bytes, entries: list[tuple[int, int, Entry]]) -> list[Row]:
    events = events_of(entries)
    ends = {event.visit: event for _, event in events if isinstance(event, words.VisitEnded)}
    due_ms = due_in(events)
    until_ms = next((event.until_ms for _, event in events if isinstance(event, words.PromiseMade)), 0)
    return [
        {
            "contact": contact,
            "visit": event.visit,
            "queue": event.queue,
            "channel": entry.channel,
            "priority": priorities(events_of(entries))[event.visit],
            "entered_ms": due_ms.get(event.visit, event.at_ms),
            "queued_at_ms": due_ms.get(event.visit, event.queued_at_ms),
            "target_ms": until_ms - due_ms[event.visit] if event.visit in ends and event.visit in due_ms else event.target_ms,
            "left_ms": ends[event.visit].at_ms if event.visit in ends else None,
            "wait_ms": ends[event.visit].wait_ms if event.visit in ends else None,
            "outcome": ends[event.visit].outcome if event.visit in ends else None,
        }
        for entry, event in events
        if isinstance(event, words.ContactQueued)
    ]


def promise_rows(contact: bytes, entries: list[tuple[int, int, Entry]]) -> list[Row]:
    events = events_of(entries)
    ends = [event for _, event in events if isinstance(event, words.PromiseEnded)]
    return [
        {
            "contact": contact,
            "queue": made.queue,
            "channel": entry.channel,
            "made_ms": made.at_ms,
            "due_ms": made.due_ms,
            "at_risk": any(isinstance(event, words.PromiseAtRisk) for _, event in events),
            "outcome": ends[0].outcome if ends else None,
            "reason": ends[0].reason if ends else None,
            "ended_ms": ends[0].at_ms if ends else None,
            "lateness_ms": ends[0].lateness_ms if ends else None,
        }
        for entry, made in events
        if isinstance(made, words.PromiseMade)
    ]


def sla_rows(contact: bytes, entries: list[tuple[int, int, Entry]]) -> list[Row]:
    rows: list[Row] = []
    for seq, index, entry in entries:
        event = None if entry.tag == INPUT_TAG else codec.decode_event(entry)
        if isinstance(event, words.SlaMet | words.SlaBroken | words.SlaCancelled):
            row = {
                "seq": seq,
                "entry": index,
                "contact": contact,
                "case": event.case,
                "sla": event.name,
                "queue": event.queue,
                "channel": entry.channel,
                "internal": event.internal,
                "outcome": type(event).__name__.removeprefix("Sla").lower(),
                "ended_ms": event.at_ms,
                "spare_ms": 0 if isinstance(event, words.SlaBroken) else event.spare_ms,
            }
            rows.append(row)
    return rows


def engagement_rows(contact: bytes, entries: list[tuple[int, int, Entry]]) -> list[Row]:
    rows: dict[int, Row] = {}
    visit = 0
    for entry, event in events_of(entries):
        match event:
            case words.ContactQueued():
                visit = event.visit
            case words.EngagementStarted():
                rows[event.attempt] = {
                    "contact": contact,
                    "attempt": event.attempt,
                    "visit": visit,
                    "agent": entry.agent,
                    "channel": entry.channel,
                    "queue": event.queue,
                    "started_ms": event.at_ms,
                } | dict.fromkeys(
                    ("ended_ms", "ended_by", "disposition", "note", "wrap_until_ms", "wrap_ended_ms", "wrap_ended_by"), None
                )
            case words.EngagementEnded():
                rows[event.attempt].update(
                    ended_ms=event.at_ms,
                    ended_by=event.by,
                    disposition=event.disposition,
                    note=event.note,
                    wrap_until_ms=event.wrap_until_ms,
                )
            case words.WrapUpEnded():
                row = rows[event.attempt]
                row.update(wrap_ended_ms=event.at_ms, wrap_ended_by=event.by)
                row.update(disposition=event.disposition or row["disposition"], note=event.note or row["note"])
            case words.WrapUpExtended():
                rows[event.attempt]["wrap_until_ms"] = event.until_ms
    return [rows[attempt] for attempt in sorted(rows)]

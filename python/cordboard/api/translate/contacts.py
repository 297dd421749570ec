"""Contacts, their filter and their timeline, as protobuf."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import msgspec

from cordboard.api.chosen import why_chosen
from cordboard.api.people import called
from cordboard.api.translate.check import Check
from cordboard.api.translate.desk import InHand, sides_of
from cordboard.api.translate.words import STATES, TO_PARK_KIND, TO_STATE, requirements_to
from cordboard.events.agents_named import agents_in
from cordboard.events.bounds import INSTANT_MAX_MS
from cordboard.events.event import OfferMade, ParkedKind
from cordboard.projections.history.reader import ContactFilter, ContactRow, TimelineRow
from cordboard.projections.live import LiveContact
from cordboard.v1 import contact_service_pb2 as pb
from cordboard.vault import Person


def live_contact(contact: LiveContact, hands: InHand, people: Mapping[bytes, Person]) -> pb.Contact:
    """A contact from memory; `people` must know its agent, its owner, and who has it in hand or served it."""
    park = contact.park
    primary = next((at for _, at in hands if (at.role, at.state) == ("primary", "engaged")), None)
    return pb.Contact(
        contact_id=contact.contact.hex(),
        channel=contact.channel,
        queue=contact.queue,
        state=TO_STATE[contact.state],
        end_reason=contact.ended or "",
        priority=contact.priority,
        requirements=requirements_to(contact.requirements),
        entry_point=contact.entry_point or "",
        topic=contact.topic or "",
        arrived_at_ms=contact.arrived_ms,
        answered_at_ms=contact.answered_ms or 0,
        ended_at_ms=contact.ended_ms or 0,
        agent=person(people, contact.served_by if contact.state == "ended" else contact.agent),
        visit=contact.visit,
        attempt=contact.attempt,
        topic_first=contact.topic_first or "",
        rule=contact.rule or "",
        language=contact.language or "",
        case_id=contact.case.hex(),
        owner=person(people, contact.owner),
        park=pb.Park(kind=TO_PARK_KIND[park.kind], until_ms=park.until_ms) if park is not None else None,
        disposition=contact.disposition or "",
        customer_id=contact.customer.hex() if contact.customer is not None else "",
        sides=sides_of(hands, people),
        held_since_ms=(primary.held_since_ms or 0) if primary is not None else 0,
        dormant=primary is not None and primary.dormant,
    )


def past_contact(row: ContactRow, people: Mapping[bytes, Person]) -> pb.Contact:
    """A contact from the history; `people` must know its agent and owner."""
    kind = None if row.park_kind is None else TO_PARK_KIND[cast(ParkedKind, row.park_kind)]
    return pb.Contact(
        contact_id=row.id.hex(),
        channel=row.channel,
        queue=row.queue,
        state=TO_STATE[row.state],
        end_reason=row.end_reason or "",
        priority=row.priority,
        entry_point=row.entry_point or "",
        topic=row.topic or "",
        arrived_at_ms=row.queued_at_ms,
        answered_at_ms=row.answered_at_ms or 0,
        ended_at_ms=row.ended_at_ms or 0,
        agent=person(people, row.agent),
        visit=row.visits,
        attempt=row.attempts,
        topic_first=row.topic_first or "",
        rule=row.rule or "",
        language=row.language or "",
        case_id=row.case.hex(),
        owner=person(people, row.owner),
        park=None if kind is None else pb.Park(kind=kind, until_ms=row.park_until_ms or 0),
        disposition=row.disposition or "",
        customer_id=row.customer.hex() if row.customer is not None else "",
    )


def person(people: Mapping[bytes, Person], agent: bytes | None) -> str:
    """The person id, empty for none."""
    return people[agent].person if agent is not None else ""


def timeline_entry(row: TimelineRow, people: Mapping[bytes, Person]) -> pb.TimelineEntry:
    """`people` must know the entry's agent and those whom its details name."""
    return pb.TimelineEntry(
        at_ms=row.at_ms,
        seq=row.seq,
        entry=row.entry,
        event=row.name,
        agent=person(people, row.agent),
        detail_json=msgspec.json.encode(row.details).decode(),
        people={ref: person(people, bytes.fromhex(ref)) for ref in agents_in(row.name, row.details)},
        sentence=_sentence(row, people),
    )


def _sentence(row: TimelineRow, people: Mapping[bytes, Person]) -> str:
    if row.name != OfferMade.__name__ or row.agent is None:
        return ""
    return why_chosen(row.details, called(people, row.agent), lambda ref: called(people, bytes.fromhex(ref)))


def timeline_people(rows: Sequence[TimelineRow]) -> Iterator[bytes | None]:
    """Whoever the rows are about, or name."""
    for row in rows:
        yield row.agent
        yield from map(bytes.fromhex, agents_in(row.name, row.details))


def contact_filter(check: Check, given: pb.ContactFilter) -> ContactFilter:
    """All but the agent, whose reference the vault must find first."""
    state = None
    if given.state:
        state = check.choice("filter.state", given.state, STATES, "")
    if given.agent:
        check.person("filter.agent", given.agent)
    return ContactFilter(
        channel=check.name_or_none("filter.channel", given.channel),
        queue=check.name_or_none("filter.queue", given.queue),
        state=state,
        customer=check.id("filter.customer_id", given.customer_id) if given.customer_id else None,
        topic=check.name_or_none("filter.topic", given.topic),
        case=check.id("filter.case_id", given.case_id) if given.case_id else None,
        queued_from_ms=check.number("filter.arrived_from_ms", given.arrived_from_ms, 0, INSTANT_MAX_MS) or None,
        queued_until_ms=check.number("filter.arrived_until_ms", given.arrived_until_ms, 0, INSTANT_MAX_MS) or None,
    )

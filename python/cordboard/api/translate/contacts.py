"""Contacts, their filter and their timeline, as protobuf."""

from collections.abc import Mapping

import msgspec

from cordboard.api.translate.check import Check
from cordboard.api.translate.words import STATES, TO_STATE, requirements_to
from cordboard.events.bounds import INSTANT_MAX_MS
from cordboard.projections.history.reader import ContactFilter, ContactRow, TimelineRow
from cordboard.projections.live import LiveContact
from cordboard.v1 import contact_service_pb2 as pb
from cordboard.vault import Person


def live_contact(contact: LiveContact, agent: str) -> pb.Contact:
    """A contact from memory; `agent` is a person id."""
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
        agent=agent,
        visit=contact.visit,
        attempt=contact.attempt,
    )


def past_contact(row: ContactRow, agent: str) -> pb.Contact:
    """A contact from the history."""
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
        agent=agent,
        visit=row.visits,
        attempt=row.attempts,
    )


def timeline_entry(row: TimelineRow, people: Mapping[bytes, Person]) -> pb.TimelineEntry:
    """`people` must know the entry's agent."""
    return pb.TimelineEntry(
        at_ms=row.at_ms,
        seq=row.seq,
        entry=row.entry,
        event=row.name,
        agent=people[row.agent].person if row.agent is not None else "",
        detail_json=msgspec.json.encode(row.details).decode(),
    )


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
        queued_from_ms=check.number("filter.arrived_from_ms", given.arrived_from_ms, 0, INSTANT_MAX_MS) or None,
        queued_until_ms=check.number("filter.arrived_until_ms", given.arrived_until_ms, 0, INSTANT_MAX_MS) or None,
    )

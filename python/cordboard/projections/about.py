"""Whom an event is about: what stands in its entry, where the event cannot be without it."""

from cordboard.errors import JournalCorrupt
from cordboard.events.commit import Entry


def contact_of(entry: Entry) -> bytes:
    if entry.contact is None:
        raise JournalCorrupt(f"an event with tag {entry.tag} names no contact")
    return entry.contact


def agent_of(entry: Entry) -> bytes:
    if entry.agent is None:
        raise JournalCorrupt(f"an event with tag {entry.tag} names no agent")
    return entry.agent


def channel_of(entry: Entry) -> str:
    if entry.channel is None:
        raise JournalCorrupt(f"an event with tag {entry.tag} names no channel")
    return entry.channel

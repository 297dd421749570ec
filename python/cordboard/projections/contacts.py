"""Contacts as the desks know them: those that live, those that ended a short while ago, and what was said in them."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from cordboard.errors import JournalCorrupt
from cordboard.events.event import ContactQueued
from cordboard.projections.live import LiveContact, Said

ENDED_MAX = 4_096
"""Ended contacts kept for readers who come a little late; older ones stand in the history."""
MESSAGES_MAX = 1_000
"""Newest messages kept of a contact."""


class Contacts:
    """Frozen contacts by id: a change makes a new one. `seq` is the position of the commit that changes it."""

    def __init__(self) -> None:
        self._live: dict[bytes, LiveContact] = {}
        self._ended: OrderedDict[bytes, LiveContact] = OrderedDict()
        self._said: dict[bytes, deque[Said]] = {}

    def live(self, contact: bytes) -> LiveContact | None:
        return self._live.get(contact)

    def find(self, contact: bytes) -> LiveContact | None:
        """A live contact, or one that ended a short while ago."""
        return self._live.get(contact) or self._ended.get(contact)

    def all(self) -> list[LiveContact]:
        """All live contacts in the order of arrival."""
        return list(self._live.values())

    def messages(self, contact: bytes) -> list[Said]:
        """The newest messages of a live or lately ended contact, oldest first."""
        return list(self._said.get(contact, ()))

    def those(self, contacts: Iterable[bytes]) -> tuple[LiveContact, ...]:
        """Each must be alive."""
        return tuple(self._live[contact] for contact in contacts)

    def queue(self, contact: bytes, channel: str, event: ContactQueued, seq: int) -> None:
        """A new contact, or a new visit of one."""
        before = self._live.get(contact)
        self._live[contact] = LiveContact(
            contact=contact,
            seq=seq,
            state="queued",
            queue=event.queue,
            channel=channel,
            visit=event.visit,
            attempt=before.attempt if before else 0,
            customer=event.customer,
            priority=event.priority,
            requirements=tuple(event.requirements),
            entry_point=event.entry_point,
            topic=event.topic,
            topic_first=before.topic_first if before else event.topic,
            rule=event.rule,
            language=event.language,
            case=event.case or contact,
            promised=before.promised if before else None,
            owner=before.owner if before else None,
            disposition=before.disposition if before else None,
            key=event.key,
            arrived_ms=before.arrived_ms if before else event.at_ms,
            entered_ms=event.at_ms,
            queued_at_ms=event.queued_at_ms,
            target_ms=event.target_ms,
            answered_ms=before.answered_ms if before else None,
        )

    def change(self, contact: bytes, seq: int, **changes: Any) -> LiveContact:
        """Raises JournalCorrupt if the contact is not alive."""
        live = self._live.get(contact)
        if live is None:
            raise JournalCorrupt(f"commit {seq} speaks of contact {contact.hex()}, which is not alive")
        live = self._live[contact] = replace(live, seq=seq, **changes)
        return live

    def end(self, contact: bytes, seq: int, reason: str, at_ms: int) -> None:
        """Raises JournalCorrupt if the contact is not alive."""
        live = self._live.pop(contact, None)
        if live is None:
            raise JournalCorrupt(f"commit {seq} ends contact {contact.hex()}, which is not alive")
        self._ended[contact] = replace(live, seq=seq, state="ended", ended=reason, ended_ms=at_ms, agent=None, deadline_ms=None)
        if len(self._ended) > ENDED_MAX:
            oldest, _ = self._ended.popitem(last=False)
            self._said.pop(oldest, None)

    def note(self, contact: bytes, said: Said) -> None:
        """Something was said in it."""
        known = self._said.get(contact)
        if known is None:
            known = self._said[contact] = deque(maxlen=MESSAGES_MAX)
        known.append(said)

    def dispose(self, contact: bytes, disposition: str | None) -> None:
        """How it went, if that was said. A wrap-up may outlast its contact."""
        for contacts in (self._live, self._ended):
            if disposition is not None and (live := contacts.get(contact)) is not None:
                contacts[contact] = replace(live, disposition=disposition)

    def part_from(self, customer: bytes) -> None:
        """The customer is erased: these contacts are nobody's."""
        for contacts in (self._live, self._ended):
            for contact, live in contacts.items():
                if live.customer == customer:
                    contacts[contact] = replace(live, customer=None)

"""The access file of a customer: everything held of them as one JSON document, written bit by bit (docs/vault.md has its shape).

What agents said to the customer is the customer's too, but not who the agents are. Of others who wrote in the same conversation it
says that they did, not what.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from cordboard.api.site import Site
from cordboard.projections.history.reader import MESSAGES, ContactFilter, ContactKey, ContactRow, TimelineKey
from cordboard.vault import Content
from cordboard.vault.card import Card
from cordboard.vault.clock import now_ms
from cordboard.vault.envelope import ENVELOPE
from cordboard.vault.inventory import FileItem, Item
from cordboard.vault.refs import content_ref

FORMAT, VERSION = "cordboard.customer", 1
PAGE = 200
SLICE = 48 * 1024
"""Bytes of a file that are put into base64 at once: divisible by 3, so that the pieces fit together."""
AS_JSON = ("customer", "fields", ENVELOPE)
"""Kinds of content that are JSON themselves."""
NOTICE = (
    "This is everything that is held of this customer: who they are, what they wrote and what was written to them, with the times.",
    "It is kept encrypted under a key of the customer's own. It can be corrected, and it can be erased on request: then the key "
    "and everything under it are deleted.",
    "What an erasure leaves are records that name nobody: that a contact came in, when, about which topic, and how it ended.",
    "How long it is kept otherwise is set by the organisation that runs this site.",
)


class Holdings:
    """What the vault holds of a customer; whatever has been shown is taken out, so that the rest can be shown at the end."""

    def __init__(self, items: Sequence[Item], files: Sequence[FileItem]) -> None:
        self.files = files
        self._left = {item.ref: item for item in items}
        self._of_contact: dict[bytes, list[Item]] = {}
        for item in items:
            self._of_contact.setdefault(item.contact, []).append(item)
        self._of_message: dict[bytes, list[FileItem]] = {}
        for file in files:
            self._of_message.setdefault(file.message, []).append(file)

    def holds(self, ref: bytes) -> bool:
        return ref in self._left

    def take(self, ref: bytes) -> bool:
        """False if it is not the customer's, or shown already."""
        return self._left.pop(ref, None) is not None

    def take_contact(self, contact: bytes) -> list[Item]:
        """All that came in with it and is not shown yet."""
        return [item for item in self._of_contact.get(contact, ()) if self.take(item.ref)]

    def files_with(self, message: bytes) -> list[FileItem]:
        return self._of_message.get(message, [])

    def rest(self) -> list[Item]:
        return list(self._left.values())


async def access_file(site: Site, customer: bytes) -> AsyncIterator[bytes]:
    """The document, in pieces of any size. Raises NotFound, VaultUnavailable."""
    card = await site.vault.customers.card(customer)
    members = [member.ref for member in card.members]
    holdings = Holdings(*await site.vault.customers.inventory(members))
    head = {
        "format": FORMAT,
        "version": VERSION,
        "site": site.log.site,
        "exported_at_ms": now_ms(),
        "notice": NOTICE,
        "customer": _who(card),
    }
    yield _json(head)[:-1] + b',"contacts":['
    first = True
    for member in members:
        async for row in _contacts(site, member):
            yield (b"" if first else b",") + _json(await _contact(site, row, holdings))
            first = False
    yield b'],"other_contents":['
    first = True
    async for said in _opened(site, holdings.rest()):
        yield (b"" if first else b",") + _json(said)
        first = False
    yield b'],"attachments":['
    first = True
    for file in holdings.files:
        async for part in _file(site, file, b"" if first else b","):
            yield part
            first = False
    yield b"]}\n"


def _who(card: Card) -> dict[str, Any]:
    return {
        "customer_id": card.ref.hex(),
        "segment": card.segment,
        "identities": [
            {
                "kind": identity.kind,
                "address": identity.address,
                "source": identity.source,
                "linked_by": identity.by,
                "first_seen_at_ms": identity.first_seen_ms,
                "customer_id": identity.customer.hex(),
            }
            for identity in card.identities
        ],
        "members": [
            {
                "customer_id": member.ref.hex(),
                "merged_into": None if member.parent is None else member.parent.hex(),
                "created_at_ms": member.created_ms,
                "merged_at_ms": member.merged_ms,
            }
            for member in card.members
        ],
        "merges": [
            {
                "into": merge.into.hex(),
                "absorbed": merge.absorbed.hex(),
                "merged_at_ms": merge.at_ms,
                "merged_by": merge.by,
                "reason": merge.reason,
                "undone_at_ms": merge.undone_ms,
                "undone_by": merge.undone_by,
            }
            for merge in card.merges
        ],
    }


async def _contacts(site: Site, member: bytes) -> AsyncIterator[ContactRow]:
    after: ContactKey | None = None
    while True:
        rows, after = await site.history.list_contacts(ContactFilter(customer=member), after, PAGE)
        for row in rows:
            yield row
        if after is None:
            return


async def _contact(site: Site, row: ContactRow, holdings: Holdings) -> dict[str, Any]:
    messages = [message async for message in _messages(site, row.id, holdings)]
    return {
        "contact_id": row.id.hex(),
        "case_id": row.case.hex(),
        "customer_id": None if row.customer is None else row.customer.hex(),
        "channel": row.channel,
        "queue": row.queue,
        "entry_point": row.entry_point,
        "topic": row.topic,
        "language": row.language,
        "state": row.state,
        "outcome": row.end_reason,
        "disposition": row.disposition,
        "arrived_at_ms": row.queued_at_ms,
        "answered_at_ms": row.answered_at_ms,
        "ended_at_ms": row.ended_at_ms,
        "messages": messages,
        "contents": [said async for said in _opened(site, holdings.take_contact(row.id))],
    }


async def _messages(site: Site, contact: bytes, holdings: Holdings) -> AsyncIterator[dict[str, Any]]:
    after: TimelineKey | None = None
    while True:
        rows, after = await site.history.timeline(contact, after, PAGE, MESSAGES)
        refs = [bytes.fromhex(row.details["message"]) for row in rows]
        envelopes = [content_ref(ref, ENVELOPE) for ref in refs]
        texts = await site.vault.read([ref for ref in (*refs, *envelopes) if holdings.holds(ref)])
        for row, ref, envelope in zip(rows, refs, envelopes, strict=True):
            said: dict[str, Any] = {
                "message_id": ref.hex(),
                "author": row.details["author"],
                "ordinal": row.details.get("ordinal"),
                "at_ms": row.at_ms,
                "attachment_ids": [file.ref.hex() for file in holdings.files_with(ref)],
            }
            if holdings.take(ref) and ref in texts:
                said["text"] = texts[ref].text
            else:
                said["withheld"] = "written by somebody else, or erased"
            if holdings.take(envelope) and envelope in texts:
                said["envelope"] = _value(texts[envelope])
            yield said
        if after is None:
            return


async def _opened(site: Site, items: list[Item]) -> AsyncIterator[dict[str, Any]]:
    for start in range(0, len(items), PAGE):
        page = items[start : start + PAGE]
        texts: Mapping[bytes, Content] = await site.vault.read([item.ref for item in page])
        for item in page:
            if item.ref in texts:
                value = _value(texts[item.ref])
                yield {"kind": item.kind, "contact_id": item.contact.hex(), "stored_at_ms": item.stored_ms, "value": value}


async def _file(site: Site, item: FileItem, before: bytes) -> AsyncIterator[bytes]:
    async with site.files:
        file = await site.vault.attachment(item.ref)
        if file is None:
            return  # erased meanwhile
        about = {
            "attachment_id": item.ref.hex(),
            "message_id": item.message.hex(),
            "contact_id": item.contact.hex(),
            "name": file.name,
            "media_type": file.media_type,
            "size": len(file.data),
            "stored_at_ms": item.stored_ms,
        }
        yield before + _json(about)[:-1] + b',"data_base64":"'
        for start in range(0, len(file.data), SLICE):
            yield base64.b64encode(file.data[start : start + SLICE])
        yield b'"}'


def _value(content: Content) -> Any:
    return json.loads(content.text) if content.kind in AS_JSON else content.text


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()

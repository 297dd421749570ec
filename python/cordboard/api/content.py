"""Content of contacts: into the vault with a fact, and out of it for those who may see it."""

import json
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Protocol

from cordboard.v1.types_pb2 import Customer
from cordboard.vault import Content, Vault
from cordboard.vault.refs import content_ref

SUBJECT, TEXT, CUSTOMER, FIELDS = KINDS = ("subject", "text", "customer", "fields")


class Described(Protocol):
    """A protobuf message that shows what a contact is about (Contact, Offer, ParkedContact)."""

    contact_id: str
    subject: str
    text: str

    @property
    def customer(self) -> Customer: ...

    @property
    def fields(self) -> MutableMapping[str, str]: ...


def contents_of(
    contact: bytes, subject: str, text: str, customer: Customer | None, fields: Mapping[str, str]
) -> tuple[Content, ...]:
    """What to store with a new contact; nothing for what is empty. `customer` is stored here for people to read; its reference,
    which routing and erasure use, is the vault's own."""
    said = {SUBJECT: subject, TEXT: text}
    if customer is not None:
        shown = {"kind": customer.kind, "address": customer.address, "name": customer.name}
        said[CUSTOMER] = json.dumps(shown, ensure_ascii=False)
    if fields:
        said[FIELDS] = json.dumps(dict(fields), ensure_ascii=False)
    return tuple(Content(content_ref(contact, kind), kind, words) for kind, words in said.items() if words)


async def describe(vault: Vault, messages: Iterable[Described]) -> None:
    """Fill in subject, text, customer and fields of every message, in one read. What is erased, or was never there, stays as it
    is."""
    described = list(messages)
    refs = [content_ref(bytes.fromhex(message.contact_id), kind) for message in described for kind in KINDS]
    if not refs:
        return
    contents = await vault.read(refs)
    for message in described:
        _fill(message, contents)


def _fill(message: Described, contents: Mapping[bytes, Content]) -> None:
    contact = bytes.fromhex(message.contact_id)
    if (subject := contents.get(content_ref(contact, SUBJECT))) is not None:
        message.subject = subject.text
    if (text := contents.get(content_ref(contact, TEXT))) is not None:
        message.text = text.text
    if (customer := contents.get(content_ref(contact, CUSTOMER))) is not None:
        shown = json.loads(customer.text)
        message.customer.kind = shown.get("kind", "")
        message.customer.address = shown.get("address", "")
        message.customer.name = shown.get("name", "")
    if (fields := contents.get(content_ref(contact, FIELDS))) is not None:
        message.fields.update(json.loads(fields.text))

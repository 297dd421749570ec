"""What there is of a customer, listed without being opened: for a file of everything, and to know that nothing was left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from cordboard.vault.schema import attachments, contacts, contents, keys


@dataclass(frozen=True, slots=True)
class Item:
    """A content: its reference, its kind, the contact that it came in with, and when."""

    ref: bytes
    kind: str
    contact: bytes
    stored_ms: int


@dataclass(frozen=True, slots=True)
class FileItem:
    """An attachment, likewise."""

    ref: bytes
    message: bytes
    contact: bytes
    stored_ms: int


def belonging_to(refs: Sequence[bytes]) -> ColumnElement[bool]:
    """The keys of these customers (or contacts of nobody known), and those that contacts of theirs got before they were known."""
    own = select(contacts.c.contact).where(contacts.c.customer.in_(refs))
    return or_(
        and_(keys.c.owner.in_(refs), keys.c.kind.in_(("customer", "contact"))),
        and_(keys.c.owner.in_(own), keys.c.kind == "contact"),
    )


def contents_of(connection: Connection, refs: Sequence[bytes]) -> list[Item]:
    """Oldest first."""
    columns = (contents.c.ref, contents.c.kind, contents.c.contact, contents.c.created_ms)
    return [Item(*row) for row in connection.execute(_of(contents, columns, refs))]


def files_of(connection: Connection, refs: Sequence[bytes]) -> list[FileItem]:
    """Oldest first."""
    columns = (attachments.c.ref, attachments.c.message, attachments.c.contact, attachments.c.created_ms)
    return [FileItem(*row) for row in connection.execute(_of(attachments, columns, refs))]


def _of(table: Any, columns: Sequence[Any], refs: Sequence[bytes]) -> Any:
    theirs = select(keys.c.id).where(belonging_to(refs))
    return select(*columns).where(table.c.key.in_(theirs)).order_by(table.c.created_ms, table.c.ref)

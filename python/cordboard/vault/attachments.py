"""Attachments: files beside a message, in sealed pieces. Each file has a key of its own, and that one is sealed with its owner's.

So the bytes are sealed before the transaction and outside the database's thread, once, however often the transaction is tried;
and an erasure of the owner's key is one of the file's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, select

from cordboard.vault.clock import now_ms
from cordboard.vault.keyring import DataKey
from cordboard.vault.schema import attachments, chunks, keys
from cordboard.vault.seal import MasterKeys, Unsealable, new_key, seal, unseal
from cordboard.vault.words import Attachment, AttachmentInfo

CHUNK_BYTES = 1024 * 1024
KIND = "attachment"


class _Label(msgspec.Struct, frozen=True, array_like=True):
    name: str
    media_type: str
    key: bytes


_label = msgspec.json.Decoder(_Label)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """An attachment whose bytes are sealed already; `label` still has to be, with the owner's key."""

    ref: bytes
    message: bytes
    size: int
    label: bytes
    pieces: tuple[bytes, ...]


def seal_files(given: Sequence[Attachment]) -> list[SealedFile]:
    """Takes some 20 ms for the largest draft: for a thread."""
    sealed = []
    for attachment in given:
        key, data = new_key(), memoryview(attachment.data)
        starts = range(0, len(data), CHUNK_BYTES)
        pieces = tuple(
            seal(key, _place(number, len(starts)), attachment.ref, bytes(data[start : start + CHUNK_BYTES]))
            for number, start in enumerate(starts)
        )
        label = msgspec.json.encode(_Label(attachment.name, attachment.media_type, key))
        sealed.append(SealedFile(attachment.ref, attachment.message, len(data), label, pieces))
    return sealed


def store(connection: Connection, key: DataKey, contact: bytes, files: Sequence[SealedFile]) -> None:
    at_ms = now_ms()
    for ordinal, file in enumerate(files):
        row = {
            "ref": file.ref,
            "key": key.id,
            "contact": contact,
            "message": file.message,
            "ordinal": ordinal,
            "size": file.size,
            "sealed": seal(key.key, KIND, file.ref, file.label),
            "created_ms": at_ms,
        }
        connection.execute(attachments.insert(), row)
        for number, piece in enumerate(file.pieces):
            connection.execute(chunks.insert(), {"attachment": file.ref, "ordinal": number, "sealed": piece})


def of_messages(connection: Connection, master: MasterKeys, messages: list[bytes]) -> dict[bytes, list[AttachmentInfo]]:
    """What came with `messages`, in its order."""
    query = _opened().where(attachments.c.message.in_(messages)).order_by(attachments.c.created_ms, attachments.c.ordinal)
    found: dict[bytes, list[AttachmentInfo]] = {}
    for row in connection.execute(query):
        label = _open(master, row)
        found.setdefault(row.message, []).append(AttachmentInfo(row.ref, label.name, label.media_type, row.size))
    return found


def one(connection: Connection, master: MasterKeys, ref: bytes) -> Attachment | None:
    """The attachment with its bytes. Raises Unsealable if a piece is missing or not its own."""
    row = connection.execute(_opened().where(attachments.c.ref == ref)).one_or_none()
    if row is None:
        return None
    label = _open(master, row)
    query = select(chunks.c.ordinal, chunks.c.sealed).where(chunks.c.attachment == ref).order_by(chunks.c.ordinal)
    pieces = -(-row.size // CHUNK_BYTES)
    data = bytearray()
    for number, piece in enumerate(connection.execute(query)):
        data += unseal(label.key, _place(number, pieces), ref, piece.sealed)
    if len(data) != row.size:
        if connection.execute(select(attachments.c.ref).where(attachments.c.ref == ref)).one_or_none() is None:
            return None  # erased between our two looks
        raise Unsealable("an attachment lacks pieces")
    return Attachment(ref, row.message, label.name, label.media_type, bytes(data))


def delete_sealed_with(connection: Connection, key_ids: Any) -> None:
    """Delete all attachments of these keys (a list, or a query that finds their ids)."""
    _delete(connection, attachments.c.key.in_(key_ids))


def delete_of(connection: Connection, contact: bytes, message: bytes) -> None:
    """Delete what came with a message of this contact."""
    _delete(connection, and_(attachments.c.message == message, attachments.c.contact == contact))


def _delete(connection: Connection, which: ColumnElement[bool]) -> None:
    doomed = select(attachments.c.ref).where(which)
    connection.execute(delete(chunks).where(chunks.c.attachment.in_(doomed)))
    connection.execute(delete(attachments).where(which))


def _opened() -> Any:
    # The key's row is read each time, so that an erasure by any process holds at once.
    return select(
        attachments.c.ref,
        attachments.c.message,
        attachments.c.size,
        attachments.c.sealed,
        keys.c.owner,
        keys.c.kind.label("owner_kind"),
        keys.c.wrapped,
    ).join(keys, keys.c.id == attachments.c.key)


def _open(master: MasterKeys, row: Any) -> _Label:
    key = master.unwrap(row.owner_kind, row.owner, row.wrapped)
    return _label.decode(unseal(key, KIND, row.ref, row.sealed))


def _place(number: int, pieces: int) -> str:
    # Bound to its place and to how many there are: pieces cannot be swapped, nor left out at the end.
    return f"{KIND} {number}/{pieces}"

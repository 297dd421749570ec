"""What of a letter goes into the vault: its contents and files, within the vault's bounds. Nothing is refused for its length."""

import json
import secrets
from collections.abc import Mapping

from msgspec.structs import replace

from cordboard.events.bounds import ID_BYTES
from cordboard.gateway.entrance.letter import File, Letter
from cordboard.gateway.entrance.texts import clean, cut, one_line
from cordboard.vault import Attachment, Content
from cordboard.vault.envelope import Envelope, envelope_content
from cordboard.vault.refs import content_ref
from cordboard.vault.words import FILE_NAME_MAX, MEDIA_TYPE_MAX, TEXT_MAX

MESSAGE, SUBJECT, CUSTOMER, FIELDS = "message", "subject", "customer", "fields"
SUBJECT_MAX = 500
NAME_MAX = 200
REFERENCES_MAX = 50
_ROOM = TEXT_MAX - 4096


def contents_of(letter: Letter, contact: bytes, message: bytes) -> tuple[Content, ...]:
    """The message under its own reference, what describes the contact under references that follow from the contact's id."""
    contents = [Content(message, MESSAGE, cut(clean(letter.text), _ROOM))]
    if subject := one_line(letter.subject, SUBJECT_MAX):
        contents.append(Content(content_ref(contact, SUBJECT), SUBJECT, subject))
    if (sender := letter.sender) is not None:
        shown = {"kind": sender.kind, "address": clean(sender.address), "name": one_line(sender.name, NAME_MAX)}
        contents.append(Content(content_ref(contact, CUSTOMER), CUSTOMER, json.dumps(shown, ensure_ascii=False)))
    if letter.fields:
        contents.append(Content(content_ref(contact, FIELDS), FIELDS, _fields(letter.fields)))
    if letter.envelope is not None:
        contents.append(envelope_content(message, _bounded(letter.envelope)))
    return tuple(contents)


def files_of(letter: Letter, message: bytes) -> tuple[Attachment, ...]:
    return tuple(_attachment(file, message) for file in letter.attachments)


def _attachment(file: File, message: bytes) -> Attachment:
    name = one_line(file.name, FILE_NAME_MAX) or "file"
    media_type = one_line(file.media_type, MEDIA_TYPE_MAX) or "application/octet-stream"
    return Attachment(secrets.token_bytes(ID_BYTES), message, name, media_type, file.data)


def _fields(fields: Mapping[str, str]) -> str:
    """JSON, the longest values cut until it fits."""
    most = _ROOM
    while True:
        text = json.dumps({name: cut(clean(value), most) for name, value in fields.items()}, ensure_ascii=False)
        if len(text.encode()) <= TEXT_MAX:
            return text
        most //= 2


def _bounded(envelope: Envelope) -> Envelope:
    """The ends of a long thread: where it began, and what it answers."""
    references = [clean(reference)[:998] for reference in envelope.references]
    if len(references) > REFERENCES_MAX:
        references = [references[0], *references[1 - REFERENCES_MAX :]]
    return replace(
        envelope,
        name=one_line(envelope.name, NAME_MAX),
        subject=one_line(envelope.subject, SUBJECT_MAX),
        message_id=clean(envelope.message_id)[:998],
        references=references,
    )

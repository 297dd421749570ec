"""A mail's bytes to what is in it. Whatever they are, something comes out, and the original is kept beside it."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from cordboard.gateway.mail.charset import cut
from cordboard.gateway.mail.headers import BREAKS, Address, Headers
from cordboard.gateway.mail.limits import SUBJECT_MAX
from cordboard.gateway.mail.parts import Contents, Part, contents, media_type, parameter, read_mail
from cordboard.gateway.mail.quotes import without_quotes
from cordboard.vault.words import ATTACHMENT_MAX, TEXT_MAX

ORIGINAL = "original.eml"
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
_CUT = f"\n\n[… The text goes on in {ORIGINAL}.]"
_NOTES_ROOM = 5 * 1024
"""Bytes for notes, ours and the entrance's."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One mail, decoded and bounded."""

    headers: Headers
    media_type: str
    report_type: str
    """Of a multipart/report: delivery-status, disposition-notification …"""
    subject: str
    sender: Address | None
    """From."""
    reply_to: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    """Oldest first, the last REFERENCES_MAX."""
    date: datetime | None
    text: str
    new_text: str
    """Without quotations and signature; may be empty."""
    files: tuple[Part, ...]
    original: Part
    digest: bytes
    """Of subject and body: what it says, whichever way it came."""


def parse(raw: bytes) -> Parsed:
    """Never raises, whatever the bytes. Takes time in proportion to their length: use a thread for long ones."""
    mail = read_mail(raw)
    try:
        found = contents(mail)
    except BREAKS:
        found = Contents(unread=1)
    headers = Headers.of(mail)
    text = "\n\n".join(text for one in found.texts if (text := one.strip("\n")))
    files, left_out = _fitting(found.files, ATTACHMENT_MAX - len(raw))
    return Parsed(
        headers=headers,
        media_type=media_type(mail),
        report_type=parameter(mail, "report-type").lower(),
        subject=headers.text("subject", SUBJECT_MAX),
        sender=_first(headers.addresses("from")),
        reply_to=_first(headers.addresses("reply-to")),
        to=headers.addresses("to"),
        cc=headers.addresses("cc"),
        message_id=headers.message_id(),
        in_reply_to=headers.message_ids("in-reply-to"),
        references=headers.message_ids("references"),
        date=headers.date(),
        text=_bounded(text, left_out + found.unread, headers.word("x-cordboard-cut")),
        new_text=without_quotes(cut(text, TEXT_MAX, "")),
        files=files,
        original=Part(ORIGINAL, "message/rfc822", raw),
        digest=_digest(headers.raw("subject"), raw),
    )


def _digest(subject: str, raw: bytes) -> bytes:
    """Line ends, and what stands at the end, differ between SMTP and mailboxes; header fields are added on the way."""
    head = _HEAD_ENDS.search(raw)
    body = raw[head.end() :] if head is not None else raw
    said = subject.encode("utf-8", "surrogatepass") + b"\0" + body.replace(b"\r\n", b"\n").rstrip()
    return hashlib.blake2b(said, digest_size=24).digest()


def _first(addresses: tuple[Address, ...]) -> Address | None:
    return addresses[0] if addresses else None


def _fitting(files: list[Part], room: int) -> tuple[tuple[Part, ...], int]:
    """The files that fit beside the original, which holds all of them anyway, and how many do not."""
    kept: list[Part] = []
    for file in files:
        if len(file.data) <= room:
            room -= len(file.data)
            kept.append(file)
    return tuple(kept), len(files) - len(kept)


def _bounded(text: str, unread: int, whole: str) -> str:
    """`whole`: the size of a mail of which a mailbox gave only the beginning."""
    text = cut(text, TEXT_MAX - _NOTES_ROOM, _CUT)
    if whole.isdecimal():
        text = f"{text}\n\n[This mail has {whole[:20]} bytes. Only its beginning is here; all of it is in the mailbox.]"
    return f"{text}\n\n[{unread} more in {ORIGINAL}.]" if unread else text

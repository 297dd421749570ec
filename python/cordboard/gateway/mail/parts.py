"""The MIME tree of a mail: its texts, and its files with the names and media types that somebody gave them."""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import Compat32
from typing import TypeAlias

from cordboard.gateway.mail.charset import clean, decode, one_line, recover
from cordboard.gateway.mail.headers import BREAKS, decode_words
from cordboard.gateway.mail.html import html_text
from cordboard.gateway.mail.limits import (
    DEPTH_MAX,
    FILES_MAX,
    HEADER_MAX,
    LINES_MAX,
    NAME_MAX,
    PART_HEADER_MAX,
    PART_TEXT_MAX,
    PARTS_MAX,
    STRUCTURE_WORK_MAX,
)

Mail: TypeAlias = "Message[str, str]"
_BOUNDARY = re.compile(rb"boundary[\s*\d]{0,40}=", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_EXTENSIONS = {
    "text/plain": "txt", "text/html": "html", "text/calendar": "ics", "text/csv": "csv", "message/rfc822": "eml",
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "application/pdf": "pdf", "application/ms-tnef": "dat",
    "message/delivery-status": "txt", "text/rfc822-headers": "txt", "application/pkcs7-mime": "p7m",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A file in a mail. Name and media type are the sender's words: the name is safe to show, neither is true."""

    name: str
    media_type: str
    data: bytes


@dataclass(slots=True)
class Contents:
    """`texts` in reading order; `unread` counts what only the original holds: files beyond FILES_MAX, parts that would not open."""

    texts: list[str] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)
    unread: int = 0


class _Bounded(Compat32):
    """Cuts header fields that are absurdly long, before the email package works on them: some of its work is quadratic."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[: PART_HEADER_MAX if name[:8].lower() == "content-" else HEADER_MAX]

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002
        return value  # with its raw bytes as surrogates, for `recover`


class _Crowded(ValueError):
    """More parts than anyone would read."""


def read_mail(raw: bytes) -> Mail:
    """The parsed message; if its structure is a trap or breaks the parser, its header and the rest as one text. Never raises."""
    lines = raw.count(b"\n")
    if lines <= LINES_MAX and len(_BOUNDARY.findall(raw)) * lines <= STRUCTURE_WORK_MAX:
        made = 0

        def new(policy: Compat32 | None = None) -> Mail:
            nonlocal made
            made += 1
            if made > PARTS_MAX:
                raise _Crowded
            return Message(policy or _Bounded())

        try:
            parser = BytesFeedParser(new, policy=_Bounded())
            parser.feed(raw)
            return parser.close()
        except BREAKS:
            pass
    return _flat(raw)


def _flat(raw: bytes) -> Mail:
    """The header alone is parsed, as that of a plain text."""
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    parser = BytesFeedParser(Message, policy=_Bounded())
    parser._set_headersonly()  # type: ignore[attr-defined]
    try:
        parser.feed(head[: 4 * HEADER_MAX] + b"\n\n")
        mail: Mail = parser.close()
    except BREAKS:
        mail = Message(_Bounded())
    for name in ("Content-Type", "Content-Transfer-Encoding", "Content-Disposition"):
        del mail[name]
    mail.set_payload(body[:PART_TEXT_MAX].decode("ascii", "surrogateescape"))
    return mail


def contents(mail: Mail) -> Contents:
    """Everything in it. Never raises."""
    found = Contents()
    _take(mail, found, 0)
    return found


def media_type(part: Mail) -> str:
    try:
        kind = part.get_content_type().lower()
    except BREAKS:
        kind = ""
    return kind if _MEDIA_TYPE.fullmatch(kind) else "application/octet-stream"


def parameter(part: Mail, name: str, header: str = "content-type") -> str:
    """A parameter of a part's header in any of the ways in which programs write it (RFC 2231, RFC 2047, raw bytes)."""
    try:
        value = part.get_param(name, header=header)
    except BREAKS:
        return ""
    if isinstance(value, tuple):
        charset, _, encoded = value
        return decode(encoded.encode("latin-1", "replace"), charset)
    return decode_words(value) if isinstance(value, str) else ""


def _take(part: Mail, found: Contents, depth: int) -> None:
    kind = media_type(part)
    children = part.get_payload() if part.is_multipart() else None
    if kind.startswith("message/") or not isinstance(children, list):
        _take_leaf(part, kind, found)
    elif depth >= DEPTH_MAX:
        found.unread += 1
    elif kind == "multipart/alternative":
        _take_alternative(children, found, depth)
    else:
        for child in children:
            if isinstance(child, Message):
                _take(child, found, depth + 1)


def _take_alternative(children: Sequence[object], found: Contents, depth: int) -> None:
    """One text of several: the plain one unless it is empty. Files in any of them are kept."""
    texts: list[tuple[bool, list[str]]] = []
    for child in children:
        if isinstance(child, Message):
            inner = Contents(files=found.files, unread=0)
            _take(child, inner, depth + 1)
            found.unread += inner.unread
            texts.append((media_type(child) != "text/plain", inner.texts))
    written = [(rich, said) for rich, said in texts if any(one.strip() for one in said)]
    if written:
        found.texts += min(written, key=lambda one: one[0])[1]


def _take_leaf(part: Mail, kind: str, found: Contents) -> None:
    name = parameter(part, "filename", "content-disposition") or parameter(part, "name")
    try:
        attached = part.get_content_disposition() == "attachment"
    except BREAKS:
        attached = False
    if kind.startswith("multipart/"):
        kind = "text/plain"  # its boundary never comes: what is there is all text
    if kind in ("text/plain", "text/html") and not attached and not name:
        found.texts.append(_text(part, kind))
        return
    if len(found.files) >= FILES_MAX:
        found.unread += 1
        return
    try:
        data = _data(part, kind)
    except BREAKS:
        found.unread += 1
        return
    found.files.append(Part(_file_name(name, kind, len(found.files) + 1), kind, data))


def _text(part: Mail, kind: str) -> str:
    try:
        data = _payload(part)
    except BREAKS:
        data = str(part.get_payload()).encode("utf-8", "surrogateescape")
    text = decode(data[:PART_TEXT_MAX], parameter(part, "charset") or None, len(data) <= PART_TEXT_MAX)
    if kind == "text/html":
        return clean(html_text(text))
    text = clean(text)
    return _unflowed(text, parameter(part, "delsp").lower() == "yes") if parameter(part, "format").lower() == "flowed" else text


def _unflowed(text: str, delsp: bool) -> str:
    """RFC 3676: lines that end with a blank go on in the next one."""
    out: list[str] = []
    flowing = False
    for line in text.split("\n"):
        fixed = line == "-- " or line.startswith(">")
        if flowing and not fixed:
            out[-1] = (out[-1][:-1] if delsp else out[-1]) + line.removeprefix(" ")
        else:
            out.append(line.removeprefix(" ") if not fixed else line)
        flowing = line.endswith(" ") and not fixed
    return "\n".join(out)


def _data(part: Mail, kind: str) -> bytes:
    children = part.get_payload()
    if not (part.is_multipart() and isinstance(children, list)):
        return _payload(part)
    data = b"\n".join(child.as_bytes() for child in _messages(children))
    if kind == "message/rfc822" and str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
        return base64.b64decode(data)  # forbidden, and done
    return data


def _messages(children: Sequence[object]) -> Iterator[Mail]:
    return (child for child in children if isinstance(child, Message))


def _payload(part: Mail) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _file_name(given: str, kind: str, number: int) -> str:
    name = one_line(recover(given), 4 * NAME_MAX).replace("\\", "/").rpartition("/")[2].strip(". ")
    if len(name) > NAME_MAX:
        stem, dot, ending = name.rpartition(".")
        keep = f".{ending}" if dot and len(ending) <= 10 else ""
        name = (stem if keep else name)[: NAME_MAX - len(keep)] + keep
    return name or f"part-{number}.{_EXTENSIONS.get(kind, 'bin')}"

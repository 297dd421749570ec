"""A mail's header fields: decoded one by one, each so that a broken one harms no other."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from cordboard.gateway.mail.charset import decode, one_line, recover
from cordboard.gateway.mail.limits import (
    ADDRESS_MAX,
    ADDRESSES_MAX,
    HEADERS_MAX,
    MESSAGE_ID_MAX,
    NAME_MAX,
    REFERENCES_MAX,
    VALUE_MAX,
)

BREAKS = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, RuntimeError, MessageError)
"""What the email package has been seen to raise on broken input (RecursionError is a RuntimeError)."""
_SAME_MAX = 4
"""Fields of one name that are read; there should be one."""
_NEEDED = frozenset(
    {"from", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted"}
)
_WORD = re.compile(r"=\?(?P<charset>[^?*\s]{1,60})(?:\*[^?\s]{0,40})?\?(?P<way>[bBqQ])\?(?P<data>[^?]*)\?=")
_QUOTED_BYTE = re.compile(rb"=([0-9A-Fa-f]{2})")
_BRACKETED = re.compile(r"<([^<>\s]+)>")
_ASIDE = re.compile(r"\ue000(\d{1,4})\ue001")
_ADDRESS = re.compile(r"[^\s@<>,;:()\[\]\"\\]{1,64}@[^\s@<>,;:()\"\\]{1,190}")


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address, lower case, and the name beside it."""

    address: str
    name: str = ""


class Headers:
    """The fields in their order; asked by name in any case."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields: dict[str, list[str]] = {}
        for at, (name, value) in enumerate(fields):
            if at < HEADERS_MAX or name.lower() in _NEEDED:
                self._fields.setdefault(name.lower(), []).append(value)

    @classmethod
    def of(cls, message: "Message[str, str]") -> "Headers":
        return cls([(str(name), str(value)) for name, value in message.raw_items()])

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def raw(self, name: str) -> str:
        """The first field of this name as it stood there; empty if there is none."""
        return self._fields.get(name, [""])[0]

    def count(self, name: str) -> int:
        return len(self._fields.get(name, ()))

    def text(self, name: str, most: int = NAME_MAX) -> str:
        """The first one decoded, on one line."""
        return one_line(decode_words(self.raw(name)[:VALUE_MAX]), most)

    def word(self, name: str) -> str:
        """The first one up to a semicolon or blank, in lower case: `auto-replied; owner-email=…` is auto-replied."""
        return re.split(r"[;\s(]", self.text(name).lower(), maxsplit=1)[0]

    def addresses(self, name: str) -> tuple[Address, ...]:
        found: list[Address] = []
        for value in self._fields.get(name, ())[:_SAME_MAX]:
            found += read_addresses(value[:VALUE_MAX])
        return tuple(found[:ADDRESSES_MAX])

    def message_ids(self, name: str) -> tuple[str, ...]:
        """Every Message-ID in the fields of this name, each once, the last REFERENCES_MAX, in angle brackets."""
        found = [read_id(one) for value in self._fields.get(name, ())[:_SAME_MAX] for one in _BRACKETED.findall(value)]
        return tuple(dict.fromkeys(reversed([one for one in found if one])))[:REFERENCES_MAX][::-1]

    def message_id(self) -> str:
        """The mail's own, in angle brackets; empty if it has none."""
        ids = self.message_ids("message-id")
        return ids[0] if ids else read_id(self.raw("message-id"))

    def date(self) -> datetime | None:
        try:
            return parsedate_to_datetime(self.raw("date")[:200])
        except BREAKS:
            return None


def read_id(given: str) -> str:
    """A Message-ID in angle brackets. One of absurd length becomes a digest, so that replies to it still find it."""
    bare = one_line(recover(given[: 4 * VALUE_MAX]), 4 * VALUE_MAX).strip("<> ")
    if not bare:
        return ""
    if len(bare) > MESSAGE_ID_MAX:
        bare = hashlib.blake2b(bare.encode(), digest_size=20).hexdigest() + "@too-long.invalid"
    return f"<{bare.replace(' ', '')}>"


def decode_words(value: str) -> str:
    """Encoded words (RFC 2047) anywhere in `value`, also where none may stand; what cannot be decoded stays. Never raises."""
    out: list[str] = []
    pending, charset, last = bytearray(), "", 0

    def flush() -> None:
        if pending:
            out.append(decode(bytes(pending), charset))
            pending.clear()

    for word in _WORD.finditer(value):
        gap = value[last : word.start()]
        if gap.strip() or not last:
            flush()
            out.append(recover(gap))
        # Words of one charset are joined first: some programs cut within a character.
        if word["charset"].lower() != charset:
            flush()
        charset, last = word["charset"].lower(), word.end()
        pending += _word_bytes(word["way"], word["data"])
    flush()
    out.append(recover(value[last:]))
    return "".join(out)


def read_addresses(value: str) -> list[Address]:
    """The addresses of one field. Parsed before words are decoded, and without looking into them: they may hold anything."""
    words: list[str] = []

    def aside(word: re.Match[str]) -> str:
        words.append(word[0])
        return f" \ue000{len(words) - 1}\ue001 "

    try:
        pairs = getaddresses([_WORD.sub(aside, value)])
    except BREAKS:
        pairs = []
    found = [
        Address(address, _name(_ASIDE.sub(lambda mark: words[int(mark[1])], name)))
        for name, given in pairs
        if (address := read_address(given))
    ]
    if found:
        return found
    plain = recover(decode_words(value))
    return [Address(match.group().lower()) for match in _ADDRESS.finditer(plain) if read_address(match.group())][:ADDRESSES_MAX]


def read_address(given: str) -> str:
    """In lower case, if it is one; else empty."""
    address = recover(given).strip().lower()
    return address if len(address) <= ADDRESS_MAX and address.isprintable() and _ADDRESS.fullmatch(address) else ""


def _name(raw: str) -> str:
    return one_line(decode_words(raw), NAME_MAX).strip("'\" ")


def _word_bytes(way: str, data: str) -> bytes:
    raw = recover(data).encode()
    if way in "qQ":
        return _QUOTED_BYTE.sub(lambda hexed: bytes([int(hexed[1], 16)]), raw.replace(b"_", b" "))
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    kept = kept[:-1] if len(kept) % 4 == 1 else kept
    try:
        return base64.b64decode(kept + b"=" * (-len(kept) % 4))
    except (binascii.Error, ValueError):
        return raw

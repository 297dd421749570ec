"""Names of outside effects, as the outside sees them: ids, Message-IDs, and the signed return addresses by which bounces find home.

All of them follow from the effect's place in the journal, so that a repeated attempt bears the same name and needs no storage. A
journal that lost its end gives places anew, but to other commits (ADR 16): so every name holds the commit's (`branch.name_of`).
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import NamedTuple

from cordboard.events.bounds import ID_BYTES

EFFECTS = "effects"
"""`vault.derive_key(EFFECTS)` makes the ids: who answers a Message-ID must have seen it, not computed it."""
BOUNCES = "bounces"
"""`vault.derive_key(BOUNCES)` signs the tokens."""
LOCAL_MAX = 64
"""Octets of a mail address before the @ (RFC 5321)."""
_MARK = "+b."
_MARKED = re.compile(r"(?P<local>.+)\+b\.(?P<token>[a-z2-7]+)", re.IGNORECASE)
_MAC_BYTES = 10
_MARK_BYTES = 3
"""So much of the commit's name stands in a token: one in 16 million strange ones is taken for ours, and addresses stay short."""
_PLACE_MAX = 18


class Returned(NamedTuple):
    """What a return address says of the effect that it belongs to: its place, and the beginning of its commit's name."""

    commit: bytes
    seq: int
    entry: int


def effect_id(key: bytes, site: str, commit: bytes, seq: int, entry: int) -> bytes:
    """The id of the effect that entry `entry` of commit `seq`, whose name is `commit`, asked for; nobody without `key` can guess
    it."""
    place = f"{site}|{seq}|{entry}|{commit.hex()}".encode()
    return hashlib.blake2b(place, key=key, digest_size=ID_BYTES, person=b"cb-effect").digest()


def message_id(effect: bytes, domain: str) -> str:
    """The Message-ID, in angle brackets, of the mail that `effect` sends from `domain`: the same for every attempt."""
    return f"<{effect.hex()}@{domain}>"


def bounce_token(key: bytes, commit: bytes, seq: int, entry: int) -> str:
    """Commit, place and MAC of an effect in lower-case letters and digits (upper case means the same)."""
    place = commit[:_MARK_BYTES] + _varint(seq) + _varint(entry)
    return base64.b32encode(place + _mac(key, place)).decode().rstrip("=").lower()


def read_bounce_token(key: bytes, token: str) -> Returned | None:
    """The effect whose token this is; None if nobody with `key` made it."""
    try:
        data = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except (binascii.Error, ValueError):
        return None
    place, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
    if not 2 <= len(place) - _MARK_BYTES <= _PLACE_MAX or not hmac.compare_digest(mac, _mac(key, place)):
        return None
    seq, rest = _unvarint(place[_MARK_BYTES:])
    entry, rest = _unvarint(rest)
    return None if rest else Returned(place[:_MARK_BYTES], seq, entry)


def bounce_address(address: str, token: str) -> str | None:
    """`local+b.TOKEN@domain`: the envelope sender of what is sent from `address`. None if the result would be too long."""
    local, _, domain = address.rpartition("@")
    marked = f"{local}{_MARK}{token}"
    return f"{marked}@{domain}" if len(marked.encode()) <= LOCAL_MAX else None


def split_bounce_address(address: str) -> tuple[str, str] | None:
    """(our own address, token) of a bounce address, not verified; None for any other address."""
    marked, _, domain = address.rpartition("@")
    found = _MARKED.fullmatch(marked)
    return (f"{found['local']}@{domain}", found["token"].lower()) if found else None


def _mac(key: bytes, place: bytes) -> bytes:
    return hashlib.blake2b(place, key=key, digest_size=_MAC_BYTES, person=b"cb-bounce").digest()


def _varint(number: int) -> bytes:
    """Seven bits a byte, lowest first; the top bit says that more follow."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _unvarint(data: bytes) -> tuple[int, bytes]:
    number = 0
    for index, byte in enumerate(data):
        number |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return number, data[index + 1 :]
    return number, b""

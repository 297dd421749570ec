"""The links by which a customer looks after a promise: signed, bound to its contact, nothing stored.

A token carries which promise it began with and how often it was moved, so that a calendar knows its entry again.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from typing import NamedTuple

from cordboard.events.bounds import ID_BYTES

_MAC_BYTES = 26  # so that no bit of the text is left over, which anybody could change
_HEAD = struct.Struct(f">{ID_BYTES}s{ID_BYTES}sH")
MOVES_MAX = 65_535
MANAGE = "/callbacks/manage"


class Holding(NamedTuple):
    """A promise as its customer holds it: its contact, that of the first promise, and how often it was moved since."""

    contact: bytes
    first: bytes
    moves: int


class ManageTokens:
    """`secret` is 32 bytes."""

    def __init__(self, secret: bytes, site: str) -> None:
        self._secret, self._site = secret, site.encode()

    def token(self, holding: Holding) -> str:
        """80 characters that need no escaping in a URL."""
        head = _HEAD.pack(holding.contact, holding.first, min(holding.moves, MOVES_MAX))
        return base64.urlsafe_b64encode(head + self._mac(head)).rstrip(b"=").decode()

    def link(self, holding: Holding) -> str:
        """The path of the page by which it is looked after."""
        return f"{MANAGE}/{self.token(holding)}"

    def holding(self, token: str) -> Holding | None:
        """What the token gives power over; None if it is nobody's."""
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        head, mac = data[: _HEAD.size], data[_HEAD.size :]
        if len(head) < _HEAD.size or not hmac.compare_digest(mac, self._mac(head)):
            return None
        return Holding(*_HEAD.unpack(head))

    def _mac(self, head: bytes) -> bytes:
        return hmac.digest(self._secret, self._site + b"/manage/" + head, hashlib.sha256)[:_MAC_BYTES]

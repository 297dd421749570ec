"""Tickets: an open door's promise of a place, for a short time. Signed, so that nothing needs storing.

A ticket is valid at every gateway with the same key, for one holder at each: another gateway does not know who took it here.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections import OrderedDict, defaultdict
from collections.abc import Iterable

TICKET_MS = 120_000
HELD_MAX = 100_000
"""Tickets taken, and tickets given, that are remembered until they are over."""
_NONCE_BYTES, _MAC_BYTES = 12, 20
_HEAD = struct.Struct(">Q12s")


class Tickets:
    """`secret` is 32 bytes. Times are Unix ms, and only ever grow."""

    def __init__(self, secret: bytes, site: str) -> None:
        self._secret, self._site = secret, site
        self._taken: OrderedDict[bytes, tuple[int, str]] = OrderedDict()
        self._given: defaultdict[str, OrderedDict[bytes, tuple[int, str]]] = defaultdict(OrderedDict)

    def give(self, entry_point: str, now_ms: int) -> tuple[str, int]:
        """A ticket, 54 characters that need no escaping in a URL, and when it is over."""
        over_ms, nonce = now_ms + TICKET_MS, secrets.token_bytes(_NONCE_BYTES)
        head = _HEAD.pack(over_ms, nonce)
        _remember(self._given[entry_point], nonce, (over_ms, ""), now_ms)
        return base64.urlsafe_b64encode(head + self._mac(entry_point, head)).rstrip(b"=").decode(), over_ms

    def outstanding(self, entry_points: Iterable[str], now_ms: int) -> int:
        """Given here for any of these, neither taken nor over."""
        found = [self._given[name] for name in entry_points if name in self._given]
        for given in found:
            _forget(given, now_ms)
        return sum(map(len, found))

    def take(self, ticket: str, entry_point: str, holder: str, now_ms: int) -> bool:
        """Whether it holds: for this entry point, not over, not taken before by anybody but this holder."""
        try:
            data = base64.b64decode(ticket + "=" * (-len(ticket) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return False
        head, mac = data[: _HEAD.size], data[_HEAD.size :]
        if len(head) < _HEAD.size or not hmac.compare_digest(mac, self._mac(entry_point, head)):
            return False
        over_ms, nonce = _HEAD.unpack(head)
        if over_ms <= now_ms or self._taken.get(nonce, (over_ms, holder))[1] != holder:
            return False
        _remember(self._taken, nonce, (over_ms, holder), now_ms)
        if entry_point in self._given:
            self._given[entry_point].pop(nonce, None)
        return True

    def _mac(self, entry_point: str, head: bytes) -> bytes:
        said = f"{self._site}/{entry_point}/".encode() + head
        return hmac.digest(self._secret, said, hashlib.sha256)[:_MAC_BYTES]


def _remember(known: OrderedDict[bytes, tuple[int, str]], nonce: bytes, over: tuple[int, str], now_ms: int) -> None:
    _forget(known, now_ms)
    known[nonce] = over
    if len(known) > HELD_MAX:
        known.popitem(last=False)


def _forget(known: OrderedDict[bytes, tuple[int, str]], now_ms: int) -> None:
    """All live equally long: those that are over stand in front, or hardly behind one that was taken late."""
    while known and next(iter(known.values()))[0] <= now_ms:
        known.popitem(last=False)

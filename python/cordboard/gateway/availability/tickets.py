"""Tickets: an open door's promise of a place, for a short time. Signed, so that nothing needs storing.

A ticket is valid at every gateway with the same key, for one holder at each: another gateway does not know who took it here.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections import Counter, OrderedDict, defaultdict
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
        self._taken = _Remembered()
        self._given: defaultdict[str, _Remembered] = defaultdict(_Remembered)

    def give(self, entry_point: str, client: str, now_ms: int) -> tuple[str, int]:
        """A ticket, 54 characters that need no escaping in a URL, and when it is over. `client`: the network address that asks."""
        over_ms, nonce = now_ms + TICKET_MS, secrets.token_bytes(_NONCE_BYTES)
        head = _HEAD.pack(over_ms, nonce)
        self._given[entry_point].put(nonce, over_ms, client, now_ms)
        return base64.urlsafe_b64encode(head + self._mac(entry_point, head)).rstrip(b"=").decode(), over_ms

    def outstanding(self, entry_points: Iterable[str], client: str, now_ms: int) -> tuple[int, int]:
        """Given here for any of these, neither taken nor over: all, and those of `client`."""
        found = [self._given[name] for name in entry_points if name in self._given]
        for given in found:
            given.forget(now_ms)
        return sum(map(len, found)), sum(given.whose[client] for given in found)

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
        if over_ms <= now_ms or self._taken.holder(nonce) not in (None, holder):
            return False
        self._taken.put(nonce, over_ms, holder, now_ms)
        if entry_point in self._given:
            self._given[entry_point].drop(nonce)
        return True

    def _mac(self, entry_point: str, head: bytes) -> bytes:
        said = f"{self._site}/{entry_point}/".encode() + head
        return hmac.digest(self._secret, said, hashlib.sha256)[:_MAC_BYTES]


class _Remembered:
    """Tickets until they are over, each somebody's."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[int, str]] = OrderedDict()
        self.whose: Counter[str] = Counter()
        """How many each has."""

    def __len__(self) -> int:
        return len(self._known)

    def holder(self, nonce: bytes) -> str | None:
        known = self._known.get(nonce)
        return None if known is None else known[1]

    def put(self, nonce: bytes, over_ms: int, holder: str, now_ms: int) -> None:
        self.forget(now_ms)
        if nonce in self._known:
            return
        self._known[nonce] = over_ms, holder
        self.whose[holder] += 1
        if len(self._known) > HELD_MAX:
            self.drop(next(iter(self._known)))

    def drop(self, nonce: bytes) -> None:
        known = self._known.pop(nonce, None)
        if known is None:
            return
        self.whose[known[1]] -= 1
        if not self.whose[known[1]]:
            del self.whose[known[1]]

    def forget(self, now_ms: int) -> None:
        """All live equally long: those that are over stand in front, or hardly behind one that was taken late."""
        while self._known and (first := next(iter(self._known.items())))[1][0] <= now_ms:
            self.drop(first[0])

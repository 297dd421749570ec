"""Opaque tokens: consistency and resume tokens (journal positions) and page tokens (cursors bound to their filter).

Layout before base64url: kind (1 byte), site (4 bytes of its hash), payload, checksum (4 bytes). They are not secret and grant
nothing, so they are not signed; the checksum keeps mistakes from being taken for positions. A position stands with the epoch in
which its commit was written: a journal that lost its end gives the positions of that anew (ADR 16).
"""

import base64
import binascii
import hashlib
from typing import Annotated, TypeVar

import msgspec

from cordboard.api.status import BadRequest, TokenExpired
from cordboard.branch import NOWHERE, Position
from cordboard.events.bounds import ID_BYTES

TOKEN_MAX = 512
_CONSISTENCY = b"c"
_RESUME = b"r"
_PAGE = b"p"
_OVERHEAD = 9
_FILTER_BYTES = 8
_SEQ_BYTES = 8
_NOWHERE = Position(0, NOWHERE.inbox)
T = TypeVar("T")

# What cursors are made of. A token is not signed, so whoever can compute a checksum can put anything into it.
Ordinal = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
HexId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$", max_length=32)]


class Tokens:
    """The tokens of one site."""

    def __init__(self, site: str) -> None:
        self._site = _hash(site.encode(), 4)

    def consistency(self, at: Position) -> str:
        """A place in the journal as a consistency token."""
        return self._pack(_CONSISTENCY, at.seq.to_bytes(_SEQ_BYTES, "big") + at.epoch)

    def position(self, token: str) -> Position:
        """The place in a consistency token; nowhere for an empty one. Raises BadRequest."""
        return self._at(_CONSISTENCY, token, "consistency_token") if token else _NOWHERE

    def resume(self, at: Position) -> str:
        """A watch goes on after this place."""
        return self._pack(_RESUME, at.seq.to_bytes(_SEQ_BYTES, "big") + at.epoch)

    def resumed(self, token: str) -> Position:
        """The place in a resume token. Raises BadRequest, or TokenExpired for a token of another site."""
        return self._at(_RESUME, token, "resume_token")

    def page(self, bound_to: bytes, cursor: object) -> str:
        """A page begins after `cursor` (anything JSON can hold), for the request whose filter is `bound_to`."""
        return self._pack(_PAGE, _hash(bound_to, _FILTER_BYTES) + msgspec.json.encode(cursor))

    def cursor(self, bound_to: bytes, token: str, kind: type[T]) -> T | None:
        """The cursor in a page token, None for an empty one; `kind` is a tuple of Ordinal and HexId. Raises BadRequest, also if
        the filter is another one."""
        if not token:
            return None
        payload = self._unpack(_PAGE, token, "page_token")
        if payload[:_FILTER_BYTES] != _hash(bound_to, _FILTER_BYTES):
            raise BadRequest.of("page_token", "belongs to a request with another filter")
        try:
            return msgspec.json.decode(payload[_FILTER_BYTES:], type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadRequest.of("page_token", "is not one of this method's tokens") from error

    def _pack(self, kind: bytes, payload: bytes) -> str:
        body = kind + self._site + payload
        return base64.urlsafe_b64encode(body + _hash(body, 4)).decode().rstrip("=")

    def _at(self, kind: bytes, token: str, field: str) -> Position:
        payload = self._unpack(kind, token, field)
        if len(payload) != _SEQ_BYTES + ID_BYTES:
            raise BadRequest.of(field, "is not a token of this API")
        return Position(int.from_bytes(payload[:_SEQ_BYTES], "big"), payload[_SEQ_BYTES:])

    def _unpack(self, kind: bytes, token: str, field: str) -> bytes:
        if len(token) > TOKEN_MAX:
            raise BadRequest.of(field, f"is longer than {TOKEN_MAX} characters")
        try:
            raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadRequest.of(field, "is not a token of this API") from error
        body, checksum = raw[:-4], raw[-4:]
        if len(raw) < _OVERHEAD or _hash(body, 4) != checksum or body[:1] != kind:
            raise BadRequest.of(field, "is not a token of this API, or of this kind")
        if body[1:5] != self._site:
            if kind == _RESUME:
                raise TokenExpired("the resume token is another site's: start without one")
            raise BadRequest.of(field, "belongs to another site")
        return body[5:]


def _hash(data: bytes, size: int) -> bytes:
    return hashlib.blake2b(data, digest_size=size).digest()

"""Contact ids by which a gateway knows its own again in the journal, without a table of them."""

import hashlib
import secrets

from cordboard.events.bounds import ID_BYTES

_MARK_BYTES = 4


class ContactMarks:
    """`secret` is 32 bytes (the vault derives it); `name` tells apart gateways that share a vault. A mark is no protection."""

    def __init__(self, secret: bytes, name: str) -> None:
        self._secret = secret
        self._name = name.encode()

    def new_contact(self) -> bytes:
        """A fresh contact id of this gateway."""
        chance = secrets.token_bytes(ID_BYTES - _MARK_BYTES)
        return chance + self._mark(chance)

    def owns(self, contact: bytes) -> bool:
        """True for contacts that `new_contact` of this gateway made (of others one in four thousand million is)."""
        return self._mark(contact[:-_MARK_BYTES]) == contact[-_MARK_BYTES:]

    def derive(self, purpose: bytes, data: bytes) -> bytes:
        """16 bytes that follow from `data`, and that nobody else can guess. `purpose`: at most 16 bytes."""
        return hashlib.blake2b(data, key=self._secret, person=purpose, digest_size=ID_BYTES).digest()

    def _mark(self, chance: bytes) -> bytes:
        return hashlib.blake2b(self._name + b"\0" + chance, key=self._secret, person=b"mark", digest_size=_MARK_BYTES).digest()

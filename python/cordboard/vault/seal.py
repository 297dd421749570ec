"""The vault's cryptography: AES-256-GCM with a fresh 96-bit nonce for every value, and keyed hashes. No storage, no clock.

Every seal is bound to what it belongs to (`kind` and `ref` as associated data), so that rows cannot be swapped.
"""

import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cordboard.errors import ConfigurationError, CordboardError
from cordboard.events.bounds import ID_BYTES

KEY_BYTES = 32
NONCE_BYTES = 12
PROOF = b"cordboard vault"


class Unsealable(CordboardError):
    """The bytes were not sealed with this key for this place."""

    reason = "unsealable"


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def new_ref() -> bytes:
    """A random reference: 128 bits that say nothing."""
    return os.urandom(ID_BYTES)


def seal(key: bytes, kind: str, ref: bytes, value: bytes) -> bytes:
    """Nonce and ciphertext of `value`."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value, _place(kind, ref))


def unseal(key: bytes, kind: str, ref: bytes, sealed: bytes) -> bytes:
    """Raises Unsealable."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(kind, ref))
    except (InvalidTag, ValueError) as error:
        raise Unsealable(f"a {kind} cannot be opened") from error


def agent_ref(period_key: bytes, person: str) -> bytes:
    """The reference of a person within a period: the same for the same person, meaningless without the period's key."""
    return hmac.digest(period_key, person.encode(), sha256)[:ID_BYTES]


class MasterKeys:
    """The keys derived from the key-encryption key: one wraps data keys, one hashes what must be found again, one makes
    keys for other purposes."""

    __slots__ = ("_lookup", "_uses", "_wrapping")

    def __init__(self, kek: bytes) -> None:
        if len(kek) != KEY_BYTES:
            raise ConfigurationError(f"the key-encryption key has {len(kek)} bytes; it must have {KEY_BYTES}")
        self._wrapping = _derive(kek, b"wrap")
        self._lookup = _derive(kek, b"lookup")
        self._uses = _derive(kek, b"uses")

    def wrap(self, kind: str, owner: bytes, key: bytes) -> bytes:
        return seal(self._wrapping, f"key of {kind}", owner, key)

    def unwrap(self, kind: str, owner: bytes, wrapped: bytes) -> bytes:
        """Raises Unsealable."""
        return unseal(self._wrapping, f"key of {kind}", owner, wrapped)

    def hash(self, kind: str, value: str) -> bytes:
        """32 bytes by which `value` is found again, and by nobody who lacks the key. Kinds never collide."""
        return hmac.digest(self._lookup, kind.encode() + b"\0" + value.encode(), sha256)

    def for_use(self, purpose: str) -> bytes:
        """32 bytes that say nothing about any other key."""
        return hmac.digest(self._uses, purpose.encode(), sha256)

    def proof(self) -> bytes:
        """A blob to store, which `proves` recognises."""
        return seal(self._wrapping, "proof", b"", PROOF)

    def proves(self, proof: bytes) -> bool:
        """Whether `proof` was made with this same key-encryption key."""
        try:
            return unseal(self._wrapping, "proof", b"", proof) == PROOF
        except Unsealable:
            return False


def _derive(kek: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"cordboard vault 1 " + purpose).derive(kek)


def _place(kind: str, ref: bytes) -> bytes:
    return kind.encode() + b"|" + ref

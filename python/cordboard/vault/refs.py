"""References into the vault that need no place in the journal: they follow from the contact's own id."""

import hashlib

from cordboard.events.bounds import ID_BYTES


def content_ref(contact: bytes, kind: str) -> bytes:
    """16 bytes naming the contact's one content of `kind`: "subject", "text", "name", or "customer" (JSON: kind, address)."""
    return hashlib.blake2b(contact + kind.encode(), digest_size=ID_BYTES, person=b"cb-content").digest()

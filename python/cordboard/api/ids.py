"""Ids that follow from a request_id, so that a repeated request means the same fact, contact and content everywhere."""

import hashlib
import uuid

from cordboard.events.bounds import ID_BYTES


def fact_id(method: str, request_id: uuid.UUID, part: str = "") -> bytes:
    """The fact that a request of `method` publishes; `part` tells the facts of a bulk request apart."""
    return _derived(b"cb-fact", method, request_id, part)


def contact_id(request_id: uuid.UUID) -> bytes:
    """The contact that SubmitContact makes."""
    return _derived(b"cb-contact", "SubmitContact", request_id, "")


def callback_id(method: str, request_id: uuid.UUID) -> bytes:
    """The contact that BookCallback, or RescheduleCallback, makes of a promise."""
    return _derived(b"cb-contact", method, request_id, "")


def message_ref(method: str, request_id: uuid.UUID) -> bytes:
    """The message or note that a request stores in the vault."""
    return _derived(b"cb-message", method, request_id, "")


def quarantine_fact_id(site: str, name: str) -> bytes:
    """The decision of what was put aside and is listed as `name`: whoever decides, and however often, it is one fact."""
    return hashlib.blake2b(f"EndQuarantine|{site}|{name}".encode(), digest_size=ID_BYTES, person=b"cb-fact").digest()


def _derived(kind: bytes, method: str, request_id: uuid.UUID, part: str) -> bytes:
    return hashlib.blake2b(f"{method}|{request_id.hex}|{part}".encode(), digest_size=ID_BYTES, person=kind).digest()

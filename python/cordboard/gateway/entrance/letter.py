"""A letter: whatever came in writing, by whichever channel, before it is a contact. Mail, forms and webhooks all make these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cordboard.vault.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote. `kind` says what the address is: `email`, `phone`, `account` …"""

    kind: str
    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """Something attached."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message of a customer (or of a machine, `author` system) at an entry point of the policy."""

    channel: str
    entry_point: str
    external_id: str
    """The outside's own id: Message-ID, idempotency key. The same one again is the same letter, always."""
    sender: Sender | None = None
    subject: str = ""
    text: str = ""
    classified_text: str | None = None
    """What rules and language detection look at, if not `text`: without quotations, for example."""
    language: str | None = None
    """As declared; None: it will be detected."""
    fields: Mapping[str, str] = field(default_factory=dict)
    envelope: Envelope | None = None
    """How an answer gets back to the sender."""
    threads: tuple[str, ...] = ()
    """Keys by which later letters may refer to this one: its own Message-ID."""
    replies_to: tuple[str, ...] = ()
    """Keys of what it answers, nearest first."""
    attachments: tuple[File, ...] = ()
    automatic: bool = False
    """A machine wrote it."""
    no_action: bool = False
    """It asks for nothing ("thank you", an automatic reply): it is attached to its case and opens nothing."""
    author: Literal["customer", "system"] = "customer"
    vouched: bool = False
    """Its source vouches for `replies_to` (a signed webhook); otherwise only the customer of a case goes on with it."""
    reference: bytes | None = None
    """The contact or case it belongs to, if that is known without `replies_to` (from a bounce's address)."""

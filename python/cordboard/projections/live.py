"""What a desk shows: live contacts, an agent's work, and what changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from cordboard.events.bounds import Key, Requirement
from cordboard.events.commit import Entry
from cordboard.events.event import ContactState, Direct, EndReason, Event, ParkedKind
from cordboard.events.fact import Author, Presence, Role
from cordboard.projections.hands import Hand

OfferCause = Literal["routed", "preferred", "direct"]
WorkState = Literal["offered", "connecting", "engaged", "wrapping"]


class Park(msgspec.Struct, frozen=True):
    """Why a contact is put aside, since when, and until when if nothing comes before. `note` is a vault reference."""

    kind: ParkedKind
    since_ms: int
    until_ms: int
    note: bytes | None


class LiveContact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact as the journal has it at `seq`. Instants are Unix ms.

    `attempt` is that of the newest offer (0: none yet); `agent` the one it is offered to, connecting or engaged with, or parked by;
    `deadline_ms` that of the offer or the connect. `ended` only for contacts that ended a short while ago.
    """

    contact: bytes
    seq: int
    state: ContactState
    queue: str
    channel: str
    visit: int
    attempt: int = 0
    agent: bytes | None = None
    customer: bytes | None
    priority: int
    requirements: tuple[Requirement, ...]
    entry_point: str | None
    topic: str | None
    topic_first: str | None = None
    """What it was thought to be about when it arrived."""
    rule: str | None = None
    """The rule of the policy that classified it."""
    language: str | None = None
    case: bytes
    """The matter it belongs to: the id of that matter's first contact, often its own."""
    promised: bytes | None = None
    """The contact that is promised a call for the same customer about the same."""
    owner: bytes | None = None
    """Who parked it last."""
    served_by: bytes | None = None
    """Who was engaged with it last in this visit, as its primary."""
    park: Park | None = None
    """While it is parked."""
    disposition: str | None = None
    """The last one given."""
    key: Key
    arrived_ms: int
    """Start of the first visit."""
    entered_ms: int
    """Start of this visit."""
    queued_at_ms: int
    """The same less all earlier waits: what the order in the queue goes by."""
    target_ms: int
    deadline_ms: int | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    ended: EndReason | None = None


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """An offer and what became of it at the agent's desk. `deadline_ms`: offer, connect or wrap-up; an engagement has none."""

    contact: bytes
    attempt: int
    state: WorkState
    queue: str
    channel: str
    cost: int
    wait_ms: int
    """How long the contact had waited when it was offered."""
    since_ms: int
    """Start of the state."""
    deadline_ms: int | None
    role: Role = "primary"
    held_since_ms: int | None = None
    """The customer is on hold since then."""
    dormant: bool = False
    """The customer has been silent for long: it costs less."""
    dormant_end_ms: int | None = None
    """When the contact ends of that."""
    silent_since_ms: int | None = None
    """The customer has been waiting for the agent's next message since then, and that was noticed."""
    requeue_at_ms: int | None = None
    """When the contact goes to somebody else for it."""
    cause: OfferCause = "routed"
    given: Direct | None = None
    """Who gave it, and as what, if it was offered directly."""
    interrupts: bool = False
    """Accepting it parks less urgent work."""


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's desk: presence, switched-off channels, and the work in the order it was offered."""

    agent: bytes
    declared: bool = False
    requested: Presence = "offline"
    requested_reason: str | None = None
    effective: Presence = "offline"
    effective_reason: str | None = None
    since_ms: int = 0
    capacity: int = 0
    channels: tuple[str, ...] = ()
    """Channels declared for the agent."""
    channels_off: frozenset[str] = frozenset()
    channels_missed: frozenset[str] = frozenset()
    """Those of them that missed offers have switched off: coming back switches them on."""
    leaves_ms: int | None = None
    """When the agent is known to leave, for a break or at the end of the shift."""
    work: tuple[Work, ...] = ()
    parked: tuple[LiveContact, ...] = ()
    """Contacts the agent has put aside, in that order."""

    @property
    def offers(self) -> tuple[Work, ...]:
        return tuple(work for work in self.work if work.state == "offered")

    @property
    def engagements(self) -> tuple[Work, ...]:
        """Connecting and engaged."""
        return tuple(work for work in self.work if work.state in ("connecting", "engaged"))

    @property
    def wrap_ups(self) -> tuple[Work, ...]:
        return tuple(work for work in self.work if work.state == "wrapping")


class Said(msgspec.Struct, frozen=True, array_like=True):
    """A message of a conversation; its content stands in the vault under `message`."""

    ordinal: int
    """From 1; 0 for a message that was only attached: it asked for nothing and has no place in the order."""
    author: Author
    message: bytes
    agent: bytes | None
    at_ms: int


class DeskChange(msgspec.Struct, frozen=True):
    """One event that concerns the desk, applied already; `contact` as it is after it.

    `hand` is the attempt it is about, if there is one: as it is after it, or as it was if it is over.
    """

    seq: int
    entry: Entry
    event: Event
    contact: LiveContact | None
    hand: Hand | None = None


Sink = Callable[[DeskChange], None]

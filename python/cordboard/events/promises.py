"""Words of callbacks: what is wished for, what is promised, and what becomes of it. All instants are Unix ms."""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import (
    ACCEPTS_MAX,
    PREFERRED_MAX,
    REQUIREMENTS_MAX,
    AgentId,
    Channel,
    ContactId,
    Count,
    DurationMs,
    FactId,
    Key,
    Ms,
    Name,
    Priority,
    Ref,
    Requirement,
)
from cordboard.events.policy import DialMode, Places, SlotMs

HOURS_MAX = 16
PLANNED_MAX = 2_976
"""Slots that one plan sets: a month of quarter hours."""
ALTERNATIVES_MAX = 8

Attempt = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
PromiseKind = Literal["scheduled", "hold_place"]
"""What is promised: a call in a slot, or when the place in the line is reached."""
DeclineReason = Literal["past", "closed", "full", "outside_hours", "beyond_horizon", "no_callbacks"]
AttemptOutcome = Literal["no_answer", "busy", "voicemail", "wrong_person", "invalid_number", "refused", "unknown"]
"""`unknown`: nobody said what became of it."""
PromiseOutcome = Literal["kept", "honoured_not_reached", "missed", "cancelled", "rescheduled"]
"""`honoured_not_reached`: it was tried as promised, and nobody was there."""
Missed = Literal["abandoned", "closed"]
"""`abandoned`: they left before anybody answered. `closed`: they still waited when the queue closed for good."""
NoOffer = Literal["no_return_address"]
"""Nobody knows who it was."""
MissReason = Literal["no_agent", "not_staffed", "closed", "system"]
RiskCause = Literal["capacity"]


class Hours(msgspec.Struct, frozen=True, array_like=True):
    """From then until then the customer can be reached."""

    from_ms: Ms
    until_ms: Ms


CustomerHours = Annotated[list[Hours], msgspec.Meta(max_length=HOURS_MAX)]
Requirements = Annotated[list[Requirement], msgspec.Meta(max_length=REQUIREMENTS_MAX)]
Preferred = Annotated[list[AgentId], msgspec.Meta(max_length=PREFERRED_MAX)]
Accepts = Annotated[list[Name], msgspec.Meta(max_length=ACCEPTS_MAX)]
Alternatives = Annotated[list[Ms], msgspec.Meta(max_length=ALTERNATIVES_MAX)]
"""When slots with room begin, nearest first."""
Capacities = Annotated[list[Places], msgspec.Meta(max_length=PLANNED_MAX)]


class CallbackRequested(msgspec.Struct, frozen=True, array_like=True, tag=40):
    """A customer wishes to be called back: `contact` is new, and becomes the promise.

    It gets the first free slot at or after `wish_ms`, or (`exact`) the one that holds it; else a `CallbackDeclined` with the
    nearest ones. `hours`: only then (empty: at any time). `waiting`: the customer's live contact, which flows out. `address`:
    where to call, a reference into the vault.
    """

    fact_id: FactId
    contact: ContactId
    channel: Channel
    queue: Name
    wish_ms: Ms
    requirements: Requirements = []
    priority: Priority = 0
    customer: Ref | None = None
    preferred: Preferred = []
    entry_point: Name | None = None
    topic: Name | None = None
    case: ContactId | None = None
    rule: Name | None = None
    language: Name | None = None
    accepts: Accepts = []
    kind: PromiseKind = "scheduled"
    exact: bool = False
    hours: CustomerHours = []
    waiting: ContactId | None = None
    address: Ref | None = None
    mode: DialMode | None = None


class CallbackRescheduled(msgspec.Struct, frozen=True, array_like=True, tag=41):
    """The promise is to be another one, at another time: `successor` is its new contact. `hours` None: as they were."""

    fact_id: FactId
    contact: ContactId
    successor: ContactId
    wish_ms: Ms
    exact: bool = False
    hours: CustomerHours | None = None
    by: AgentId | None = None


class CallbackCancelled(msgspec.Struct, frozen=True, array_like=True, tag=42):
    """Nobody is to be called any more."""

    fact_id: FactId
    contact: ContactId
    by: AgentId | None = None
    reason: Name | None = None


class AttemptReported(msgspec.Struct, frozen=True, array_like=True, tag=43):
    """What the dialler, or the agent, heard instead of the customer after ringing for `ring_ms`."""

    fact_id: FactId
    contact: ContactId
    attempt: Attempt
    agent: AgentId
    outcome: AttemptOutcome
    ring_ms: DurationMs = 0


class CapacityPlanned(msgspec.Struct, frozen=True, array_like=True, tag=44):
    """How many promises fit into the slots from `from_ms` on, by plan. 0: none."""

    fact_id: FactId
    queue: Name
    from_ms: Ms
    slot_ms: SlotMs
    capacities: Capacities


class PromiseMade(msgspec.Struct, frozen=True, array_like=True, tag=72):
    """The customer is to be connected between `from_ms` and `until_ms`; `due_ms` is what was said.

    The entry's contact is scheduled from here on. `key`: the place in the line that it keeps. `waiting`: who flowed out into it.
    `replaces`: the promise before it.
    """

    at_ms: Ms
    queue: Name
    kind: PromiseKind
    mode: DialMode
    due_ms: Ms
    from_ms: Ms
    until_ms: Ms
    slot_ms: SlotMs
    key: Key | None
    requirements: Requirements
    priority: Priority
    customer: Ref | None
    preferred: Preferred
    entry_point: Name | None
    topic: Name | None
    case: ContactId | None
    rule: Name | None
    language: Name | None
    accepts: Accepts
    hours: CustomerHours
    address: Ref | None
    waiting: ContactId | None
    replaces: ContactId | None


class CallbackOffered(msgspec.Struct, frozen=True, array_like=True, tag=79):
    """The entry's contact came in vain: its customer is to be offered a callback from `queue`, or (`reason`) nobody can.

    The rest is why they came, so that who calls them knows.
    """

    at_ms: Ms
    queue: Name
    missed: Missed
    reason: NoOffer | None
    customer: Ref | None
    entry_point: Name | None
    topic: Name | None
    case: ContactId | None
    language: Name | None
    requirements: Requirements
    priority: Priority


class CallbackDeclined(msgspec.Struct, frozen=True, array_like=True, tag=73):
    """The wish cannot be met; these slots could be had."""

    at_ms: Ms
    queue: Name
    wish_ms: Ms
    reason: DeclineReason
    alternatives: Alternatives


DUE_BEGINS_WAIT = 4
"""From this level on a promised contact's wait and its target count from `CallbackDue`; before, from when it was queued early."""


class CallbackDue(msgspec.Struct, frozen=True, array_like=True, tag=74):
    """The promised time has come: from here on the contact stands among live ones, at `key`, and its wait counts."""

    at_ms: Ms
    key: Key


class AttemptRecorded(msgspec.Struct, frozen=True, array_like=True, tag=75):
    """The customer was dialled and not reached: the contact is scheduled again, for `next_ms` (None: its end follows).

    `counted`: it was an attempt as promised, the `number`th.
    """

    at_ms: Ms
    attempt: Attempt
    outcome: AttemptOutcome
    ring_ms: DurationMs
    counted: bool
    number: Count
    next_ms: Ms | None


class PromiseEnded(msgspec.Struct, frozen=True, array_like=True, tag=76):
    """What became of the promise, `lateness_ms` after what was said. After a missed one `alternatives` are proposed."""

    at_ms: Ms
    outcome: PromiseOutcome
    reason: MissReason | None
    due_ms: Ms
    lateness_ms: DurationMs
    attempts: Count
    successor: ContactId | None
    alternatives: Alternatives


class PromiseHeld(msgspec.Struct, frozen=True, array_like=True, tag=80):
    """The customer is here as the contact `returned`: nobody is called as long as that one waits.

    If the entry's contact waited for an agent, it is scheduled again.
    """

    at_ms: Ms
    returned: ContactId


class PromiseReleased(msgspec.Struct, frozen=True, array_like=True, tag=88):
    """Who had returned is gone without an answer: the promise stands, and its contact waits for an agent from `next_ms` on."""

    at_ms: Ms
    next_ms: Ms


class PromiseAtRisk(msgspec.Struct, frozen=True, array_like=True, tag=77):
    """The promise may not be kept; these slots could be had instead."""

    at_ms: Ms
    cause: RiskCause
    due_ms: Ms
    alternatives: Alternatives


class CapacitySet(msgspec.Struct, frozen=True, array_like=True, tag=78):
    """The plan in force for the queue's slots from `from_ms` on."""

    at_ms: Ms
    queue: Name
    from_ms: Ms
    slot_ms: SlotMs
    capacities: Capacities

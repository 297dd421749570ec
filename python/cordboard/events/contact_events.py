"""Events of contacts: their place in the order, their visits, what they wait for, with whom they belong.

See `events.event` for what holds of all events.
"""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import (
    ACCEPTS_MAX,
    PREFERRED_MAX,
    QUEUE_REQUIREMENTS_MAX,
    QUEUES_ADDED_MAX,
    RANKS_MAX,
    REQUIREMENTS_MAX,
    AgentId,
    ContactId,
    Count,
    DurationMs,
    Id,
    Key,
    Ms,
    Name,
    Priority,
    Ref,
    Requirement,
)
from cordboard.events.fact import Author
from cordboard.events.terms import ContactState, DivertCause, EndReason, ParkedKind, Step, ThresholdAction, Visit, VisitOutcome


class Matter(msgspec.Struct, frozen=True, array_like=True):
    """How often the customer came about one topic of late, this time included; until when that is remembered."""

    count: Count
    until_ms: Ms


class ContactQueued(msgspec.Struct, frozen=True, array_like=True, tag=10):
    """The contact entered a queue: its `visit` began. `queued_at_ms` counts earlier waits of the contact in.

    `requirements` are the contact's own `wishes` and those of this queue; a transfer leaves the queue's behind.
    """

    at_ms: Ms
    visit: Visit
    queue: Name
    key: Key
    queued_at_ms: Ms
    target_ms: DurationMs
    requirements: Annotated[list[Requirement], msgspec.Meta(max_length=REQUIREMENTS_MAX + QUEUE_REQUIREMENTS_MAX)]
    priority: Priority
    customer: Ref | None
    preferred: Annotated[list[AgentId], msgspec.Meta(max_length=PREFERRED_MAX)]
    prefer_until_ms: Ms
    excluded: AgentId | None
    entry_point: Name | None
    topic: Name | None
    wishes: Annotated[list[Requirement], msgspec.Meta(max_length=REQUIREMENTS_MAX)] = []
    case: ContactId | None = None
    """The case it goes on with; None: its own id begins one."""
    rule: Name | None = None
    language: Name | None = None
    accepts: Annotated[list[Name], msgspec.Meta(max_length=ACCEPTS_MAX)] = []
    opens_ms: Annotated[list[Ms], msgspec.Meta(max_length=RANKS_MAX)] = []
    """When members of rank 0, 1, … may be offered it while one of lower rank is present; ranks beyond the list: the last."""
    step: Step = 0
    """Steps of a plan taken before; never undone."""
    step_at_ms: Ms | None = None
    """When the next step is due."""
    threshold: Step = 0
    """Thresholds of the queue passed already."""
    threshold_at_ms: Ms | None = None
    promote_at_ms: Ms | None = None
    drain_at_ms: Ms | None = None
    transfers: Count = 0
    back: AgentId | None = None
    """Who gets it back if the agent it was transferred to does not take it."""
    resumes: ContactId | None = None
    """The contact whose place it takes up again."""
    matter: Matter | None = None
    """None: nobody counts."""


class ContactEnded(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """The contact's life is over. `state` is the one it ended in; `successor` names what it flowed out to."""

    at_ms: Ms
    reason: EndReason
    state: ContactState
    successor: Id | None
    kept_until_ms: Ms | None = None
    """Whoever comes back before takes up the place again."""


class VisitEnded(msgspec.Struct, frozen=True, array_like=True, tag=12):
    """A stay in a queue has its outcome. `wait_ms` is the real wait: from entering to answer, or to leaving."""

    at_ms: Ms
    visit: Visit
    queue: Name
    outcome: VisitOutcome
    entered_ms: Ms
    wait_ms: DurationMs
    target_ms: DurationMs


class ContactParked(msgspec.Struct, frozen=True, array_like=True, tag=25):
    """The contact is put aside until `until_ms`, at no cost; the entry's agent is its owner. Its engagement ended just before."""

    at_ms: Ms
    kind: ParkedKind
    until_ms: Ms
    note: Ref | None


class ParkEnded(msgspec.Struct, frozen=True, array_like=True, tag=26):
    """The contact is wanted again: a new visit (`ContactQueued`, its owner preferred) or its end follows in the same commit."""

    at_ms: Ms
    by: Literal["deadline", "agent", "customer", "service", "transfer", "interrupter_over", "desk_returned"]


class ContactReclassified(msgspec.Struct, frozen=True, array_like=True, tag=27):
    """The contact is about `topic`, and was thought to be about `previous`."""

    at_ms: Ms
    topic: Name
    previous: Name | None


class MessageAttached(msgspec.Struct, frozen=True, array_like=True, tag=28):
    """A message that asks for nothing ("thank you", an automatic reply) belongs to this contact, parked or over."""

    at_ms: Ms
    message: Ref
    author: Author


class ContactReprioritised(msgspec.Struct, frozen=True, array_like=True, tag=47):
    """The contact has another priority and place in the order."""

    at_ms: Ms
    priority: Priority
    key: Key
    cause: Literal["requested", "threshold"]


class ContactRelaxed(msgspec.Struct, frozen=True, array_like=True, tag=55):
    """A step of the plan is taken: what the contact needs from now on. `queues`: those it waits in besides its own."""

    at_ms: Ms
    step: Step
    wishes: Annotated[list[Requirement], msgspec.Meta(max_length=REQUIREMENTS_MAX)]
    requirements: Annotated[list[Requirement], msgspec.Meta(max_length=REQUIREMENTS_MAX + QUEUE_REQUIREMENTS_MAX)]
    queues: Annotated[list[Name], msgspec.Meta(max_length=QUEUES_ADDED_MAX)]
    priority: Priority
    key: Key
    prefer_until_ms: Ms
    next_at_ms: Ms | None
    skipped: bool
    """Taken at once, because nobody present could serve what the step before left."""


class ThresholdReached(msgspec.Struct, frozen=True, array_like=True, tag=56):
    """The contact waits longer than the queue's threshold `name` allows: once. What follows stands in the next events."""

    at_ms: Ms
    name: Name
    threshold: Step
    next_at_ms: Ms | None
    action: ThresholdAction
    group: Name | None


class ContactPromoted(msgspec.Struct, frozen=True, array_like=True, tag=59):
    """Deferrable work comes near its due time: it is queued among live contacts from now on."""

    at_ms: Ms
    key: Key


class ContactLinked(msgspec.Struct, frozen=True, array_like=True, tag=60):
    """The contact belongs with `other`: the same customer waits there too, came back to the place kept, or is
    promised a call there."""

    at_ms: Ms
    other: ContactId
    cause: Literal["waiting", "resumed", "promised"]


class ContactDiverted(msgspec.Struct, frozen=True, array_like=True, tag=61):
    """The queue it asked for does not take it: it goes to `to` instead (`ContactQueued` follows)."""

    at_ms: Ms
    queue: Name
    to: Name
    cause: DivertCause


class MatterRepeated(msgspec.Struct, frozen=True, array_like=True, tag=62):
    """The customer comes for the `count`th time about one topic: owner first, a step of priority, and somebody should know."""

    at_ms: Ms
    count: Count
    topic: Name

"""Words of next steps: what a customer can do where nobody can help, and what they did. All instants are Unix ms."""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import ContactId, FactId, Ms, Name, Priority, Ref
from cordboard.events.policy import NEXT_STEPS_MAX, NextStep, StepKind
from cordboard.events.promises import Accepts, CustomerHours, Preferred, Requirements
from cordboard.events.terms import DivertCause

TakenBy = Literal["customer", "time"]
"""`time`: nobody chose in time."""


class NextStepChosen(msgspec.Struct, frozen=True, array_like=True, tag=50):
    """The customer of a contact that was offered next steps takes this one.

    `successor` is new, and becomes what follows, if something does. `message`: what they left, a reference into the vault. Of
    callbacks: from `wish_ms` on, or (`exact`) then, in these `hours` (empty: at any time), at `address`, a reference into the
    vault. `customer`: who they are, if that was not known.
    """

    fact_id: FactId
    contact: ContactId
    kind: StepKind
    successor: ContactId
    to: Name | None = None
    message: Ref | None = None
    customer: Ref | None = None
    wish_ms: Ms = 0
    exact: bool = False
    hours: CustomerHours = []
    address: Ref | None = None


class NextStepOffered(msgspec.Struct, frozen=True, array_like=True, tag=96):
    """Nobody can help the entry's contact (because of `cause`, in `queue`): its customer may choose one of these until `until_ms`.

    If it was turned away it is none yet, and the rest is all that is known of it.
    """

    at_ms: Ms
    queue: Name
    cause: DivertCause
    choices: Annotated[list[NextStep], msgspec.Meta(max_length=NEXT_STEPS_MAX)]
    until_ms: Ms
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
    segment: Name | None


class NextStepTaken(msgspec.Struct, frozen=True, array_like=True, tag=97):
    """The step was taken: `successor` goes on with it, or (None) the customer was told, and that is all."""

    at_ms: Ms
    kind: StepKind
    to: Name | None
    by: TakenBy
    successor: ContactId | None

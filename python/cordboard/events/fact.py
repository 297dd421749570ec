"""Facts: what the outside says. A gateway or the API puts them in the INBOX; the router gives each one a verdict.

Every fact begins `[tag, fact_id, ...]`. `fact_id` makes a repeat harmless. No personal data: references into the vault only.
"""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import (
    ACCEPTS_MAX,
    CHANNELS_MAX,
    FRAME_MAX,
    MEMBERSHIPS_MAX,
    PREFERRED_MAX,
    REQUIREMENTS_MAX,
    SKILLS_MAX,
    AgentChannel,
    AgentId,
    Channel,
    ContactId,
    Count,
    DurationMs,
    FactId,
    Membership,
    Ms,
    Name,
    Priority,
    Ref,
    Requirement,
    Skill,
)
from cordboard.events.next_steps import NextStepChosen
from cordboard.events.promises import AttemptReported, CallbackCancelled, CallbackRequested, CallbackRescheduled, CapacityPlanned

Requirements = Annotated[list[Requirement], msgspec.Meta(max_length=REQUIREMENTS_MAX)]
Attempt = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Presence = Literal["offline", "ready", "not_ready"]
Author = Literal["customer", "agent", "system"]
"""`system` speaks for the engine: a bounced answer, for example."""
EffectFailure = Literal["rejected", "unreachable", "no_recipient", "content_gone", "not_configured"]
"""`rejected`: refused for good; `unreachable`: every attempt failed; `content_gone`: erased before it could be sent."""
ParkKind = Literal["customer", "third_party", "snooze"]
Leg = Literal["agent_leg", "customer_leg", "platform"]
"""Whose side of a connection failed."""
Role = Literal["primary", "consult", "conference", "supervisor"]
"""What an agent is to a contact. It has one primary; the others are sides."""
QueueMode = Literal["open", "closed", "emergency"]
DoorState = Literal["open", "busy", "listen_only", "closed"]
"""What customers are shown. `busy`: the wait is long, nobody is promised a place; `listen_only`: messages are answered later."""
QuarantineOutcome = Literal["retried", "discarded"]
"""`retried`: what the bytes say was published again, and decided."""


class ContactArrived(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A customer reached a channel, or a service submitted work. `contact` is new and chosen by the gateway.

    `case` names the matter this goes on with (the id of its first contact; None begins one): if a contact of that case lives on
    this channel, `message` joins it and no new contact comes to be. `reopens` False never makes one of a case that is at rest: the
    message is attached to the case. `rule` and `language` say how it was classified, `segment` what kind of customer it is.
    """

    fact_id: FactId
    contact: ContactId
    channel: Channel
    queue: Name
    requirements: Requirements = []
    priority: Priority = 0
    customer: Ref | None = None
    preferred: Annotated[list[AgentId], msgspec.Meta(max_length=PREFERRED_MAX)] = []
    entry_point: Name | None = None
    topic: Name | None = None
    case: ContactId | None = None
    message: Ref | None = None
    author: Literal["customer", "system"] = "customer"
    reopens: bool = True
    rule: Name | None = None
    language: Name | None = None
    accepts: Annotated[list[Name], msgspec.Meta(max_length=ACCEPTS_MAX)] = []
    """Other languages the customer accepts; a plan may replace a requirement by one of them."""
    ticket: bool = False
    """Its customer was promised a place when the door was open: only an emergency turns it away."""
    segment: Name | None = None


class ContactAbandoned(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The customer left: closed the chat, hung up, or stayed away longer than the grace time."""

    fact_id: FactId
    contact: ContactId


class ContactEndRequested(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """A service or supervisor ends the contact."""

    fact_id: FactId
    contact: ContactId
    reason: Literal["cancelled", "failed", "completed"] = "cancelled"


class TransferRequested(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Move the contact to another queue. `agent` is the sender if an agent asked; `requirements` None keeps today's.

    `to_agent` is offered it first; `queue` is where it waits if that agent does not take it. `by` and `reason`: a supervisor's act.
    """

    fact_id: FactId
    contact: ContactId
    queue: Name
    agent: AgentId | None = None
    requirements: Requirements | None = None
    to_agent: AgentId | None = None
    by: AgentId | None = None
    reason: Name | None = None


class OfferAnswered(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """The agent accepted or declined offer (contact, attempt)."""

    fact_id: FactId
    contact: ContactId
    attempt: Attempt
    agent: AgentId
    accepted: bool
    reason: Name | None = None


class ContactConnected(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Agent and customer are really connected (an accept alone is not a connection)."""

    fact_id: FactId
    contact: ContactId
    attempt: Attempt
    agent: AgentId


class MessagePosted(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """A message by the customer, the engaged agent or the engine; its content stands in the vault under `message`."""

    fact_id: FactId
    contact: ContactId
    message: Ref
    author: Author
    agent: AgentId | None = None


class EngagementEndRequested(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """The agent ends the engagement. `disposition` is a policy word, `note` a vault reference."""

    fact_id: FactId
    contact: ContactId
    agent: AgentId
    disposition: Name | None = None
    note: Ref | None = None


class WrapUpEndRequested(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """The agent has finished the after-contact work."""

    fact_id: FactId
    contact: ContactId
    agent: AgentId
    disposition: Name | None = None
    note: Ref | None = None


class WrapUpExtensionRequested(msgspec.Struct, frozen=True, array_like=True, tag=10):
    """The agent needs `extra_ms` more for the after-contact work (the policy sets the limit)."""

    fact_id: FactId
    contact: ContactId
    agent: AgentId
    extra_ms: DurationMs


class AgentDeclared(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """Everything routing may know of an agent; replaces what was declared before."""

    fact_id: FactId
    agent: AgentId
    skills: Annotated[list[Skill], msgspec.Meta(max_length=SKILLS_MAX)] = []
    memberships: Annotated[list[Membership], msgspec.Meta(max_length=MEMBERSHIPS_MAX)] = []
    channels: Annotated[list[AgentChannel], msgspec.Meta(max_length=CHANNELS_MAX)] = []
    capacity: Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None = None


class AgentRetired(msgspec.Struct, frozen=True, array_like=True, tag=12):
    """The agent is no longer part of the site. Refused while the agent has work."""

    fact_id: FactId
    agent: AgentId


class PresenceRequested(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """The agent asks for a presence; `reason` (a policy word) only with `not_ready`."""

    fact_id: FactId
    agent: AgentId
    presence: Presence
    reason: Name | None = None


class ChannelSwitched(msgspec.Struct, frozen=True, array_like=True, tag=14):
    """The agent switches one channel on or off for themselves."""

    fact_id: FactId
    agent: AgentId
    channel: Channel
    on: bool


class PolicyPublished(msgspec.Struct, frozen=True, array_like=True, tag=15):
    """A compiled site policy (msgpack map of `events.policy.Policy`), to be in force from now on."""

    fact_id: FactId
    policy: Annotated[bytes, msgspec.Meta(min_length=1, max_length=FRAME_MAX - 128)]


class ParkRequested(msgspec.Struct, frozen=True, array_like=True, tag=16):
    """The engaged agent puts the contact aside for `for_ms`, and stays its owner. `kind` says what it waits for."""

    fact_id: FactId
    contact: ContactId
    agent: AgentId
    kind: ParkKind
    for_ms: DurationMs
    note: Ref | None = None


class ParkEndRequested(msgspec.Struct, frozen=True, array_like=True, tag=17):
    """The parked contact is wanted back now: by its owner (`agent`), or by a service (None)."""

    fact_id: FactId
    contact: ContactId
    agent: AgentId | None = None


class ReclassificationRequested(msgspec.Struct, frozen=True, array_like=True, tag=18):
    """The contact is about something else: by the engaged agent, or by a service (None)."""

    fact_id: FactId
    contact: ContactId
    topic: Name
    agent: AgentId | None = None


class EffectDone(msgspec.Struct, frozen=True, array_like=True, tag=19):
    """What the event at entry `entry` of commit `seq` asked for has happened outside."""

    fact_id: FactId
    seq: Count
    entry: Count


class EffectFailed(msgspec.Struct, frozen=True, array_like=True, tag=20):
    """It was refused for good, or every attempt failed: a dead letter until somebody retries or discards it."""

    fact_id: FactId
    seq: Count
    entry: Count
    reason: EffectFailure


class EffectRetryRequested(msgspec.Struct, frozen=True, array_like=True, tag=21):
    """Try a failed effect again, under its old id."""

    fact_id: FactId
    seq: Count
    entry: Count


class EffectDiscardRequested(msgspec.Struct, frozen=True, array_like=True, tag=22):
    """Give a failed effect up."""

    fact_id: FactId
    seq: Count
    entry: Count


class CustomerErasureRequested(msgspec.Struct, frozen=True, array_like=True, tag=23):
    """Forget this customer: the vault deletes the key and everything sealed with it once the journal says so."""

    fact_id: FactId
    customer: Ref


class ConnectionFailed(msgspec.Struct, frozen=True, array_like=True, tag=24):
    """An accepted offer could not be connected; `leg` says on whose side."""

    fact_id: FactId
    contact: ContactId
    attempt: Attempt
    agent: AgentId
    leg: Leg


class PickRequested(msgspec.Struct, frozen=True, array_like=True, tag=25):
    """Give this waiting contact to this agent, whatever order and limits say: the agent's wish (`by` None) or a supervisor's."""

    fact_id: FactId
    contact: ContactId
    agent: AgentId
    by: AgentId | None = None
    reason: Name | None = None


class RequeueRequested(msgspec.Struct, frozen=True, array_like=True, tag=26):
    """A supervisor takes the contact out of its agent's hands; it waits again with its key."""

    fact_id: FactId
    contact: ContactId
    by: AgentId | None = None
    reason: Name | None = None


class PriorityRequested(msgspec.Struct, frozen=True, array_like=True, tag=27):
    """A supervisor or service gives the contact another priority."""

    fact_id: FactId
    contact: ContactId
    priority: Priority
    by: AgentId | None = None
    reason: Name | None = None


class PresenceForced(msgspec.Struct, frozen=True, array_like=True, tag=28):
    """A supervisor makes the agent not ready or offline. Live media are never cut."""

    fact_id: FactId
    agent: AgentId
    presence: Literal["offline", "not_ready"]
    by: AgentId | None = None
    reason: Name | None = None


class AgentScheduled(msgspec.Struct, frozen=True, array_like=True, tag=29):
    """The agent is known to leave (break, end of shift) at `leaves_ms`; None: not any more."""

    fact_id: FactId
    agent: AgentId
    leaves_ms: Ms | None = None


class AgentBusyReported(msgspec.Struct, frozen=True, array_like=True, tag=30):
    """Work from elsewhere (an outbound or internal call), known there as `work`, begins or ends: it takes the channel's cost."""

    fact_id: FactId
    agent: AgentId
    channel: Channel
    work: Ref
    busy: bool


class DeskLost(msgspec.Struct, frozen=True, array_like=True, tag=31):
    """The agent's desk went away. The media may be there still."""

    fact_id: FactId
    agent: AgentId


class DeskReturned(msgspec.Struct, frozen=True, array_like=True, tag=32):
    """The agent's desk is back."""

    fact_id: FactId
    agent: AgentId


class QueueModeRequested(msgspec.Struct, frozen=True, array_like=True, tag=33):
    """Open or close a queue for new contacts."""

    fact_id: FactId
    queue: Name
    mode: QueueMode
    by: AgentId | None = None
    reason: Name | None = None


class BroadcastRequested(msgspec.Struct, frozen=True, array_like=True, tag=34):
    """Tell every customer who waits in the queue something; the text stands in the vault under `message`."""

    fact_id: FactId
    queue: Name
    message: Ref
    by: AgentId | None = None
    reason: Name | None = None


class HoldRequested(msgspec.Struct, frozen=True, array_like=True, tag=35):
    """The engaged agent puts the customer on hold, or takes them off."""

    fact_id: FactId
    contact: ContactId
    agent: AgentId
    held: bool


class ConsultRequested(msgspec.Struct, frozen=True, array_like=True, tag=36):
    """The primary agent asks another agent for help; `conference`: with the customer in it."""

    fact_id: FactId
    contact: ContactId
    agent: AgentId
    to_agent: AgentId
    role: Literal["consult", "conference"] = "consult"


class RoleRequested(msgspec.Struct, frozen=True, array_like=True, tag=37):
    """The primary agent brings a consulted agent into the conference, or hands the contact over (`primary`)."""

    fact_id: FactId
    contact: ContactId
    agent: AgentId
    other: AgentId
    role: Literal["conference", "primary"]


class QuarantineEndRequested(msgspec.Struct, frozen=True, array_like=True, tag=38):
    """What is to become of bytes that were put aside: entry `entry` of commit `seq` is the input that quarantined them.

    `by` and `reason` (a policy word): whose decision it is, and why.
    """

    fact_id: FactId
    seq: Count
    entry: Count
    outcome: QuarantineOutcome
    by: AgentId | None = None
    reason: Name | None = None


class LevelRequested(msgspec.Struct, frozen=True, array_like=True, tag=39):
    """The site is to be decided at `level` from now on."""

    fact_id: FactId
    level: Count


class DemandTurnedAway(msgspec.Struct, frozen=True, array_like=True, tag=46):
    """So many customers came to an entry point that was not open (`state`), and did not come in. Counted, and nothing else."""

    fact_id: FactId
    entry_point: Name
    channel: Channel
    state: DoorState
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


Fact = (
    ContactArrived
    | ContactAbandoned
    | ContactEndRequested
    | TransferRequested
    | OfferAnswered
    | ContactConnected
    | MessagePosted
    | EngagementEndRequested
    | WrapUpEndRequested
    | WrapUpExtensionRequested
    | AgentDeclared
    | AgentRetired
    | PresenceRequested
    | ChannelSwitched
    | PolicyPublished
    | ParkRequested
    | ParkEndRequested
    | ReclassificationRequested
    | EffectDone
    | EffectFailed
    | EffectRetryRequested
    | EffectDiscardRequested
    | CustomerErasureRequested
    | ConnectionFailed
    | PickRequested
    | RequeueRequested
    | PriorityRequested
    | PresenceForced
    | AgentScheduled
    | AgentBusyReported
    | DeskLost
    | DeskReturned
    | QueueModeRequested
    | BroadcastRequested
    | HoldRequested
    | ConsultRequested
    | RoleRequested
    | QuarantineEndRequested
    | LevelRequested
    | DemandTurnedAway
    | CallbackRequested
    | CallbackRescheduled
    | CallbackCancelled
    | AttemptReported
    | CapacityPlanned
    | NextStepChosen
)
FACTS: tuple[type[msgspec.Struct], ...] = Fact.__args__

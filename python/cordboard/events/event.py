"""Events: what the engine recorded. Noun + past participle; each carries every value that was computed, so a fold needs no policy.

The contact, agent and channel that an event is about stand in its `Entry`, not in its body. `at_ms` is when it took effect.
"""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import (
    CHANNELS_MAX,
    MEMBERSHIPS_MAX,
    PREFERRED_MAX,
    QUEUE_REQUIREMENTS_MAX,
    REQUIREMENTS_MAX,
    SKILLS_MAX,
    AgentChannel,
    AgentId,
    ContactId,
    Count,
    Digest,
    DurationMs,
    Id,
    Key,
    Membership,
    Ms,
    Name,
    Priority,
    Ref,
    Requirement,
    Skill,
)
from cordboard.events.fact import Attempt, Author, EffectFailure, ParkKind, Presence

Visit = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Cost = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
VisitOutcome = Literal["answered", "abandoned", "abandoned_after_transfer", "flowed_out", "requeued", "closed"]
EndReason = Literal["completed", "abandoned", "flowed_out", "customer_silent", "cancelled", "failed"]
ContactState = Literal["queued", "offered", "connecting", "engaged", "ended", "parked"]


class RouterTookOver(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A router leads from here on. Alone in its commit."""

    at_ms: Ms
    epoch: Count
    inbox_id: Id


class DeadlinesShifted(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The engine was silent for `gap_ms`: deadlines of offers, connects and wrap-ups move by it; promises and targets do not."""

    at_ms: Ms
    gap_ms: Count


class PolicyAdopted(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """The policy in force from here on. `digest` is the SHA-256 of `policy`."""

    at_ms: Ms
    version: Count
    digest: Digest
    policy: bytes


class SweepAdvanced(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """A re-match of all waiting contacts got as far as key `after` (None: finished)."""

    at_ms: Ms
    after: Key | None


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


class ContactEnded(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """The contact's life is over. `state` is the one it ended in; `successor` names what it flowed out to."""

    at_ms: Ms
    reason: EndReason
    state: ContactState
    successor: Id | None


class VisitEnded(msgspec.Struct, frozen=True, array_like=True, tag=12):
    """A stay in a queue has its outcome. `wait_ms` is the real wait: from entering to answer, or to leaving."""

    at_ms: Ms
    visit: Visit
    queue: Name
    outcome: VisitOutcome
    entered_ms: Ms
    wait_ms: DurationMs
    target_ms: DurationMs


class OfferMade(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """The agent is reserved for the contact until `expires_ms`. `wait_ms` is the contact's real wait so far in this visit."""

    at_ms: Ms
    attempt: Attempt
    queue: Name
    expires_ms: Ms
    cost: Cost
    rank: Annotated[int, msgspec.Meta(ge=0, le=99)]
    cause: Literal["routed", "preferred"]
    wait_ms: DurationMs


class OfferAccepted(msgspec.Struct, frozen=True, array_like=True, tag=14):
    """Accepted is not connected: that must happen before `connect_by_ms`."""

    at_ms: Ms
    attempt: Attempt
    connect_by_ms: Ms


class OfferDeclined(msgspec.Struct, frozen=True, array_like=True, tag=15):
    """The pair is excluded until `excluded_until_ms`, or from `reoffer_from_ms` on if nobody else eligible is present."""

    at_ms: Ms
    attempt: Attempt
    reason: Name | None
    excluded_until_ms: Ms
    reoffer_from_ms: Ms
    declines: Count


class OfferExpired(msgspec.Struct, frozen=True, array_like=True, tag=16):
    """Nobody answered in time. `at_ms` is the deadline itself; `missed` counts this agent's misses in a row on the channel."""

    at_ms: Ms
    attempt: Attempt
    excluded_until_ms: Ms
    reoffer_from_ms: Ms
    missed: Count


class OfferRevoked(msgspec.Struct, frozen=True, array_like=True, tag=17):
    """The offer was withdrawn; late answers are refused with `revoked` or `contact_gone`."""

    at_ms: Ms
    attempt: Attempt
    reason: Literal["contact_gone", "transferred", "agent_not_ready", "channel_off", "not_eligible"]


class ConnectExpired(msgspec.Struct, frozen=True, array_like=True, tag=18):
    """Accepted, but never connected. The contact waits again, with its key; the agent is not punished."""

    at_ms: Ms
    attempt: Attempt
    excluded_until_ms: Ms
    reoffer_from_ms: Ms


class EngagementStarted(msgspec.Struct, frozen=True, array_like=True, tag=19):
    """Agent and customer are connected."""

    at_ms: Ms
    attempt: Attempt
    queue: Name


class ContactAnswered(msgspec.Struct, frozen=True, array_like=True, tag=20):
    """The customer has an answer by the channel's definition (connection, or the agent's first message)."""

    at_ms: Ms
    attempt: Attempt
    wait_ms: DurationMs


class MessageRelayed(msgspec.Struct, frozen=True, array_like=True, tag=21):
    """A message takes its place in the conversation: `ordinal` counts from 1 within the contact."""

    at_ms: Ms
    message: Ref
    author: Author
    ordinal: Count


class EngagementEnded(msgspec.Struct, frozen=True, array_like=True, tag=22):
    """The conversation is over; wrap-up runs until `wrap_until_ms` at `wrap_cost` (None: there is none)."""

    at_ms: Ms
    attempt: Attempt
    by: Literal["agent", "customer", "service", "transfer", "parked"]
    disposition: Name | None
    note: Ref | None
    wrap_until_ms: Ms | None
    wrap_cost: Cost


class WrapUpEnded(msgspec.Struct, frozen=True, array_like=True, tag=23):
    """The after-contact work is done: by the agent, or by its deadline (`at_ms` is then the deadline)."""

    at_ms: Ms
    attempt: Attempt
    by: Literal["agent", "deadline"]
    disposition: Name | None
    note: Ref | None


class WrapUpExtended(msgspec.Struct, frozen=True, array_like=True, tag=24):
    """The after-contact work may last until `until_ms`."""

    at_ms: Ms
    attempt: Attempt
    until_ms: Ms


class ContactParked(msgspec.Struct, frozen=True, array_like=True, tag=25):
    """The contact is put aside until `until_ms`, at no cost; the entry's agent is its owner. Its engagement ended just before."""

    at_ms: Ms
    kind: ParkKind
    until_ms: Ms
    note: Ref | None


class ParkEnded(msgspec.Struct, frozen=True, array_like=True, tag=26):
    """The contact is wanted again: a new visit (`ContactQueued`, its owner preferred) or its end follows in the same commit."""

    at_ms: Ms
    by: Literal["deadline", "agent", "customer", "service", "transfer"]


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


class AgentRegistered(msgspec.Struct, frozen=True, array_like=True, tag=30):
    """The agent's declaration in force, every default filled in from the policy."""

    at_ms: Ms
    skills: Annotated[list[Skill], msgspec.Meta(max_length=SKILLS_MAX)]
    memberships: Annotated[list[Membership], msgspec.Meta(max_length=MEMBERSHIPS_MAX)]
    channels: Annotated[list[AgentChannel], msgspec.Meta(max_length=CHANNELS_MAX)]
    capacity: Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class AgentRemoved(msgspec.Struct, frozen=True, array_like=True, tag=31):
    """The agent is no longer part of the site."""

    at_ms: Ms


class PresenceChanged(msgspec.Struct, frozen=True, array_like=True, tag=32):
    """Requested and effective presence. They differ while not_ready or offline is pending: the agent finishes the work first."""

    at_ms: Ms
    requested: Presence
    requested_reason: Name | None
    effective: Presence
    effective_reason: Name | None
    idle_since_ms: Ms
    cause: Literal["requested", "load_ended", "declined", "missed"]


class ChannelSwitchSet(msgspec.Struct, frozen=True, array_like=True, tag=33):
    """One channel of the agent is on or off."""

    at_ms: Ms
    on: bool
    cause: Literal["requested", "missed", "returned"]


class OverCapacityRecorded(msgspec.Struct, frozen=True, array_like=True, tag=34):
    """The agent's load exceeds the capacity or a channel's maximum, and why. No offers until it is within again."""

    at_ms: Ms
    cause: Literal["redeclared"]
    load: Count
    capacity: Count


class EffectRequested(msgspec.Struct, frozen=True, array_like=True, tag=40):
    """Something is to happen outside. Its id is this entry's place in the journal: (site, seq, entry).

    `kind` is how: `mail`, `webhook`. `message` is the agent's message to deliver; it is the contact's `ordinal`th.
    """

    at_ms: Ms
    kind: Name
    message: Ref
    ordinal: Count


class EffectEnded(msgspec.Struct, frozen=True, array_like=True, tag=41):
    """What became of entry `effect_entry` of commit `effect_seq`. A failed one is kept until it is retried or discarded."""

    at_ms: Ms
    effect_seq: Count
    effect_entry: Count
    outcome: Literal["done", "failed", "discarded"]
    reason: EffectFailure | None


class EffectRetried(msgspec.Struct, frozen=True, array_like=True, tag=42):
    """A failed effect is tried again; `round` counts from 2."""

    at_ms: Ms
    effect_seq: Count
    effect_entry: Count
    round: Count


class CustomerErased(msgspec.Struct, frozen=True, array_like=True, tag=45):
    """The customer is to be forgotten. Who keeps personal data follows the journal and deletes it."""

    at_ms: Ms
    customer: Ref


Event = (
    RouterTookOver
    | DeadlinesShifted
    | PolicyAdopted
    | SweepAdvanced
    | ContactQueued
    | ContactEnded
    | VisitEnded
    | OfferMade
    | OfferAccepted
    | OfferDeclined
    | OfferExpired
    | OfferRevoked
    | ConnectExpired
    | EngagementStarted
    | ContactAnswered
    | MessageRelayed
    | EngagementEnded
    | WrapUpEnded
    | WrapUpExtended
    | ContactParked
    | ParkEnded
    | ContactReclassified
    | MessageAttached
    | AgentRegistered
    | AgentRemoved
    | PresenceChanged
    | ChannelSwitchSet
    | OverCapacityRecorded
    | EffectRequested
    | EffectEnded
    | EffectRetried
    | CustomerErased
)
EVENTS: tuple[type[msgspec.Struct], ...] = Event.__args__

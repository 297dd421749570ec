"""Events: what the engine recorded. Noun + past participle; each carries every value that was computed, so a fold needs no policy.

The contact, agent and channel that an event is about stand in its `Entry`, not in its body. `at_ms` is when it took effect.
"""

from typing import Literal

import msgspec

from cordboard.events.agent_events import (
    AgentRegistered,
    AgentReleased,
    AgentRemoved,
    AgentReserved,
    AgentScheduleSet,
    ChannelSwitchSet,
    DeskDue,
    DeskLossRecorded,
    DeskReturnRecorded,
    OutsideWorkChanged,
    OverCapacityRecorded,
    PresenceChanged,
)
from cordboard.events.bounds import Count, Digest, Id, Key, Ms, Name, Ref
from cordboard.events.contact_events import (
    ContactDiverted,
    ContactEnded,
    ContactLinked,
    ContactParked,
    ContactPromoted,
    ContactQueued,
    ContactReclassified,
    ContactRelaxed,
    ContactReprioritised,
    MatterRepeated,
    MessageAttached,
    ParkEnded,
    ThresholdReached,
    VisitEnded,
)
from cordboard.events.door_events import DoorTurned, WaitExpected
from cordboard.events.fact import EffectFailure, QuarantineOutcome, QueueMode
from cordboard.events.next_steps import NextStepOffered, NextStepTaken
from cordboard.events.offer_events import (
    AgentSilenceNoticed,
    ConnectExpired,
    ConnectFailed,
    ContactAnswered,
    ContactDormant,
    ContactRevived,
    Direct,
    EngagementEnded,
    EngagementHeld,
    EngagementResumed,
    EngagementStarted,
    MessageRelayed,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferRevoked,
    RoleChanged,
    SilenceDue,
    Why,
    WrapUpEnded,
    WrapUpExtended,
)
from cordboard.events.promises import (
    AttemptRecorded,
    CallbackDeclined,
    CallbackDue,
    CallbackOffered,
    CapacitySet,
    PromiseAtRisk,
    PromiseEnded,
    PromiseHeld,
    PromiseMade,
    PromiseReleased,
)
from cordboard.events.sla_events import (
    ContactSegmented,
    SlaAtRisk,
    SlaBroken,
    SlaCancelled,
    SlaMet,
    SlaPaused,
    SlaResumed,
    SlaStarted,
)
from cordboard.events.terms import (
    ContactState,
    Cost,
    EndReason,
    ParkedKind,
    RevokeReason,
    Step,
    Strategy,
    ThresholdAction,
    Visit,
    VisitOutcome,
)

__all__ = [
    "EVENTS",
    "AgentRegistered",
    "AgentReleased",
    "AgentRemoved",
    "AgentReserved",
    "AgentScheduleSet",
    "AgentSilenceNoticed",
    "AttemptRecorded",
    "BroadcastMade",
    "CallbackDeclined",
    "CallbackDue",
    "CallbackOffered",
    "CapacitySet",
    "ChannelSwitchSet",
    "ConnectExpired",
    "ConnectFailed",
    "ContactAnswered",
    "ContactDiverted",
    "ContactDormant",
    "ContactEnded",
    "ContactLinked",
    "ContactParked",
    "ContactPromoted",
    "ContactQueued",
    "ContactReclassified",
    "ContactRelaxed",
    "ContactReprioritised",
    "ContactRevived",
    "ContactSegmented",
    "ContactState",
    "Cost",
    "CustomerErased",
    "DayTurned",
    "DeadlinesShifted",
    "DeskDue",
    "DeskLossRecorded",
    "DeskReturnRecorded",
    "Direct",
    "DoorTurned",
    "EffectEnded",
    "EffectRequested",
    "EffectRetried",
    "EndReason",
    "EngagementEnded",
    "EngagementHeld",
    "EngagementResumed",
    "EngagementStarted",
    "Event",
    "LevelAdopted",
    "MatterRepeated",
    "MessageAttached",
    "MessageRelayed",
    "NextStepOffered",
    "NextStepTaken",
    "OfferAccepted",
    "OfferDeclined",
    "OfferExpired",
    "OfferMade",
    "OfferRevoked",
    "OutsideWorkChanged",
    "OverCapacityRecorded",
    "ParkEnded",
    "ParkedKind",
    "PolicyAdopted",
    "PresenceChanged",
    "PromiseAtRisk",
    "PromiseEnded",
    "PromiseHeld",
    "PromiseMade",
    "PromiseReleased",
    "QuarantineEnded",
    "QueueHoursTurned",
    "QueueModeSet",
    "RevokeReason",
    "RoleChanged",
    "RouterSteppedDown",
    "RouterTookOver",
    "SilenceDue",
    "SlaAtRisk",
    "SlaBroken",
    "SlaCancelled",
    "SlaMet",
    "SlaPaused",
    "SlaResumed",
    "SlaStarted",
    "Step",
    "Strategy",
    "SweepAdvanced",
    "ThresholdAction",
    "ThresholdReached",
    "Visit",
    "VisitEnded",
    "VisitOutcome",
    "WaitExpected",
    "Why",
    "WrapUpEnded",
    "WrapUpExtended",
]


class RouterTookOver(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A router leads from here on. Alone in its commit. `incarnation`: which one, so that no two take-overs are the same bytes.

    `level_max`: the newest level it decides. Both from level 3 on.
    """

    at_ms: Ms
    epoch: Count
    inbox_id: Id
    incarnation: Id | None = None
    level_max: Count = 0


class RouterSteppedDown(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The router of this epoch decides nothing more: whoever stands by takes over at once. Alone in its commit."""

    at_ms: Ms
    epoch: Count


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


class DayTurned(msgspec.Struct, frozen=True, array_like=True, tag=48):
    """A day of the site began: what agents did today counts from zero."""

    at_ms: Ms


class QueueModeSet(msgspec.Struct, frozen=True, array_like=True, tag=57):
    """The queue takes new contacts, or not. From `close_at_ms` those who still wait for a person now are moved on or ended."""

    at_ms: Ms
    queue: Name
    mode: QueueMode
    close_at_ms: Ms | None


class QueueHoursTurned(msgspec.Struct, frozen=True, array_like=True, tag=71):
    """The queue's calendar opened or closed it, or another one counts from here on. `next_ms`: when it turns next (None: never).
    Until `close_at_ms` those who were admitted before it closed are served; None behind a closing: they were, or were moved on."""

    at_ms: Ms
    queue: Name
    open: bool
    close_at_ms: Ms | None
    next_ms: Ms | None


class BroadcastMade(msgspec.Struct, frozen=True, array_like=True, tag=58):
    """Every customer who waits in the queue is to be told `message`."""

    at_ms: Ms
    queue: Name
    message: Ref


class QuarantineEnded(msgspec.Struct, frozen=True, array_like=True, tag=69):
    """What became of the bytes that entry `input_entry` of commit `input_seq` put aside. Who and why stand in the fact."""

    at_ms: Ms
    input_seq: Count
    input_entry: Count
    outcome: QuarantineOutcome


class LevelAdopted(msgspec.Struct, frozen=True, array_like=True, tag=70):
    """What is decided from the next commit on."""

    at_ms: Ms
    level: Count


Event = (
    RouterTookOver
    | RouterSteppedDown
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
    | ConnectFailed
    | ContactReprioritised
    | DayTurned
    | AgentScheduleSet
    | OutsideWorkChanged
    | DeskLossRecorded
    | DeskReturnRecorded
    | AgentReserved
    | AgentReleased
    | ContactRelaxed
    | ThresholdReached
    | QueueModeSet
    | QueueHoursTurned
    | BroadcastMade
    | QuarantineEnded
    | LevelAdopted
    | ContactPromoted
    | ContactLinked
    | ContactDiverted
    | MatterRepeated
    | EngagementHeld
    | EngagementResumed
    | RoleChanged
    | ContactDormant
    | ContactRevived
    | AgentSilenceNoticed
    | DoorTurned
    | WaitExpected
    | PromiseMade
    | CallbackDeclined
    | CallbackDue
    | AttemptRecorded
    | PromiseEnded
    | PromiseAtRisk
    | CapacitySet
    | SlaStarted
    | SlaAtRisk
    | SlaMet
    | SlaBroken
    | SlaPaused
    | SlaResumed
    | SlaCancelled
    | ContactSegmented
    | CallbackOffered
    | NextStepOffered
    | NextStepTaken
    | PromiseHeld
    | PromiseReleased
)
EVENTS: tuple[type[msgspec.Struct], ...] = Event.__args__

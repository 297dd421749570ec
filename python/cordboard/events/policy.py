"""The compiled site policy: what `cordboard policy check` makes of a YAML file and `PolicyPublished` carries (msgpack *map*).

All durations are milliseconds. Unknown keys are ignored by readers, so a policy may be newer than its reader.
"""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import Channel, Count, DurationMs, Name, Requirement

QUEUES_MAX = 512
POLICY_SKILLS_MAX = 1_024
POLICY_CHANNELS_MAX = 16
WORDS_MAX = 256
ReasonClass = Literal["break", "meal", "training", "meeting", "back_office", "technical", "personal", "system"]


class ChannelProfile(msgspec.Struct, frozen=True, kw_only=True):
    """How contacts of one channel behave (ROUTING: channel profile)."""

    name: Channel
    presence: Literal["live", "session", "async"]
    klass: Annotated[int, msgspec.Meta(ge=0, le=3)]
    answered_on: Literal["connected", "first_message"]
    offer_ttl_ms: DurationMs = 20_000
    connect_ms: DurationMs = 10_000
    wrap_up_ms: DurationMs = 0
    wrap_up_max_ms: DurationMs = 0
    """Longest wrap-up including extensions, from its start; 0 forbids extensions."""
    wrap_up_cost_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 100
    cost: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 100
    max_concurrent: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 1
    on_missed: Literal["not_ready", "switch_off"] = "switch_off"
    missed_limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2


class QueuePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One queue. `targets_ms` by channel, else `target_ms`. `requirements` are added to those a contact brings."""

    name: Name
    target_ms: DurationMs = 60_000
    targets_ms: dict[Channel, DurationMs] = {}
    requirements: Annotated[list[Requirement], msgspec.Meta(max_length=8)] = []
    strategy: Literal["longest_idle"] = "longest_idle"
    short_abandon_ms: DurationMs = 5_000
    service_level_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 80


class Reason(msgspec.Struct, frozen=True):
    """A reason an agent may give, for not being ready or for declining, and its class."""

    name: Name
    klass: ReasonClass


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The site's versioned document, compiled. `version` grows with every publication."""

    version: Count
    site: Name
    skills: Annotated[list[Name], msgspec.Meta(max_length=POLICY_SKILLS_MAX)]
    channels: Annotated[list[ChannelProfile], msgspec.Meta(max_length=POLICY_CHANNELS_MAX)]
    queues: Annotated[list[QueuePolicy], msgspec.Meta(max_length=QUEUES_MAX)]
    reasons: Annotated[list[Reason], msgspec.Meta(max_length=WORDS_MAX)] = []
    dispositions: Annotated[list[Name], msgspec.Meta(max_length=WORDS_MAX)] = []
    capacity: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 100
    order: Literal["urgency", "strict"] = "urgency"
    """`urgency`: nearness to the target, priority as a credit in time. `strict`: priority before everything but the class."""
    age_credit_ms: DurationMs = 60_000
    """What one step of priority is worth."""
    freed_agent: Literal["rank_then_key", "key"] = "rank_then_key"
    prefer_ms: DurationMs = 30_000
    decline_cooldown_ms: DurationMs = 60_000
    reoffer_min_ms: DurationMs = 10_000
    declines_limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    connect_retry_ms: DurationMs = 5_000
    toggle_grace_ms: DurationMs = 10_000

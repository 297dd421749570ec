"""Events of agents: what they can do, whether they are there, what keeps them from work.

See `events.event` for what holds of all events.
"""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import (
    CHANNELS_MAX,
    MEMBERSHIPS_MAX,
    SKILLS_MAX,
    AgentChannel,
    Channel,
    Count,
    Membership,
    Ms,
    Name,
    Ref,
    Skill,
)
from cordboard.events.fact import Presence
from cordboard.events.terms import Cost


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
    cause: Literal["requested", "load_ended", "declined", "missed", "technical", "forced"]


class ChannelSwitchSet(msgspec.Struct, frozen=True, array_like=True, tag=33):
    """One channel of the agent is on or off."""

    at_ms: Ms
    on: bool
    cause: Literal["requested", "missed", "returned"]


class OverCapacityRecorded(msgspec.Struct, frozen=True, array_like=True, tag=34):
    """The agent's load exceeds the capacity or a channel's maximum, and why. No offers until it is within again."""

    at_ms: Ms
    cause: Literal["redeclared", "direct", "revived", "outside_work", "role", "interrupted"]
    load: Count
    capacity: Count


class AgentScheduleSet(msgspec.Struct, frozen=True, array_like=True, tag=49):
    """The agent leaves at `leaves_ms`: no offer that would run over."""

    at_ms: Ms
    leaves_ms: Ms | None


class OutsideWorkChanged(msgspec.Struct, frozen=True, array_like=True, tag=50):
    """Work from elsewhere takes `cost` of the agent's capacity on the entry's channel, or is over."""

    at_ms: Ms
    work: Ref
    busy: bool
    cost: Cost


class DeskDue(msgspec.Struct, frozen=True, array_like=True):
    """When the engagements of a channel have waited long enough for a lost desk."""

    channel: Channel
    at_ms: Ms


class DeskLossRecorded(msgspec.Struct, frozen=True, array_like=True, tag=51):
    """The agent's desk went away: no offers. What needs a desk goes to somebody else, channel by channel."""

    at_ms: Ms
    due: Annotated[list[DeskDue], msgspec.Meta(max_length=CHANNELS_MAX)]


class DeskReturnRecorded(msgspec.Struct, frozen=True, array_like=True, tag=52):
    """The agent's desk is back, in time for what is still there."""

    at_ms: Ms


class AgentReserved(msgspec.Struct, frozen=True, array_like=True, tag=53):
    """The agent gets no other offer until the entry's contact, which needs more room than anybody has, is served or gone."""

    at_ms: Ms


class AgentReleased(msgspec.Struct, frozen=True, array_like=True, tag=54):
    """The reservation is over."""

    at_ms: Ms
    reason: Literal["offered", "contact_gone", "agent_gone", "not_eligible"]

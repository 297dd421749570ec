"""Bounded primitive types. A value outside its bounds never reaches the log; if it does, the core quarantines the fact."""

from typing import Annotated

import msgspec

ID_BYTES = 16
NAME_MAX = 48
FRAME_MAX = 64 * 1024
FRAME_FACTS_MAX = 1024
REQUIREMENTS_MAX = 16
QUEUE_REQUIREMENTS_MAX = 8
PREFERRED_MAX = 8
ACCEPTS_MAX = 4
SIBLINGS_MAX = 8
RANKS_MAX = 16
PLAN_MAX = 8
"""Steps of a plan, and thresholds of a queue."""
QUEUES_ADDED_MAX = 4
SKILLS_MAX = 64
MEMBERSHIPS_MAX = 64
CHANNELS_MAX = 16
CAPACITY_MAX = 10_000
DURATION_MAX_MS = 366 * 24 * 3_600_000
INSTANT_MAX_MS = 1 << 48
COUNT_MAX = (1 << 53) - 1

Id = Annotated[bytes, msgspec.Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
"""16 opaque bytes; written as 32 hexadecimal digits wherever people or JSON see them."""
FactId = Id
ContactId = Id
AgentId = Annotated[bytes, msgspec.Meta(min_length=ID_BYTES, max_length=ID_BYTES, extra={"of": "agent"})]
"""Marked, so that whoever must not name agents finds where they are named."""
Ref = Id
"""A reference into the vault (customer, message, note): meaningless without it."""
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,47}(?!\n)$", max_length=NAME_MAX)]
"""A word of the site's policy: queue, skill, channel, reason, disposition."""
Channel = Name
Level = Annotated[int, msgspec.Meta(ge=1, le=10)]
Priority = Annotated[int, msgspec.Meta(ge=0, le=100)]
Ms = Annotated[int, msgspec.Meta(ge=0, le=INSTANT_MAX_MS)]
"""An instant: milliseconds since the Unix epoch, UTC."""
DurationMs = Annotated[int, msgspec.Meta(ge=0, le=DURATION_MAX_MS)]
Count = Annotated[int, msgspec.Meta(ge=0, le=COUNT_MAX)]
Digest = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Requirement(msgspec.Struct, frozen=True, array_like=True):
    """A contact needs `skill` at `level` or better (10 is best). Soft ones may be relaxed by a plan; hard ones always hold."""

    skill: Name
    level: Level = 1
    hard: bool = True


class Skill(msgspec.Struct, frozen=True, array_like=True):
    """An agent has `skill` at `level` (10 is best)."""

    skill: Name
    level: Level


class Membership(msgspec.Struct, frozen=True, array_like=True):
    """An agent serves `queue`; lower ranks are asked first."""

    queue: Name
    rank: Annotated[int, msgspec.Meta(ge=0, le=99)] = 0


class AgentChannel(msgspec.Struct, frozen=True, array_like=True):
    """An agent may work on `channel`; `cost` and `max_concurrent` override the channel's profile. A channel not listed is 0."""

    channel: Channel
    cost: Annotated[int, msgspec.Meta(ge=0, le=CAPACITY_MAX)] | None = None
    max_concurrent: Annotated[int, msgspec.Meta(ge=0, le=1_000)] | None = None


class Key(msgspec.Struct, frozen=True, array_like=True):
    """Order in the queue, lower first (ROUTING: class, then due time less priority credit, then arrival)."""

    klass: Annotated[int, msgspec.Meta(ge=0, le=3)]
    order_ms: int
    seq: Count

"""The shared words: requirements, skills, presences, states."""

from collections.abc import Sequence
from typing import Literal

from cordboard.api.translate.check import Check
from cordboard.events.bounds import (
    CAPACITY_MAX,
    CHANNELS_MAX,
    MEMBERSHIPS_MAX,
    REQUIREMENTS_MAX,
    SKILLS_MAX,
    AgentChannel,
    Membership,
    Requirement,
    Skill,
)
from cordboard.events.event import ParkedKind
from cordboard.events.fact import Author, Leg, ParkKind, Presence, Role
from cordboard.v1 import contact_service_pb2, engagement_service_pb2, types_pb2

PRESENCES: dict[int, Presence] = {
    types_pb2.PRESENCE_OFFLINE: "offline",
    types_pb2.PRESENCE_READY: "ready",
    types_pb2.PRESENCE_NOT_READY: "not_ready",
}
TO_PRESENCE = {word: types_pb2.Presence.ValueType(number) for number, word in PRESENCES.items()}
STATES: dict[int, str] = {
    types_pb2.CONTACT_STATE_QUEUED: "queued",
    types_pb2.CONTACT_STATE_OFFERED: "offered",
    types_pb2.CONTACT_STATE_CONNECTING: "connecting",
    types_pb2.CONTACT_STATE_ENGAGED: "engaged",
    types_pb2.CONTACT_STATE_ENDED: "ended",
    types_pb2.CONTACT_STATE_PARKED: "parked",
    types_pb2.CONTACT_STATE_SCHEDULED: "scheduled",
}
TO_STATE = {word: types_pb2.ContactState.ValueType(number) for number, word in STATES.items()}
EndReason = Literal["cancelled", "failed", "completed"]
END_REASONS: dict[int, EndReason] = {
    contact_service_pb2.CONTACT_END_REASON_UNSPECIFIED: "cancelled",
    contact_service_pb2.CONTACT_END_REASON_CANCELLED: "cancelled",
    contact_service_pb2.CONTACT_END_REASON_FAILED: "failed",
    contact_service_pb2.CONTACT_END_REASON_COMPLETED: "completed",
}
PARK_KINDS: dict[int, ParkKind] = {
    types_pb2.PARK_KIND_UNSPECIFIED: "snooze",
    types_pb2.PARK_KIND_CUSTOMER: "customer",
    types_pb2.PARK_KIND_THIRD_PARTY: "third_party",
    types_pb2.PARK_KIND_SNOOZE: "snooze",
}
TO_PARK_KIND: dict[ParkedKind, types_pb2.ParkKind.ValueType] = {
    "customer": types_pb2.PARK_KIND_CUSTOMER,
    "third_party": types_pb2.PARK_KIND_THIRD_PARTY,
    "snooze": types_pb2.PARK_KIND_SNOOZE,
    "interrupted": types_pb2.PARK_KIND_INTERRUPTED,
    "desk_lost": types_pb2.PARK_KIND_DESK_LOST,
}
TO_AUTHOR: dict[Author, types_pb2.Author.ValueType] = {
    "customer": types_pb2.AUTHOR_CUSTOMER,
    "agent": types_pb2.AUTHOR_AGENT,
    "system": types_pb2.AUTHOR_SYSTEM,
}
TO_ROLE: dict[Role, types_pb2.Role.ValueType] = {
    "primary": types_pb2.ROLE_PRIMARY,
    "consult": types_pb2.ROLE_CONSULT,
    "conference": types_pb2.ROLE_CONFERENCE,
    "supervisor": types_pb2.ROLE_SUPERVISOR,
}
CONSULT_ROLES: dict[int, Literal["consult", "conference"]] = {
    types_pb2.ROLE_UNSPECIFIED: "consult",
    types_pb2.ROLE_CONSULT: "consult",
    types_pb2.ROLE_CONFERENCE: "conference",
}
NEXT_ROLES: dict[int, Literal["conference", "primary"]] = {
    types_pb2.ROLE_CONFERENCE: "conference",
    types_pb2.ROLE_PRIMARY: "primary",
}
LEGS: dict[int, Leg] = {
    engagement_service_pb2.LEG_AGENT: "agent_leg",
    engagement_service_pb2.LEG_CUSTOMER: "customer_leg",
    engagement_service_pb2.LEG_PLATFORM: "platform",
}


def requirements_from(check: Check, field: str, given: Sequence[types_pb2.Requirement]) -> list[Requirement]:
    """At most REQUIREMENTS_MAX, each skill once."""
    check.count(field, len(given), 0, REQUIREMENTS_MAX)
    _once(check, field, [requirement.skill for requirement in given])
    return [
        Requirement(
            skill=check.name(f"{field}[{index}].skill", requirement.skill),
            level=check.number(f"{field}[{index}].level", requirement.level or 1, 1, 10),
            hard=not requirement.soft,
        )
        for index, requirement in enumerate(given)
    ]


def requirements_to(requirements: Sequence[Requirement]) -> list[types_pb2.Requirement]:
    return [
        types_pb2.Requirement(skill=requirement.skill, level=requirement.level, soft=not requirement.hard)
        for requirement in requirements
    ]


def skills_from(check: Check, field: str, given: Sequence[types_pb2.Skill]) -> list[Skill]:
    check.count(field, len(given), 0, SKILLS_MAX)
    _once(check, field, [skill.skill for skill in given])
    return [
        Skill(
            skill=check.name(f"{field}[{index}].skill", skill.skill),
            level=check.number(f"{field}[{index}].level", skill.level, 1, 10),
        )
        for index, skill in enumerate(given)
    ]


def memberships_from(check: Check, field: str, given: Sequence[types_pb2.Membership]) -> list[Membership]:
    check.count(field, len(given), 0, MEMBERSHIPS_MAX)
    _once(check, field, [membership.queue for membership in given])
    return [
        Membership(
            queue=check.name(f"{field}[{index}].queue", membership.queue),
            rank=check.number(f"{field}[{index}].rank", membership.rank, 0, 99),
        )
        for index, membership in enumerate(given)
    ]


def channels_from(check: Check, field: str, given: Sequence[types_pb2.AgentChannel]) -> list[AgentChannel]:
    check.count(field, len(given), 0, CHANNELS_MAX)
    _once(check, field, [channel.channel for channel in given])
    return [
        AgentChannel(
            channel=check.name(f"{field}[{index}].channel", channel.channel),
            cost=check.number(f"{field}[{index}].cost", channel.cost, 0, CAPACITY_MAX) if channel.HasField("cost") else None,
            max_concurrent=check.number(f"{field}[{index}].max_concurrent", channel.max_concurrent, 0, 1_000)
            if channel.HasField("max_concurrent")
            else None,
        )
        for index, channel in enumerate(given)
    ]


def end_reason_from(check: Check, given: int) -> EndReason:
    """Unspecified means cancelled."""
    return check.choice("reason", given, END_REASONS, "cancelled")


def _once(check: Check, field: str, words: Sequence[str]) -> None:
    twice = {word for word in words if words.count(word) > 1} if len(words) <= SKILLS_MAX else set()
    if twice:
        check.wrong(field, f"names {', '.join(sorted(twice))} more than once")

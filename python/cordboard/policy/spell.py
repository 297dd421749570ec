"""A compiled policy back to the words of the document: for `policy show`, and for saying what differs."""

from typing import Any

import msgspec

from cordboard.events.bounds import Requirement
from cordboard.events.policy import Policy
from cordboard.policy.document import CHANNEL, QUEUE, ROUTING, SITE, Section
from cordboard.policy.duration import format_duration
from cordboard.policy.kinds import Duration, Durations, Kind, Percent, Requirements


def spell_policy(policy: Policy) -> dict[str, Any]:
    """The document that compiles to `policy`, every default written out. Labels do not travel with a policy and are not there."""
    document = _spell_section(SITE, policy)
    document["skills"] = list(policy.skills)
    document["channels"] = {channel.name: _spell_section(CHANNEL, channel) for channel in policy.channels}
    document["queues"] = {queue.name: _spell_section(QUEUE, queue) for queue in policy.queues}
    document["reasons"] = {reason.name: {"class": reason.klass} for reason in policy.reasons}
    document["dispositions"] = list(policy.dispositions)
    document["routing"] = _spell_section(ROUTING, policy)
    return document


def spell_requirement(requirement: Requirement) -> str:
    """`nl.written:5`, `garden:3 soft`."""
    return f"{requirement.skill}:{requirement.level}{'' if requirement.hard else ' soft'}"


def _spell_section(section: Section, struct: msgspec.Struct) -> dict[str, Any]:
    compiled = ((setting, setting.field) for setting in section.settings)
    return {setting.key: spell_value(setting.kind, getattr(struct, name)) for setting, name in compiled if name is not None}


def spell_value(kind: Kind, value: Any) -> Any:
    """One compiled value as people write it."""
    if isinstance(kind, Duration):
        return format_duration(value)
    if isinstance(kind, Durations):
        return {name: format_duration(ms) for name, ms in value.items()}
    if isinstance(kind, Percent):
        return f"{value}%"
    if isinstance(kind, Requirements):
        return [spell_requirement(requirement) for requirement in value]
    return value

"""Where words name agents: found in their types, so that no new word is forgotten by whoever must not show it."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import msgspec

from cordboard.events.event import EVENTS
from cordboard.events.fact import FACTS
from cordboard.events.verdict import AGENT_UNAVAILABLE, OF_ONE_AGENT

_AGENT = {"of": "agent"}
_OF_VERDICTS = ("verdict", "refusal", "first_seq", "first_entry")


def names_agent(annotation: Any) -> bool:
    """Is it, or can it hold, an AgentId?"""
    if any(isinstance(meta, msgspec.Meta) and meta.extra == _AGENT for meta in getattr(annotation, "__metadata__", ())):
        return True
    return any(names_agent(part) for part in get_args(annotation))


def _fields(word: type[msgspec.Struct]) -> frozenset[str]:
    hints = get_type_hints(word, include_extras=True)
    return frozenset(name for name in word.__struct_fields__ if names_agent(hints[name]))


def _parts(annotation: Any) -> list[type[msgspec.Struct]]:
    """The structs that a field can hold."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]


_WORDS = (*FACTS, *EVENTS)
AGENT_FIELDS: dict[str, frozenset[str]] = {word.__name__: _fields(word) for word in _WORDS}
"""Fields that name agents, by the name of the fact or event."""
_NESTED: dict[str, dict[str, frozenset[str]]] = {
    word.__name__: {
        name: frozenset().union(*(_fields(part) for part in _parts(hint)))
        for name, hint in get_type_hints(word, include_extras=True).items()
        if _parts(hint)
    }
    for word in _WORDS
}


def without_agents(name: str, details: dict[str, Any]) -> dict[str, Any]:
    """The fields of the fact or event `name` as plain data, without those that name agents. Of an unknown word nothing is left but
    its verdict."""
    if details.get("refusal") in OF_ONE_AGENT:
        details = details | {"refusal": AGENT_UNAVAILABLE}
    if name not in AGENT_FIELDS:
        return {key: value for key, value in details.items() if key in _OF_VERDICTS}
    kept = {key: value for key, value in details.items() if key not in AGENT_FIELDS[name]}
    for field, agents in _NESTED[name].items():
        if isinstance(below := kept.get(field), dict):
            kept[field] = _why(below) if field == "why" else {key: value for key, value in below.items() if key not in agents}
    return kept


def _why(why: dict[str, Any]) -> dict[str, Any]:
    """Who would have been next is an agent if it was the contact that looked. How many were able counts those who were free."""
    hidden = {"able"} | ({"runner_up"} if why.get("looked") == "contact" else set())
    return {key: value for key, value in why.items() if key not in hidden and (key, value) != ("decided", "only")}


def agents_in(name: str, details: dict[str, Any]) -> list[str]:
    """The agents, as hexadecimal ids, that the fields of the fact or event `name` as plain data name."""
    found = [value for field in AGENT_FIELDS.get(name, ()) for value in _listed(details.get(field))]
    for field, agents in _NESTED.get(name, {}).items():
        if isinstance(below := details.get(field), dict):
            found += [value for key in agents for value in _listed(below.get(key))]
            if field == "why" and below.get("looked") == "contact":
                found += _listed(below.get("runner_up"))
    return found


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []

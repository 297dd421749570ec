"""The words of Cordboard: what the outside says (facts), what the engine answers (verdicts) and records (events).

Every word is a frozen msgspec Struct written as a msgpack *array*, first element the tag. Rules of evolution (docs/adr/0003):
a tag and a position are for ever; a new field goes to the end and has a default; a meaning never changes.
The same words stand in rust/core/src; tests/golden holds the bytes that both sides must reproduce.
"""

from cordboard.events.bounds import AgentId, Channel, ContactId, FactId, Id, Level, Ms, Name, Ref
from cordboard.events.commit import INPUT_TAG, Commit, Consumed, Entry, Input
from cordboard.events.event import EVENTS, Event
from cordboard.events.fact import FACTS, Fact
from cordboard.events.verdict import Accepted, Duplicate, Quarantined, Refused, Verdict

__all__ = [
    "EVENTS",
    "FACTS",
    "INPUT_TAG",
    "Accepted",
    "AgentId",
    "Channel",
    "Commit",
    "Consumed",
    "ContactId",
    "Duplicate",
    "Entry",
    "Event",
    "Fact",
    "FactId",
    "Id",
    "Input",
    "Level",
    "Ms",
    "Name",
    "Quarantined",
    "Ref",
    "Refused",
    "Verdict",
]

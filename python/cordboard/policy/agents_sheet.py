"""An agent as the agents file names them, and the file's own words for it, both ways."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from cordboard.events.bounds import AgentChannel, Membership, Skill
from cordboard.policy.tree import Scalar

COLUMNS = ("person", "name", "skills", "queues", "channels", "capacity")
_TOKEN = re.compile(r"[^\s,;|]+")


@dataclass(frozen=True, slots=True)
class AgentSheet:
    """One agent. `person` is the organisation's own id (1..128 characters, no spaces), `name` is for people ("" if unknown).
    Skills, queues and channels are sorted; `capacity` None: the policy's."""

    person: str
    name: str = ""
    skills: tuple[Skill, ...] = ()
    queues: tuple[Membership, ...] = ()
    channels: tuple[AgentChannel, ...] = ()
    capacity: int | None = None

    @staticmethod
    def of(
        person: str,
        name: str,
        skills: Iterable[Skill],
        queues: Iterable[Membership],
        channels: Iterable[AgentChannel],
        capacity: int | None,
    ) -> "AgentSheet":
        """A sheet with its parts in order, so that equal sheets are equal."""
        return AgentSheet(
            person,
            name,
            tuple(sorted(skills, key=lambda skill: skill.skill)),
            tuple(sorted(queues, key=lambda membership: (membership.rank, membership.queue))),
            tuple(sorted(channels, key=lambda channel: channel.channel)),
            capacity,
        )


@dataclass(frozen=True, slots=True)
class Token:
    """`nl.written:8` as written: the word, and what stands after the colon (None if no colon)."""

    at: tuple[int, int]
    word: str
    argument: str | None = None


@dataclass(slots=True)
class Draft:
    """An agent as written, nothing checked yet."""

    at: tuple[int, int]
    person: str
    path: str
    name: Scalar | None = None
    capacity: Scalar | None = None
    tokens: dict[str, list[Token]] = field(default_factory=lambda: {"skills": [], "queues": [], "channels": []})


def split_tokens(text: str, at: tuple[int, int]) -> list[Token]:
    """`nl.written:8 de.spoken:5` (spaces, commas, semicolons or bars between) with the place of each; `at` is that of the text."""
    tokens = []
    for match in _TOKEN.finditer(text):
        word, colon, argument = match[0].partition(":")
        tokens.append(Token((at[0], at[1] + match.start()), word, argument if colon else None))
    return tokens


def spell_skills(skills: Iterable[Skill]) -> str:
    """`nl.written:8 de.spoken:5`"""
    return " ".join(f"{skill.skill}:{skill.level}" for skill in skills)


def spell_queues(queues: Iterable[Membership]) -> str:
    """`orders:0 invoices:1`"""
    return " ".join(f"{membership.queue}:{membership.rank}" for membership in queues)


def spell_channels(channels: Iterable[AgentChannel]) -> str:
    """`chat task:60 mail:20x3`: cost and maximum only where they are the agent's own."""
    words = []
    for channel in channels:
        cost = "" if channel.cost is None else str(channel.cost)
        most = "" if channel.max_concurrent is None else f"x{channel.max_concurrent}"
        words.append(f"{channel.channel}:{cost}{most}" if cost or most else channel.channel)
    return " ".join(words)

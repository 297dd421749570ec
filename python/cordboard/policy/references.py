"""References of one part of the document to the names of another."""

from collections.abc import Iterable

from cordboard.policy.entry import Entry
from cordboard.policy.kinds import Placed
from cordboard.policy.problems import Problems
from cordboard.policy.sections import Document

GROUPS = {"calendar": "calendars", "channel": "channels", "queue": "queues", "topic": "topics", "segment": "segments"}
"""What a setting of this name refers to."""


def check_references(document: Document, entry: Entry, keys: Iterable[str], path: str, problems: Problems) -> None:
    """Each of these settings names something that is there, or several."""
    for key in keys:
        known = document.named[GROUPS[key]]
        for placed in placed_words(entry, key):
            if placed.value not in known:
                problems.unknown(placed.at, f"{path}.{key}", key, placed.value, known)


def check_requirements(document: Document, requirements: Iterable[Placed], path: str, problems: Problems) -> None:
    """The skills are there, each once."""
    skills, seen = document.named["skills"], set[str]()
    for placed in requirements:
        skill = placed.value.skill
        if skill not in skills:
            problems.unknown(placed.at, path, "skill", skill, skills)
        elif skill in seen:
            problems.add(placed.at, path, f"skill `{skill}` stands twice", "keep the higher level")
        seen.add(skill)


def placed_words(entry: Entry, key: str) -> list[Placed]:
    """What was given for a setting that is one name or several."""
    given = entry.values.get(key)
    if given is None:
        return []
    return list(given.value) if isinstance(given.value, list) else [given]

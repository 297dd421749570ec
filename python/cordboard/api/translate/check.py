"""Checks a request field by field and collects everything that is wrong, so that a caller can mend it in one go."""

import re
import uuid
from collections.abc import Mapping
from typing import TypeVar

from cordboard.api.status import BadRequest, Violation
from cordboard.events.bounds import ID_BYTES

VIOLATIONS_MAX = 32
PERSON_MAX = 128
ATTEMPT_MAX = 1_000_000
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,47}")
_PLACE = re.compile(r"(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,8})-[0-9a-f]{6}", re.ASCII)
_NO_ID = bytes(ID_BYTES)
T = TypeVar("T")


class Check:
    """Use: read every field through it, then `finish()`; what a wrong field returned meanwhile is meaningless."""

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def wrong(self, field: str, description: str) -> None:
        """Note a violation."""
        if len(self._violations) < VIOLATIONS_MAX:
            self._violations.append(Violation(field, description))

    def finish(self) -> None:
        """Raises BadRequest if anything was wrong."""
        if self._violations:
            raise BadRequest(tuple(self._violations))

    def uuid(self, field: str, value: str) -> uuid.UUID:
        """A UUID in its usual form with hyphens, or as 32 hexadecimal digits."""
        if len(value) in (32, 36):
            try:
                return uuid.UUID(value)
            except ValueError:
                pass
        self.wrong(field, "must be a UUID, for example 6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
        return uuid.UUID(int=0)

    def id(self, field: str, value: str) -> bytes:
        """16 bytes from 32 hexadecimal digits."""
        if len(value) == 2 * ID_BYTES and value.isascii() and value.isalnum():
            try:
                return bytes.fromhex(value)
            except ValueError:
                pass
        self.wrong(field, "must be 32 hexadecimal digits")
        return _NO_ID

    def place(self, field: str, value: str) -> tuple[int, int]:
        """The place in the journal, commit and entry, in the name of what stands there."""
        found = _PLACE.fullmatch(value)
        if found is None:
            self.wrong(field, "must be an id as it is listed, for example 1042.3-5f3a9c")
            return 0, 0
        return int(found[1]), int(found[2])

    def name(self, field: str, value: str) -> str:
        """A word of the policy."""
        if not _NAME.fullmatch(value):
            self.wrong(field, "must be a policy word: lower-case letters, digits, '_', '.', '-', at most 48 of them")
        return value

    def name_or_none(self, field: str, value: str) -> str | None:
        """A word of the policy, or nothing."""
        return self.name(field, value) if value else None

    def person(self, field: str, value: str) -> str:
        """A person id of the organisation."""
        if not value.strip():
            self.wrong(field, "must be the person id of an agent")
        return self.text(field, value, PERSON_MAX)

    def person_or_none(self, field: str, value: str) -> str | None:
        """A person id, or nothing."""
        return self.person(field, value) if value else None

    def text(self, field: str, value: str, longest: int, shortest: int = 0) -> str:
        """Text of `shortest`..`longest` characters, without NUL (no database takes it)."""
        if not shortest <= len(value) <= longest:
            self.wrong(field, f"must have {shortest}..{longest} characters, has {len(value)}")
        elif "\0" in value:
            self.wrong(field, "must not contain NUL characters")
        return value

    def number(self, field: str, value: int, low: int, high: int) -> int:
        """An integer within its bounds."""
        if not low <= value <= high:
            self.wrong(field, f"must be {low}..{high}, is {value}")
        return value

    def count(self, field: str, value: int, low: int, high: int) -> None:
        """How many items a repeated field holds."""
        if not low <= value <= high:
            self.wrong(field, f"must have {low}..{high} items, has {value}")

    def choice(self, field: str, value: int, choices: Mapping[int, T], default: T) -> T:
        """An enum value that means something."""
        if value in choices:
            return choices[value]
        self.wrong(field, f"{value} is not one of {', '.join(str(word) for word in choices.values())}")
        return default

"""The kinds of value a policy document holds. Each reads itself from the tree and describes itself to an editor (JSON Schema).

`read` returns None when the value is wrong; the problem is recorded with its place and what to write instead. `bare` turns what was
read into the compiled value (without places), `spell` turns that back into what people write.
"""

import re
from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import Any, Protocol

from cordboard.events.bounds import NAME_MAX, QUEUE_REQUIREMENTS_MAX, Requirement
from cordboard.events.policy import LANGUAGES_MAX
from cordboard.policy.days import zones
from cordboard.policy.duration import DURATION_PATTERN, LEGEND, NotADuration, format_duration, parse_duration
from cordboard.policy.problems import Problems, did_you_mean, shorten
from cordboard.policy.tree import Listing, Mapping, Scalar, Tree

NAME_PATTERN = r"^[a-z0-9][a-z0-9_.-]{0,47}$"
SITE_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,31}$"
LANGUAGE_PATTERN = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
REQUIREMENT_PATTERN = r"^[a-z0-9][a-z0-9_.-]{0,47}(:([1-9]|10))?( (soft|hard))?$"
LABEL_MAX = 200
REQUIREMENTS_MOST = QUEUE_REQUIREMENTS_MAX

_NAME = re.compile(NAME_PATTERN.removesuffix("$") + r"\Z")
_LANGUAGE = re.compile(LANGUAGE_PATTERN.removesuffix("$") + r"\Z")
_WHOLE = re.compile(r"[0-9]{1,15}\Z", re.ASCII)

Schema = dict[str, Any]
Labels = Map[str, str]
"""Text for people by language tag."""


class Kind(Protocol):
    """What a setting may be."""

    def read(self, node: Tree, path: str, problems: Problems) -> Any: ...

    def schema(self) -> Schema: ...

    def bare(self, value: Any) -> Any:
        """What was read, as it is compiled."""
        return value

    def spell(self, value: Any) -> Any:
        """What was compiled, as it is written."""
        return value


@dataclass(frozen=True)
class Placed:
    """A value and where it stands."""

    value: Any
    at: tuple[int, int]


def scalar(node: Tree, path: str, problems: Problems, wanted: str) -> str | None:
    """The text of a scalar that is not empty, stripped."""
    if not isinstance(node, Scalar):
        problems.add(node.at, path, f"expected {wanted}, found {shape(node)}")
        return None
    if node.empty or not node.text.strip():
        problems.add(node.at, path, "no value", f"write {wanted}")
        return None
    return node.text.strip()


def name(node: Tree, path: str, problems: Problems) -> str | None:
    """A word of the policy: lower case, digits, `_ . -`, at most 48."""
    text = scalar(node, path, problems, "a name")
    if text is None or _NAME.match(text):
        return text
    better = re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip("-._")[:NAME_MAX]
    advice = f"write `{better}`" if better else "use lower-case letters, digits, `_`, `.` and `-`"
    problems.add(node.at, path, f"`{shorten(text)}` is no name", advice)
    return None


@dataclass(frozen=True)
class SiteName(Kind):
    """The name of a site: it names streams too, so it is shorter than other names and has no dots."""

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = name(node, path, problems)
        if text is None or re.match(SITE_PATTERN, text):
            return text
        advice = f"write `{text.replace('.', '-')[:32]}`: at most 32 characters, without dots"
        problems.add(node.at, path, f"`{shorten(text)}` is no name for a site", advice)
        return None

    def schema(self) -> Schema:
        return {"type": "string", "pattern": SITE_PATTERN}


@dataclass(frozen=True)
class Duration(Kind):
    """A duration between two bounds, in milliseconds."""

    low_ms: int
    high_ms: int

    def read(self, node: Tree, path: str, problems: Problems) -> int | None:
        text = scalar(node, path, problems, "a duration, such as 20s")
        if text is None:
            return None
        try:
            ms = parse_duration(text)
        except NotADuration as error:
            problems.add(node.at, path, f"`{shorten(text)}` is no duration", error.suggestion)
            return None
        if self.low_ms <= ms <= self.high_ms:
            return ms
        bounds = f"write {format_duration(self.low_ms)} to {format_duration(self.high_ms)}"
        problems.add(node.at, path, f"{format_duration(ms)} is too {'short' if ms < self.low_ms else 'long'}", bounds)
        return None

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "string", "pattern": DURATION_PATTERN}, {"const": 0}], "description": LEGEND}

    def spell(self, value: int) -> str:
        return format_duration(value)


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number between two bounds."""

    low: int
    high: int

    def read(self, node: Tree, path: str, problems: Problems) -> int | None:
        text = scalar(node, path, problems, f"a whole number from {self.low} to {self.high}")
        if text is None:
            return None
        if _WHOLE.match(text) and self.low <= int(text) <= self.high:
            return int(text)
        problems.add(node.at, path, f"`{shorten(text)}` is out of bounds", f"write a whole number from {self.low} to {self.high}")
        return None

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Percent(Kind):
    """0% to 100%, or what lies between two others; the sign optional."""

    least: int = 0
    most: int = 100

    def read(self, node: Tree, path: str, problems: Problems) -> int | None:
        text = scalar(node, path, problems, "a percentage, such as 80%")
        if text is None:
            return None
        digits = text.removesuffix("%").strip()
        if _WHOLE.match(digits) and self.least <= int(digits) <= self.most:
            return int(digits)
        limits = f"from {self.least}% to {self.most}%"
        if _WHOLE.match(digits) and int(digits) <= 100:
            problems.add(node.at, path, f"`{shorten(text)}` is outside its limits", f"write a percentage {limits}")
            return None
        share = re.fullmatch(r"0?[.,]([0-9]{1,2})", digits)
        advice = f"write {share[1].ljust(2, '0').lstrip('0') or '0'}%" if share else f"write a whole percentage {limits}"
        problems.add(node.at, path, f"`{shorten(text)}` is no whole percentage", advice)
        return None

    def schema(self) -> Schema:
        outside = "|".join(str(value) for value in range(101) if not self.least <= value <= self.most)
        but = f"(?!0*({outside}) ?%$)" if outside else ""
        return {
            "anyOf": [
                {"type": "string", "pattern": f"^{but}(100|[0-9]{{1,2}}) ?%$"},
                {"type": "integer", "minimum": self.least, "maximum": self.most},
            ]
        }

    def spell(self, value: int) -> str:
        return f"{value}%"


@dataclass(frozen=True)
class OneOf(Kind):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = scalar(node, path, problems, "one of " + ", ".join(self.words))
        if text is None or text in self.words:
            return text
        problems.add(node.at, path, f"`{shorten(text)}` is none of the choices", did_you_mean(text, self.words))
        return None

    def schema(self) -> Schema:
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Language(Kind):
    """A language tag: nl, fr-BE."""

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = scalar(node, path, problems, "a language tag, such as nl")
        if text is None or _LANGUAGE.match(text):
            return text
        problems.add(node.at, path, f"`{shorten(text)}` is no language tag", "write a tag such as nl, de or fr-BE")
        return None

    def schema(self) -> Schema:
        return {"type": "string", "pattern": LANGUAGE_PATTERN}


@dataclass(frozen=True)
class Timezone(Kind):
    """An IANA time zone: Europe/Amsterdam. `""` is none."""

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        if isinstance(node, Scalar) and not node.empty and not node.text.strip():
            return ""
        text = scalar(node, path, problems, "a time zone, such as Europe/Amsterdam")
        if text is None or text in zones():
            return text
        advice = did_you_mean(text, zones()) or "write one of the IANA database, such as Europe/Amsterdam"
        problems.add(node.at, path, f"`{shorten(text)}` is no time zone", advice)
        return None

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": 64}


@dataclass(frozen=True)
class Label(Kind):
    """Text for people: one text (language `""`: the document's own), or one a language."""

    most: int = LABEL_MAX

    def read(self, node: Tree, path: str, problems: Problems) -> Labels | None:
        if isinstance(node, Mapping):
            texts: dict[str, str] = {}
            for key, value in node.entries:
                language = Language().read(key, path, problems)
                text = self._text(value, f"{path}.{key.text}", problems)
                if language is not None and text is not None:
                    texts[language] = text
            if len(texts) > LANGUAGES_MAX:
                problems.add(node.at, path, f"{len(texts)} languages", f"at most {LANGUAGES_MAX}")
            return texts
        text = self._text(node, path, problems)
        return None if text is None else {"": text}

    def _text(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = scalar(node, path, problems, "a text")
        if text is not None and len(text) > self.most:
            problems.add(node.at, path, f"the text has {len(text)} characters", f"at most {self.most}")
            return None
        return text

    def schema(self) -> Schema:
        one = {"type": "string", "minLength": 1, "maxLength": self.most}
        return {"anyOf": [one, {"type": "object", "propertyNames": {"pattern": LANGUAGE_PATTERN}, "additionalProperties": one}]}


@dataclass(frozen=True)
class Requirements(Kind):
    """`[nl.written:5, garden:3 soft]`: skills that a contact needs. Reads to a list of Placed(Requirement)."""

    def read(self, node: Tree, path: str, problems: Problems) -> list[Placed] | None:
        if not isinstance(node, Listing):
            text = node.text if isinstance(node, Scalar) and not node.empty else "nl.written:5"
            problems.add(node.at, path, f"expected a list, found {shape(node)}", f"write `[{shorten(text)}]`")
            return None
        if len(node.items) > REQUIREMENTS_MOST:
            problems.add(node.at, path, f"{len(node.items)} requirements", f"at most {REQUIREMENTS_MOST}")
        read = [self.one(item, f"{path}[{index}]", problems) for index, item in enumerate(node.items)]
        return [placed for placed in read if placed is not None]

    def one(self, node: Tree, path: str, problems: Problems) -> Placed | None:
        """A single one."""
        if isinstance(node, Mapping) and len(node.entries) == 1 and isinstance(node.entries[0][1], Scalar):
            skill, level = node.entries[0][0].text, node.entries[0][1].text
            problems.add(node.at, path, "a space stands after the colon", f"write `{shorten(skill)}:{shorten(level)}`")
            return None
        text = scalar(node, path, problems, "a requirement, such as nl.written:5")
        if text is None:
            return None
        match = re.fullmatch(r"([^\s:]+)(?:\s*:\s*([0-9]{1,4}))?(?:\s+(soft|hard))?", text)
        if match is None:
            problems.add(
                node.at,
                path,
                f"`{shorten(text)}` is no requirement",
                "write skill:level, such as `nl.written:5` or `nl.written:5 soft`",
            )
            return None
        skill_name = name(Scalar(node.at, match[1]), path, problems)
        level_number = int(match[2] or 1)
        if not 1 <= level_number <= 10:
            problems.add(node.at, path, f"level {level_number} is out of bounds", "levels go from 1 to 10 (best)")
        elif skill_name is not None:
            return Placed(Requirement(skill=skill_name, level=level_number, hard=match[3] != "soft"), node.at)
        return None

    def schema(self) -> Schema:
        item = {"type": "string", "pattern": REQUIREMENT_PATTERN}
        return {"type": "array", "items": item, "maxItems": REQUIREMENTS_MOST, "uniqueItems": True}

    def bare(self, value: list[Placed]) -> list[Requirement]:
        return [placed.value for placed in value]

    def spell(self, value: list[Requirement]) -> list[str]:
        return [spell_requirement(requirement) for requirement in value]


@dataclass(frozen=True)
class OneRequirement(Kind):
    """`en.written:6`: one skill with its level. Reads to a Placed(Requirement)."""

    def read(self, node: Tree, path: str, problems: Problems) -> Placed | None:
        return Requirements().one(node, path, problems)

    def schema(self) -> Schema:
        return {"type": "string", "pattern": REQUIREMENT_PATTERN}

    def bare(self, value: Placed) -> Requirement:
        requirement: Requirement = value.value
        return requirement

    def spell(self, value: Requirement) -> str:
        return spell_requirement(value)


def spell_requirement(requirement: Requirement) -> str:
    """`nl.written:5`, `garden:3 soft`."""
    return f"{requirement.skill}:{requirement.level}{'' if requirement.hard else ' soft'}"


def shape(node: Tree) -> str:
    """What was found instead, for messages."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Listing):
        return "a list"
    return "nothing" if node.empty else f"`{shorten(node.text)}`"

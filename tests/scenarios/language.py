"""The language of the stories: a line is a fact. The twin of rust/core/tests/scenarios/language.rs; both read grammar.txt."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

HERE = Path(__file__).parent
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of grammar.txt: the fact's tag and its fields as written there."""

    tag: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A fact as bytes, and how long before now the log stored it."""

    fact: bytes
    late_ms: int


def grammar() -> dict[str, Verb]:
    verbs = {}
    for line in (HERE / "grammar.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            verb, tag, *fields = line.split()
            verbs[verb] = Verb(int(tag), tuple(fields))
    return verbs


GRAMMAR = grammar()


def ident(text: str) -> bytes:
    """An id is its name, padded with zero bytes."""
    return text.encode().ljust(16, b"\0")


def duration(text: str) -> int:
    """`20s`, `1500ms`, `8h` in milliseconds."""
    number, unit = re.fullmatch(r"(-?\d+)(ms|s|m|h)", text).groups()  # type: ignore[union-attr]
    return int(number) * _UNITS[unit]


def say(line: str, default_id: str) -> Said:
    """The fact that a line says."""
    verb, *words = line.split()
    options = dict(word.split("=", 1) for word in words if "=" in word)
    positional = iter([word for word in words if "=" not in word])
    fields: list[Any] = [GRAMMAR[verb].tag, ident(options.pop("id", default_id))]
    late_ms = duration(options.pop("late", "0s"))
    for field in GRAMMAR[verb].fields:
        if field.startswith("!"):
            fields.append(field == "!true")
        elif ":" in field:
            fields.append(value(field.split(":")[1], next(positional)))
        else:
            name, kind = field.split("=")
            fields.append(value(kind.rstrip("?").split("(")[0], options.pop(name)) if name in options else default(kind))
    assert not options and next(positional, None) is None, f"left over in: {line}"
    return Said(msgspec.msgpack.encode(fields), late_ms)


def default(kind: str) -> Any:
    """What an option is that was not given."""
    if kind.endswith("?"):
        return None
    if "(" in kind:
        return value(*kind.rstrip(")").split("("))
    return 0 if kind == "int" else []


def value(kind: str, text: str) -> Any:
    """A field's value."""
    items = [item.split(":") for item in text.split(",")] if text else []
    match kind:
        case "id":
            return ident(text)
        case "ids":
            return [ident(name) for (name,) in items]
        case "word":
            return text
        case "int":
            return int(text)
        case "onoff":
            return text == "on"
        case "duration":
            return duration(text)
        case "words":
            return [word for (word,) in items]
        case "requirements":
            return [[skill, int(level.rstrip("~")), not level.endswith("~")] for skill, level in items]
        case "levels" | "ranks":
            return [[name, int(number)] for name, number in items]
        case "hours":
            return [[duration(begin), duration(end)] for begin, end in items]
        case "ints":
            return [int(number) for (number,) in items]
        case "channels":
            return [[name, *(None if each == "-" else int(each) for each in [*rest, "-", "-"][:2])] for name, *rest in items]
    raise ValueError(f"no type {kind}")

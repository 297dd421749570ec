"""Kinds of value that are words of the policy, or several of them: names, languages, yes and no, a value for each of some names."""

import re
from dataclasses import dataclass
from typing import Any

from cordboard.policy.kinds import NAME_PATTERN, Kind, Placed, Schema, name, scalar, shape
from cordboard.policy.problems import Problems, shorten
from cordboard.policy.tree import Listing, Mapping, Scalar, Tree

CODE_PATTERN = r"^[a-z]{2,3}$"
_CODE = re.compile(r"[a-z]{2,3}\Z")
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class Word(Kind):
    """A name. `what` says of what."""

    what: str

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        return name(node, path, problems)

    def schema(self) -> Schema:
        return {"type": "string", "pattern": NAME_PATTERN}


@dataclass(frozen=True)
class LanguageCode(Kind):
    """A language without region: nl, fr."""

    def read(self, node: Tree, path: str, problems: Problems) -> str | None:
        text = scalar(node, path, problems, "a language, such as nl")
        if text is None or _CODE.match(text):
            return text
        short = text.split("-")[0].lower()
        advice = f"write `{short}`" if _CODE.match(short) else "write a code of two letters, such as nl or de"
        problems.add(node.at, path, f"`{shorten(text)}` is no language", advice)
        return None

    def schema(self) -> Schema:
        return {"type": "string", "pattern": CODE_PATTERN}


@dataclass(frozen=True)
class Flag(Kind):
    """true or false."""

    def read(self, node: Tree, path: str, problems: Problems) -> bool | None:
        text = scalar(node, path, problems, "true or false")
        if text is None:
            return None
        if text.lower() not in _FLAGS:
            problems.add(node.at, path, f"`{shorten(text)}` is neither true nor false", "write true or false")
        return _FLAGS.get(text.lower())

    def schema(self) -> Schema:
        # An editor that reads YAML 1.2 sees words in yes, no, on and off.
        return {"enum": [True, False, "yes", "no", "on", "off"]}


@dataclass(frozen=True)
class Several(Kind):
    """A list of values of one kind, or a single one. Reads to a list of Placed."""

    kind: Kind
    most: int

    def read(self, node: Tree, path: str, problems: Problems) -> list[Placed] | None:
        if isinstance(node, Mapping):
            problems.add(
                node.at, path, f"expected a list, found {shape(node)}", "write `[…]`, or each on a line that begins with `- `"
            )
            return None
        nodes = node.items if isinstance(node, Listing) else (node,)
        if len(nodes) > self.most:
            problems.add(node.at, path, f"{len(nodes)} values", f"at most {self.most}")
        found: list[Placed] = []
        for index, item in enumerate(nodes):
            where = f"{path}[{index}]" if isinstance(node, Listing) else path
            value = self.kind.read(item, where, problems)
            if value is None:
                continue
            if any(value == other.value for other in found):
                problems.add(item.at, where, f"`{shorten(str(value))}` stands twice", "keep one of them")
            else:
                found.append(Placed(value, item.at))
        return found

    def schema(self) -> Schema:
        one = self.kind.schema()
        return {"anyOf": [one, {"type": "array", "items": one, "maxItems": self.most, "uniqueItems": True}]}

    def bare(self, value: list[Placed]) -> list[Any]:
        return [self.kind.bare(placed.value) for placed in value]

    def spell(self, value: list[Any]) -> list[Any]:
        return [self.kind.spell(one) for one in value]


@dataclass(frozen=True)
class ByName(Kind):
    """A value for each of some names. Reads to {name: Placed(value)}, the place being the name's. `wanted` and `line` are for
    messages."""

    kind: Kind
    most: int
    wanted: str
    line: str

    def read(self, node: Tree, path: str, problems: Problems) -> dict[str, Placed] | None:
        if not isinstance(node, Mapping):
            message = f"expected {self.wanted}, found {shape(node)}"
            problems.add(node.at, path, message, f"write `{self.line}` on a line of its own")
            return None
        if len(node.entries) > self.most:
            problems.add(node.at, path, f"{len(node.entries)} names", f"at most {self.most}")
        read: dict[str, Placed] = {}
        for key, value in node.entries:
            word = name(key, path, problems)
            one = self.kind.read(value, f"{path}.{key.text}", problems)
            if word is not None and one is not None:
                read[word] = Placed(one, key.at)
        return read

    def schema(self) -> Schema:
        values = self.kind.schema()
        return {
            "type": "object",
            "propertyNames": {"pattern": NAME_PATTERN},
            "additionalProperties": values,
            "maxProperties": self.most,
        }

    def bare(self, value: dict[str, Placed]) -> dict[str, Any]:
        return {word: self.kind.bare(placed.value) for word, placed in sorted(value.items())}

    def spell(self, value: dict[str, Any]) -> dict[str, Any]:
        return {word: self.kind.spell(one) for word, one in value.items()}


def nothing(tree: Tree) -> bool:
    """A key without a value."""
    return isinstance(tree, Scalar) and tree.empty

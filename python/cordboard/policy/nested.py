"""Kinds of value that are sections themselves: one, a list of them, or one for each of several names."""

from dataclasses import dataclass
from typing import Any

import msgspec

from cordboard.policy.entry import Entry, read_names, read_section
from cordboard.policy.kinds import Kind, Schema, shape
from cordboard.policy.problems import Problems
from cordboard.policy.setting import Names, Section, nullable
from cordboard.policy.tree import Listing, Scalar, Tree


@dataclass(frozen=True)
class Nested(Kind):
    """A section below a key. Reads to an Entry."""

    section: Section

    def read(self, node: Tree, path: str, problems: Problems) -> Entry:
        return read_section(self.section, node, node.at, path, problems)

    def schema(self) -> Schema:
        return self.section.entry_schema()


@dataclass(frozen=True)
class NestedStruct(Nested):
    """A section below a key that compiles to a struct."""

    def bare(self, value: Entry) -> msgspec.Struct:
        assert self.section.struct is not None, "a section without a struct compiles to nothing"
        return self.section.struct(**value.fields())

    def spell(self, value: msgspec.Struct) -> dict[str, Any]:
        return self.section.spell(value, sparse=True)


@dataclass(frozen=True)
class NestedList(Kind):
    """An ordered list of sections. Reads to a list of Entry."""

    section: Section
    most: int

    def read(self, node: Tree, path: str, problems: Problems) -> list[Entry] | None:
        if isinstance(node, Scalar) and node.empty:
            return []
        if not isinstance(node, Listing):
            advice = "begin each on a line with `- `"
            problems.add(node.at, path, f"expected a list of {self.section.word}s, found {shape(node)}", advice)
            return None
        if len(node.items) > self.most:
            problems.add(node.at, path, f"{len(node.items)} {self.section.word}s", f"at most {self.most}")
        return [read_section(self.section, item, item.at, f"{path}[{index}]", problems) for index, item in enumerate(node.items)]

    def schema(self) -> Schema:
        return nullable({"type": "array", "items": self.section.entry_schema(), "maxItems": self.most})


@dataclass(frozen=True)
class NestedStructs(NestedList):
    """An ordered list of sections that compile to structs."""

    def bare(self, value: list[Entry]) -> list[msgspec.Struct]:
        struct = self.section.struct
        return [] if struct is None else [struct(**entry.fields()) for entry in value]

    def spell(self, value: list[msgspec.Struct]) -> list[dict[str, Any]]:
        return [self.section.spell(one, sparse=True) for one in value]


@dataclass(frozen=True)
class NestedNames(Kind):
    """Sections by name. Reads to {name: Entry}; compiles to a list of structs that have a name, else to a mapping
    (without a struct: of their labels)."""

    names: Names

    def read(self, node: Tree, path: str, problems: Problems) -> dict[str, Entry]:
        return read_names(self.names, (Scalar(node.at, self.names.key), node), path, problems)

    def schema(self) -> Schema:
        return self.names.schema()

    def bare(self, value: dict[str, Entry]) -> Any:
        struct = self.names.section.struct
        if struct is None:
            return {word: entry.get("label") or {} for word, entry in value.items()}
        if _has_name(struct):
            return [struct(name=word, **entry.fields()) for word, entry in value.items()]
        return {word: struct(**entry.fields()) for word, entry in value.items()}

    def spell(self, value: Any) -> Any:
        section = self.names.section
        if section.struct is None:
            return dict(value)
        pairs = ((one.name, one) for one in value) if isinstance(value, list) else value.items()
        return {word: section.spell(struct, sparse=True) for word, struct in pairs}


def _has_name(struct: type[msgspec.Struct]) -> bool:
    return "name" in struct.__struct_fields__

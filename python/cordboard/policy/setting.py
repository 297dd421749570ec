"""How a part of the document is described: settings, sections of settings, names with sections."""

from dataclasses import dataclass
from typing import Any

import msgspec

from cordboard.policy.kinds import NAME_PATTERN, Kind, Schema


@dataclass(frozen=True)
class Setting:
    """One key of the document. `field` is its name in the compiled policy; None: kept out of it, or compiled by hand."""

    key: str
    kind: Kind
    doc: str
    field: str | None = None
    required: bool = False
    rare: bool = False
    """Spelled only where it is not the default."""
    otherwise: Any = None
    """What the field is where the document says nothing of it, if that is not the struct's default, which old journals mean."""


@dataclass(frozen=True)
class Section:
    """A mapping with known keys. `word` names one such thing in messages; `short` is the setting that a bare value stands for;
    `struct` is what it compiles to, and has its defaults."""

    word: str
    settings: tuple[Setting, ...]
    struct: type[msgspec.Struct] | None = None
    short: str | None = None

    def setting(self, key: str) -> Setting | None:
        """The setting called `key`."""
        return next((setting for setting in self.settings if setting.key == key), None)

    def default(self, field: str) -> Any:
        """The default of a compiled field, None if it has none."""
        if self.struct is None:
            return None
        own = next((setting.otherwise for setting in self.settings if setting.field == field), None)
        if own is not None:
            return own
        for info in msgspec.structs.fields(self.struct):
            if info.name != field:
                continue
            if info.default is not msgspec.NODEFAULT:
                return info.default
            if info.default_factory is not msgspec.NODEFAULT:
                return info.default_factory()
        return None

    def spell(self, struct: msgspec.Struct, *, sparse: bool = False) -> dict[str, Any]:
        """The settings that compile to `struct`; `sparse` leaves out what is the default."""
        document: dict[str, Any] = {}
        for setting in self.settings:
            if setting.field is None:
                continue
            value = getattr(struct, setting.field)
            if value != self.default(setting.field) or not (sparse or setting.rare):
                document[setting.key] = setting.kind.spell(value)
        return document

    def schema(self) -> Schema:
        """For editors; the short form is not in it."""
        properties: dict[str, Any] = {}
        for setting in self.settings:
            schema = {**setting.kind.schema(), "description": setting.doc}
            default = self.default(setting.field) if setting.field is not None else None
            if default is not None and not setting.required:
                schema["default"] = setting.kind.spell(default)
            properties[setting.key] = schema
        required = [setting.key for setting in self.settings if setting.required]
        schema = {"type": "object", "additionalProperties": False, "properties": properties}
        return {**schema, "required": required} if required else schema

    def entry_schema(self) -> Schema:
        """The same with all that may stand for it: its short form, or nothing."""
        one: Schema = self.schema()
        short = self.setting(self.short) if self.short is not None else None
        if short is not None:
            one = {"anyOf": [short.kind.schema(), one]}
        return one if any(setting.required for setting in self.settings) else nullable(one)


@dataclass(frozen=True)
class Names:
    """A mapping from names to sections (`listable`: a plain list of names will do)."""

    key: str
    section: Section
    most: int
    doc: str
    required: bool = False
    listable: bool = False

    def schema(self) -> Schema:
        """For editors."""
        mapping: Schema = {
            "type": "object",
            "propertyNames": {"pattern": NAME_PATTERN},
            "maxProperties": self.most,
            "additionalProperties": self.section.entry_schema(),
            "description": self.doc,
        }
        if self.required:
            return {**mapping, "minProperties": 1}
        if not self.listable:
            return nullable(mapping)
        listing = {
            "type": "array",
            "items": {"type": "string", "pattern": NAME_PATTERN},
            "maxItems": self.most,
            "uniqueItems": True,
        }
        return {"anyOf": [mapping, listing, {"type": "null"}], "description": self.doc}


def nullable(schema: Schema) -> Schema:
    """`schema`, or nothing."""
    return {"anyOf": [schema, {"type": "null"}]}

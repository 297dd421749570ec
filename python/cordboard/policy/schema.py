"""The document's JSON Schema (draft 2020-12): completion, hints and first checks in any editor that knows YAML.

It checks shapes. References between the parts, and contradictions, need `cordboard policy check`.
"""

from typing import Any

from cordboard.policy.document import NAMED, ROUTING, SITE, Names, Section
from cordboard.policy.kinds import NAME_PATTERN, Schema
from cordboard.policy.spell import spell_value


def json_schema() -> dict[str, Any]:
    """The schema as a JSON-able dict; the same at every call."""
    properties: dict[str, Any] = _section_schema(SITE)["properties"]
    for names in NAMED:
        properties[names.key] = _names_schema(names)
    properties["routing"] = _nullable({**_section_schema(ROUTING), "description": "How contacts and agents are matched."})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cordboard site policy",
        "type": "object",
        "required": ["site", *(names.key for names in NAMED if names.required)],
        "additionalProperties": False,
        "properties": properties,
    }


def _section_schema(section: Section) -> Schema:
    properties: dict[str, Any] = {}
    for setting in section.settings:
        schema = {**setting.kind.schema(), "description": setting.doc}
        default = section.default(setting.field) if setting.field is not None else None
        if default is not None and not setting.required:
            schema["default"] = spell_value(setting.kind, default)
        properties[setting.key] = schema
    required = [setting.key for setting in section.settings if setting.required]
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": required} if required else schema


def _names_schema(names: Names) -> Schema:
    section = names.section
    one: Schema = _section_schema(section)
    short = section.setting(section.short) if section.short is not None else None
    if short is not None:
        one = {"anyOf": [short.kind.schema(), one]}
    if not any(setting.required for setting in section.settings):
        one = _nullable(one)
    mapping: Schema = {
        "type": "object",
        "propertyNames": {"pattern": NAME_PATTERN},
        "maxProperties": names.most,
        "additionalProperties": one,
        "description": names.doc,
    }
    if names.required:
        return {**mapping, "minProperties": 1}
    if not names.listable:
        return _nullable(mapping)
    listing = {"type": "array", "items": {"type": "string", "pattern": NAME_PATTERN}, "maxItems": names.most, "uniqueItems": True}
    return {"anyOf": [mapping, listing, {"type": "null"}], "description": names.doc}


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}

"""The document's JSON Schema (draft 2020-12): completion, hints and first checks in any editor that knows YAML.

It checks shapes. References between the parts, and contradictions, need `cordboard policy check`.
"""

from typing import Any

from cordboard.policy.document import BLOCKS, NAMED, SITE
from cordboard.policy.setting import nullable


def json_schema() -> dict[str, Any]:
    """The schema as a JSON-able dict; the same at every call."""
    properties: dict[str, Any] = SITE.schema()["properties"]
    for names in NAMED:
        properties[names.key] = names.schema()
    for key, section, doc in BLOCKS:
        properties[key] = {**nullable(section.schema()), "description": doc}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cordboard site policy",
        "type": "object",
        "required": ["site", *(names.key for names in NAMED if names.required)],
        "additionalProperties": False,
        "properties": properties,
    }

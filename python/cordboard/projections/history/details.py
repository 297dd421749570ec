"""What stands in a timeline beside the columns: words and verdicts as JSON can hold them."""

from typing import Any

import msgspec

from cordboard.events.verdict import Duplicate, Quarantined, Refused, Verdict

APART = ("at_ms", "contact", "fact_id")
"""Fields that have a column of their own in the timeline."""


def verdict_details(verdict: Verdict) -> dict[str, Any]:
    """What became of a fact."""
    match verdict:
        case Refused(reason) | Quarantined(reason):
            return {"verdict": type(verdict).__name__.lower(), "refusal": reason}
        case Duplicate(first_seq, first_entry):
            return {"verdict": "duplicate", "first_seq": first_seq, "first_entry": first_entry}
        case _:
            return {"verdict": "accepted"}


def fields_of(word: msgspec.Struct) -> dict[str, Any]:
    """The word's fields as JSON can hold them, without those that are unset or have their own column."""
    values = ((name, getattr(word, name)) for name in word.__struct_fields__ if name not in APART)
    return {name: _plain(value) for name, value in values if value is not None and value != []}


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case msgspec.Struct():
            return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value

"""What was put aside as messages of the API, and what can be read of bytes that are no fact."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events.fact import FACTS
from cordboard.log.port import Frame
from cordboard.projections.quarantine import PutAside, State
from cordboard.v1 import quarantine_service_pb2 as pb
from cordboard.vault import Person

READABLE_MAX = 16 * 1024
"""Characters."""
QUARANTINE_STATES: dict[int, State | None] = {
    pb.QUARANTINE_STATE_UNSPECIFIED: None,
    pb.QUARANTINE_STATE_OPEN: "open",
    pb.QUARANTINE_STATE_RETRIED: "retried",
    pb.QUARANTINE_STATE_DISCARDED: "discarded",
}
"""None: whatever its state."""
STATE_NUMBERS: dict[State, "pb.QuarantineState.ValueType"] = {
    "open": pb.QUARANTINE_STATE_OPEN,
    "retried": pb.QUARANTINE_STATE_RETRIED,
    "discarded": pb.QUARANTINE_STATE_DISCARDED,
}
WORDS: dict[object, str] = {word.__struct_config__.tag: word.__name__ for word in FACTS}


def bytes_of(one: PutAside, frame: Frame) -> bytes | None:
    """What was put aside, out of the message that holds it. None: this is another message."""
    data = frame.stored.data
    if not one.whole:
        try:
            data = codec.decode_frame(data)[one.index]
        except (InvalidInput, IndexError):
            return None
    return data if hashlib.sha256(data).digest() == one.sha256 else None


def quarantined_row(one: PutAside, frame: Frame | None, people: Mapping[bytes, Person]) -> pb.Quarantined:
    """`frame`: the message that holds the bytes; None if it is gone."""
    data = None if frame is None else bytes_of(one, frame)
    return pb.Quarantined(
        quarantine_id=one.name,
        state=STATE_NUMBERS[one.state],
        reason=one.reason,
        inbox_seq=one.inbox_seq,
        index=one.index,
        sha256=one.sha256.hex(),
        stored_at_ms=one.stored_ms,
        put_aside_at_ms=one.put_aside_ms,
        held=data is not None,
        size_bytes=0 if data is None else len(data),
        publisher=frame.publisher if frame is not None and data is not None else "",
        ended_at_ms=one.ended_ms,
        by=people[one.by].person if one.by is not None else "",
        decided_for=one.why or "",
    )


def facts_in(one: PutAside, data: bytes) -> list[bytes]:
    """The facts that the bytes hold. Raises InvalidInput if this release cannot read all of them: none is to be half said."""
    facts = codec.decode_frame(data) if one.whole else [data]
    for number, fact in enumerate(facts):
        try:
            codec.decode_fact(fact)
        except InvalidInput as error:
            raise InvalidInput(f"fact {number} of the frame: {error}" if one.whole else str(error)) from error
    return facts


def word_of(one: PutAside, data: bytes) -> str:
    """Which fact it would be."""
    value = None if one.whole else _value(data)
    return WORDS.get(value[0], "") if isinstance(value, list) and value and isinstance(value[0], int) else ""


def readable(one: PutAside, data: bytes) -> str:
    """As JSON; empty if nothing can be read."""
    value = _value(data)
    if one.whole and isinstance(value, list):
        value = [_value(each) or each if isinstance(each, bytes) else each for each in value]
    if value is None:
        return ""
    try:
        text = msgspec.json.encode(_plain(value)).decode()
    except (RecursionError, msgspec.EncodeError):
        return ""
    return text if len(text) <= READABLE_MAX else text[: READABLE_MAX - 1] + "…"


def _value(data: bytes) -> Any:
    try:
        return codec.decode_any(data)
    except InvalidInput:
        return None


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return value.hex()
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {str(_plain(key)): _plain(item) for key, item in value.items()}
        case _:
            return str(value)

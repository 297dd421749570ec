"""The only msgpack in Python: facts, frames and commits to bytes and back."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cordboard.errors import InvalidInput, JournalCorrupt, LevelUnsupported
from cordboard.events.bounds import FRAME_FACTS_MAX, FRAME_MAX
from cordboard.events.commit import INPUT_TAG, LEVEL, Commit, Entry, Input
from cordboard.events.event import Event
from cordboard.events.fact import Fact
from cordboard.events.policy import Policy

_encoder = msgspec.msgpack.Encoder()
_fact: msgspec.msgpack.Decoder[Fact] = msgspec.msgpack.Decoder(Fact)
_event: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)
_input = msgspec.msgpack.Decoder(Input)
_commit = msgspec.msgpack.Decoder(Commit)
_frame = msgspec.msgpack.Decoder(list[bytes])
_policy = msgspec.msgpack.Decoder(Policy)


def encode(word: msgspec.Struct) -> bytes:
    """Any word (fact, event, input, commit, compiled policy) as bytes."""
    return _encoder.encode(word)


def decode_fact(data: bytes) -> Fact:
    """Raises InvalidInput if the bytes are not a fact within its bounds."""
    try:
        return _fact.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not a fact: {error}") from error


def check_fact(fact: Fact) -> bytes:
    """Encode a fact that code built, and raise InvalidInput if any field is out of bounds (Structs do not check on creation)."""
    data = _encoder.encode(fact)
    decode_fact(data)
    return data


def encode_frame(facts: Sequence[bytes]) -> bytes:
    """A frame: a msgpack array of encoded facts. Raises InvalidInput above FRAME_MAX bytes or FRAME_FACTS_MAX facts."""
    frame = _encoder.encode(facts)
    if len(frame) > FRAME_MAX or len(facts) > FRAME_FACTS_MAX:
        raise InvalidInput(f"a frame of {len(facts)} facts and {len(frame)} bytes exceeds the limits")
    return frame


def decode_frame(data: bytes) -> list[bytes]:
    """The encoded facts of a frame. Raises InvalidInput if it is none."""
    try:
        return _frame.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not a frame: {error}") from error


def decode_commit(data: bytes) -> Commit:
    """Raises JournalCorrupt if the bytes are not a commit, LevelUnsupported if its level is newer than LEVEL: what it means is not
    known here, and nothing of a journal is skipped."""
    try:
        commit = _commit.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalCorrupt(f"not a commit: {error}") from error
    if commit.level > LEVEL:
        raise LevelUnsupported(f"a commit is of level {commit.level}, this build reads levels up to {LEVEL} (docs/adr/0003)")
    return commit


def decode_input(entry: Entry) -> Input:
    """The body of an input entry."""
    assert entry.tag == INPUT_TAG
    try:
        return _input.decode(entry.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalCorrupt(f"not an input: {error}") from error


def decode_event(entry: Entry) -> Event:
    """The body of an event entry."""
    try:
        return _event.decode(entry.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalCorrupt(f"not an event: {error}") from error


def decode_policy(data: bytes) -> Policy:
    """Raises InvalidInput if the bytes are not a compiled policy."""
    try:
        return _policy.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not a compiled policy: {error}") from error


def decode_any(data: bytes) -> Any:
    """Any msgpack value, of which nothing is known. Raises InvalidInput if it is none, or nested too deeply."""
    try:
        return msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise InvalidInput(f"not msgpack: {error}") from error


def fact_id(fact: bytes) -> bytes | None:
    """The fact id inside an encoded fact, without decoding it (None if it does not start like one)."""
    # fixarray | array16, positive fixint tag, bin8 of 16
    start = 1 if fact[:1] and 0x90 <= fact[0] <= 0x9F else 3
    if len(fact) >= start + 19 and fact[start] < 0x80 and fact[start + 1 : start + 3] == b"\xc4\x10":
        return fact[start + 3 : start + 19]
    return None

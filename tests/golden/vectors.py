"""The golden vectors: how a word of today is written, and what must still be read of yesterday's and tomorrow's.

Variants of a word:
  full      every field set
  largest   every value at its upper bound
  minimal   only what has no default, the rest as defaulted
  old       an older writer: trailing fields that have a default are missing
  inside    the same of the arrays inside a full word (requirements, memberships …)
  newer     a newer writer: one more element (of a policy: one more key) than is known here, in every array inside too
  loose     the same values in longer forms of msgpack (uint64, str32, bin32, array32): legal, never written by us
Whatever was read, writing it again gives today's form (`again`, where it differs from the bytes read).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cordboard.events import Commit, Entry, Event, Fact, Input
from cordboard.events.policy import Policy
from tests.golden import samples

WORDS = Path(__file__).parent / "words.txt"
FLAWS = Path(__file__).parent / "flaws.txt"
DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {
    "fact": msgspec.msgpack.Decoder(Fact),
    "event": msgspec.msgpack.Decoder(Event),
    "input": msgspec.msgpack.Decoder(Input),
    "entry": msgspec.msgpack.Decoder(Entry),
    "commit": msgspec.msgpack.Decoder(Commit),
    "policy": msgspec.msgpack.Decoder(Policy),
}
_HEADER = """# Golden vectors: `kind name variant`, the value, the bytes, and what writing it again gives where that differs.
# Made by `python -m tests.golden.bless` from the types in cordboard.events; read by tests/golden and rust/core/tests/golden.rs.
# Bytes that once stood here stay: blessing keeps them as `old`, and fails if today's types cannot read them.
"""


@dataclass(frozen=True, slots=True)
class Vector:
    """`data` decodes to a word whose repr is `value`; encoding that gives `again`."""

    kind: str
    name: str
    variant: str
    value: str
    data: bytes
    again: bytes


def encode(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)


def make() -> list[Vector]:
    """All vectors, from today's types."""
    found: list[Vector] = []
    for kind, name, cls in samples.words():
        full = samples.commit() if cls.__name__ == "Commit" else samples.of(samples.typical, cls)
        found += of_word(kind, name, full, samples.of(samples.smallest, cls, required_only=True))
        if kind in ("fact", "event"):
            top = samples.of(samples.largest, cls)
            found.append(Vector(kind, name, "largest", show(top), encode(top), encode(top)))
    for name, value in samples.inputs().items():
        found += of_word("input", f"Input/{name}", value, None)
    return found


def of_word(kind: str, name: str, full: msgspec.Struct, minimal: msgspec.Struct | None) -> list[Vector]:
    """The variants of one word."""
    data = encode(full)
    found = [Vector(kind, name, "full", show(full), data, data)]
    if minimal is not None:
        small = encode(minimal)
        found.append(Vector(kind, name, "minimal", show(minimal), small, small))
        old = encode(reshaped(minimal, keep_defaults=False, more=False))
        if old != small:
            found.append(Vector(kind, name, "old", show(minimal), old, small))
    shorter = encode([*reshaped(full, keep_defaults=False, more=False, outer=False)]) if kind in ("fact", "event") else data
    if shorter != data:
        inside = DECODERS[kind].decode(shorter)
        found.append(Vector(kind, name, "inside", show(inside), shorter, encode(inside)))
    found.append(Vector(kind, name, "newer", show(full), encode(reshaped(full, keep_defaults=True, more=True)), data))
    if kind in ("fact", "event"):
        found.append(Vector(kind, name, "loose", show(full), loose(msgspec.msgpack.decode(data)), data))
    return found


def reshaped(value: Any, *, keep_defaults: bool, more: bool, outer: bool = True) -> Any:
    """A word as plain arrays and maps, with all structs inside: without the fields that have a default, or with one more.
    `outer` False leaves the word itself whole and reshapes only what is inside."""
    if isinstance(value, list):
        return [reshaped(each, keep_defaults=keep_defaults, more=more) for each in value]
    if not isinstance(value, msgspec.Struct):
        return value
    config = value.__struct_config__
    fields = [field.name for field in msgspec.structs.fields(type(value)) if keep_defaults or not outer or field.required]
    named = {name: reshaped(getattr(value, name), keep_defaults=keep_defaults, more=more) for name in fields}
    if not config.array_like:
        return {**named, "later": {"than": ["us"]}} if more and outer else named
    tag = [] if config.tag is None else [config.tag]
    return [*tag, *named.values(), *([["later", {"than": "us"}]] if more and outer else [])]


def show(word: msgspec.Struct) -> str:
    """The repr, with the zero bytes that pad an id left out."""
    return re.sub(r"(\\x00)+'", "…'", repr(word))


def loose(value: Any) -> bytes:
    """Legal msgpack in its longest forms."""
    match value:
        case bool() | None:
            return encode(value)
        case int() if value >= 0:
            return b"\xcf" + value.to_bytes(8, "big")
        case int():
            return b"\xd3" + value.to_bytes(8, "big", signed=True)
        case str():
            return b"\xdb" + len(value.encode()).to_bytes(4, "big") + value.encode()
        case bytes():
            return b"\xc6" + len(value).to_bytes(4, "big") + value
        case list():
            return b"\xdd" + len(value).to_bytes(4, "big") + b"".join(map(loose, value))
    raise NotImplementedError(type(value))


def bless(committed: list[Vector]) -> list[Vector]:
    """Today's vectors, and the committed ones that today's types would write otherwise: an old journal may hold them."""
    fresh = make()
    known = {(vector.kind, vector.data) for vector in fresh}
    kept = []
    for vector in committed:
        # No journal holds a `newer` one, which stands for a writer that does not exist yet, nor a `loose` one.
        if vector.variant not in ("newer", "loose") and (vector.kind, vector.data) not in known:
            word = DECODERS[vector.kind].decode(vector.data)
            kept.append(Vector(vector.kind, vector.name, "old", show(word), vector.data, encode(word)))
    return fresh + kept


def write(vectors: list[Vector]) -> str:
    """The text of words.txt."""
    lines = [_HEADER]
    for vector in vectors:
        lines += [f"{vector.kind} {vector.name} {vector.variant}", f"  value {vector.value}", f"  bytes {vector.data.hex()}"]
        if vector.again != vector.data:
            lines.append(f"  again {vector.again.hex()}")
        lines.append("")
    return "\n".join(lines)


def read(text: str) -> list[Vector]:
    """The vectors of words.txt."""
    found = []
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        kind, name, variant = lines[0].split()
        fields = dict(line.strip().split(" ", 1) for line in lines[1:])
        data = bytes.fromhex(fields["bytes"])
        again = bytes.fromhex(fields["again"]) if "again" in fields else data
        found.append(Vector(kind, name, variant, fields["value"], data, again))
    return found

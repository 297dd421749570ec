"""One sample word of every kind, made from the types themselves, so that a new word or field cannot be forgotten."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import inspect

from cordboard.events.commit import Commit, Consumed, Entry, Input
from cordboard.events.event import EVENTS
from cordboard.events.fact import FACTS, ContactArrived
from cordboard.events.policy import Policy
from cordboard.events.verdict import Accepted, Duplicate, Quarantined, Refused

VERDICTS = (Accepted, Refused, Duplicate, Quarantined)
UNBOUNDED = {"order_ms": -1_234_567, "cause": -3}
"""The integers that may be negative."""
POINTER = "^(/"
"""What the pattern of a place in a JSON document begins with."""
DATE = "^[0-9]{4}-"
"""That of a date."""
Choice = Callable[[str, inspect.Type], Any]


def typical(name: str, kind: inspect.Type) -> Any:
    """A value that tells the field by itself: ids and names spell its name, every optional field is set."""
    match kind:
        case inspect.IntType(ge=low, le=high):
            return UNBOUNDED[name] if low is None else min(low + sum(name.encode()), high or 1 << 48)
        case inspect.StrType(pattern=str(pattern)) if pattern.startswith(POINTER):
            return f"/{name}"
        case inspect.StrType(pattern=str(pattern)) if pattern.startswith(DATE):
            return f"2026-12-{10 + len(name)}"
        case inspect.StrType():
            return name
        case inspect.BytesType(min_length=length):
            return name.encode()[: length or 4].ljust(length or 4, b"\0") if (length or 0) > 1 else name.encode()
        case inspect.LiteralType(values=values):
            return values[-1]
        case inspect.BoolType():
            return True
        case inspect.ListType(item_type=item):
            second = smallest(name, item) if isinstance(item, inspect.StructType) else typical(f"{name}_2", item)
            return [typical(f"{name}_1", item), second]
        case inspect.DictType(key_type=key, value_type=value):
            return {typical(f"{name}_key", key): typical(f"{name}_value", value)}
    return other(typical, name, kind)


def largest(name: str, kind: inspect.Type) -> Any:
    """The upper bound, where the type has one (lists stay short: their limits are tested by the flaws)."""
    match kind:
        case inspect.IntType(ge=low, le=high):
            return high if low is not None else -(1 << 53)
        case inspect.StrType(max_length=length):
            return "z" * (length or 48)
        case inspect.BytesType(min_length=length):
            return b"\xff" * (length or 4)
        case inspect.LiteralType(values=values):
            return values[-1]
        case inspect.BoolType():
            return True
        case inspect.ListType(item_type=item):
            return [largest(name, item)]
        case inspect.DictType(key_type=key, value_type=value):
            return {largest(name, key): largest(name, value)}
    return other(largest, name, kind)


def smallest(name: str, kind: inspect.Type) -> Any:
    """The lower bound; every optional field is None, every list empty."""
    match kind:
        case inspect.UnionType(types=types) if any(isinstance(each, inspect.NoneType) for each in types):
            return None
        case inspect.IntType(ge=low):
            return low or 0
        case inspect.StrType(pattern=str(pattern)) if pattern.startswith(POINTER):
            return "/a"
        case inspect.StrType(pattern=str(pattern)) if pattern.startswith(DATE):
            return "2026-01-01"
        case inspect.StrType():
            return "a"
        case inspect.BytesType(min_length=length):
            return bytes(length or 0)
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.BoolType():
            return False
        case inspect.ListType(item_type=item, min_length=length):
            return [smallest(name, item)] * (length or 0)
        case inspect.DictType():
            return {}
    return other(smallest, name, kind)


def other(choice: Choice, name: str, kind: inspect.Type) -> Any:
    """What all choices do alike: the first real type of a union, a struct field by field."""
    match kind:
        case inspect.UnionType(types=types):
            return choice(name, next(each for each in types if not isinstance(each, inspect.NoneType)))
        case inspect.Metadata(type=marked):
            return choice(name, marked)
        case inspect.StructType(cls=cls):
            return of(choice, cls)
        case inspect.TupleType(item_types=items):
            return tuple(choice(f"{name}_{number}", item) for number, item in enumerate(items, 1))
    raise NotImplementedError(f"no sample for {name}: {kind}")


def of(choice: Choice, cls: type[msgspec.Struct], *, required_only: bool = False) -> Any:
    """A `cls` whose fields are chosen by `choice`; with `required_only`, those with a default keep it."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    fields = [field for field in info.fields if field.required or not required_only]
    return cls(**{field.name: choice(field.name, field.type) for field in fields})


def commit() -> Commit:
    """A commit with an input and an event, everything set."""
    fact = msgspec.msgpack.encode(of(smallest, ContactArrived))
    taken = Input(inbox_seq=9, index=2, stored_ms=1_700_000_000_000, fact=fact, verdict=Accepted())
    contact, agent = b"contact".ljust(16, b"\0"), b"agent".ljust(16, b"\0")
    entries = [
        Entry(tag=0, contact=contact, agent=None, channel="chat", cause=0, body=msgspec.msgpack.encode(taken)),
        Entry(tag=10, contact=contact, agent=agent, channel="chat", cause=-1, body=msgspec.msgpack.encode(of(typical, EVENTS[4]))),
    ]
    consumed = Consumed(inbox_id=b"inbox".ljust(16, b"\0"), inbox_seq=9, facts_done=3)
    return Commit(
        v=1, site="default", epoch=3, seq=41, level=1, policy=7, at_ms=1_700_000_000_123, prev_hash=bytes(range(32)),
        consumed=consumed, continued=True, entries=entries, state_hash=bytes(range(32, 64)),
    )  # fmt: skip


def inputs() -> dict[str, Input]:
    """An input for every verdict: a verdict never stands alone."""
    base = of(typical, Input)
    return {
        cls.__name__: msgspec.structs.replace(base, verdict=of(typical, cls), fact=b"" if cls is Quarantined else b"fact")
        for cls in VERDICTS
    }


def words() -> list[tuple[str, str, type[msgspec.Struct]]]:
    """Every word that stands alone on the log: (kind, name, type)."""
    facts = [("fact", cls.__name__, cls) for cls in FACTS]
    events = [("event", cls.__name__, cls) for cls in EVENTS]
    return [*facts, *events, ("entry", "Entry", Entry), ("commit", "Commit", Commit), ("policy", "Policy", Policy)]


__all__ = ["VERDICTS", "commit", "inputs", "largest", "of", "smallest", "typical", "words"]

"""Bytes that are no fact, and the reason they are quarantined for. Written by hand; flaws.txt is their readable form.

Python only says that they are none (it is Rust that decides on the log); rust/core/tests/golden.rs checks the reason.
"""

from typing import Any

import msgspec

from tests.golden.vectors import FLAWS

ID = b"fact".ljust(16, b"\0")
CONTACT = b"contact".ljust(16, b"\0")
AGENT = b"agent".ljust(16, b"\0")


def pack(*elements: Any) -> bytes:
    return msgspec.msgpack.encode(elements)


def arrived(*rest: Any, queue: Any = "orders", channel: Any = "chat") -> bytes:
    return pack(1, ID, CONTACT, channel, queue, *rest)


DECLARED = [("nl.written", 5)]
CASES: list[tuple[str, str, bytes]] = [
    ("not_msgpack", "nothing at all", b""),
    ("not_msgpack", "a reserved byte", b"\xc1"),
    ("not_msgpack", "cut off inside an id", pack(2, ID, CONTACT)[:-3]),
    ("not_msgpack", "cut off after a whole element", pack(2, ID, CONTACT)[:-18]),
    ("not_msgpack", "something after the end", pack(2, ID, CONTACT) + b"\xc0"),
    ("bad_shape", "a number", pack(2)[1:]),
    ("bad_shape", "a map", msgspec.msgpack.encode({"tag": 2})),
    ("bad_shape", "an empty array", pack()),
    ("bad_shape", "a word as tag", pack("ContactAbandoned", ID, CONTACT)),
    ("unknown_tag", "tag 0 is an input's", pack(0, ID, CONTACT)),
    ("unknown_tag", "a tag of the future", pack(200, ID, CONTACT)),
    ("unknown_tag", "a negative tag", pack(-1, ID, CONTACT)),
    ("bad_shape", "the tag alone", pack(2)),
    ("bad_shape", "the contact is missing", pack(2, ID)),
    ("bad_shape", "the queue is missing", pack(1, ID, CONTACT, "chat")),
    ("bad_shape", "an id as text", pack(2, "fact", CONTACT)),
    ("bad_shape", "an id that is null", pack(2, ID, None)),
    ("out_of_bounds", "an id of 15 bytes", pack(2, ID, CONTACT[:15])),
    ("out_of_bounds", "a fact id of 17 bytes", pack(2, ID + b"\0", CONTACT)),
    ("out_of_bounds", "an empty id", pack(2, ID, b"")),
    ("bad_shape", "a queue that is a number", arrived(queue=7)),
    ("out_of_bounds", "an empty queue", arrived(queue="")),
    ("out_of_bounds", "a queue in capitals", arrived(queue="Orders")),
    ("out_of_bounds", "a queue that begins with a dot", arrived(queue=".orders")),
    ("out_of_bounds", "a queue with a space", arrived(queue="or ders")),
    ("out_of_bounds", "a queue with a newline at its end", arrived(queue="orders\n")),
    ("out_of_bounds", "a queue beyond ASCII", arrived(queue="bestellung-ä")),
    ("out_of_bounds", "a queue of 49 letters", arrived(queue="q" * 49)),
    ("bad_shape", "requirements that are a number", arrived(5)),
    ("bad_shape", "requirements that are null", arrived(None)),
    ("bad_shape", "a requirement that is a word", arrived(["nl.written"])),
    ("bad_shape", "an empty requirement", arrived([[]])),
    ("bad_shape", "a level that is a word", arrived([["nl.written", "best"]])),
    ("out_of_bounds", "level 0", arrived([["nl.written", 0]])),
    ("out_of_bounds", "level 11", arrived([["nl.written", 11]])),
    ("bad_shape", "hard as a number", arrived([["nl.written", 5, 1]])),
    ("out_of_bounds", "17 requirements", arrived([["nl.written", 5, True]] * 17)),
    ("bad_shape", "a priority that is null", arrived([], None)),
    ("out_of_bounds", "priority 101", arrived([], 101)),
    ("out_of_bounds", "priority -1", arrived([], -1)),
    ("out_of_bounds", "a priority beyond 64 bits' signed half", arrived([], (1 << 64) - 1)),
    ("out_of_bounds", "9 preferred agents", arrived([], 0, None, [AGENT] * 9)),
    ("out_of_bounds", "a preferred agent of 3 bytes", arrived([], 0, None, [b"abc"])),
    ("out_of_bounds", "a topic in capitals", arrived([], 0, None, [], None, "TOPIC")),
    ("bad_shape", "a reason that is none of the two", pack(3, ID, CONTACT, "tired")),
    ("out_of_bounds", "attempt 0", pack(5, ID, CONTACT, 0, AGENT, True)),
    ("out_of_bounds", "attempt 1,000,001", pack(5, ID, CONTACT, 1_000_001, AGENT, True)),
    ("bad_shape", "accepted as null", pack(5, ID, CONTACT, 1, AGENT, None)),
    ("bad_shape", "an author who is none of them", pack(7, ID, CONTACT, ID, "robot")),
    ("out_of_bounds", "an extension of 367 days", pack(10, ID, CONTACT, AGENT, 367 * 24 * 3_600_000)),
    ("out_of_bounds", "65 skills", pack(11, ID, AGENT, DECLARED * 65)),
    ("out_of_bounds", "65 memberships", pack(11, ID, AGENT, [], [["orders", 0]] * 65)),
    ("out_of_bounds", "rank 100", pack(11, ID, AGENT, [], [["orders", 100]])),
    ("out_of_bounds", "17 channels", pack(11, ID, AGENT, [], [], [["chat"]] * 17)),
    ("out_of_bounds", "a cost of 10,001", pack(11, ID, AGENT, [], [], [["chat", 10_001]])),
    ("out_of_bounds", "1,001 at once", pack(11, ID, AGENT, [], [], [["chat", None, 1_001]])),
    ("out_of_bounds", "a capacity of 10,001", pack(11, ID, AGENT, [], [], [], 10_001)),
    ("bad_shape", "a presence that is none", pack(13, ID, AGENT, "busy")),
    ("bad_shape", "on as a word", pack(14, ID, AGENT, "chat", "on")),
    ("out_of_bounds", "an empty policy", pack(15, ID, b"")),
    ("out_of_bounds", "a policy as large as a frame", pack(15, ID, bytes(64 * 1024 - 127))),
    ("out_of_bounds", "a case of 3 bytes", arrived([], 0, None, [], None, None, b"abc")),
    ("bad_shape", "an arrival by an agent", arrived([], 0, None, [], None, None, None, None, "agent")),
    ("bad_shape", "reopens as a number", arrived([], 0, None, [], None, None, None, None, "customer", 1)),
    ("bad_shape", "parked for no known kind", pack(16, ID, CONTACT, AGENT, "later", 1)),
    ("out_of_bounds", "parked for 367 days", pack(16, ID, CONTACT, AGENT, "snooze", 367 * 24 * 3_600_000)),
    ("out_of_bounds", "a topic with a space", pack(18, ID, CONTACT, "a topic")),
    ("out_of_bounds", "an effect at a negative place", pack(19, ID, 4, -1)),
    ("bad_shape", "an effect that failed without a reason", pack(20, ID, 4, 1)),
    ("bad_shape", "an effect that failed for no known reason", pack(20, ID, 4, 1, "tired")),
]  # fmt: skip


def write() -> str:
    """The text of flaws.txt: reason, bytes, and after a colon what is wrong (a long run of zeros is written `00*n`)."""
    lines = ["# Bytes that are no fact: `reason bytes : what is wrong`. `00*n` is n zero bytes. From tests/golden/flaws.py."]
    for reason, what, data in CASES:
        text = data.hex() or "-"
        if len(data) > 4096:
            head = data.rstrip(b"\0")
            text = f"{head.hex()}00*{len(data) - len(head)}"
        lines.append(f"{reason} {text} : {what}")
    return "\n".join(lines) + "\n"


def bless() -> None:
    FLAWS.write_text(write())

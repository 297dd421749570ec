"""What the tests of the chat share: broken frames by the hundred, the same for the same seed."""

import json
import random
from collections.abc import Iterator
from typing import Any

from cordboard.errors import InvalidInput
from cordboard.gateway.chat import protocol

SECRET = "0123456789abcdef0123456789abcdef"
GOOD: list[dict[str, Any]] = [
    {"type": "start", "client_id": SECRET, "queue": "orders", "language": "nl", "text": "Hallo", "name": "Bo"},
    {"type": "message", "client_id": "m1", "text": "Waar blijft mijn pakket?"},
    {"type": "read", "message": SECRET},
    {"type": "resume", "token": "abc", "seen": 4},
]
STRANGE: list[Any] = [None, True, -1, 1.5, 10**30, [], {}, "", "\x00", "x" * 5_000, "Ø" * 70, ["a"], {"a": 1}, "a b", "\u2028", " "]


def broken_frames(chance: random.Random, count: int) -> Iterator[str | bytes]:
    """Frames that are no JSON, not of the protocol, or too large; none of them is good by accident."""
    made = 0
    while made < count:
        frame = _broken(chance)
        try:
            protocol.decode(frame)
        except InvalidInput:
            made += 1
            yield frame


def _broken(chance: random.Random) -> str | bytes:
    good = dict(chance.choice(GOOD))
    text = json.dumps(good)
    match chance.randrange(8):
        case 0:
            return text[: chance.randrange(len(text))]
        case 1:
            place = chance.randrange(len(text))
            return text[:place] + chance.choice('{}[]",:\\\x00é\n0') + text[place + 1 :]
        case 2:
            good[chance.choice(list(good))] = chance.choice(STRANGE)
            return json.dumps(good)
        case 3:
            del good[chance.choice(list(good))]
            return json.dumps(good)
        case 4:
            return bytes(chance.randrange(256) for _ in range(chance.randrange(200)))
        case 5:
            return chance.choice(["[", '{"a":', '[{"type":']) * chance.randrange(1, 2_000)
        case 6:
            return json.dumps(chance.choice(STRANGE))
        case _:
            good["text"] = "y" * chance.choice([4_001, 15_000, 20_000, 60_000])
            return json.dumps(good)

"""What happens by time alone: at one instant in the order of KINDS, within a kind by whose it is."""

from collections.abc import Callable
from typing import Literal, get_args

Kind = Literal[
    "day", "offer", "connect", "wrap_up", "desk_lost", "silence", "return", "closing", "step", "threshold", "promise", "hours",
    "hours_over", "sla", "next_step", "door", "promote", "look",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
Timer = tuple[int, int, bytes, Callable[[], None]]
"""When, kind, whose, what."""


def timer(when_ms: int, kind: Kind, whose: bytes, act: Callable[[], None]) -> Timer:
    return when_ms, KINDS.index(kind), whose, act

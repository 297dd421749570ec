"""A telephone network that is none: it rings nobody, and every number behaves as it is told, the same each time.

What becomes of an attempt follows from the seed, the number and how often it was rung before, so a run can be repeated.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args
from urllib.parse import parse_qsl, unquote

from cordboard.dialler.voice import Answered, Call, NotReached, Unreached, VoiceUnavailable
from cordboard.errors import ConfigurationError

Behaviour = Literal["answered", "no_answer", "busy", "voicemail", "wrong_person", "invalid_number", "refused", "away"]
"""`away`: the gateway is, each time that the number is dialled."""
BEHAVIOURS: tuple[Behaviour, ...] = get_args(Behaviour)
SCHEME = "simulated:"
EXAMPLE = "simulated:?seed=7&no_answer=20&busy=5&ring_ms=4000&3225550100=busy"
RING_MS, RING_MAX_MS = 2_000, 3_600_000
_AT_ONCE = frozenset(("busy", "invalid_number"))
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Customers:
    """`shares`: of a hundred attempts so many end so, the rest is answered. `numbers`: how a number behaves always, or by turns.

    Who takes a call, or whose voicemail does, does so after `ring_ms`.
    """

    seed: int = 0
    shares: Mapping[Behaviour, int] = field(default_factory=dict)
    numbers: Mapping[str, tuple[Behaviour, ...]] = field(default_factory=dict)
    ring_ms: int = RING_MS

    @classmethod
    def from_url(cls, url: str) -> "Customers":
        """From `simulated:?…`. Raises ConfigurationError."""
        wrong = ConfigurationError(f"the voice gateway must be a URL such as {EXAMPLE}")
        head, _, query = url.partition("?")
        if head != SCHEME:
            raise wrong
        numbers: dict[str, tuple[Behaviour, ...]] = {}
        shares: dict[Behaviour, int] = {}
        amounts = {"seed": 0, "ring_ms": RING_MS}
        for name, value in parse_qsl(query, keep_blank_values=True):
            turns = tuple(unquote(value).split(","))
            if _digits(name) and all(turn in BEHAVIOURS for turn in turns):
                numbers[_digits(name)] = cast(tuple[Behaviour, ...], turns)
            elif name in BEHAVIOURS and name != "answered" and value.isdecimal():
                shares[cast(Behaviour, name)] = int(value)
            elif name in amounts and value.isdecimal():
                amounts[name] = int(value)
            else:
                raise wrong
        if sum(shares.values()) > _PERCENT or amounts["ring_ms"] > RING_MAX_MS:
            raise wrong
        return cls(amounts["seed"], shares, numbers, amounts["ring_ms"])

    def turn(self, number: str, before: int) -> Behaviour:
        """What becomes of an attempt at `number` after so many others."""
        digits = _digits(number)
        if turns := self.numbers.get(digits):
            return turns[min(before, len(turns) - 1)]
        drawn = hashlib.blake2b(f"{self.seed}|{digits}|{before}".encode(), digest_size=8).digest()
        left = int.from_bytes(drawn) % _PERCENT
        for behaviour in BEHAVIOURS:
            left -= self.shares.get(behaviour, 0)
            if left < 0:
                return behaviour
        return "answered"


class SimulatedVoice:
    """Implements Voice."""

    def __init__(self, customers: Customers) -> None:
        self._customers = customers
        self._rung: Counter[str] = Counter()
        self.ringing: set[str] = set()
        self.talking: set[str] = set()

    async def dial(self, call: Call) -> Answered | NotReached:
        behaviour = self._customers.turn(call.number, self._rung[call.number])
        self._rung[call.number] += 1
        if behaviour == "away":
            raise VoiceUnavailable("the simulated gateway is away for this number")
        ring_ms = self._ring_ms(behaviour, round(call.ring_s * 1_000))
        self.ringing.add(call.call_id)
        try:
            await asyncio.sleep(ring_ms / 1_000)
        finally:
            self.ringing.discard(call.call_id)
        if behaviour == "answered" and ring_ms == self._customers.ring_ms:
            self.talking.add(call.call_id)
            return Answered(ring_ms)
        outcome: Unreached = "no_answer" if behaviour == "answered" else behaviour
        return NotReached(outcome, ring_ms)

    def _ring_ms(self, behaviour: Behaviour, longest_ms: int) -> int:
        if behaviour in _AT_ONCE:
            return 0
        return longest_ms if behaviour == "no_answer" else min(self._customers.ring_ms, longest_ms)

    async def hang_up(self, call_id: str) -> None:
        self.talking.discard(call_id)

    async def connected(self) -> frozenset[str]:
        return frozenset(self.talking)


def _digits(number: str) -> str:
    """How a number is told apart, however it is written: empty if it is none."""
    digits = number.strip().removeprefix("+")
    return digits if digits.isdecimal() and digits.isascii() else ""

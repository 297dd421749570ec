"""One attempt at an effect: what a transport is, what may come of it, and when the next attempt is due."""

from bisect import bisect_right
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from cordboard.effects.fold import Effect
from cordboard.effects.origins import Origin
from cordboard.errors import CordboardError
from cordboard.events.fact import EffectFailure
from cordboard.events.policy import Policy

_HOUR_S = 3_600.0


class Deferred(CordboardError):
    """Not this time: the other side is away, or asks for patience (`after_s` seconds of it). The message names no person."""

    reason = "deferred"

    def __init__(self, message: str, *, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.after_s = after_s


class Undeliverable(CordboardError):
    """Never, unless somebody mends something and retries. The message names no person."""

    reason = "undeliverable"

    def __init__(self, failure: EffectFailure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Parcel:
    """Ready to go: `send` returns once `destination` (a domain or host) has taken it. Raises Deferred, Undeliverable."""

    destination: str
    send: Callable[[], Awaitable[None]]


class Transport(Protocol):
    """One way out."""

    async def prepare(self, effect: Effect, origin: Origin | None, policy: Policy) -> Parcel:
        """Raises Undeliverable, VaultUnavailable. The same effect makes the same parcel each time."""
        ...


@dataclass(frozen=True, slots=True)
class Retries:
    """Pauses between attempts, in seconds; the last one repeats until `total_s` have passed since the item was queued."""

    delays_s: tuple[float, ...] = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0)
    total_s: float = 24 * _HOUR_S

    def next_s(self, age_s: float, deliveries: int) -> float | None:
        """The pause after a failed attempt at an item `age_s` old that was handed out `deliveries` times; None: give up.

        Deliveries without an attempt (a busy destination) count too, so the step follows the age as well; and an item that grew old
        while nobody worked gets all its attempts nevertheless.
        """
        if age_s >= self.total_s and deliveries >= len(self.delays_s):
            return None
        by_age = bisect_right(list(accumulate(self.delays_s)), age_s)
        return self.delays_s[min(by_age, deliveries - 1, len(self.delays_s) - 1)]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process does at once, for each kind of effect. A destination is a mail domain or a host."""

    concurrent: int = 32
    """Dialogues with the outside."""
    concurrent_each: int = 4
    """The same with one destination; one alone after it has failed, until it succeeds again."""
    rate_each_s: float = 50.0
    """Attempts a second at one destination, on average."""
    burst_each: int = 100
    waiting: int = 256
    """Items in memory, waiting ones included."""
    waiting_each: int = 48
    """Items in memory that wait for one destination; more of them wait in the queue."""
    crowded_s: float = 1.0
    """The first pause of an item that found its destination crowded; doubles up to a minute."""

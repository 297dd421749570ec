"""Time for the core: the wall clock once, at take-over, and from then on only what has passed.

So a wall clock that is set back or forward while a router leads moves no deadline. Not here: sleeping, and any decision.
"""

from __future__ import annotations

import time
from typing import Protocol

from cordboard.errors import ConfigurationError

SKEW_MAX_MS = 2_000


class Clock(Protocol):
    """The machine's time; tests and simulations bring their own."""

    def wall_ms(self) -> int:
        """Unix ms."""
        ...

    def elapsed_ms(self) -> int:
        """Ms since some fixed moment; never goes back."""
        ...


class SystemClock:
    """The real one. Elapsed time goes on while the machine is suspended, if its kernel can tell."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def elapsed_ms(self) -> int:
        # A laptop that slept would otherwise lead with yesterday's time.
        return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000


class TurnClock:
    """at_ms = max(previous, anchor + elapsed), anchored now."""

    def __init__(self, clock: Clock, previous_ms: int) -> None:
        """Raises ConfigurationError if `previous_ms`, the journal's time, is more than 2 s ahead of the wall clock."""
        anchor_ms = clock.wall_ms()
        if previous_ms > anchor_ms + SKEW_MAX_MS:
            raise ConfigurationError(
                f"the journal is {previous_ms - anchor_ms} ms ahead of this machine's clock: set the clock right (NTP), "
                "then start the router again"
            )
        self._clock = clock
        self._offset_ms = anchor_ms - clock.elapsed_ms()
        self._previous_ms = previous_ms

    def now_ms(self) -> int:
        self._previous_ms = max(self._previous_ms, self._offset_ms + self._clock.elapsed_ms())
        return self._previous_ms


def check_clock(before_ms: int, server_ms: int, after_ms: int) -> None:
    """Raises ConfigurationError if the server's clock showed a time more than 2 s outside of [before, after] by ours."""
    off = server_ms - after_ms if server_ms > after_ms else min(0, server_ms - before_ms)
    if abs(off) > SKEW_MAX_MS:
        raise ConfigurationError(_skewed(off))


def _skewed(off_ms: int) -> str:
    ahead = "ahead of" if off_ms > 0 else "behind"
    return (
        f"the NATS server's clock is {abs(off_ms)} ms {ahead} this machine's, more than {SKEW_MAX_MS} ms: deadlines would be "
        "wrong. Set both clocks right (NTP), then start the router again"
    )

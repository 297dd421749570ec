"""What a machine gives its processes, out of the seed: chance and the time of day."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import time
from collections.abc import Callable, Iterator

from tests.sim.loop import VirtualLoop

BASE_MS = 1_800_000_000_000
"""When every run begins (Unix ms)."""


class MachineClock:
    """One machine's: `skew_ms` is how far its wall clock is from the true time; what has elapsed is the same everywhere."""

    def __init__(self, loop: VirtualLoop, skew_ms: int = 0) -> None:
        self._loop = loop
        self.skew_ms = skew_ms

    def wall_ms(self) -> int:
        return BASE_MS + self.elapsed_ms() + self.skew_ms

    def elapsed_ms(self) -> int:
        return int(self._loop.time() * 1000)


@contextlib.contextmanager
def from_the_seed(dice: random.Random, wall_ms: Callable[[], int]) -> Iterator[None]:
    """While it lasts, whatever asks for chance or for the time of day gets what the seed says."""
    before = secrets.token_bytes, secrets.token_hex, os.urandom, time.time_ns, time.time

    def some(count: int | None = None) -> bytes:
        return dice.randbytes(32 if count is None else count)

    secrets.token_bytes = some  # type: ignore[assignment]
    secrets.token_hex = lambda count=None: some(count).hex()  # type: ignore[assignment]
    os.urandom = some
    time.time_ns = lambda: wall_ms() * 1_000_000
    time.time = lambda: wall_ms() / 1000
    try:
        yield
    finally:
        secrets.token_bytes, secrets.token_hex, os.urandom, time.time_ns, time.time = before

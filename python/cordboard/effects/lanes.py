"""A lane a destination: so many dialogues at once, so many a second, and a short queue. Lanes share an overall number of dialogues.

Who finds the queue of a lane full is turned away at once: a slow destination holds neither memory nor slots that others need.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cordboard.effects.attempt import Deferred, Limits
from cordboard.errors import CordboardError

LANES_MAX = 4_096
"""Idle lanes are forgotten beyond so many."""


class Crowded(CordboardError):
    """So many wait for this destination already that one more had better come back later."""

    reason = "crowded"


class _Lane:
    """`width` dialogues at once; `tokens` is what the bucket held at `filled_s`."""

    __slots__ = ("busy", "filled_s", "tokens", "waiting", "width")

    def __init__(self, width: int, tokens: float, now_s: float) -> None:
        self.width = width
        self.busy = 0
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.tokens = tokens
        self.filled_s = now_s

    @property
    def idle(self) -> bool:
        return not self.busy and not self.waiting

    def wake(self) -> None:
        """Hand free places to those who wait, in their order."""
        while self.waiting and self.busy < self.width:
            turn = self.waiting.popleft()
            if not turn.done():
                self.busy += 1
                turn.set_result(None)


class Lanes:
    """Made inside the loop that uses it. `clock` gives steady seconds."""

    def __init__(self, limits: Limits, clock: Callable[[], float] | None = None) -> None:
        self._limits = limits
        self._clock = clock or asyncio.get_running_loop().time
        self._lanes: dict[str, _Lane] = {}
        self._slots = asyncio.Semaphore(limits.concurrent)

    def __len__(self) -> int:
        return len(self._lanes)

    @asynccontextmanager
    async def slot(self, destination: str) -> AsyncIterator[None]:
        """One dialogue with `destination`, when its turn comes. Raises Crowded at once. A Deferred that passes through narrows the
        lane to one dialogue at a time until one succeeds."""
        lane = self._lane(destination)
        await self._enter(lane)
        try:
            await self._token(lane)
            async with self._slots:
                yield
            lane.width = self._limits.concurrent_each
        except Deferred:
            lane.width = 1
            raise
        finally:
            lane.busy -= 1
            lane.wake()

    def _lane(self, destination: str) -> _Lane:
        lane = self._lanes.get(destination)
        if lane is None:
            if len(self._lanes) >= LANES_MAX:
                self._lanes = {name: lane for name, lane in self._lanes.items() if not lane.idle}
            lane = self._lanes[destination] = _Lane(self._limits.concurrent_each, self._limits.burst_each, self._clock())
        return lane

    async def _enter(self, lane: _Lane) -> None:
        if lane.busy < lane.width and not lane.waiting:
            lane.busy += 1
            return
        if len(lane.waiting) >= self._limits.waiting_each:
            raise Crowded(f"{len(lane.waiting)} wait for this destination")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                lane.busy -= 1
                lane.wake()
            elif turn in lane.waiting:  # else somebody who left has passed it over already
                lane.waiting.remove(turn)
            raise

    async def _token(self, lane: _Lane) -> None:
        """Wait until the bucket holds a whole token, and take it. Debts are allowed, so that waiters follow one another."""
        limits, now_s = self._limits, self._clock()
        lane.tokens = min(limits.burst_each, lane.tokens + (now_s - lane.filled_s) * limits.rate_each_s)
        lane.filled_s = now_s
        lane.tokens -= 1
        if lane.tokens < 0:
            await asyncio.sleep(-lane.tokens / limits.rate_each_s)

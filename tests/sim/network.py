"""The way between a process and its log: messages take time, get lost, come late; connections break; consumers vanish."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from cordboard.errors import CordboardError
from cordboard.log.faults import Line
from cordboard.log.following import Interrupted
from cordboard.log.port import Stored
from cordboard.log.stream import Ack, Stream, Unanswered
from tests.sim.loop import WORLD, VirtualLoop

T = TypeVar("T")
SILENCE_S = 2.5
"""After so long without a sign of life a follower makes a new consumer, as the real one does."""
ASK_S = 5.0


@dataclass(slots=True)
class Weather:
    """How bad it is at this moment. Shares are of 1."""

    way_s: float = 0.002
    """How long a message is under way at most, usually."""
    lost: float = 0.0
    """Of messages, and as many of answers."""
    late: float = 0.0
    late_s: float = 3.0
    vanishing: float = 0.0
    """Of deliveries, after how many the consumer is found to be gone."""
    again: float = 0.0
    """Of new consumers, how many begin with what came before."""
    under_way: int = 0
    """Messages to the server that were sent and will arrive: a frame's sender may be dead by then."""


class Wire(Line):
    """One process's connection. Each way keeps its order, but for what is late."""

    def __init__(self, loop: VirtualLoop, dice: random.Random, weather: Weather, counts: Counter[str]) -> None:
        self._loop, self._dice, self._weather = loop, dice, weather
        self._there = self._back = 0.0
        self._connected = asyncio.Event()
        self._connected.set()
        self._open: dict[asyncio.Future[Ack], None] = {}
        self._losses = 0
        self.fates: deque[str | None] = deque()
        """Of the next messages sent, what becomes of them whatever the weather: "message" or "answer" is lost."""
        self._counts = counts

    # -- faults ---------------------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """The connection breaks. What is under way to the server may still arrive; no answer does."""
        self._connected.clear()
        self._losses += 1
        waiting, self._open = self._open, {}
        for answer in waiting:
            if not answer.done():
                answer.set_exception(Unanswered("the connection was lost"))

    def mend(self) -> None:
        self._connected.set()

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    @property
    def connection(self) -> int | None:
        return self._losses if self.connected else None

    # -- the port -------------------------------------------------------------------------------------------------------

    async def up(self) -> None:
        await self._connected.wait()

    async def send(self, stream: Stream, data: bytes, message_id: str | None, after: int | None) -> asyncio.Future[Ack]:
        if not self.connected:
            raise Unanswered("no connection")
        answer: asyncio.Future[Ack] = self._loop.create_future()
        self._open[answer] = None

        fate = self.fates.popleft() if self.fates else None

        def arrive() -> None:
            self._weather.under_way -= 1
            storing = stream.send(data, message_id=message_id, after=after)
            self._loop.create_task(self._take(storing, answer, fate == "answer"), context=WORLD)

        if fate == "message" or self._lose():
            self._counts["lost messages"] += 1
        else:
            self._weather.under_way += 1
            self._there = self._under_way(self._there, arrive)
        return answer

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """One task's time instead of messages: nothing that changes anything is asked, or it may be asked twice."""
        losses = self._losses
        await asyncio.sleep(self._way_s())
        if not self.connected:
            raise Unanswered("no connection")
        answer = await question()
        await asyncio.sleep(self._way_s())
        if self._lose():
            await asyncio.sleep(ASK_S)
            raise Unanswered("no answer")
        if losses != self._losses:
            raise Unanswered("the connection was lost")
        return answer

    def begins(self, from_seq: int) -> int:
        if self._dice.random() >= self._weather.again:
            return from_seq
        self._counts["repeats"] += 1
        return max(1, from_seq - self._dice.randrange(1, 4))

    async def deliver(self, messages: list[Stored]) -> list[Stored]:
        losses, chance, weather = self._losses, self._dice.random(), self._weather
        await asyncio.sleep(self._way_s())
        if losses != self._losses or not self.connected:
            raise Interrupted("the connection was lost")
        if chance < weather.vanishing:
            self._counts["lost consumers"] += 1
            await asyncio.sleep(SILENCE_S)
            raise Interrupted("no heartbeat: the consumer is gone")
        if chance > 0.7 and len(messages) > 1:
            return messages[: self._dice.randrange(1, len(messages))]
        return messages

    def whisper(self, hear: Callable[[], None]) -> None:
        if self.connected and not self._lose():
            self._loop.call_later(self._way_s(), hear, context=WORLD)

    # -- inside ---------------------------------------------------------------------------------------------------------

    async def _take(self, storing: Awaitable[asyncio.Future[Ack]], answer: asyncio.Future[Ack], lost: bool) -> None:
        stored = await storing
        error = stored.exception()
        outcome = stored.result() if error is None else None
        if lost or self._lose():
            self._counts["lost answers"] += 1
            return
        self._back = self._under_way(self._back, lambda: self._answer(answer, outcome, error))

    def _answer(self, answer: asyncio.Future[Ack], outcome: Ack | None, error: BaseException | None) -> None:
        if self._open.pop(answer, 0) == 0 or answer.done():
            return  # the connection over which it would have come is gone
        if outcome is not None:
            answer.set_result(outcome)
        else:
            assert isinstance(error, CordboardError)
            answer.set_exception(error)

    def _under_way(self, before: float, arrive: Callable[[], None]) -> float:
        """When it arrives: after what went before it, unless it is late, which the next ones need not wait for."""
        at = max(before, self._loop.time() + self._way_s())
        if self._dice.random() < self._weather.late:
            self._counts["late"] += 1
            self._loop.call_at(at + self._dice.random() * self._weather.late_s, arrive, context=WORLD)
            return before
        self._loop.call_at(at, arrive, context=WORLD)
        return at

    def _lose(self) -> bool:
        return self._dice.random() < self._weather.lost

    def _way_s(self) -> float:
        return self._weather.way_s * (0.2 + self._dice.random())

"""Arrivals: so many at once (closed loop, for what the engine takes), or each at its own time whatever becomes of the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.overload.doors import Said

Offer = Callable[[int], Awaitable[Said]]
End = Callable[[str], Awaitable[Said]]


@dataclass
class Phase:
    """What was offered at `rate` a second (0: as fast as answers come), and what became of it. Times are seconds."""

    name: str
    rate: float = 0.0
    seconds: float = 0.0
    offered: int = 0
    told: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    taken: list[tuple[float, float]] = field(default_factory=list)
    """When it was due, counted from the phase's beginning, and how long the yes took from then."""
    turned_away: list[float] = field(default_factory=list)
    """How long a refusal took."""


@dataclass
class Load:
    """Offers contacts at the doors in turn, and ends each that was taken."""

    doors: list[Offer]
    end: End
    acknowledged: set[str] = field(default_factory=set)
    ends: Counter[str] = field(default_factory=Counter)
    """What was said to those who ended a contact."""
    _number: int = 0

    async def at_once(self, phase: Phase, workers: int) -> float:
        """Closed loop for `phase.seconds`; returns contacts a second that were taken."""
        clock = asyncio.get_running_loop().time
        begin = clock()

        async def work() -> None:
            while clock() - begin < phase.seconds:
                await self._one(phase, begin, clock())

        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(work())
        return phase.told["accepted"] / (clock() - begin)

    async def in_time(self, phase: Phase, group: asyncio.TaskGroup) -> None:
        """Open loop: nobody waits for anybody, and the next phase begins when its time is over, whoever is still answered."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        for number in range(int(phase.rate * phase.seconds)):
            due = begin + number / phase.rate
            if (early := due - clock()) > 0:
                await asyncio.sleep(early)
            elif number % 64 == 0:
                await asyncio.sleep(0)
            group.create_task(self._one(phase, begin, due))
        await asyncio.sleep(max(0.0, begin + phase.seconds - clock()))

    async def _one(self, phase: Phase, begin: float, due: float) -> None:
        clock = asyncio.get_running_loop().time
        self._number += 1
        phase.offered += 1
        said = await self.doors[self._number % len(self.doors)](self._number)
        took = clock() - due
        phase.told[said.word] += 1
        if said.reason:
            phase.reasons[f"{said.word} {said.reason}"] += 1
        if said.word == "accepted":
            phase.taken.append((due - begin, took))
            self.acknowledged.add(said.contact)
            ended = await self.end(said.contact)
            self.ends[f"{ended.word} {ended.reason}".strip()] += 1
        elif said.word == "refused":
            phase.turned_away.append(took)

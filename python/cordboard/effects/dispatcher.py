"""The dispatcher: every open effect stands in its work queue. New ones at once; all of them now and then, in case one was lost."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn

from cordboard.effects.fold import Effect, Effects
from cordboard.effects.settlement import Settlement
from cordboard.log.work import WorkItem, WorkQueue

logger = logging.getLogger(__name__)
TOGETHER = 64
"""Items on their way to the server at once."""
SWEEP_S = 300.0
_SETTLE_S = 5.0


class Dispatcher:
    """Hears of effects from the fold. What was asked for before `run` had its first look is found by that look."""

    def __init__(self, effects: Effects, settlement: Settlement, sweep_s: float = SWEEP_S) -> None:
        self._effects = effects
        self._settlement = settlement
        self._sweep_s = sweep_s
        self._live = False
        self._due: deque[Effect] = deque()
        self._asked = asyncio.Event()
        self._look = asyncio.Event()
        effects.asked = self._ask

    async def run(self, queues: Mapping[str, WorkQueue]) -> None:
        """Queue effects for ever, of the kinds that have a queue. Begin when the folds have read the journal."""
        self._live = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep(queues), name="effects-sweep")
            while True:
                await self._asked.wait()
                self._asked.clear()
                while self._due:
                    several = [self._due.popleft() for _ in range(min(TOGETHER, len(self._due)))]
                    await self._queue(several, queues, swept=False)

    def look(self) -> None:
        """Queue all that is open, soon: some of it may be lost."""
        self._look.set()

    def _ask(self, effect: Effect) -> None:
        if self._live:
            self._due.append(effect)
            self._asked.set()

    async def _sweep(self, queues: Mapping[str, WorkQueue]) -> NoReturn:
        """Only once the router has decided all that was said of effects: what is over must not be begun anew."""
        while True:
            while not await self._settlement.settled(_SETTLE_S):
                logger.info("open effects are queued once the router has caught up")
            effects = self._effects.open()
            for start in range(0, len(effects), TOGETHER):
                await self._queue(effects[start : start + TOGETHER], queues, swept=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._sweep_s):
                    await self._look.wait()
            self._look.clear()

    async def _queue(self, effects: list[Effect], queues: Mapping[str, WorkQueue], *, swept: bool) -> None:
        """An effect that is over meanwhile is queued too: the worker finds out."""
        puts = [
            queue.put(WorkItem(*effect.place, effect.round, effect.asked, swept))
            for effect in effects
            if (queue := queues.get(effect.kind)) is not None
        ]
        await asyncio.gather(*puts)

"""Reading the log to a given end, and patience with a log that is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from cordboard.errors import JournalCorrupt, LogUnavailable
from cordboard.log.port import Journal, Stored

logger = logging.getLogger(__name__)
T = TypeVar("T")

BATCH_MAX = 256
PAUSE_S = 0.1
PAUSE_MAX_S = 2.0


async def patiently(call: Callable[[], Awaitable[T]], what: str) -> T:
    """`call` again and again until the log answers."""
    pause_s = PAUSE_S
    while True:
        try:
            return await call()
        except LogUnavailable as error:
            logger.warning("the log is away (%s): %s; trying again", what, error)
            await asyncio.sleep(pause_s)
            pause_s = min(PAUSE_MAX_S, pause_s * 2)


async def commits_between(log: Journal, first: int, last: int) -> AsyncGenerator[list[Stored], None]:
    """Commits `first` to `last` in batches of at most BATCH_MAX. Raises JournalCorrupt on a gap, or
    if it ends before `last`."""
    expected = first
    if expected > last:
        return
    async with contextlib.aclosing(log.follow_journal(first)) as batches:
        async for batch in batches:
            part = [stored for stored in batch if stored.seq <= last]
            for stored in part:
                if stored.seq != expected:
                    raise JournalCorrupt(f"the journal goes on with {stored.seq} where {expected} should stand")
                expected += 1
            for start in range(0, len(part), BATCH_MAX):
                yield part[start : start + BATCH_MAX]
            if expected > last:
                return
    raise JournalCorrupt(f"the journal ends before {expected}, wanted was {last}")

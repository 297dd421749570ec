"""Both kinds of a site's log, and waiting for what they do."""

import asyncio
from collections.abc import Callable

from cordboard.log.jetstream import JetStreamLog
from cordboard.log.memory import MemoryLog

Log = MemoryLog | JetStreamLog
SILENCE_S = 60.0
"""No test waits this long: where it is the limit, an answer must come by other means."""


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.001)

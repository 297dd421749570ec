"""Awaiting a library that may not end when it is cancelled.

nats-py waits with `asyncio.wait_for`, which before Python 3.12 drops a cancellation that comes together with the answer: the
library goes on with its next step, and a loop around it never ends. So it runs in a task of its own, cancelled until it obeys.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

AGAIN_S = 0.1


async def obedient(question: Coroutine[Any, Any, T]) -> T:
    """What `question` returns or raises. Cancelled, by a timeout too and however often, it raises CancelledError once `question`
    has ended."""
    task = asyncio.create_task(question, name="a library's")
    try:
        await asyncio.wait([task])
        return task.result()
    finally:
        while not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):  # once more: it is what we are about to raise
                await asyncio.wait([task], timeout=AGAIN_S)
        if not task.cancelled():
            task.exception()  # nobody asks for it any more

"""Asking a telephone gateway, whatever it does instead of answering: nothing that it fails at ends the dialler."""

import asyncio
import logging
from collections.abc import Coroutine
from itertools import islice
from typing import Any, TypeVar

from cordboard.dialler.voice import Voice, VoiceUnavailable

logger = logging.getLogger(__name__)
ANSWER_S = 5.0
CONNECTED_MAX = 10_000
"""So many of its connections are looked at, at a time."""
T = TypeVar("T")


async def hang_up(voice: Voice, call_id: str) -> bool:
    """True: nobody is connected by this call any more. What is in spite of that is found by a later look at `connected`."""
    return await _asked(_hung_up(voice, call_id), f"hang up dial {call_id}") or False


async def connected(voice: Voice) -> list[str]:
    """What it says, as far as that can be a call's name; nothing if it does not say."""
    found = await _asked(_connected(voice), "say who is connected") or []
    return [name for name in found if isinstance(name, str)]


async def _hung_up(voice: Voice, call_id: str) -> bool:
    await voice.hang_up(call_id)
    return True


async def _connected(voice: Voice) -> list[str]:
    return list(islice(await voice.connected(), CONNECTED_MAX))


async def _asked(question: Coroutine[Any, Any, T], what: str) -> T | None:
    """Its answer; None, and a line in the log, if there is none in time."""
    asked = asyncio.create_task(question, name="ask the telephone gateway")
    asked.add_done_callback(_retrieve)
    try:
        await asyncio.wait([asked], timeout=ANSWER_S)
    finally:
        asked.cancel()  # one that does not end by that is not waited for
    if not asked.done() or asked.cancelled():
        logger.warning("the telephone gateway was to %s, and did not answer", what)
        return None
    match asked.exception():
        case None:
            return asked.result()
        case VoiceUnavailable() as error:
            logger.warning("the telephone gateway could not %s: %s", what, error)
        case error:
            # Not in what words: those may be somebody's number.
            logger.warning("the telephone gateway could not %s: %s", what, type(error).__name__)
    return None


def _retrieve(asked: "asyncio.Task[Any]") -> None:
    """Of one that nobody waits for any more, nobody is told how it ended."""
    if not asked.cancelled():
        asked.exception()

"""What every follower of a stream keeps to: in order, without gaps, past lost consumers and what comes again."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from cordboard.errors import CordboardError, JournalCorrupt
from cordboard.log.backoff import Backoff
from cordboard.log.port import Stored
from cordboard.log.stream import Unanswered

_log = logging.getLogger(__name__)

Deliveries = Callable[[int], AsyncGenerator[list[Stored], None]]
"""One consumer's life: messages from a position on, until it is interrupted."""


class Interrupted(CordboardError):
    """This consumer is of no more use; another one goes on where it ended."""

    reason = "interrupted"


async def following(stream: str, from_seq: int, deliveries: Deliveries) -> AsyncGenerator[list[Stored], None]:
    """Messages of `stream` from `from_seq` on, for ever, one consumer after the other. Raises JournalCorrupt on a gap."""
    next_seq = max(1, from_seq)
    backoff = Backoff()
    while True:
        try:
            async with aclosing(deliveries(next_seq)) as consumer:
                async for messages in consumer:
                    fresh = _continue(stream, next_seq, messages)
                    if fresh:
                        next_seq = fresh[-1].seq + 1
                        backoff.reset()
                        yield fresh
        except (Interrupted, Unanswered) as error:
            _log.info("following %s again from %d: %s", stream, next_seq, error)
            await asyncio.sleep(backoff.next_s())


def _continue(stream: str, next_seq: int, messages: list[Stored]) -> list[Stored]:
    """What of `messages` is new. Raises JournalCorrupt if they leave a gap."""
    while messages and messages[0].seq < next_seq:
        messages = messages[1:]
    for expected, message in enumerate(messages, next_seq):
        if message.seq != expected:
            raise JournalCorrupt(f"{stream}: expected message {expected}, the next one is {message.seq}")
    return messages

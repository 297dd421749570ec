"""What every follower of a stream keeps to: in order, without gaps, past lost consumers and what comes again."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from cordboard import metrics
from cordboard.errors import CordboardError, JournalCorrupt, JournalReplaced
from cordboard.log.backoff import Backoff
from cordboard.log.port import Stored
from cordboard.log.stream import Unanswered

_log = logging.getLogger(__name__)

Deliveries = Callable[[int], AsyncGenerator[list[Stored], None]]
"""One consumer's life: messages from a position on, or from the one before, until it is interrupted."""


GAP_PATIENCE_S = 15.0
"""So long a gap may be a server's that has not caught up: after a restart with a damaged block it serves what it has, and gets the
rest from the others meanwhile. Another consumer is served by another server, or finds the gap closed."""


class Gap(CordboardError):
    """This consumer was shown a later message than the next one."""

    reason = "gap"


class GapPatience:
    """How long one follower has stood before the same gap."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    def moved(self) -> None:
        """The next message came."""
        self._since_s = None

    def met(self, gap: str) -> None:
        """It was shown again. Raises JournalCorrupt once that has gone on for GAP_PATIENCE_S."""
        metrics.GAPS.inc()
        now_s = asyncio.get_running_loop().time()
        if self._since_s is None:
            self._since_s = now_s
        if now_s - self._since_s >= GAP_PATIENCE_S:
            raise JournalCorrupt(gap)
        _log.warning("%s: asking again, the server may not have caught up", gap)


class Interrupted(CordboardError):
    """This consumer is of no more use; another one goes on where it ended."""

    reason = "interrupted"


async def following(stream: str, from_seq: int, deliveries: Deliveries) -> AsyncGenerator[list[Stored], None]:
    """Messages of `stream` from `from_seq` on, for ever, one consumer after the other.

    Raises JournalCorrupt on a gap that stays, and JournalReplaced if the last message that was read is another one now: a stream
    that lost its end and went on since has nothing for whoever has read what was lost.
    """
    next_seq = max(1, from_seq)
    last: Stored | None = None
    backoff, patience = Backoff(), GapPatience()
    while True:
        try:
            async with aclosing(deliveries(next_seq)) as consumer:
                async for messages in consumer:
                    _same(stream, last, messages)
                    fresh, gap = _continue(stream, next_seq, messages)
                    if fresh:
                        last, next_seq = fresh[-1], fresh[-1].seq + 1
                        backoff.reset()
                        patience.moved()
                        yield fresh
                    if gap:
                        raise Gap(gap)
        except Gap as error:
            patience.met(str(error))
            await asyncio.sleep(backoff.next_s())
        except (Interrupted, Unanswered) as error:
            _log.info("following %s again from %d: %s", stream, next_seq, error)
            await asyncio.sleep(backoff.next_s())


def _same(stream: str, last: Stored | None, messages: list[Stored]) -> None:
    """What is shown again is what was read."""
    if last is None or not messages or messages[0].seq > last.seq:
        return
    again = next((message for message in messages if message.seq == last.seq), last)
    if again.data != last.data:
        raise JournalReplaced(f"{stream}: message {last.seq} was read before, and is another one now: the stream lost its end")


def _continue(stream: str, next_seq: int, messages: list[Stored]) -> tuple[list[Stored], str]:
    """What of `messages` is new, up to the first gap; and that gap ('': none)."""
    while messages and messages[0].seq < next_seq:
        messages = messages[1:]
    for expected, message in enumerate(messages, next_seq):
        if message.seq != expected:
            return messages[: expected - next_seq], missing(stream, expected, message.seq)
    return messages, ""


def missing(stream: str, expected: int, came: int) -> str:
    """A gap, in words."""
    return f"{stream}: expected message {expected}, the next one is {came}"

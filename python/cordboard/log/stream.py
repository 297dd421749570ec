"""What publisher and appender ask of one stream: the narrow waist between their rules and NATS (or memory)."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from cordboard.errors import CordboardError
from cordboard.log.port import Stored


@dataclass(frozen=True, slots=True)
class Ack:
    """The stream holds the message durably at `seq`; `duplicate` if an earlier send of the same message id stored it."""

    seq: int
    duplicate: bool = False


class Unanswered(CordboardError):
    """No answer, or one that means "not now": the message may or may not be stored. Send the same bytes again."""

    reason = "unanswered"


class Conflict(CordboardError):
    """The stream did not end where the sender expected; it ends at `last`. Nothing was stored."""

    reason = "conflict"

    def __init__(self, last: int) -> None:
        super().__init__(f"the stream ends at {last}")
        self.last = last


class Occupied(CordboardError):
    """The stream holds as many messages of this subject as it may. Nothing was stored."""

    reason = "occupied"


class Stream(Protocol):
    """One stream, one subject, messages numbered from 1."""

    async def ready(self) -> None:
        """Returns once there is a connection to send on."""
        ...

    async def send(self, data: bytes, *, message_id: str | None = None, after: int | None = None) -> asyncio.Future[Ack]:
        """Hand the message over, in order of the calls; the future is the answer.

        `message_id` makes resends harmless; `after` demands that the stream ends at that position.
        Raises, or the future fails with: Unanswered; Conflict; InvalidInput (too large: never stored, do not resend).
        A future may also stay open for ever: the caller times out, and cancels it.
        """
        ...

    async def read(self, seq: int) -> Stored:
        """One message, from the stream's leader. Raises NotFound, Unanswered."""
        ...

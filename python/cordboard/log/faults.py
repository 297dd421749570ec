"""Make a log lose things on purpose: what publisher, appender and followers must bear, at will and in a fixed order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial
from typing import TypeVar

from cordboard.log.port import Stored
from cordboard.log.stream import Ack, Stream, Unanswered

T = TypeVar("T")


class Fault(Enum):
    """What happens to one send."""

    LOSE_MESSAGE = "the stream never sees it"
    LOSE_ACK = "the stream stores it, the sender does not hear of it"


class Flaky:
    """A stream that behaves, except for what `plan` says of the next sends (None: nothing), and while it is held."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._held: list[tuple[asyncio.Future[Ack], asyncio.Future[Ack]]] | None = None
        self.plan: deque[Fault | None] = deque()
        self.sends = 0

    def hold(self) -> None:
        """From now on store, but keep the answers back."""
        self._held = []

    def release(self) -> None:
        """Give the answers that were kept back, in their order."""
        held, self._held = self._held or [], None
        for answer, late in held:
            _pass_on(late, None, answer)

    async def ready(self) -> None:
        await self._stream.ready()

    async def send(self, data: bytes, *, message_id: str | None = None, after: int | None = None) -> asyncio.Future[Ack]:
        self.sends += 1
        fault = self.plan.popleft() if self.plan else None
        if fault is Fault.LOSE_MESSAGE:
            raise Unanswered(fault.value)
        answer = await self._stream.send(data, message_id=message_id, after=after)
        if fault is None and self._held is None:
            return answer
        late: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        if self._held is None:
            answer.add_done_callback(partial(_pass_on, late, fault))
        else:
            self._held.append((answer, late))
        return late

    async def read(self, seq: int) -> Stored:
        return await self._stream.read(seq)


class Line:
    """The way from a process to its log, and back. This one is perfect; simulations bring worse ones."""

    @property
    def connection(self) -> int | None:
        """Which connection this is, counted from 0; None: there is none now."""
        return 0

    async def up(self) -> None:
        """Returns once there is a connection."""

    async def send(self, stream: Stream, data: bytes, message_id: str | None, after: int | None) -> asyncio.Future[Ack]:
        """Hand a message over, as `Stream.send` says."""
        return await stream.send(data, message_id=message_id, after=after)

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """A question and its answer. Raises what `question` raises, or Unanswered."""
        return await question()

    def begins(self, from_seq: int) -> int:
        """Where a consumer that was asked for `from_seq` begins: there, or before."""
        return from_seq

    async def deliver(self, messages: list[Stored]) -> list[Stored]:
        """What comes of `messages` that a follower is given next; the rest comes later. Raises Interrupted if it must
        begin anew."""
        return messages

    def whisper(self, hear: Callable[[], None]) -> None:
        """A whisper arrives."""
        hear()


class Distant:
    """A stream at the other end of a line."""

    def __init__(self, stream: Stream, line: Line) -> None:
        self._stream = stream
        self._line = line

    async def ready(self) -> None:
        await self._line.up()

    async def send(self, data: bytes, *, message_id: str | None = None, after: int | None = None) -> asyncio.Future[Ack]:
        return await self._line.send(self._stream, data, message_id, after)

    async def read(self, seq: int) -> Stored:
        return await self._line.ask(lambda: self._stream.read(seq))


def _pass_on(late: asyncio.Future[Ack], fault: Fault | None, answer: asyncio.Future[Ack]) -> None:
    if late.done():
        return
    if not answer.done():
        answer.add_done_callback(partial(_pass_on, late, fault))
    elif answer.cancelled() or fault is not None:
        late.set_exception(Unanswered("lost on the way back" if fault is None else fault.value))
    elif (error := answer.exception()) is not None:
        late.set_exception(error)
    else:
        late.set_result(answer.result())

"""Group commit to the INBOX: one frame in flight, what comes meanwhile is gathered into the next one."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from cordboard import metrics
from cordboard.codec import encode_frame
from cordboard.errors import CordboardError, InvalidInput, LogUnavailable, Overloaded
from cordboard.events.bounds import FRAME_FACTS_MAX, FRAME_MAX
from cordboard.log.backoff import Backoff
from cordboard.log.port import FactPosition
from cordboard.log.stream import Ack, Stream, Unanswered
from cordboard.watched import ended_by

_log = logging.getLogger(__name__)

_ARRAY_HEADER = 3
FACT_MAX = FRAME_MAX - _ARRAY_HEADER - 3
"""Bytes of the largest fact: it must fit a frame of its own."""
QUEUE_FACTS_MAX = 16 * 1024
QUEUE_BYTES_MAX = 16 * 1024 * 1024
ACK_WAIT_S = 2.0
"""How long one send of a frame may stay unanswered before the same bytes go out again."""
DEADLINE_S = 10.0
"""How long one `publish` may take before its caller is told LogUnavailable."""
NAMES = ("api", "chat", "effects")
"""Publishers that metrics tell apart; any other is `other`."""


class _Figures:
    """One publisher's metrics, looked up once: they are touched once a frame."""

    def __init__(self, name: str) -> None:
        label = name if name in NAMES else "other"
        self.frame_facts = metrics.FRAME_FACTS.labels(label)
        self.ack_s = metrics.ACK_S.labels(label)
        self.resends = metrics.RESENDS.labels(label)
        self.waiting = metrics.WAITING.labels(label)
        self.in_flight = metrics.IN_FLIGHT.labels(label)
        self.refused = metrics.PUBLISHER_REFUSED.labels(label)


class FramePublisher:
    """The rules of a publisher over any stream. Made by `publishing`."""

    def __init__(self, stream: Stream, incarnation: str, ack_wait_s: float, deadline_s: float) -> None:
        self._stream = stream
        self._figures = _Figures(incarnation.rpartition("-")[0])
        self._incarnation = incarnation
        self._ack_wait_s = ack_wait_s
        self._deadline_s = deadline_s
        self._frames = 0
        self._waiting: deque[tuple[bytes, asyncio.Future[FactPosition]]] = deque()
        self._waiting_bytes = 0
        self._deadlines: deque[tuple[float, asyncio.Future[FactPosition]]] = deque()
        """In the order in which they pass: one timer watches the first of them, not each its own."""
        self._watch: asyncio.TimerHandle | None = None
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    async def publish(self, fact: bytes) -> FactPosition:
        """As the port says; moreover InvalidInput for a fact larger than FACT_MAX."""
        if len(fact) > FACT_MAX:
            raise InvalidInput(f"a fact of {len(fact)} bytes does not fit a frame")
        if self._closed:
            raise LogUnavailable("this publisher is closed")
        if len(self._waiting) >= QUEUE_FACTS_MAX or self._waiting_bytes + len(fact) > QUEUE_BYTES_MAX:
            self._figures.refused.inc()
            raise Overloaded("too many facts wait for the log")
        loop = asyncio.get_running_loop()
        position: asyncio.Future[FactPosition] = loop.create_future()
        self._waiting.append((fact, position))
        self._waiting_bytes += len(fact)
        self._deadlines.append((loop.time() + self._deadline_s, position))
        if self._watch is None:
            self._watch = loop.call_later(self._deadline_s, self._look_at_deadlines)
        self._idle.clear()
        self._woken.set()
        # The frame goes on whatever becomes of this caller: its place in the order is taken.
        return await position

    async def run(self) -> None:
        """Send frames for ever, one at a time."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                await self._send_frame()
            self._idle.set()

    def _look_at_deadlines(self) -> None:
        """Tell those whose time is over, and look again when the next one's may be."""
        loop = asyncio.get_running_loop()
        while self._deadlines and (self._deadlines[0][1].done() or self._deadlines[0][0] <= loop.time()):
            _fail(self._deadlines.popleft()[1], LogUnavailable("the log did not acknowledge in time; retry with the same ids"))
        self._watch = loop.call_at(self._deadlines[0][0], self._look_at_deadlines) if self._deadlines else None

    async def drained(self) -> None:
        """Returns once nothing waits and nothing is in flight."""
        await self._idle.wait()

    def close(self) -> None:
        """Tell everyone who still waits that the outcome is unknown."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        while self._waiting:
            _, position = self._waiting.popleft()
            _fail(position, LogUnavailable("the publisher closed before the log acknowledged; retry with the same ids"))

    async def _send_frame(self) -> None:
        facts, positions = self._gather()
        self._frames += 1
        figures, clock = self._figures, asyncio.get_running_loop().time
        figures.frame_facts.observe(len(facts))
        figures.waiting.set(len(self._waiting))
        figures.in_flight.set(len(facts))
        begun_s = clock()
        try:
            ack = await self._store(encode_frame(facts), f"{self._incarnation}.{self._frames}")
        except CordboardError as error:
            for position in positions:
                _fail(position, error)
        except BaseException:
            for position in positions:
                _fail(position, LogUnavailable("the publisher closed before the log acknowledged; retry with the same ids"))
            raise
        else:
            figures.ack_s.observe(clock() - begun_s)
            for index, position in enumerate(positions):
                if not position.done():
                    position.set_result(FactPosition(ack.seq, index))
            while self._deadlines and self._deadlines[0][1].done():
                self._deadlines.popleft()
        finally:
            figures.in_flight.set(0)

    def _gather(self) -> tuple[list[bytes], list[asyncio.Future[FactPosition]]]:
        facts: list[bytes] = []
        positions: list[asyncio.Future[FactPosition]] = []
        room = FRAME_MAX - _ARRAY_HEADER
        while self._waiting and len(facts) < FRAME_FACTS_MAX:
            fact, position = self._waiting[0]
            room -= len(fact) + (2 if len(fact) < 256 else 3)
            if room < 0:
                break
            self._waiting.popleft()
            self._waiting_bytes -= len(fact)
            facts.append(fact)
            positions.append(position)
        return facts, positions

    async def _store(self, frame: bytes, message_id: str) -> Ack:
        """The same bytes under the same id until the stream has them."""
        backoff = Backoff()
        while True:
            try:
                await self._stream.ready()
                answer = await self._stream.send(frame, message_id=message_id)
                async with asyncio.timeout(self._ack_wait_s):
                    return await answer
            except (Unanswered, TimeoutError) as error:
                self._figures.resends.inc()
                _log.info("frame %s is sent again: %s", message_id, error or "no answer")
                await asyncio.sleep(backoff.next_s())


def publisher_of(message_id: str) -> str:
    """Whose frame it is, by the id that `FramePublisher` gave it. Empty for a message that no publisher sent."""
    incarnation, _, number = message_id.rpartition(".")
    return incarnation if number.isascii() and number.isdigit() else ""


def _fail(position: asyncio.Future[FactPosition], error: CordboardError) -> None:
    if not position.done():
        position.set_exception(error)
        position.exception()  # its caller may have gone: no complaint about that


@asynccontextmanager
async def publishing(
    stream: Stream, incarnation: str, *, ack_wait_s: float = ACK_WAIT_S, deadline_s: float = DEADLINE_S
) -> AsyncIterator[FramePublisher]:
    """A publisher of `stream`; `incarnation` is unique to it for ever. Leaving drains it, for at most `deadline_s` seconds."""
    publisher = FramePublisher(stream, incarnation, ack_wait_s, deadline_s)
    sender = asyncio.create_task(publisher.run(), name=f"publisher {incarnation}")
    sender.add_done_callback(lambda _: publisher.close())
    try:
        async with ended_by(sender, LogUnavailable("the publisher failed")):
            yield publisher
            with suppress(TimeoutError):
                async with asyncio.timeout(deadline_s):
                    await publisher.drained()
    finally:
        publisher.close()
        sender.cancel()
        await asyncio.wait([sender])
        if not sender.cancelled() and (error := sender.exception()):
            _log.error("the publisher failed", exc_info=error)

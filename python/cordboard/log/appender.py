"""The JOURNAL's fence: a commit is stored at exactly its own position, or its router is told to step down.

While all goes well, commits are sent as they come, each expecting the position before it. On the first doubt (a lost
connection, a conflict, silence) the appender settles what is unresolved one by one, in order, and sends nothing else
meanwhile. An unresolved commit is never decided again: the identical bytes are sent until the journal answers for them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from cordboard.errors import CordboardError, JournalCorrupt, LogUnavailable, NotFound, SteppedDown
from cordboard.log.backoff import Backoff
from cordboard.log.stream import Ack, Conflict, Stream, Unanswered

_log = logging.getLogger(__name__)

ACK_WAIT_S = 2.0
WINDOW = 64
"""Commits in flight; one more `append` waits for room."""
_SHORT_JOURNAL_TRIES = 10
"""A leader just elected may still apply what it holds; a journal that stays too short has lost commits."""


@dataclass(slots=True)
class _Pending:
    seq: int
    commit: bytes
    done: asyncio.Future[None]
    sent_s: float = field(default=0.0)
    answer: asyncio.Future[Ack] | None = field(default=None)


class FencedAppender:
    """The rules of an appender over any stream. Made by `appending`."""

    def __init__(self, stream: Stream, ack_wait_s: float) -> None:
        self._stream = stream
        self._ack_wait_s = ack_wait_s
        self._pending: dict[int, _Pending] = {}
        self._next_seq: int | None = None
        self._room = asyncio.Semaphore(WINDOW)
        self._doubt = asyncio.Event()
        self._settling = False
        self._failure: CordboardError | None = None
        self._loop = asyncio.get_running_loop()

    async def append(self, seq: int, commit: bytes) -> None:
        """As the port says. Raises ValueError if `seq` does not follow the one before; JournalCorrupt if the journal shrank."""
        await self._room.acquire()
        if self._failure is not None:
            self._room.release()
            raise self._failure
        if self._next_seq is not None and seq != self._next_seq:
            self._room.release()
            raise ValueError(f"commit {seq} does not follow {self._next_seq - 1}")
        self._next_seq = seq + 1
        pending = _Pending(seq, commit, self._loop.create_future())
        self._pending[seq] = pending
        if not self._settling:
            await self._send(pending)
        await pending.done

    async def run(self) -> None:
        """Watch over what is in flight, for ever."""
        while self._failure is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._ack_wait_s):
                    await self._doubt.wait()
            if self._doubt.is_set() or self._overdue():
                await self._settle_all()

    def close(self) -> None:
        """No more appends; whoever waits is told that the outcome is unknown."""
        self._fail(LogUnavailable("the appender was closed"))

    async def _send(self, pending: _Pending) -> None:
        pending.sent_s = self._loop.time()
        try:
            pending.answer = await self._stream.send(pending.commit, after=pending.seq - 1)
        except Unanswered:
            self._doubt.set()
        except CordboardError as error:
            self._fail(error)
        else:
            pending.answer.add_done_callback(partial(self._answered, pending))

    def _answered(self, pending: _Pending, answer: asyncio.Future[Ack]) -> None:
        if answer.cancelled():
            return
        error = answer.exception()
        if error is None:
            self._accept(pending, answer.result())
        elif isinstance(error, Unanswered | Conflict):
            if pending.seq in self._pending:
                self._doubt.set()
        else:
            self._fail(error)

    def _overdue(self) -> bool:
        oldest = next(iter(self._pending.values()), None)
        return oldest is not None and self._loop.time() - oldest.sent_s >= self._ack_wait_s

    async def _settle_all(self) -> None:
        self._settling = True
        try:
            # Answers to earlier sends count no more: the journal itself is asked about every commit.
            for pending in self._pending.values():
                if pending.answer is not None:
                    pending.answer.cancel()
            while self._pending and self._failure is None:
                await self._settle(next(iter(self._pending.values())))
        except (CordboardError, ValueError) as error:
            self._fail(error)
        finally:
            self._doubt.clear()
            self._settling = False

    async def _settle(self, pending: _Pending) -> None:
        """`pending` is the oldest unresolved commit: send it until it is known to be in the journal, or somebody else's is."""
        backoff = Backoff()
        short = 0
        while True:
            try:
                await self._stream.ready()
                answer = await self._stream.send(pending.commit, after=pending.seq - 1)
                async with asyncio.timeout(self._ack_wait_s):
                    ack = await answer
            except Conflict as conflict:
                if conflict.last >= pending.seq:
                    if await self._holds(pending):
                        return self._resolve(pending)
                elif conflict.last < pending.seq - 1:
                    short += 1
                    if short >= _SHORT_JOURNAL_TRIES:
                        raise JournalCorrupt(f"the journal ends at {conflict.last}, but held {pending.seq - 1}") from conflict
            except (Unanswered, TimeoutError) as error:
                _log.info("commit %d is sent again: %s", pending.seq, error or "no answer")
            else:
                return self._accept(pending, ack)
            await asyncio.sleep(backoff.next_s())

    async def _holds(self, pending: _Pending) -> bool:
        """True: the journal has these very bytes at that position. False: it did not say. Raises SteppedDown."""
        try:
            stored = await self._stream.read(pending.seq)
        except Unanswered:
            return False
        except NotFound as error:
            raise SteppedDown(f"the journal is past {pending.seq} and trimmed") from error
        if stored.data != pending.commit:
            raise SteppedDown(f"another commit holds position {pending.seq}")
        return True

    def _accept(self, pending: _Pending, ack: Ack) -> None:
        if ack.duplicate or ack.seq != pending.seq:
            # Commits carry no message id, so this cannot be; if it is, nothing here can be believed.
            self._fail(JournalCorrupt(f"commit {pending.seq} was acknowledged as {ack}"))
        else:
            self._resolve(pending)

    def _resolve(self, pending: _Pending) -> None:
        if self._pending.pop(pending.seq, None) is not None:
            self._room.release()
            if not pending.done.done():
                pending.done.set_result(None)

    def _fail(self, error: BaseException) -> None:
        if self._failure is not None:
            return
        self._failure = error if isinstance(error, CordboardError) else LogUnavailable(repr(error))
        for pending in self._pending.values():
            self._room.release()
            if pending.answer is not None:
                pending.answer.cancel()
            if not pending.done.done():
                pending.done.set_exception(self._failure)
                pending.done.exception()  # its caller may have gone: no complaint about that
        self._pending.clear()
        self._doubt.set()


@asynccontextmanager
async def appending(stream: Stream, *, ack_wait_s: float = ACK_WAIT_S) -> AsyncIterator[FencedAppender]:
    """An appender to `stream`. Leaving does not wait for what is in flight: await the appends for that."""
    appender = FencedAppender(stream, ack_wait_s)
    watch = asyncio.create_task(appender.run(), name="appender")
    try:
        yield appender
    finally:
        appender.close()
        watch.cancel()
        await asyncio.wait([watch])
        if not watch.cancelled() and (error := watch.exception()):
            _log.error("the appender failed", exc_info=error)

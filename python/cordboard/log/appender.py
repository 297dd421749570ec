"""The JOURNAL's fence: a commit is stored at exactly its own position, or its router is told to step down.

One commit is in flight; the others wait for it. The server compares positions, not contents: were `s` and `s + 1` in flight
together, and another router's commit took `s`, then ours would be refused, but `s + 1` would find the journal ending at
`s`, as it expects, and be stored behind a commit that it does not follow.

An unresolved commit is never decided again: the identical bytes are sent until the journal answers for them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cordboard.errors import CordboardError, JournalCorrupt, LogUnavailable, NotFound, SteppedDown
from cordboard.log.backoff import Backoff
from cordboard.log.stream import Conflict, Stream, Unanswered
from cordboard.watched import ended_by

_log = logging.getLogger(__name__)

ACK_WAIT_S = 2.0
QUEUE_MAX = 64
"""Commits that may wait; one more `append` waits for room."""
_SHORT_JOURNAL_TRIES = 10
"""A leader just elected may still apply what it holds; a journal that stays too short has lost commits."""


@dataclass(slots=True)
class _Pending:
    seq: int
    commit: bytes
    done: asyncio.Future[None]


class FencedAppender:
    """The rules of an appender over any stream. Made by `appending`."""

    def __init__(self, stream: Stream, ack_wait_s: float) -> None:
        self._stream = stream
        self._ack_wait_s = ack_wait_s
        self._pending: deque[_Pending] = deque()
        self._next_seq: int | None = None
        self._room = asyncio.Semaphore(QUEUE_MAX)
        self._woken = asyncio.Event()
        self._failure: CordboardError | None = None

    async def append(self, seq: int, commit: bytes) -> None:
        """As the port says. Raises ValueError if `seq` does not follow the one before; JournalCorrupt if the journal shrank."""
        await self._room.acquire()
        try:
            if self._failure is not None:
                raise self._failure
            if self._next_seq is not None and seq != self._next_seq:
                raise ValueError(f"commit {seq} does not follow {self._next_seq - 1}")
        except BaseException:
            self._room.release()
            raise
        self._next_seq = seq + 1
        pending = _Pending(seq, commit, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        self._woken.set()
        # A caller who is cancelled changes nothing: what was decided is appended.
        await pending.done

    async def run(self) -> None:
        """Append what comes, one at a time, until cancelled. Once another router is met, whoever appends is told."""
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                while self._pending:
                    try:
                        await self._settle(self._pending[0])
                    except CordboardError as error:
                        self._fail(error)
                    else:
                        self._resolve(self._pending.popleft())
        except Exception as error:
            self._fail(LogUnavailable(f"the appender failed: {error!r}"))
            raise

    def close(self) -> None:
        """No more appends; whoever waits is told that the outcome is unknown."""
        self._fail(LogUnavailable("the appender was closed"))

    async def _settle(self, pending: _Pending) -> None:
        """Send the commit until it is known to be in the journal. Raises SteppedDown if somebody else's is."""
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
                        return
                elif conflict.last < pending.seq - 1:
                    short += 1
                    if short >= _SHORT_JOURNAL_TRIES:
                        raise JournalCorrupt(f"the journal ends at {conflict.last}, but held {pending.seq - 1}") from conflict
            except (Unanswered, TimeoutError) as error:
                _log.info("commit %d is sent again: %s", pending.seq, error or "no answer")
            else:
                if ack.duplicate or ack.seq != pending.seq:
                    # Commits carry no message id, so this cannot be; if it is, nothing here can be believed.
                    raise JournalCorrupt(f"commit {pending.seq} was acknowledged as {ack}")
                return
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

    def _resolve(self, pending: _Pending) -> None:
        self._room.release()
        if not pending.done.done():
            pending.done.set_result(None)

    def _fail(self, error: CordboardError) -> None:
        if self._failure is not None:
            return
        self._failure = error
        while self._pending:
            pending = self._pending.popleft()
            self._room.release()
            if not pending.done.done():
                pending.done.set_exception(error)
                pending.done.exception()  # its caller may have gone: no complaint about that


@asynccontextmanager
async def appending(stream: Stream, *, ack_wait_s: float = ACK_WAIT_S) -> AsyncIterator[FencedAppender]:
    """An appender to `stream`. Leaving does not wait for what is in flight: await the appends for that."""
    appender = FencedAppender(stream, ack_wait_s)
    watch = asyncio.create_task(appender.run(), name="appender")
    try:
        async with ended_by(watch, LogUnavailable("the appender failed")):
            yield appender
    finally:
        appender.close()
        watch.cancel()
        await asyncio.wait([watch])
        if not watch.cancelled() and (error := watch.exception()):
            _log.error("the appender failed", exc_info=error)

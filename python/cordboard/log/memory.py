"""A site's log in memory: the same rules of publishing and appending over streams that live in this process.

For tests and simulations. It has no clock of its own unless asked to, no randomness, and its streams lose what one tells
them to (`log.inbox.plan`, `log.journal.plan`, `Line`, see `faults`). Several logs may share one `MemoryServer`: each is what
one process has of it.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeVar

from cordboard.errors import InvalidInput, JournalCorrupt, LogUnavailable, NotFound, SnapshotDamaged, StoreFull
from cordboard.events.bounds import FRAME_MAX
from cordboard.events.commit import COMMIT_MAX
from cordboard.log import subjects
from cordboard.log.appender import ACK_WAIT_S, FencedAppender, appending
from cordboard.log.backoff import Backoff
from cordboard.log.faults import Distant, Flaky, Line
from cordboard.log.following import following
from cordboard.log.port import Frame, Snapshots, Stored
from cordboard.log.publisher import DEADLINE_S, FramePublisher, publisher_of, publishing
from cordboard.log.stream import Ack, Conflict, Unanswered
from cordboard.log.whispers import BUFFERED_MAX, check_whisper

T = TypeVar("T")
DUPLICATES_MS = 120_000
"""How long a stream remembers the ids of messages, as the server does."""


class MemoryStream:
    """One stream; stores and answers at once. `stored` hears of every new message."""

    def __init__(self, name: str, message_max: int, clock: Callable[[], int], duplicates_ms: int = DUPLICATES_MS) -> None:
        self.name = name
        self.messages: list[Stored] = []
        self.stored: Callable[[Stored], None] | None = None
        self.senders: dict[int, str] = {}
        """The ids that messages came with, by position."""
        self._message_max = message_max
        self._clock = clock
        self._duplicates_ms = duplicates_ms
        self._ids: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._grown = asyncio.Event()

    async def ready(self) -> None:
        return

    async def send(self, data: bytes, *, message_id: str | None = None, after: int | None = None) -> asyncio.Future[Ack]:
        answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._forget_old_ids()
        if len(data) > self._message_max:
            answer.set_exception(InvalidInput(f"{len(data)} bytes exceed the {self._message_max} of {self.name}"))
        elif message_id is not None and message_id in self._ids:
            answer.set_result(Ack(self._ids[message_id][0], duplicate=True))
        elif after is not None and after != len(self.messages):
            answer.set_exception(Conflict(len(self.messages)))
        else:
            answer.set_result(Ack(self._store(data, message_id)))
        return answer

    async def read(self, seq: int) -> Stored:
        if not 1 <= seq <= len(self.messages):
            raise NotFound(f"{self.name} has no message {seq}")
        return self.messages[seq - 1]

    async def deliveries(self, line: Line, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        """One consumer's life. Raises JournalCorrupt if the stream ends before what was read already."""
        await line.up()
        if len(self.messages) < from_seq - 1:
            raise JournalCorrupt(f"{self.name} ends at {len(self.messages)}, but message {from_seq - 1} was read before")
        next_seq = line.begins(from_seq)
        while True:
            while len(self.messages) < next_seq:
                await self._grown.wait()
            delivered = await line.deliver(self.messages[next_seq - 1 :])
            if delivered:
                next_seq = max(next_seq, delivered[-1].seq + 1)
                yield delivered

    def forget_ids(self) -> None:
        """As if all messages were older than that."""
        self._ids.clear()

    def _store(self, data: bytes, message_id: str | None) -> int:
        seq = len(self.messages) + 1
        self.messages.append(Stored(seq, self._clock(), data))
        if message_id is not None:
            self._ids[message_id] = (seq, self.messages[-1].stored_ms)
            self.senders[seq] = message_id
        if self.stored is not None:
            self.stored(self.messages[-1])
        self._grown.set()
        self._grown = asyncio.Event()
        return seq

    def _forget_old_ids(self) -> None:
        oldest_ms = self._clock() - self._duplicates_ms
        while self._ids and next(iter(self._ids.values()))[1] < oldest_ms:
            self._ids.popitem(last=False)


class MemorySnapshots:
    """The `Snapshots` port as a dictionary. `torn`: those whose bytes a server would find not to match their digest; `max_bytes`:
    so many it takes."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.torn: set[str] = set()
        self.max_bytes: int | None = None

    async def put(self, name: str, data: bytes) -> None:
        # What it replaces goes when it is whole.
        if self.max_bytes is not None and sum(map(len, self.blobs.values())) + len(data) > self.max_bytes:
            raise StoreFull(f"the snapshot store: no room for {len(data)} bytes")
        self.torn.discard(name)
        self.blobs[name] = data

    async def get(self, name: str) -> bytes:
        if name not in self.blobs:
            raise NotFound(f"no snapshot {name}")
        if name in self.torn:
            raise SnapshotDamaged("its bytes do not match their digest")
        return self.blobs[name]

    async def names(self) -> list[str]:
        return sorted(self.blobs)

    async def delete(self, name: str) -> None:
        self.torn.discard(name)
        self.blobs.pop(name, None)


class _DistantSnapshots:
    """The same at the other end of a line. Raises LogUnavailable when nothing answers."""

    def __init__(self, snapshots: MemorySnapshots, line: Line) -> None:
        self._snapshots = snapshots
        self._line = line

    async def put(self, name: str, data: bytes) -> None:
        await _once(self._line, lambda: self._snapshots.put(name, data))

    async def get(self, name: str) -> bytes:
        return await _once(self._line, lambda: self._snapshots.get(name))

    async def names(self) -> list[str]:
        return await _once(self._line, self._snapshots.names)

    async def delete(self, name: str) -> None:
        await _once(self._line, lambda: self._snapshots.delete(name))


class MemoryServer:
    """What a server holds of one site: both streams, the snapshots, and who listens. `clock` gives Unix ms (default: the
    wall's); its streams remember the ids of messages for `duplicates_ms`."""

    def __init__(self, site: str, clock: Callable[[], int] | None = None, *, duplicates_ms: int = DUPLICATES_MS) -> None:
        self._clock = clock = clock or _wall_ms
        self.site = subjects.check_site(site)
        self.inbox = MemoryStream(subjects.inbox_stream(site), FRAME_MAX, clock, duplicates_ms)
        self.journal = MemoryStream(subjects.journal_stream(site), COMMIT_MAX, clock, duplicates_ms)
        self.snapshots = MemorySnapshots()
        self.listeners: list[tuple[str, deque[tuple[str, bytes]], asyncio.Event]] = []
        self.publishers = 0

    def spread(self, topic: str, data: bytes) -> None:
        for pattern, heard, arrived in self.listeners:
            if subjects.covers(pattern, topic):
                heard.append((topic, data))
                arrived.set()

    def now_ms(self) -> int:
        return self._clock()


class MemoryLog:
    """The `SiteLog` port. `clock` as for the server, which is this log's own unless one is given. Lives within one event loop."""

    def __init__(
        self,
        site: str,
        clock: Callable[[], int] | None = None,
        *,
        inbox_id: bytes = bytes(range(16)),
        ack_wait_s: float = ACK_WAIT_S,
        deadline_s: float = DEADLINE_S,
        server: MemoryServer | None = None,
        line: Line | None = None,
    ) -> None:
        self._server = server or MemoryServer(site, clock)
        self._line = line or Line()
        self._site = subjects.check_site(site)
        self._inbox_id = inbox_id
        self._ack_wait_s = ack_wait_s
        self._deadline_s = deadline_s
        self._snapshots = _DistantSnapshots(self._server.snapshots, self._line)
        self.inbox = Flaky(Distant(self._server.inbox, self._line))
        self.journal = Flaky(Distant(self._server.journal, self._line))

    @property
    def site(self) -> str:
        return self._site

    @property
    def inbox_id(self) -> bytes:
        return self._inbox_id

    @property
    def connection(self) -> int | None:
        return self._line.connection

    def publisher(self, name: str) -> AbstractAsyncContextManager[FramePublisher]:
        self._server.publishers += 1
        incarnation = f"{name}-{self._server.publishers}"
        return publishing(self.inbox, incarnation, ack_wait_s=self._ack_wait_s, deadline_s=self._deadline_s)

    def appender(self) -> AbstractAsyncContextManager[FencedAppender]:
        return appending(self.journal, ack_wait_s=self._ack_wait_s)

    def follow_inbox(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        return self._follow(self._server.inbox, from_seq)

    def follow_journal(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        return self._follow(self._server.journal, from_seq)

    async def first_inbox_seq(self) -> int:
        return 1

    async def last_inbox_seq(self) -> int:
        return await self._answered(lambda: _last(self._server.inbox))

    async def read_frame(self, seq: int) -> Frame:
        inbox = self._server.inbox
        stored = await _once(self._line, lambda: inbox.read(seq))
        return Frame(stored, publisher_of(inbox.senders.get(seq, "")))

    async def first_journal_seq(self) -> int:
        return 1

    async def last_journal_seq(self) -> int:
        return await self._answered(lambda: _last(self._server.journal))

    async def read_commit(self, seq: int) -> Stored:
        return await _once(self._line, lambda: self._server.journal.read(seq))

    async def server_time_ms(self) -> int:
        async def now() -> int:
            return self._server.now_ms()

        return await self._answered(now)

    @property
    def snapshots(self) -> Snapshots:
        return self._snapshots

    async def whisper(self, topic: str, data: bytes) -> None:
        subjects.whisper_subject(self._site, topic)
        check_whisper(data)
        self._line.whisper(lambda: self._server.spread(topic, data))

    async def listen(self, topic: str) -> AsyncGenerator[tuple[str, bytes], None]:
        subjects.whisper_pattern(self._site, topic)
        heard: deque[tuple[str, bytes]] = deque(maxlen=BUFFERED_MAX)
        arrived = asyncio.Event()
        listener = (topic, heard, arrived)
        self._server.listeners.append(listener)
        try:
            while True:
                await arrived.wait()
                arrived.clear()
                while heard:
                    yield heard.popleft()
        finally:
            self._server.listeners = [each for each in self._server.listeners if each is not listener]

    def _follow(self, stream: MemoryStream, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        return following(stream.name, from_seq, lambda first: stream.deliveries(self._line, first))

    async def _answered(self, question: Callable[[], Awaitable[T]]) -> T:
        """Asks again for as long as nothing answers."""
        backoff = Backoff()
        while True:
            await self._line.up()
            with suppress(Unanswered):
                return await self._line.ask(question)
            await asyncio.sleep(backoff.next_s())


async def _once(line: Line, question: Callable[[], Awaitable[T]]) -> T:
    try:
        return await line.ask(question)
    except Unanswered as error:
        raise LogUnavailable(str(error)) from error


async def _last(stream: MemoryStream) -> int:
    return len(stream.messages)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000

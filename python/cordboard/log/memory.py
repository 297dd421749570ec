"""A site's log in memory: the same rules of publishing and appending over streams that live in this process.

For tests and simulations. It has no clock of its own unless asked to, no randomness, and its streams lose what one tells
them to (`log.inbox.plan`, `log.journal.plan`, see `faults`).
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager

from cordboard.errors import InvalidInput, JournalCorrupt, NotFound
from cordboard.events.bounds import FRAME_MAX
from cordboard.events.commit import COMMIT_MAX
from cordboard.log import subjects
from cordboard.log.appender import ACK_WAIT_S, FencedAppender, appending
from cordboard.log.faults import Flaky
from cordboard.log.port import Snapshots, Stored
from cordboard.log.publisher import DEADLINE_S, FramePublisher, publishing
from cordboard.log.stream import Ack, Conflict
from cordboard.log.whispers import BUFFERED_MAX, check_whisper

_REMEMBERED_IDS = 100_000


class MemoryStream:
    """One stream; stores and answers at once."""

    def __init__(self, name: str, message_max: int, clock: Callable[[], int]) -> None:
        self.name = name
        self.messages: list[Stored] = []
        self._message_max = message_max
        self._clock = clock
        self._ids: OrderedDict[str, int] = OrderedDict()
        self._grown = asyncio.Event()

    async def ready(self) -> None:
        return

    async def send(self, data: bytes, *, message_id: str | None = None, after: int | None = None) -> asyncio.Future[Ack]:
        answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        if len(data) > self._message_max:
            answer.set_exception(InvalidInput(f"{len(data)} bytes exceed the {self._message_max} of {self.name}"))
        elif message_id is not None and message_id in self._ids:
            answer.set_result(Ack(self._ids[message_id], duplicate=True))
        elif after is not None and after != len(self.messages):
            answer.set_exception(Conflict(len(self.messages)))
        else:
            answer.set_result(Ack(self._store(data, message_id)))
        return answer

    async def read(self, seq: int) -> Stored:
        if not 1 <= seq <= len(self.messages):
            raise NotFound(f"{self.name} has no message {seq}")
        return self.messages[seq - 1]

    async def follow(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        """As the port says. Raises JournalCorrupt if the stream ends before what was read already."""
        next_seq = max(1, from_seq)
        if len(self.messages) < next_seq - 1:
            raise JournalCorrupt(f"{self.name} ends at {len(self.messages)}, but message {next_seq - 1} was read before")
        while True:
            while len(self.messages) < next_seq:
                await self._grown.wait()
            fresh = self.messages[next_seq - 1 :]
            next_seq += len(fresh)
            yield fresh

    def _store(self, data: bytes, message_id: str | None) -> int:
        seq = len(self.messages) + 1
        self.messages.append(Stored(seq, self._clock(), data))
        if message_id is not None:
            self._ids[message_id] = seq
            if len(self._ids) > _REMEMBERED_IDS:
                self._ids.popitem(last=False)
        self._grown.set()
        self._grown = asyncio.Event()
        return seq


class MemorySnapshots:
    """The `Snapshots` port as a dictionary."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    async def put(self, name: str, data: bytes) -> None:
        self._blobs[name] = data

    async def get(self, name: str) -> bytes:
        if name not in self._blobs:
            raise NotFound(f"no snapshot {name}")
        return self._blobs[name]

    async def names(self) -> list[str]:
        return sorted(self._blobs)

    async def delete(self, name: str) -> None:
        self._blobs.pop(name, None)


class MemoryLog:
    """The `SiteLog` port. `clock` gives Unix ms (default: the wall's). Lives within one event loop."""

    def __init__(
        self,
        site: str,
        clock: Callable[[], int] | None = None,
        *,
        inbox_id: bytes = bytes(range(16)),
        ack_wait_s: float = ACK_WAIT_S,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        clock = clock or _wall_ms
        self._site = subjects.check_site(site)
        self._inbox_id = inbox_id
        self._ack_wait_s = ack_wait_s
        self._deadline_s = deadline_s
        self._publishers = 0
        self._inbox = MemoryStream(subjects.inbox_stream(site), FRAME_MAX, clock)
        self._journal = MemoryStream(subjects.journal_stream(site), COMMIT_MAX, clock)
        self._snapshots = MemorySnapshots()
        self._listeners: list[tuple[str, deque[tuple[str, bytes]], asyncio.Event]] = []
        self.inbox = Flaky(self._inbox)
        self.journal = Flaky(self._journal)

    @property
    def site(self) -> str:
        return self._site

    @property
    def inbox_id(self) -> bytes:
        return self._inbox_id

    def publisher(self, name: str) -> AbstractAsyncContextManager[FramePublisher]:
        self._publishers += 1
        return publishing(self.inbox, f"{name}-{self._publishers}", ack_wait_s=self._ack_wait_s, deadline_s=self._deadline_s)

    def appender(self) -> AbstractAsyncContextManager[FencedAppender]:
        return appending(self.journal, ack_wait_s=self._ack_wait_s)

    def follow_inbox(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        return self._inbox.follow(from_seq)

    def follow_journal(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        return self._journal.follow(from_seq)

    async def last_inbox_seq(self) -> int:
        return len(self._inbox.messages)

    async def last_journal_seq(self) -> int:
        return len(self._journal.messages)

    async def read_commit(self, seq: int) -> Stored:
        return await self._journal.read(seq)

    async def server_time_ms(self) -> int | None:
        newest = [stream.messages[-1].stored_ms for stream in (self._inbox, self._journal) if stream.messages]
        return max(newest, default=None)

    @property
    def snapshots(self) -> Snapshots:
        return self._snapshots

    async def whisper(self, topic: str, data: bytes) -> None:
        subjects.whisper_subject(self._site, topic)
        check_whisper(data)
        for pattern, heard, arrived in self._listeners:
            if subjects.covers(pattern, topic):
                heard.append((topic, data))
                arrived.set()

    async def listen(self, topic: str) -> AsyncGenerator[tuple[str, bytes], None]:
        subjects.whisper_pattern(self._site, topic)
        heard: deque[tuple[str, bytes]] = deque(maxlen=BUFFERED_MAX)
        arrived = asyncio.Event()
        listener = (topic, heard, arrived)
        self._listeners.append(listener)
        try:
            while True:
                await arrived.wait()
                arrived.clear()
                while heard:
                    yield heard.popleft()
        finally:
            self._listeners = [each for each in self._listeners if each is not listener]


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000

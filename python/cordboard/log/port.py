"""The ports of the log: what gateways, router, projections and API may ask of it.

Two implementations under the same contract tests (tests/contract/test_log.py): `jetstream` on a NATS server, and `memory`,
the in-process twin. A `SiteLog` is one site's INBOX and JOURNAL.
"""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import msgspec


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A message as the log holds it: `seq` from 1 without gaps, `stored_ms` the server's clock (Unix ms)."""

    seq: int
    stored_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """A message of the inbox, and the publisher that sent it (`name-incarnation`; empty: it did not say)."""

    stored: Stored
    publisher: str


@dataclass(frozen=True, slots=True)
class FactPosition:
    """Where a fact became durable: `index` within frame `inbox_seq`."""

    inbox_seq: int
    index: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the router is behind (JOURNAL: overload). Both 0 when it keeps up."""

    frames: int
    age_ms: int


class Publisher(Protocol):
    """Group commit to the INBOX: one frame in flight, what comes meanwhile is gathered into the next one.

    Order is kept. Resends carry the same bytes and message id. `publish` returns after the durable ack.
    """

    async def publish(self, fact: bytes) -> FactPosition:
        """Raises Overloaded (queue full: nothing was sent) or LogUnavailable (no ack in time: outcome unknown, the publisher
        goes on resending; publish the same fact again to learn more, its fact id makes that harmless)."""
        ...


class Appender(Protocol):
    """The JOURNAL's fence: a commit is stored at exactly its own position, or the router is told to step down."""

    async def append(self, seq: int, commit: bytes) -> None:
        """Store `commit` at position `seq`; returns when durable. Several may wait, in order; one is in flight. Raises
        SteppedDown when another commit holds that position. While the log is away it resends the identical bytes until told
        otherwise."""
        ...


class SnapshotReader(Protocol):
    """Named blobs beside the journal. Names sort by position."""

    async def get(self, name: str) -> bytes: ...
    async def names(self) -> list[str]: ...


class Snapshots(SnapshotReader, Protocol):
    """The same, to write."""

    async def put(self, name: str, data: bytes) -> None: ...
    async def delete(self, name: str) -> None: ...


class Journal(Protocol):
    """What reading one site's past asks: of its log, of an archive, or of both as one."""

    @property
    def site(self) -> str: ...

    def follow_journal(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        """Commits from `from_seq` on, in order and without gaps, for ever; of an archive, to its end. Each item is all that is
        buffered (never empty). Survives reconnects and server restarts. Close the iterator (`aclose`) to stop."""
        ...

    async def first_journal_seq(self) -> int:
        """The oldest commit that is still there: 1, unless the journal was trimmed. Of an empty one one after its end."""
        ...

    async def last_journal_seq(self) -> int:
        """0 if empty."""
        ...

    async def read_commit(self, seq: int) -> Stored:
        """One commit, from the stream's leader. Raises NotFound, LogUnavailable."""
        ...

    @property
    def snapshots(self) -> SnapshotReader: ...


class SiteLog(Journal, Protocol):
    """One site's log. Made by `log.connect(...)` or `log.memory.MemoryLog`."""

    @property
    def inbox_id(self) -> bytes:
        """16 bytes naming this incarnation of the INBOX stream."""
        ...

    @property
    def connection(self) -> int | None:
        """Which connection to the log this is, counted from 0; None: there is none now. Whispers pass only while there is one."""
        ...

    def publisher(self, name: str) -> AbstractAsyncContextManager[Publisher]:
        """A publisher of this process; `name` says which gateway it serves. Leaving the context drains it."""
        ...

    def appender(self) -> AbstractAsyncContextManager[Appender]: ...

    def follow_inbox(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        """Frames from `from_seq` on, in order and without gaps, for ever: each item is all that is buffered (never empty).
        Survives reconnects and server restarts. Close the iterator (`aclose`) to stop."""
        ...

    async def first_inbox_seq(self) -> int:
        """The oldest frame that is still there: 1, unless what came before was purged. Of an empty inbox one after its end."""
        ...

    async def last_inbox_seq(self) -> int: ...

    async def read_frame(self, seq: int) -> Frame:
        """One message of the inbox, whatever its bytes are. Raises NotFound (purged, or not there yet), LogUnavailable."""
        ...

    async def server_time_ms(self) -> int:
        """The server's clock at this moment (Unix ms): what it would stamp on a message of this site."""
        ...

    @property
    def snapshots(self) -> Snapshots: ...

    async def whisper(self, topic: str, data: bytes) -> None:
        """Fire and forget, not stored (typing, delivery receipts). `topic`: dot-separated tokens of [a-z0-9_-]."""
        ...

    def listen(self, topic: str) -> AsyncGenerator[tuple[str, bytes], None]:
        """Whispers as (topic, data); `topic` may end in `.>` or hold `*` tokens. Subscribed once iteration began."""
        ...

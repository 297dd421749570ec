"""A site's log on a NATS server with JetStream."""

import asyncio
import base64
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from cordboard.errors import ConfigurationError, LogUnavailable, NotFound
from cordboard.log import reader, subjects, whispers
from cordboard.log.appender import ACK_WAIT_S, FencedAppender, appending
from cordboard.log.durability import require_fsync
from cordboard.log.port import Frame, Snapshots, Stored
from cordboard.log.publisher import DEADLINE_S, FramePublisher, publisher_of, publishing
from cordboard.log.snapshots import BucketSnapshots
from cordboard.log.stream import Ack, Unanswered
from cordboard.log.streams import DEFAULTS, StreamSettings, declare_streams
from cordboard.log.usage import Usage
from cordboard.log.wire import CONNECT_S, ERR_NO_MESSAGE, ApiError, Wire, open_wire

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class JetStream:
    """One stream on the server, as publisher and appender see it."""

    def __init__(self, wire: Wire, name: str, subject: str) -> None:
        self.name = name
        self._wire = wire
        self._subject = subject

    async def ready(self) -> None:
        await self._wire.online()

    async def send(self, data: bytes, *, message_id: str | None = None, after: int | None = None) -> asyncio.Future[Ack]:
        headers: dict[str, str] = {}
        if message_id is not None:
            headers["Nats-Msg-Id"] = message_id
        if after is not None:
            headers["Nats-Expected-Last-Sequence"] = str(after)
        return await self._wire.send(self._subject, data, headers)

    async def read(self, seq: int) -> Stored:
        return (await self.read_with_id(seq))[0]

    async def read_with_id(self, seq: int) -> tuple[Stored, str]:
        """The message, and the id that its sender gave it ('': none). Raises NotFound, Unanswered."""
        # STREAM.MSG.GET is answered by the leader, unlike a direct get.
        try:
            message = (await self._wire.call(f"STREAM.MSG.GET.{self.name}", {"seq": seq}))["message"]
        except ApiError as error:
            if error.code == ERR_NO_MESSAGE:
                raise NotFound(f"{self.name} has no message {seq}") from error
            raise Unanswered(str(error)) from error
        stored = Stored(message["seq"], _unix_ms(message["time"]), base64.b64decode(message.get("data", "")))
        return stored, _message_id(base64.b64decode(message.get("hdrs", "")))

    async def first(self) -> int:
        """The oldest message's sequence; of an empty stream the next one's."""
        state = (await self._wire.call_until_answered(f"STREAM.INFO.{self.name}"))["state"]
        return max(1, int(state["first_seq"]), 0 if state["messages"] else int(state["last_seq"]) + 1)

    async def usage(self) -> Usage:
        info = await self._wire.call_until_answered(f"STREAM.INFO.{self.name}")
        return Usage(self.name, int(info["state"]["bytes"]), int(info["config"]["max_bytes"]))

    async def consumers(self) -> list[dict[str, Any]]:
        """Everyone who follows the stream now, as the server describes them."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self._wire.call_until_answered(f"CONSUMER.LIST.{self.name}", {"offset": len(found)})
            found += page.get("consumers") or []
            if len(found) >= page.get("total", 0) or not page.get("consumers"):
                return found

    async def purge(self, below: int) -> int:
        """Delete the messages before `below`; returns how many those were."""
        answer = await self._wire.call_until_answered(f"STREAM.PURGE.{self.name}", {"seq": below})
        return int(answer["purged"])

    async def last(self) -> int:
        """The last sequence; 0 if there never was a message."""
        last: int = (await self._wire.call_until_answered(f"STREAM.INFO.{self.name}"))["state"]["last_seq"]
        return last

    async def now_ms(self) -> int:
        """The clock of the stream's leader (Unix ms)."""
        return _unix_ms((await self._wire.call_until_answered(f"STREAM.INFO.{self.name}"))["ts"])


class JetStreamLog:
    """The `SiteLog` port. Made by `connect`."""

    def __init__(self, wire: Wire, site: str, inbox_id: bytes, replicas: int, ack_wait_s: float, deadline_s: float) -> None:
        self._wire = wire
        self._site = site
        self._inbox_id = inbox_id
        self._ack_wait_s = ack_wait_s
        self._deadline_s = deadline_s
        self.inbox = JetStream(wire, subjects.inbox_stream(site), subjects.inbox_subject(site))
        self.journal = JetStream(wire, subjects.journal_stream(site), subjects.journal_subject(site))
        self._snapshots = BucketSnapshots(wire, subjects.snapshot_bucket(site), replicas)

    @property
    def site(self) -> str:
        return self._site

    @property
    def inbox_id(self) -> bytes:
        return self._inbox_id

    @property
    def connection(self) -> int | None:
        return self._wire.losses if self._wire.client.is_connected else None

    def publisher(self, name: str) -> AbstractAsyncContextManager[FramePublisher]:
        incarnation = f"{name}-{secrets.token_hex(8)}"
        return publishing(self.inbox, incarnation, ack_wait_s=self._ack_wait_s, deadline_s=self._deadline_s)

    def appender(self) -> AbstractAsyncContextManager[FencedAppender]:
        return appending(self.journal, ack_wait_s=self._ack_wait_s)

    def follow_inbox(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        return reader.follow(self._wire, self.inbox.name, from_seq)

    def follow_journal(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        return reader.follow(self._wire, self.journal.name, from_seq)

    async def first_inbox_seq(self) -> int:
        return await self.inbox.first()

    async def last_inbox_seq(self) -> int:
        return await self.inbox.last()

    async def read_frame(self, seq: int) -> Frame:
        try:
            stored, message_id = await self.inbox.read_with_id(seq)
        except Unanswered as error:
            raise LogUnavailable(f"frame {seq} cannot be read now: {error}") from error
        return Frame(stored, publisher_of(message_id))

    async def first_journal_seq(self) -> int:
        return await self.journal.first()

    async def last_journal_seq(self) -> int:
        return await self.journal.last()

    async def read_commit(self, seq: int) -> Stored:
        try:
            return await self.journal.read(seq)
        except Unanswered as error:
            # As of everything that a log is asked: who has patience asks again, who has none tells their caller.
            raise LogUnavailable(f"commit {seq} cannot be read now: {error}") from error

    async def server_time_ms(self) -> int:
        return await self.journal.now_ms()

    async def usage(self) -> list[Usage]:
        """How full the two streams are, and the bucket of snapshots if there is one."""
        snapshots = await self._snapshots.usage()
        return [await self.inbox.usage(), await self.journal.usage(), *([snapshots] if snapshots else [])]

    @property
    def snapshots(self) -> Snapshots:
        return self._snapshots

    async def whisper(self, topic: str, data: bytes) -> None:
        await whispers.whisper(self._wire, subjects.whisper_subject(self._site, topic), data)

    def listen(self, topic: str) -> AsyncGenerator[tuple[str, bytes], None]:
        pattern = subjects.whisper_pattern(self._site, topic)
        return whispers.listen(self._wire, pattern, subjects.whisper_pattern(self._site, ">").removesuffix(">"))


@asynccontextmanager
async def connect(
    url: str,
    site: str,
    *,
    create: bool = False,
    allow_lazy_fsync: bool = False,
    name: str = "cordboard",
    monitor_url: str | None = None,
    settings: StreamSettings = DEFAULTS,
    ack_wait_s: float = ACK_WAIT_S,
    deadline_s: float = DEADLINE_S,
) -> AsyncIterator[JetStreamLog]:
    """Connect to the server(s) at `url` (comma separated) and check the site's streams.

    `create`: make them if the server has nothing of the site. Only for whoever was asked to begin a new site: on a server whose
    disks are not the site's it would begin anew what is elsewhere, and acknowledge what no journal belongs to.
    `monitor_url`: proof of fsync, see `cordboard.log.durability`; not needed for an embedded server of this process.
    Raises LogUnavailable if no server answers; SiteMissing, Conflict as `declare_streams`; ConfigurationError if the server, or a
    stream that exists, cannot be worked with.
    """
    subjects.check_site(site)
    async with open_wire(url, name) as wire:
        await require_fsync(wire.server_id, monitor_url, allow_lazy=allow_lazy_fsync)
        await require_jetstream(wire)
        declared = await declare_streams(wire, site, settings, create=create)
        yield JetStreamLog(wire, site, declared.inbox_id, declared.replicas, ack_wait_s, deadline_s)


async def require_jetstream(wire: Wire) -> None:
    """Raises ConfigurationError if the server has none. An election may be on: that is given as long as connecting is."""
    try:
        async with asyncio.timeout(CONNECT_S):
            await wire.call_until_answered("INFO")
    except ApiError as error:
        raise ConfigurationError(f"JetStream is not available: {error}") from error
    except TimeoutError as error:
        raise LogUnavailable(f"JetStream does not answer in {CONNECT_S:.0f} s: has the cluster a leader?") from error


def _message_id(headers: bytes) -> str:
    """The Nats-Msg-Id among a message's headers."""
    for line in headers.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "nats-msg-id":
            return value.strip()
    return ""


def _unix_ms(rfc3339: str) -> int:
    """Rounded down, as the reader rounds: both must name the same millisecond. (Nanoseconds are cut to microseconds here.)"""
    return (datetime.fromisoformat(rfc3339) - _EPOCH) // timedelta(milliseconds=1)

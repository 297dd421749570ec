"""Work queues: what is to happen outside, one stream a kind, each item until somebody has done it.

An item is a few numbers that point into the journal. Its subject names it, and the stream holds at most one message a subject: so
an item that is still there cannot be queued twice, however long it has been there, and whoever is in doubt just queues it again.
Delayed redeliveries count as pending, so the consumer has no limit on those: whoever works takes as many as it can do.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from cordboard.errors import ConfigurationError, InvalidInput, LogUnavailable
from cordboard.events.bounds import Count
from cordboard.log import subjects
from cordboard.log.backoff import Backoff
from cordboard.log.stream import Occupied, Unanswered
from cordboard.log.streams import HEADERS_MAX, declare_stream
from cordboard.log.wire import ERR_STREAM_NOT_FOUND, ApiError, Wire, open_wire

_log = logging.getLogger(__name__)
_NS = 1_000_000_000
_MIB = 1024**2
_DUPLICATES_NS = 120 * _NS
ITEM_MAX = 128
"""Bytes."""
ACK_WAIT_S = 2.0
"""How long one attempt to queue an item may stay unanswered."""
ERR_CONSUMER_NOT_FOUND = 10014
Round = Annotated[int, msgspec.Meta(ge=1, le=1 << 31)]


class WorkItem(msgspec.Struct, frozen=True, array_like=True):
    """Entry `entry` of commit `seq` asked for this; attempt series `round` was asked for by commit `asked`.

    `swept`: queued in doubt, so it may have been done already.
    """

    seq: Count
    entry: Count
    round: Round
    asked: Count
    swept: bool = False

    @property
    def name(self) -> str:
        """Unique among the site's items of all times."""
        return f"{self.seq}.{self.entry}.{self.round}"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(WorkItem)


def decode_item(data: bytes) -> WorkItem:
    """Raises InvalidInput."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not a work item: {error}") from error


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """`ack_wait_s`: who has taken an item and does not report in this time has lost it to somebody else."""

    replicas: int | None = None
    """None: as many as the inbox has."""
    max_bytes: int | None = None
    """Default 256 MiB a kind: millions of items. A full queue refuses, and is asked again."""
    ack_wait_s: float = 30.0


@dataclass(frozen=True, slots=True)
class WorkState:
    """How a queue stands: `waiting` items were never handed out, `taken` ones are in hand or wait for another attempt; `pulls`
    are requests that wait for an item."""

    waiting: int
    taken: int
    pulls: int


def consumer_name(kind: str) -> str:
    """The durable consumer that all workers of a kind share."""
    return f"effects-{kind}"


class WorkQueue:
    """One kind's queue. Made by `work_queues`."""

    def __init__(self, wire: Wire, site: str, kind: str, settings: WorkSettings) -> None:
        self.kind = kind
        self._site = site
        self.stream = subjects.work_stream(site, kind)
        self.subject = subjects.work_subject(site, kind)
        self.consumer = consumer_name(kind)
        self.settings = settings
        self._wire = wire

    async def declare(self) -> None:
        """Create or check stream and consumer. Raises ConfigurationError if one exists with a setting that endangers it."""
        replicas = self.settings.replicas or await self._inbox_replicas()
        have = await declare_stream(self._wire, self._stream_config(replicas), replicas, self.settings.max_bytes)
        if not have.get("discard_new_per_subject"):
            raise ConfigurationError(f"stream {self.stream} exists without discard_new_per_subject: items could be queued twice")
        config = {
            "durable_name": self.consumer,
            "filter_subject": self.subject,
            "ack_policy": "explicit",
            "ack_wait": int(self.settings.ack_wait_s * _NS),
            "max_ack_pending": -1,
            "max_deliver": -1,
            "replay_policy": "instant",
            "deliver_policy": "all",
        }
        try:
            request = {"stream_name": self.stream, "config": config}
            await self._wire.call_until_answered(f"CONSUMER.DURABLE.CREATE.{self.stream}.{self.consumer}", request)
        except ApiError as error:
            raise ConfigurationError(f"consumer {self.consumer} of {self.stream} cannot be created: {error}") from error

    async def put(self, item: WorkItem) -> bool:
        """Returns when the item is durable, however long that takes. False: it stands in the queue already, or did just now."""
        data = _encoder.encode(item)
        backoff = Backoff()
        while True:
            try:
                await self._wire.online()
                answer = await self._wire.send(f"{self.subject[:-1]}{item.name}", data, {"Nats-Msg-Id": item.name})
                async with asyncio.timeout(ACK_WAIT_S):
                    return not (await answer).duplicate
            except Occupied:
                return False
            except (Unanswered, TimeoutError) as error:
                _log.info("work item %s is queued again: %s", item.name, error or "no answer")
                await asyncio.sleep(backoff.next_s())

    async def state(self) -> WorkState | None:
        """None if stream or consumer is gone: `declare` makes them anew. Raises LogUnavailable."""
        try:
            info: dict[str, Any] = await self._wire.call(f"CONSUMER.INFO.{self.stream}.{self.consumer}")
        except ApiError as error:
            if error.code in (ERR_CONSUMER_NOT_FOUND, ERR_STREAM_NOT_FOUND):
                return None
            raise LogUnavailable(f"{self.stream}: {error}") from error
        except Unanswered as error:
            raise LogUnavailable(f"{self.stream} does not answer") from error
        return WorkState(int(info["num_pending"]), int(info["num_ack_pending"]), int(info["num_waiting"]))

    async def _inbox_replicas(self) -> int:
        try:
            inbox = await self._wire.call_until_answered(f"STREAM.INFO.{subjects.inbox_stream(self._site)}")
        except ApiError:
            return 1
        return int(inbox["config"]["num_replicas"])

    def _stream_config(self, replicas: int) -> dict[str, Any]:
        return {
            "name": self.stream,
            "subjects": [self.subject],
            "storage": "file",
            "retention": "workqueue",
            "discard": "new",
            "discard_new_per_subject": True,
            "max_msgs_per_subject": 1,
            "max_msgs": -1,
            "max_consumers": -1,
            "max_age": 0,
            "max_bytes": self.settings.max_bytes or 256 * _MIB,
            "max_msg_size": ITEM_MAX + HEADERS_MAX,
            "deny_delete": True,
            # All of it can be queued again from the journal, so an operator may empty it.
            "deny_purge": False,
            "allow_rollup_hdrs": False,
            "allow_direct": False,
            "compression": "none",
            "num_replicas": replicas,
            "duplicate_window": _DUPLICATES_NS,
        }


@asynccontextmanager
async def work_queues(url: str, site: str, kinds: Sequence[str], settings: WorkSettings) -> AsyncIterator[list[WorkQueue]]:
    """The queues of `kinds`, declared, over one connection to the server(s) at `url`. `log.connect` has made sure of fsync.

    Raises LogUnavailable if no server answers; ConfigurationError.
    """
    async with open_wire(url, f"cordboard-work-{site}") as wire:
        queues = [WorkQueue(wire, site, kind, settings) for kind in kinds]
        for queue in queues:
            await queue.declare()
        yield queues

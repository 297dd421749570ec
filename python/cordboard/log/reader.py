"""Follow a stream from a position: in order, without gaps, across reconnects, restarts and lost consumers.

An ordered push consumer of our own. nats-py's answers flow control from a timer and hands messages over one by one; here
everything buffered comes out in one list, and the server is told to go on when that list has been taken.
"""

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

from nats import errors as nats_errors

from cordboard.errors import JournalCorrupt
from cordboard.log.following import Interrupted, following, missing
from cordboard.log.parsing import Delivery, Status
from cordboard.log.port import Stored
from cordboard.log.stream import Unanswered
from cordboard.log.wire import ERR_STREAM_NOT_FOUND, ApiError, Wire

HEARTBEAT_S = 1.0
_SILENCE_S = 2.5 * HEARTBEAT_S
_INACTIVE_S = 30.0
_NS = 1_000_000_000
_names = itertools.count(1)
_process = secrets.token_hex(6)


async def follow(wire: Wire, stream: str, from_seq: int) -> AsyncGenerator[list[Stored], None]:
    """Messages of `stream` from `from_seq` on, for ever. Raises JournalCorrupt on a gap that stays, or if the stream lost its end
    (JournalReplaced if it went on since); LogUnavailable when the connection was closed for good."""
    async with aclosing(following(stream, from_seq, lambda first: _deliveries(wire, stream, first))) as followed:
        async for messages in followed:
            yield messages


async def _deliveries(wire: Wire, stream: str, from_seq: int) -> AsyncGenerator[list[Stored], None]:
    """One consumer's life: lists of messages until it is interrupted."""
    await wire.online()
    mailbox = _Mailbox(wire)
    subject = wire.client.new_inbox()
    name = f"follow-{_process}-{next(_names)}"
    try:
        subscription = await wire.client.subscribe(subject)
    except nats_errors.Error as error:
        wire.check_open()
        raise Interrupted(repr(error)) from error
    leave = wire.parser.follow(subscription, mailbox.put)
    try:
        await _create(wire, stream, name, subject, from_seq)
        while True:
            await mailbox.filled()
            messages, flow = mailbox.take()
            if messages:
                yield messages
            if flow:
                await _go_on(wire, flow)
    finally:
        leave()
        mailbox.close()
        await wire.unsubscribe(subscription)
        if wire.client.is_connected:
            with suppress(ApiError, Unanswered):
                await wire.call(f"CONSUMER.DELETE.{stream}.{name}", timeout=1.0)


async def _create(wire: Wire, stream: str, name: str, subject: str, from_seq: int) -> None:
    config = {
        "name": name,
        "deliver_subject": subject,
        "deliver_policy": "by_start_sequence",
        # One earlier: whoever has read that before sees whether it is the same.
        "opt_start_seq": max(1, from_seq - 1),
        "ack_policy": "none",
        "replay_policy": "instant",
        "max_deliver": 1,
        "flow_control": True,
        "idle_heartbeat": int(HEARTBEAT_S * _NS),
        "inactive_threshold": int(_INACTIVE_S * _NS),
        "mem_storage": True,
        "num_replicas": 1,
    }
    try:
        await wire.call(f"CONSUMER.CREATE.{stream}.{name}", {"stream_name": stream, "config": config, "action": "create"})
        state = (await wire.call(f"STREAM.INFO.{stream}"))["state"]
    except ApiError as error:
        if error.code == ERR_STREAM_NOT_FOUND:
            raise JournalCorrupt(f"stream {stream} is gone") from error
        raise Interrupted(str(error)) from error
    if (last := state["last_seq"]) < from_seq - 1:
        raise JournalCorrupt(f"{stream} ends at {last}, but message {from_seq - 1} was read before")
    if (first := state["first_seq"]) > from_seq:
        # So says the leader of the stream: it was trimmed, and waiting brings nothing back.
        raise JournalCorrupt(missing(stream, from_seq, first))


async def _go_on(wire: Wire, flow: str) -> None:
    try:
        await wire.client.publish(flow)
    except nats_errors.Error as error:
        raise Interrupted(repr(error)) from error


class _Mailbox:
    """What the server delivered and the follower has not taken yet. The server's flow control bounds it."""

    def __init__(self, wire: Wire) -> None:
        self._messages: deque[Delivery | Status] = deque()
        self._arrived = asyncio.Event()
        self._losses = wire.losses
        self._wire = wire
        self._deaf = wire.on_loss(self._arrived.set)
        self._delivered = 0

    def close(self) -> None:
        self._deaf()

    def put(self, messages: Sequence[Delivery | Status]) -> None:
        self._messages.extend(messages)
        self._arrived.set()

    async def filled(self) -> None:
        """Returns when there is something to take. Raises Interrupted when the consumer is lost or silent."""
        while not self._messages:
            self._arrived.clear()
            if self._wire.losses != self._losses:
                self._wire.check_open()
                raise Interrupted("the connection was lost")
            try:
                async with asyncio.timeout(_SILENCE_S):
                    await self._arrived.wait()
            except TimeoutError:
                raise Interrupted("no heartbeat: the consumer is gone") from None

    def take(self) -> tuple[list[Stored], str]:
        """Messages in order, up to where the server asks whether it may go on, and the subject that tells it so ('': none)."""
        taken: list[Stored] = []
        while self._messages:
            message = self._messages[0]
            if len(message) == 2:
                reply, headers = message[0].decode(), _headers(message[1])
                if flow := reply or headers.get("Nats-Consumer-Stalled", ""):
                    self._messages.popleft()
                    return taken, flow
                last = int(headers.get("Nats-Last-Consumer", self._delivered))
                if last == self._delivered:
                    self._messages.popleft()
                    continue
                if taken:
                    return taken, ""
                raise Interrupted(f"{last - self._delivered} messages were missed")
            seq, delivered, stored_ms, data = message
            if delivered != self._delivered + 1:
                if taken:
                    return taken, ""
                raise Interrupted(f"message {self._delivered + 1} of this consumer was missed")
            self._messages.popleft()
            self._delivered = delivered
            taken.append(Stored(seq, stored_ms, data))
        return taken, ""


def _headers(header: bytes) -> dict[str, str]:
    """What a status says beside its first line."""
    lines = header.decode().split("\r\n")[1:]
    return {name: value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}

"""What the server says is read by the native module, in place of nats-py's parser.

That one takes about 12 µs of processor a message in regular expressions, headers and a task's turn each: more than folding a commit
takes. This one hands a followed stream's messages over as the list that one read of the connection held. Connecting,
credentials, TLS and reconnecting stay nats-py's; docs/adr/0018-reading-the-log-natively.md says what else was weighed.
"""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nats import errors as nats_errors
from nats.aio.subscription import Subscription
from nats.protocol.parser import Parser

from cordboard._core import WireParser

if TYPE_CHECKING:
    from nats.aio.client import Client

Delivery = tuple[int, int, int, bytes]
"""The stream's sequence, the consumer's (from 1), the server's clock when it was stored (Unix ms), the message."""
Status = tuple[bytes, bytes]
"""A heartbeat, or the server's question whether it may go on: subject to answer to, header."""
Deliver = Callable[[Sequence[Delivery | Status]], None]


class NativeParser(Parser):
    """One client's: `NativeParser.install(client)` before it connects. nats-py feeds it and tells it when a connection is new."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._native = WireParser()
        self._followed: dict[int, Deliver] = {}
        self._connection = 0
        super().__init__(client)

    @classmethod
    def install(cls, client: "Client") -> "NativeParser":
        """In place of nats-py's own, which it keeps to itself: pinned, and tests/contract/test_log.py shows that it holds."""
        parser = cls(client)
        client._ps = parser
        return parser

    def follow(self, subscription: Subscription, deliver: Deliver) -> Callable[[], None]:
        """Hand over what a consumer delivers to `subscription` in the order in which it comes; returns what ends that."""
        sid = subscription._id
        self._followed[sid] = deliver
        self._native.follow(sid)

        def leave() -> None:
            self._native.leave(sid)
            self._followed.pop(sid, None)

        return leave

    def reset(self) -> None:
        super().reset()
        self._connection += 1
        self._native.reset()

    async def parse(self, data: bytes = b"") -> None:
        """Raises nats-py's ProtocolError: the client connects again then."""
        try:
            deliveries, others = self._native.feed(data)
        except ValueError as error:
            raise nats_errors.ProtocolError(str(error)) from error
        connection = self._connection
        for sid, delivered in deliveries:
            if deliver := self._followed.get(sid):
                deliver(delivered)
        for said in others:
            if connection != self._connection:
                return  # the connection they came by was given up over the one before
            await self._dispatch(said)

    async def _dispatch(self, said: Sequence[object]) -> None:
        match said:
            case (int(sid), bytes(subject), bytes(reply), bytes(payload), header):
                await self._client._process_msg(sid, subject, reply, payload, header)  # type: ignore[arg-type]  # None: without
            case ("PING",):
                await self._client._process_ping()
            case ("PONG",):
                await self._client._process_pong()
            case ("-ERR", bytes(text)):
                await self._client._process_err(text.decode(errors="replace").lower())
            case ("INFO", bytes(text)):
                await self._client._process_info(_information(text))
            case _:
                raise AssertionError(said)


def _information(text: bytes) -> dict[str, object]:
    try:
        told = json.loads(text)
    except ValueError as error:
        raise nats_errors.ProtocolError(f"INFO without JSON: {error}") from error
    if not isinstance(told, dict):
        raise nats_errors.ProtocolError("INFO without an object")
    return told

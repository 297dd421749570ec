"""What a server says reaches whom it is for: followers as one list a read, all else as nats-py's own parser handed it over."""

from __future__ import annotations

import pytest
from nats import errors as nats_errors
from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.protocol.parser import Parser

from cordboard.log.parsing import Delivery, NativeParser, Status

REPLY = b"$JS.ACK.JOURNAL_shop.follow-1.1.%d.%d.1795363200123999999.5"


class Listening(Client):
    """nats-py's client without a connection: writes down what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[object] = []
        self.parser = NativeParser.install(self)
        self.delivered: list[Delivery | Status] = []
        self.reads = 0

    def follow(self, sid: int) -> object:
        def deliver(messages: object) -> None:
            assert isinstance(messages, list)
            self.reads += 1
            self.delivered += messages

        return self.parser.follow(Subscription(self, sid, "_INBOX.follow"), deliver)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        self.heard.append((sid, subject, reply, data, headers))

    async def _process_ping(self) -> None:
        self.heard.append("ping")

    async def _process_pong(self) -> None:
        self.heard.append("pong")

    async def _process_err(self, err_msg: str) -> None:
        self.heard.append(err_msg)
        self.parser.reset()

    async def _process_info(self, info: dict[str, object], initial_connection: bool = False) -> None:
        self.heard.append(info)


def message(sid: int, seq: int, delivered: int, data: bytes, header: bytes = b"") -> bytes:
    reply = REPLY % (seq, delivered)
    if header:
        return b"HMSG journal.shop %d %s %d %d\r\n%s%s\r\n" % (sid, reply, len(header), len(header) + len(data), header, data)
    return b"MSG journal.shop %d %s %d\r\n%s\r\n" % (sid, reply, len(data), data)


HEARTBEAT = b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 2\r\n\r\n"
STORED_MS = 1_795_363_200_123


async def test_it_stands_where_nats_py_looks_for_its_parser() -> None:
    client = Client()
    assert isinstance(client._ps, Parser)
    parser = NativeParser.install(client)
    assert client._ps is parser


async def test_a_read_is_one_list_for_its_follower_with_heartbeats_in_their_place() -> None:
    client = Listening()
    client.follow(7)
    said = message(7, 41, 1, b"one", b"NATS/1.0\r\nNats-Expected-Last-Sequence: 40\r\n\r\n") + message(7, 42, 2, b"two")
    said += b"HMSG _INBOX.follow 7 %d %d\r\n%s\r\n" % (len(HEARTBEAT), len(HEARTBEAT), HEARTBEAT)
    await client.parser.parse(said[:100])
    await client.parser.parse(said[100:])
    assert client.delivered == [(41, 1, STORED_MS, b"one"), (42, 2, STORED_MS, b"two"), (b"", HEARTBEAT)]
    assert client.reads < 3 and not client.heard


async def test_everybody_elses_messages_stay_nats_pys() -> None:
    client = Listening()
    leave = client.follow(7)
    await client.parser.parse(b"MSG _INBOX.a 1 2\r\nhi\r\nMSG a 7 2\r\nno\r\n" + message(8, 1, 1, b"x"))
    assert callable(leave)
    leave()
    await client.parser.parse(message(7, 43, 3, b"late") + b"HMSG a 1 r 12 13\r\nNATS/1.0\r\n\r\n!\r\n")
    assert client.heard == [
        (1, b"_INBOX.a", b"", b"hi", None),
        (7, b"a", b"", b"no", None),
        (8, b"journal.shop", REPLY % (1, 1), b"x", None),
        (7, b"journal.shop", REPLY % (43, 3), b"late", None),
        (1, b"a", b"r", b"!", b"NATS/1.0\r\n\r\n"),
    ]
    assert not client.delivered


async def test_what_the_server_wants_of_the_client_is_done() -> None:
    client = Listening()
    await client.parser.parse(b'PING\r\nPONG\r\n+OK\r\nINFO {"server_id": "a"}\r\n')
    assert client.heard == ["ping", "pong", {"server_id": "a"}]


async def test_a_connection_that_was_given_up_says_no_more() -> None:
    client = Listening()
    await client.parser.parse(b"-ERR 'Stale Connection'\r\nPING\r\nMSG a 1 100\r\nbegun")
    await client.parser.parse(b"PONG\r\n")
    assert client.heard == ["'stale connection'", "pong"]


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request", b"INFO {bad", b"INFO []", b"INFO "])
async def test_what_is_not_the_protocol_ends_the_connection(said: bytes) -> None:
    with pytest.raises(nats_errors.ProtocolError):
        await Listening().parser.parse(said + b"\r\n")


async def test_an_error_in_no_known_alphabet_is_an_error_all_the_same() -> None:
    client = Listening()
    await client.parser.parse(b"-ERR 'Stale \xff'\r\n")
    assert client.heard == ["'stale \ufffd'"]


async def test_a_message_that_calls_itself_a_heartbeat_is_a_message_all_the_same() -> None:
    """Whoever publishes may write what they like into a header: it must not be told from a gap."""
    client = Listening()
    client.follow(7)
    await client.parser.parse(message(7, 41, 1, b"x", HEARTBEAT) + message(7, 42, 2, b"", HEARTBEAT))
    assert client.delivered == [(41, 1, STORED_MS, b"x"), (42, 2, STORED_MS, b"")]

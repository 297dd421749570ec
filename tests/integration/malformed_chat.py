"""What chat customers must not send: broken JSON, broken frames, the wrong order. Every piece must be answered with a reason."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.chat import broken_frames
from tests.integration.live_site import PATIENCE_S, QUEUE, LiveSite, hear, say

BROKEN = frozenset({"bad_json", "bad_message", "too_large"})
PER_SOCKET = 15
"""Fewer than make the gateway lose its patience (20) or ask for slower frames (30 at once)."""
Frame = str | bytes
HEADS = (b"\x83\x80", b"\xf1\x80", b"\x81\x05hello", b"\x89\xfe\x01\x00", b"\x80\x80", b"\x09\x80")
"""Beginnings of WebSocket frames: unknown opcode, reserved bits, no mask, a long ping, a lone continuation, a ping in parts."""


async def nonsense(site: LiveSite, chance: random.Random, sockets: int) -> Counter[str]:
    """Broken frames on many sockets, and on each of them a good chat afterwards. Returns the answers by reason."""
    answers: Counter[str] = Counter()
    for number in range(sockets):
        frames: list[Frame] = list(broken_frames(chance, PER_SOCKET - 5))
        frames += [_odd(chance) for _ in range(5)]
        async with connect(site.chat_url, compression=None) as socket:
            for frame in frames:
                answers[await _answer(socket, frame)] += 1
            if number % 3 == 0:
                await site.converse(socket)
        if number % 5 == 0:
            site.arrive()
    assert answers.keys() <= BROKEN, answers
    return answers


async def wrong_order(site: LiveSite, chance: random.Random, rounds: int) -> Counter[str]:
    """Messages before a start, two starts, forged tokens, words that nobody knows. Returns the answers by reason."""
    answers: Counter[str] = Counter()

    async def refused(socket: ClientConnection, reason: str, **frame: object) -> None:
        await say(socket, **frame)
        assert (await _error(socket))["reason"] == reason, frame
        answers[reason] += 1

    for _ in range(rounds):
        start = {"type": "start", "client_id": chance.randbytes(16).hex(), "queue": QUEUE, "language": "nl", "text": "Hallo?"}
        async with connect(site.chat_url, compression=None) as socket:
            await refused(socket, "not_started", type="message", client_id="m1", text="Hallo?")
            await refused(socket, "not_started", type="typing")
            await refused(socket, "not_started", type="read", message="0" * 32)
            await refused(socket, "not_started", type="leave")
            for token in _forged(chance):
                await refused(socket, "unknown_contact", type="resume", token=token, seen=chance.randrange(1 << 31))
            await refused(socket, "unknown_queue", **start | {"queue": "nowhere"})
            await refused(
                socket,
                "unknown_entry_point",
                **{key: value for key, value in start.items() if key != "queue"} | {"entry_point": "x"},
            )
            await refused(socket, "unknown_language", **start | {"language": "xx"})
        async with connect(site.chat_url, compression=None) as socket:
            await say(socket, **start)
            started = await hear(socket, "started")
            site.good.expected.add(started["contact"])
            await refused(socket, "already_started", **start)
            await refused(socket, "already_started", type="resume", token=started["token"])
            await refused(socket, "unknown_message", type="read", message=chance.randbytes(16).hex())
            await refused(socket, "bad_message", type="message", client_id="m 1", text="Hallo?")
            await refused(socket, "bad_message", type="message", client_id="m1", text="x" * 4_001)
            assert (await hear(socket, "ended"))["reason"] == "completed"
            site.good.heard[started["contact"]] += 1
    return answers


async def broken_sockets(site: LiveSite, chance: random.Random) -> Counter[str]:
    """What is wrong below JSON ends the socket with a code that says why. Returns the endings by code."""
    endings: Counter[str] = Counter()

    async def ends(code: int, send: Callable[[ClientConnection], Awaitable[Any]], number: int = 0) -> None:
        async with connect(site.chat_url, compression=None) as socket:
            await send(socket)
            closed = await _closed(socket)
            if closed != code:
                site.wrong.append(f"a socket ended with {closed} instead of {code}, {number} of its kind")
            endings[str(code)] += 1

    for _ in range(4):
        await ends(1009, lambda socket: socket.send("x" * (64 * 1024 + chance.randrange(1, 100_000))))
        await ends(1009, lambda socket: socket.send(bytes(64 * 1024 + chance.randrange(1, 100_000))))
        await ends(1007, lambda socket: socket.send(b'{"type":"start","text":"\xff\xfe' + chance.randbytes(9) + b'"}', text=True))
        for number, head in enumerate(HEADS):
            await ends(1002, partial(_raw, data=head + chance.randbytes(300)), number)
        await ends(1008, _flood)
    site.arrive()
    for origin in ("https://elsewhere.example", "null", "http://127.0.0.1:1"):
        try:
            async with connect(site.chat_url, origin=origin, compression=None):  # type: ignore[arg-type]
                raise AssertionError(f"a page of {origin} was let in")
        except InvalidStatus as refused:
            assert refused.response.status_code == 403
            endings["403"] += 1
    return endings


async def broken_requests(site: LiveSite, chance: random.Random) -> Counter[str]:
    """What is hardly HTTP: answered with a status, or the connection is closed. Returns those refused by status."""
    endings: Counter[str] = Counter()
    host, _, port = site.http.partition(":")
    grpc_port = site.target.rpartition(":")[2]
    for junk in (
        b"\r\n\r\n",
        b"GET",
        b"\x16\x03\x01\x02\x00",
        b"GET /chat HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        chance.randbytes(500),
    ):
        endings[await _exchange(host, int(port), junk)] += 1
        await _exchange(host, int(grpc_port), junk)
    for path in ("/chat/ws", "/nowhere", "/chat/../../etc/passwd", "/" + "x" * 5_000, "/%00%ff", "/healthz?" + "&" * 3_000):
        endings[await _exchange(host, int(port), f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx".encode())] += 1
    # The half of a handshake: the other half never comes.
    await _exchange(host, int(port), b"GET /chat/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    return Counter({status: count for status, count in endings.items() if status.startswith("4")})


def _odd(chance: random.Random) -> Frame:
    """What JSON and its decoders trip over."""
    start = {"type": "start", "client_id": "a" * 22, "queue": QUEUE, "text": "Hallo"}
    odd: list[Frame] = [
        json.dumps(start).replace("Hallo", "\\ud800"),
        json.dumps(start).replace("Hallo", "\\u0000"),
        json.dumps(start).replace('"Hallo"', "1e999"),
        json.dumps(start).replace('"Hallo"', "NaN"),
        json.dumps(start).replace('"Hallo"', "-" + "9" * 5_000),
        b'{"type":"start","text":"\xc3\x28"}',
        b"\xef\xbb\xbf" + json.dumps(start).encode(),
        "[" * 16_000,
        '{"type":' * 2_000,
        '{"type":"start","x":' + "[" * 5_000 + "]" * 5_000 + "}",
        json.dumps({"type": chance.choice(["Start", "", "started", "\u0000", "x" * 9_000, "error"])}),
        json.dumps([start]),
        json.dumps({**start, "client_id": "short"}),
        json.dumps({**start, "text": ""}),
        json.dumps({**start, "name": "\u007f"}),
        json.dumps({**start, "text": "y" * 16_500}),
        " " * 16_385,
        "",
    ]
    return chance.choice(odd)


def _forged(chance: random.Random) -> list[str]:
    """Tokens of nobody: of the right length, of other lengths, of other letters."""
    return [
        base64.urlsafe_b64encode(chance.randbytes(40)).rstrip(b"=").decode(),
        base64.urlsafe_b64encode(chance.randbytes(chance.randrange(1, 80))).rstrip(b"=").decode(),
        chance.choice(["=", "x", "é" * 20, "\u0000", "/" * 128, "😀" * 30, "A" * 54, "../../"]),
    ]


async def _answer(socket: ClientConnection, frame: Frame) -> str:
    await socket.send(frame)
    return str((await _error(socket))["reason"])


async def _error(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            frame: dict[str, Any] = json.loads(await socket.recv())
            if frame["type"] == "error":
                assert frame["message"], frame
                return frame


async def _closed(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(PATIENCE_S):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else None


async def _raw(socket: ClientConnection, data: bytes) -> None:
    socket.transport.write(data)


async def _flood(socket: ClientConnection) -> None:
    for number in range(25):
        await socket.send(struct.pack("!I", number))


async def _exchange(host: str, port: int, junk: bytes) -> str:
    """The status line's code of the answer, `closed` if there is none. Half closing tells the server that no more comes."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(junk)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read(1 << 16)
    except ConnectionError:
        return "closed"
    finally:
        writer.close()
    return answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/1") else "closed"


async def healthy(http: str) -> bool:
    """Both health checks of the gateway say so."""
    host, _, port = http.partition(":")
    asked = [
        await _exchange(host, int(port), f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) for path in ("/healthz", "/readyz")
    ]
    return asked == ["200", "200"]

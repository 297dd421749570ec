"""Whispers on core NATS: not stored, at most once, forgotten without a connection."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from nats import errors as nats_errors
from nats.aio.msg import Msg

from cordboard.errors import InvalidInput
from cordboard.log.wire import Wire

WHISPER_MAX = 8 * 1024
BUFFERED_MAX = 4096
"""A listener that falls further behind loses the oldest."""


def check_whisper(data: bytes) -> bytes:
    if len(data) > WHISPER_MAX:
        raise InvalidInput(f"a whisper of {len(data)} bytes is too long")
    return data


async def whisper(wire: Wire, subject: str, data: bytes) -> None:
    """Fire and forget. Raises InvalidInput above WHISPER_MAX bytes."""
    try:
        await wire.client.publish(subject, check_whisper(data))
    except nats_errors.Error:
        wire.check_open()


async def listen(wire: Wire, pattern: str, prefix: str) -> AsyncGenerator[tuple[str, bytes], None]:
    """Whispers to subjects that match `pattern`, as (subject without `prefix`, data)."""
    heard: deque[tuple[str, bytes]] = deque(maxlen=BUFFERED_MAX)
    arrived = asyncio.Event()

    async def put(msg: Msg) -> None:
        heard.append((msg.subject.removeprefix(prefix), msg.data))
        arrived.set()

    await wire.online()
    subscription = await wire.client.subscribe(pattern, cb=put)
    try:
        while True:
            await arrived.wait()
            arrived.clear()
            while heard:
                yield heard.popleft()
    finally:
        await wire.unsubscribe(subscription)

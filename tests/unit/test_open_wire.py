"""A connection that is given up before it stands leaves nothing open."""

from __future__ import annotations

import asyncio

from cordboard.log.wire import open_wire
from tests.integration.crowd import PATIENCE_S


async def test_whoever_is_cancelled_while_connecting_leaves_no_connection() -> None:
    came, gone = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        gone.set()
        writer.close()

    async def connect(port: int) -> None:
        async with open_wire(f"nats://127.0.0.1:{port}", "test"):
            raise AssertionError("nobody answers")

    async with await asyncio.start_server(say_nothing, "127.0.0.1") as server, asyncio.timeout(PATIENCE_S):
        connecting = asyncio.create_task(connect(server.sockets[0].getsockname()[1]))
        await came.wait()
        connecting.cancel()
        await asyncio.wait([connecting])
        assert connecting.cancelled()
        await gone.wait()

"""Calls that come while the server's loop is busy: each is answered, none is broken off without a reason."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc

from cordboard.api.server import CALLS_MAX, OPTIONS

CALLS = 2_000
"""On one connection, as many as it may have at once; gRPC's own limit would break off about half of those above a thousand."""
BUSY_S = 1.0


class Echo(grpc.GenericRpcHandler):
    def service(self, handler_call_details: Any) -> Any:
        async def answer(request: bytes, _context: Any) -> bytes:
            return request

        return grpc.unary_unary_rpc_method_handler(answer)  # type: ignore[arg-type]  # the stubs know of plain functions only


async def test_calls_that_wait_for_a_busy_loop_are_answered() -> None:
    server = grpc.aio.server(maximum_concurrent_rpcs=CALLS_MAX, options=OPTIONS)
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # A client with threads of its own: its calls leave while this loop does nothing.
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/test/Echo")
        asked = [call.future(b"%d" % number, timeout=60) for number in range(CALLS)]
        time.sleep(BUSY_S)  # noqa: ASYNC251 — the loop is to be busy
        told = await asyncio.gather(*(asyncio.to_thread(code, one) for one in asked))
    await server.stop(None)
    assert told == [grpc.StatusCode.OK] * CALLS


def code(call: Any) -> grpc.StatusCode:
    status: grpc.StatusCode = call.code()
    return status

"""Asking a stream's leader to step down, and reading a stream from whoever leads: what only chaos asks of the servers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
from typing import Any

import nats
from nats import errors as nats_errors
from nats.aio.client import Client

from tests.chaos.cluster import Cluster

CALL_S = 2.0
AT_ONCE = 64
ATTEMPTS = 60


async def ask(client: Client, verb: str, request: dict[str, Any]) -> dict[str, Any] | None:
    """The answer of the JetStream API; None if none came."""
    with contextlib.suppress(nats_errors.Error):
        answer: dict[str, Any] = json.loads((await client.request(f"$JS.API.{verb}", json.dumps(request).encode(), CALL_S)).data)
        return answer
    return None


async def step_down(cluster: Cluster, stream: str, to: str | None = None) -> None:
    """The leader of `stream` steps down, in favour of server `to` if one is named. Nothing happens if nobody leads."""
    client = await nats.connect(cluster.urls.split(","))
    try:
        request = {} if to is None else {"placement": {"preferred": to}}
        await ask(client, f"STREAM.LEADER.STEPDOWN.{stream}", request)
    finally:
        await client.close()


async def led_by(cluster: Cluster, stream: str, name: str) -> bool:
    """Make server `name` the leader of `stream`. False: it would not."""
    for _ in range(ATTEMPTS):
        leader = await cluster.stream_leader(stream)
        if leader is not None and leader.name == name:
            return True
        if leader is not None:
            await step_down(cluster, stream, name)
        await asyncio.sleep(0.25)
    return False


async def digests(cluster: Cluster, stream: str, last: int) -> dict[int, bytes | None]:
    """A digest of each message of `stream` up to `last`, as its present leader reads it; None: it has none there."""
    client = await nats.connect(cluster.urls.split(","))
    found: dict[int, bytes | None] = {}
    gate = asyncio.Semaphore(AT_ONCE)

    async def read(seq: int) -> None:
        async with gate:
            for _ in range(ATTEMPTS):
                answer = await ask(client, f"STREAM.MSG.GET.{stream}", {"seq": seq})
                if answer is None:
                    continue
                message = answer.get("message")
                found[seq] = hashlib.sha256(base64.b64decode(message.get("data", ""))).digest() if message else None
                return
            found[seq] = None

    try:
        await asyncio.gather(*(read(seq) for seq in range(1, last + 1)))
    finally:
        await client.close()
    return found

"""Taking away what a stream holds below a position, and who still reads there."""

from __future__ import annotations

from cordboard.errors import NotFound
from cordboard.log.jetstream import JetStream


async def slowest_reader(stream: JetStream) -> int | None:
    """The position that every consumer on this stream has been given; None if nobody reads it now."""
    delivered = [int(each["delivered"]["stream_seq"]) for each in await stream.consumers()]
    return min(delivered, default=None)


async def first_younger(stream: JetStream, before_ms: int) -> int:
    """The first message that was stored at `before_ms` (Unix ms) or later; one after the end if there is none."""
    low, high = await stream.first(), (await stream.last()) + 1
    while low < high:
        middle = (low + high) // 2
        try:
            older = (await stream.read(middle)).stored_ms < before_ms
        except NotFound:
            older = True  # gone meanwhile: it was below
        low, high = (middle + 1, high) if older else (low, middle)
    return low


async def purge_below(stream: JetStream, seq: int) -> int:
    """Delete every message before `seq`; returns how many that were."""
    return await stream.purge(seq)

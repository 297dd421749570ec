"""Putting a journal back: streams on a server that has none of the site, beginning where the restored journal begins."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

from cordboard.errors import ConfigurationError, Conflict, LogUnavailable
from cordboard.log import subjects
from cordboard.log.durability import require_fsync
from cordboard.log.jetstream import JetStream, JetStreamLog, connect, require_jetstream
from cordboard.log.port import Stored
from cordboard.log.stream import Ack, Unanswered
from cordboard.log.streams import DEFAULTS, StreamSettings, declare_journal, require_nothing
from cordboard.log.wire import ERR_STREAM_NOT_FOUND, ApiError, Wire, open_wire

WINDOW = 256
"""Commits under way at once: nobody else writes, and the answers say where each one came to stand."""
_ACK_S = 60.0


@asynccontextmanager
async def connect_to_restore(
    url: str,
    site: str,
    first_seq: int,
    *,
    allow_lazy_fsync: bool = False,
    monitor_url: str | None = None,
    settings: StreamSettings = DEFAULTS,
) -> AsyncIterator[JetStreamLog]:
    """The log of a site whose journal is still to come, and will begin at `first_seq`. Its inbox is new, with an id of its own: by
    that whatever is decided from now on is told apart from what was lost (ADR 16).

    Raises Conflict if the server has anything of the site; LogUnavailable, ConfigurationError as `connect`.
    """
    subjects.check_site(site)
    async with open_wire(url, "cordboard-restore") as wire:
        await require_fsync(wire.server_id, monitor_url, allow_lazy=allow_lazy_fsync)
        await require_jetstream(wire)
        await require_nothing(wire, site)
        await _drop_empty_inbox(wire, site)
        await declare_journal(wire, site, settings, first_seq)
    async with connect(
        url,
        site,
        create=True,
        allow_lazy_fsync=allow_lazy_fsync,
        monitor_url=monitor_url,
        settings=settings,
        name="cordboard-restore",
    ) as log:
        if (first := await log.first_journal_seq()) != first_seq:
            raise Conflict(f"the stream {subjects.journal_stream(site)} begins at {first}, not at {first_seq}: delete it first")
        yield log


async def restore_journal(
    journal: JetStream, commits: AsyncGenerator[list[Stored], None], progress: Callable[[int], None] | None = None
) -> int:
    """Store `commits` at their own positions; returns how many.

    Raises Conflict if somebody else writes there; LogUnavailable if the server goes away or has no room: what is there then must be
    deleted before another try.
    """
    under_way: deque[tuple[int, asyncio.Future[Ack]]] = deque()
    count = 0
    async for batch in commits:
        for stored in batch:
            under_way.append((stored.seq, await _send(journal, stored)))
            count += 1
            if len(under_way) >= WINDOW:
                await _settle(*under_way.popleft())
        if progress is not None:
            progress(batch[-1].seq)
    while under_way:
        await _settle(*under_way.popleft())
    return count


async def _send(journal: JetStream, stored: Stored) -> asyncio.Future[Ack]:
    try:
        return await journal.send(stored.data)
    except Unanswered as error:
        raise _interrupted(stored.seq, error) from error


def _interrupted(seq: int, why: object) -> LogUnavailable:
    return LogUnavailable(f"commit {seq} was not acknowledged ({why}): delete the site's streams and restore again")


async def _settle(seq: int, answer: asyncio.Future[Ack]) -> None:
    try:
        async with asyncio.timeout(_ACK_S):
            ack = await answer
    except Unanswered as error:
        raise _interrupted(seq, error) from error
    except TimeoutError as error:
        raise _interrupted(seq, f"no answer in {_ACK_S} s") from error
    if ack.seq != seq:
        raise Conflict(f"commit {seq} came to stand at {ack.seq}: somebody else writes to this journal")


async def _drop_empty_inbox(wire: Wire, site: str) -> None:
    """One that is there, however empty, would lend the restored journal the id that what was lost has too."""
    try:
        await wire.call_until_answered(f"STREAM.DELETE.{subjects.inbox_stream(site)}")
    except ApiError as error:
        if error.code != ERR_STREAM_NOT_FOUND:
            raise ConfigurationError(f"stream {subjects.inbox_stream(site)} cannot be deleted: {error}") from error

"""The projector: follows the journal by FastStream's ordered push consumer and writes the history.

It starts at the checkpoint + 1, asserts in the same transaction as the rows that no commit is missing, and stops on any error of
the journal or the database: a history that skips something is worse than one that stands still. A NATS restart is no error.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from faststream import AckPolicy
from faststream.nats import ConsumerConfig, DeliverPolicy, JStream, NatsBroker, NatsMessage
from sqlalchemy.ext.asyncio import AsyncEngine

from cordboard import metrics
from cordboard.codec import decode_commit
from cordboard.errors import JournalCorrupt
from cordboard.log.port import Stored
from cordboard.log.subjects import journal_stream, journal_subject
from cordboard.projections.history.arrivals import Arrivals
from cordboard.projections.history.store import position, prepare, store
from cordboard.sql import open_engine

HEARTBEAT_S = 1.0
WATCH_S = 5.0
RETRY_S = 0.5
Callback = Callable[[], Awaitable[None]]
Trimmed = Callable[[int], AsyncGenerator[list[Stored], None]]

logger = logging.getLogger(__name__)


async def run_history(
    nats_url: str,
    site: str,
    db_url: str,
    *,
    trimmed: Trimmed | None = None,
    following: Callable[[], None] | None = None,
) -> None:
    """Keep the history of `site` in the database at `db_url` (the views, not the vault) up to date until cancelled.

    `trimmed(position)` gives the commits from there on that the journal no longer has, from its archive. `following` is called
    when the tables are ready and the journal is subscribed to, the first time and each time after.

    Raises ConfigurationError (another site's database), JournalCorrupt (a gap, or a journal shorter than the checkpoint), or the
    database's error: nothing is written halfway, and a restart goes on where it stopped.
    """
    engine = open_engine(db_url, "write", durable=False, name="cordboard-projector")
    try:
        await prepare(engine, site)
        while True:
            if trimmed is not None:
                await _read_archive(engine, trimmed)
            if following is not None:
                following()
            await _spell(nats_url, site, engine)
    finally:
        await engine.dispose()


def journal_broker(
    nats_url: str,
    site: str,
    first: int,
    take: Callable[[int, bytes], None],
    *,
    again: Callback | None = None,
    closed: Callback | None = None,
) -> NatsBroker:
    """FastStream's broker with one subscriber: the journal of `site`, in order, from position `first` on."""
    # No types to apply, no logger: both cost more than the fold itself. The clients' own reconnecting never gives up.
    broker = NatsBroker(
        [url.strip() for url in nats_url.split(",")],
        name=f"cordboard-history-{site}",
        apply_types=False,
        logger=None,
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        ping_interval=5,
        max_outstanding_pings=2,
        reconnected_cb=again,
        closed_cb=closed,
        graceful_timeout=5.0,
        drain_timeout=5,
    )
    start = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=first, inactive_threshold=10.0)

    @broker.subscriber(
        journal_subject(site),
        stream=JStream(journal_stream(site), declare=False),
        ordered_consumer=True,
        config=start,
        idle_heartbeat=HEARTBEAT_S,
        ack_policy=AckPolicy.MANUAL,
        decoder=_with_position,
        no_reply=True,
        title="journal",
        description="Every commit of the site's router, in order, each one a msgpack array.",
    )
    async def project(message: tuple[int, bytes]) -> None:
        take(*message)

    return broker


async def _read_archive(engine: AsyncEngine, trimmed: Trimmed) -> None:
    async with engine.connect() as connection:
        first = await position(connection) + 1
    async with contextlib.aclosing(trimmed(first)) as batches:
        async for batch in batches:
            await store(engine, [decode_commit(stored.data) for stored in batch])
            logger.info("history: read up to %d from the archive", batch[-1].seq)


async def _spell(nats_url: str, site: str, engine: AsyncEngine) -> None:
    """Subscribe from the checkpoint, and write what comes until a new subscription is needed."""
    async with engine.connect() as connection:
        arrivals = Arrivals(site, await position(connection) + 1)
    metrics.HISTORY_SPELLS.inc()
    metrics.at("history", arrivals.expected - 1)

    async def again() -> None:
        arrivals.end("the connection to NATS was renewed")

    async def closed() -> None:
        arrivals.end("the connection to NATS was closed")

    broker = journal_broker(nats_url, site, arrivals.expected, arrivals.take, again=again, closed=closed)
    watch = asyncio.create_task(_watch(broker, site, arrivals), name="history-watch")
    try:
        while commits := await arrivals.batch():
            with metrics.HISTORY_BATCH_S.time():
                metrics.at("history", await store(engine, commits))
    finally:
        # A cancellation alone can get lost inside the client: `asyncio.wait_for` before Python 3.12 swallows it if it loses a race.
        arrivals.close()
        watch.cancel()
        await asyncio.wait([watch])
        await _stop(broker)


async def _watch(broker: NatsBroker, site: str, arrivals: Arrivals) -> None:
    """Begin the subscription, then see to it that it delivers: a consumer may vanish on the server without a word."""
    try:
        await broker.start()
        before = arrivals.expected
        while not arrivals.over:
            last = (await broker.connection.jetstream().stream_info(journal_stream(site))).state.last_seq
            if last < before - 1:
                raise JournalCorrupt(f"the journal ends at {last}, the history has seen {before - 1}: not the same journal")
            await arrivals.pause(WATCH_S)
            if last >= arrivals.expected == before and not arrivals.over:
                arrivals.end(f"nothing came for {WATCH_S} s, though the journal has commit {last}")
            before = arrivals.expected
    except JournalCorrupt as error:
        arrivals.fail(error)
    except Exception as error:  # noqa: BLE001  NATS is away, or has no such stream yet: ask again
        logger.warning("history: the journal cannot be followed: %s: %s", type(error).__name__, error)
        await arrivals.pause(RETRY_S)
        arrivals.end("the server did not answer")


async def _with_position(message: NatsMessage) -> tuple[int, bytes]:
    raw: Any = message.raw_message
    return raw.metadata.sequence.stream, raw.data


async def _stop(broker: NatsBroker) -> None:
    with contextlib.suppress(Exception):  # unsubscribing and draining need a server, which may be away
        await broker.stop()
    with contextlib.suppress(Exception):
        await broker.connection.close()

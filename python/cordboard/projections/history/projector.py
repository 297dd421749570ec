"""The projector: follows the journal by FastStream's ordered push consumer and writes the history.

It starts at the checkpoint + 1, asserts in the same transaction as the rows that no commit is missing, and stops on any error of
the journal: a history that skips something is worse than one that stands still. A NATS restart is no error, and a database that is
away is waited for.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

from faststream import AckPolicy
from faststream.nats import ConsumerConfig, DeliverPolicy, JStream, NatsBroker, NatsMessage
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cordboard import metrics
from cordboard.branch import Branch
from cordboard.codec import decode_commit
from cordboard.errors import Conflict, HistoryUnavailable, JournalCorrupt, JournalReplaced
from cordboard.events import Commit
from cordboard.log.following import GapPatience
from cordboard.log.port import Stored
from cordboard.log.subjects import journal_stream, journal_subject
from cordboard.projections.history.arrivals import Arrivals, replaced
from cordboard.projections.history.claim import claimed
from cordboard.projections.history.rebuild import Progress, Rebuild, abandon
from cordboard.projections.history.schema import LIVE, History
from cordboard.projections.history.store import OldTables, prepare, read_up_to, store
from cordboard.sql import open_engine

HEARTBEAT_S = 1.0
WATCH_S = 5.0
RETRY_S = 0.5
DATABASE_RETRY_S_MAX = 5.0
Callback = Callable[[], Awaitable[None]]
Trimmed = Callable[[int], AsyncGenerator[list[Stored], None]]

logger = logging.getLogger(__name__)


class _Target:
    """The tables that are written; `reached` hears how far they are, and says whether that is enough."""

    def __init__(self, engine: AsyncEngine, history: History, reached: Callable[[int], Awaitable[bool]]) -> None:
        self.over = False
        self._engine = engine
        self._history = history
        self._reached = reached

    async def read_up_to(self) -> Branch:
        async with self._engine.connect() as connection:
            return await read_up_to(connection, self._history)

    async def store(self, commits: Sequence[Commit]) -> None:
        with metrics.HISTORY_BATCH_S.time():
            seq = await store(self._engine, commits, self._history)
        await self.look(seq)

    async def look(self, seq: int) -> None:
        """They are at `seq`."""
        self.over = self.over or await self._reached(seq)


async def run_history(
    nats_url: str,
    site: str,
    db_url: str,
    *,
    trimmed: Trimmed | None = None,
    said: Callable[[str], None] | None = None,
) -> None:
    """Keep the history of `site` in the database at `db_url` (the views, not the vault) up to date until cancelled. Tables of an
    older release are rebuilt first, beside the old ones.

    `trimmed(position)` gives the commits from there on that the journal no longer has, from its archive. `said` hears why the
    history is not followed yet, and at each new subscription that it is (empty).

    Raises ConfigurationError (another site's database), HistoryUnavailable (the database does not answer at the start),
    JournalReplaced (the journal does not hold the checkpoint's commit: it was restored), or JournalCorrupt (a gap that stays):
    nothing is written halfway, and a restart goes on where it stopped. A database that goes away later is waited for.
    """
    say = said or (lambda _why_not: None)
    pause_s = RETRY_S

    def subscribing() -> None:
        nonlocal pause_s
        pause_s = RETRY_S
        say("")

    async with _opened(db_url) as engine:
        with _typed():
            await _prepared(nats_url, site, engine, trimmed, say)
        sound = True
        while True:
            try:
                with _typed():
                    # A database that comes back may have lost what it had last, the tables themselves included.
                    if not sound:
                        await _prepared(nats_url, site, engine, trimmed, say)
                    sound = True
                    await _follow(nats_url, site, _Target(engine, LIVE, _tell), trimmed, subscribing)
            except HistoryUnavailable as error:
                sound = False
                logger.warning("%s", error)
                say(str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, DATABASE_RETRY_S_MAX)


async def _tell(seq: int) -> bool:
    """Never enough."""
    metrics.at("history", seq)
    return False


async def _prepared(nats_url: str, site: str, engine: AsyncEngine, trimmed: Trimmed | None, say: Callable[[str], None]) -> None:
    """The tables are there, and of this release."""
    while await _are_old(engine, site):
        try:
            async with claimed(engine) as still:
                # Whoever had the claim until now may just have rebuilt them.
                if await _are_old(engine, site):
                    rebuild = await Rebuild.begin(engine, site, _said(say), still=still)
                    await _fill(nats_url, site, engine, trimmed, rebuild)
        except Conflict as taken:
            say(f"the history is of an older release: {taken}")
            await asyncio.sleep(RETRY_S)


async def _are_old(engine: AsyncEngine, site: str) -> bool:
    """Prepare the tables; True if an older release wrote them."""
    try:
        await prepare(engine, site)
    except OldTables as old:
        logger.warning("%s", old)
        return True
    return False


def _said(say: Callable[[str], None]) -> Progress:
    return lambda done, of: say(f"rebuilding the history: {done} of {of} commits")


async def rebuild_history(
    nats_url: str,
    site: str,
    db_url: str,
    *,
    progress: Progress,
    trimmed: Trimmed | None = None,
    anew: bool = False,
    end: int | None = None,
) -> None:
    """Write the history anew beside the live one, and put it in its place once it is as far; a projector may go on meanwhile.

    What an earlier rebuild left is taken up, unless `anew`. `end`: so far is enough, whatever the live one knows. `progress` hears
    commits done and to be done. Raises what `run_history` raises, HistoryUnavailable whenever the database fails, Conflict while
    somebody else rebuilds it; the live tables are as they were then.
    """
    with _typed():
        async with _opened(db_url) as engine, claimed(engine) as still:
            rebuild = await Rebuild.begin(engine, site, progress, anew=anew, end=end, still=still)
            await _fill(nats_url, site, engine, trimmed, rebuild)


async def abandon_rebuild(db_url: str) -> bool:
    """Drop what a rebuild left. False: there was nothing. Raises HistoryUnavailable, ConfigurationError, and Conflict while
    somebody rebuilds."""
    with _typed():
        async with _opened(db_url) as engine, claimed(engine):
            return await abandon(engine)


@contextlib.contextmanager
def _typed() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        cause = getattr(error, "orig", None) or error
        said = str(cause).partition("\n")[0]
        raise HistoryUnavailable(f"the history's database failed: {type(cause).__name__}: {said}") from error


@contextlib.asynccontextmanager
async def _opened(db_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(db_url, "write", durable=False, name="cordboard-projector")
    try:
        yield engine
    finally:
        await engine.dispose()


async def _fill(nats_url: str, site: str, engine: AsyncEngine, trimmed: Trimmed | None, rebuild: Rebuild) -> None:
    await _follow(nats_url, site, _Target(engine, rebuild.history, rebuild.reached), trimmed, lambda: None)


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


async def _follow(nats_url: str, site: str, target: _Target, trimmed: Trimmed | None, subscribing: Callable[[], None]) -> None:
    """Write what the archive and then the journal have, from the checkpoint on, until `target.reached` says that it is enough."""
    patience = GapPatience()
    while not target.over:
        if trimmed is not None:
            await _read_archive(target, trimmed)
        if gap := await _spell(nats_url, site, target, patience.moved, subscribing):
            patience.met(gap)
            await asyncio.sleep(RETRY_S)


async def _read_archive(target: _Target, trimmed: Trimmed) -> None:
    known = await target.read_up_to()
    async with contextlib.aclosing(trimmed(known.seq)) as batches:
        async for batch in batches:
            commits = [decode_commit(stored.data) for stored in batch]
            if commits[0].seq == known.seq and not known.is_of(commits[0]):
                raise JournalReplaced(replaced(known.seq))
            await target.store(commits)
            logger.info("history: read up to %d from the archive", batch[-1].seq)
            if target.over:
                return


async def _spell(nats_url: str, site: str, target: _Target, moved: Callable[[], None], subscribing: Callable[[], None]) -> str:
    """Subscribe from the checkpoint, and write what comes until a new subscription is needed, or it is enough.

    Returns the gap that is the reason; '': there is another one.
    """
    arrivals = Arrivals(site, await target.read_up_to())
    metrics.HISTORY_SPELLS.inc()
    await target.look(arrivals.expected - 1)
    subscribing()

    async def again() -> None:
        arrivals.end("the connection to NATS was renewed")

    async def closed() -> None:
        arrivals.end("the connection to NATS was closed")

    broker = journal_broker(nats_url, site, arrivals.begin, arrivals.take, again=again, closed=closed)
    watch = asyncio.create_task(_watch(broker, site, arrivals), name="history-watch")
    try:
        while not target.over and (commits := await arrivals.batch()):
            await target.store(commits)
            moved()
        return arrivals.gap
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
                raise JournalReplaced(replaced(before - 1))
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

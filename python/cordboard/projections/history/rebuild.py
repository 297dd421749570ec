"""A history written anew beside the live one, and put in its place once it knows as much.

The new tables (`history_next_…`) stand in the same database and are filled from the journal's beginning. Whoever reads, and the
projector, go on with the live ones meanwhile. When the new ones are as far as those, one transaction renames both. A rebuild that
is killed leaves its tables: the next one goes on where it stopped, or begins anew if they are of another version. Whoever rebuilds
has `claimed` it: one at a time.
"""

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cordboard import metrics
from cordboard.errors import ConfigurationError
from cordboard.projections.history.claim import Still
from cordboard.projections.history.schema import LIVE, PREFIX, VERSION, History, beside
from cordboard.projections.history.store import empty, position
from cordboard.sql import alone, insert_into, is_sqlite

logger = logging.getLogger(__name__)

NEXT, OLD = f"{PREFIX}next_", f"{PREFIX}old_"
LOCK_WAIT = "5s"
"""So long the exchange waits for readers; whoever comes meanwhile waits behind it."""
RETRY_S = 0.5

Progress = Callable[[int, int], None]


class Rebuild:
    """One rebuild. Made by `begin`; `history` is what to store commits into, `reached` is told after each batch."""

    def __init__(self, engine: AsyncEngine, history: History, progress: Progress, end: int | None, still: Still | None) -> None:
        self.history = history
        self._still = still
        self._end = end
        self._engine = engine
        self._progress = progress

    @classmethod
    async def begin(
        cls,
        engine: AsyncEngine,
        site: str,
        progress: Progress,
        *,
        anew: bool = False,
        end: int | None = None,
        still: Still | None = None,
    ) -> "Rebuild":
        """Find what an earlier rebuild left, or make new tables. `anew`: forget what it left. `end`: commit `end` is enough, though
        the live tables know more: of a journal that has lost its end. `still` is asked before each look whether the rebuild is
        this one's to do.

        Raises ConfigurationError if the database is another site's.
        """
        async with alone(engine) as connection:
            await _check_site(connection, site)
            await _drop(connection, OLD)
            if anew or await _left_by(connection) not in (None, (site, VERSION)):
                await _drop(connection, NEXT)
            history = beside(NEXT, await connection.run_sync(_indexes, PREFIX, but=(NEXT,)))
            await connection.run_sync(history.tables.create_all)
            first = insert_into(history.checkpoint, connection).values(empty(site))
            await connection.execute(first.on_conflict_do_nothing())
            begun = await position(connection, history)
        logger.info("history: rebuilding beside the live tables, from commit %d on", begun + 1)
        return cls(engine, history, progress, end, still)

    async def reached(self, seq: int) -> bool:
        """The new tables hold every commit up to `seq`: True if they are the live ones now."""
        metrics.REBUILT.set(seq)
        while True:
            if self._still is not None:
                await self._still()
            async with self._engine.connect() as connection:
                goal = await self._goal(connection)
            self._progress(seq, max(seq, goal))
            if seq < goal:
                return False
            try:
                if not await self._exchange():
                    continue
            except DBAPIError as error:
                if not _waited_too_long(error):
                    raise
                logger.info("history: somebody reads the live tables for long; the exchange is tried again")
                await asyncio.sleep(RETRY_S)
                continue
            async with alone(self._engine) as connection:
                await _drop(connection, OLD)
            metrics.REBUILDS.inc()
            metrics.REBUILT.set(0)
            logger.info("history: rebuilt up to commit %d and put in its place", seq)
            return True

    async def _goal(self, connection: AsyncConnection) -> int:
        return self._end if self._end is not None else await _live_position(connection)

    async def _exchange(self) -> bool:
        """Rename both, in one transaction. False: the live tables went on meanwhile."""
        async with alone(self._engine) as connection:
            names = await connection.run_sync(_names, PREFIX, but=(NEXT, OLD))
            if not is_sqlite(self._engine):
                await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
                # Before it is looked at, and the checkpoint first, as the projector does: one that has locked the row and wants
                # another table would wait for us, and we for it.
                for name in sorted(names, key=lambda name: name != LIVE.checkpoint.name):
                    await connection.execute(text(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE"))
            if await position(connection, self.history) < await self._goal(connection):
                return False
            for name in names:
                await connection.execute(text(f"ALTER TABLE {name} RENAME TO {name.replace(PREFIX, OLD, 1)}"))
            for table in self.history.tables.sorted_tables:
                await connection.execute(text(f"ALTER TABLE {table.name} RENAME TO {table.name.replace(NEXT, PREFIX, 1)}"))
            return True


async def abandon(engine: AsyncEngine) -> bool:
    """Drop what a rebuild left. False: there was nothing."""
    async with alone(engine) as connection:
        return await _drop(connection, NEXT, OLD)


async def _live_position(connection: AsyncConnection) -> int:
    """How far the live tables are, whatever their version; 0 if there are none."""
    if not await connection.run_sync(_names, LIVE.checkpoint.name):
        return 0
    return await position(connection)


async def _check_site(connection: AsyncConnection, site: str) -> None:
    if await connection.run_sync(_names, LIVE.checkpoint.name):
        known = (await connection.execute(select(LIVE.checkpoint.c.site))).scalar_one_or_none()
        if known not in (None, site):
            raise ConfigurationError(f"the history database belongs to site {known!r}, not {site!r}: give each site its own")


async def _left_by(connection: AsyncConnection) -> tuple[str, int] | None:
    """Site and version of the tables that an earlier rebuild left."""
    history = beside(NEXT, frozenset())
    if not await connection.run_sync(_names, history.checkpoint.name):
        return None
    row = (await connection.execute(select(history.checkpoint.c.site, history.checkpoint.c.version))).one_or_none()
    return (row.site, row.version) if row is not None else ("", 0)


async def _drop(connection: AsyncConnection, *prefixes: str) -> bool:
    names = [name for prefix in prefixes for name in await connection.run_sync(_names, prefix)]
    for name in names:
        await connection.execute(text(f"DROP TABLE {name}"))
    return bool(names)


def _names(connection: Connection, prefix: str, but: tuple[str, ...] = ()) -> list[str]:
    """The tables whose names begin so, whichever release made them."""
    return sorted(name for name in inspect(connection).get_table_names() if name.startswith(prefix) and not name.startswith(but))


def _indexes(connection: Connection, prefix: str, but: tuple[str, ...]) -> frozenset[str]:
    look = inspect(connection)
    return frozenset(str(index["name"]) for name in _names(connection, prefix, but) for index in look.get_indexes(name))


def _waited_too_long(error: DBAPIError) -> bool:
    """PostgreSQL's lock_timeout or a deadlock with a reader, or SQLite's busy_timeout."""
    return getattr(error.orig, "sqlstate", None) in ("55P03", "40P01") or "database is locked" in str(error.orig)

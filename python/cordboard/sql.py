"""SQL engines: SQLite (one process) and PostgreSQL behind the same SQLAlchemy Core code. No tables and no queries live here."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from cordboard.errors import ConfigurationError

DRIVERS = ("sqlite+aiosqlite", "postgresql+asyncpg")
POOL_MAX = 8
READERS = POOL_MAX // 2
"""Reading connections to an SQLite file."""
BUSY_MS = 10_000
BUSY_PAUSE_S = 0.005
COMMAND_S = 30
PREPARE_LOCK = 0x636F7264
"""Key of the PostgreSQL advisory lock under which tables are created: two roles that start together must not race."""

Purpose = Literal["write", "read"]
Insert = sqlite.Insert | postgresql.Insert


def open_engine(url: str, purpose: Purpose, *, durable: bool, name: str) -> AsyncEngine:
    """An engine for a database URL.

    `write` on SQLite is one connection whose transactions take the write lock at once; `read` is several that cannot write.
    `durable`: a commit survives a power cut. Without it the newest ones may be lost (never torn): right for what can be rebuilt.
    Raises ConfigurationError for another kind of database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(
            "the database URL cannot be read; expected sqlite+aiosqlite:///FILE or postgresql+asyncpg://…"
        ) from error
    if parsed.drivername not in DRIVERS:
        raise ConfigurationError(f"the database URL begins with {parsed.drivername}; use one of {', '.join(DRIVERS)}")
    if parsed.drivername == "sqlite+aiosqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ConfigurationError("an SQLite database must be a file")
        return _sqlite(url, Path(parsed.database), purpose, durable)
    settings = {"synchronous_commit": "on" if durable else "off", "application_name": name}
    return create_async_engine(
        url,
        pool_size=POOL_MAX,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"server_settings": settings, "timeout": COMMAND_S, "command_timeout": COMMAND_S},
    )


def open_thread_engine(url: str, purpose: Purpose, *, durable: bool) -> Engine:
    """SQLite without asyncio, for threads of its own: a statement costs some 20 µs there instead of 300. `write` is one connection,
    `read` is READERS that cannot write.

    `url` as for `open_engine`, and checked by it before.
    """
    engine = create_engine(
        make_url(url).set(drivername="sqlite+pysqlite"),
        poolclass=QueuePool,
        pool_size=1 if purpose == "write" else READERS,
        max_overflow=0,
        connect_args={"check_same_thread": False},
        hide_parameters=True,
    )
    _configure(engine, purpose, durable, lambda _connection: time.sleep(BUSY_PAUSE_S))
    return engine


def is_sqlite(engine: AsyncEngine) -> bool:
    return engine.dialect.name == "sqlite"


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database; None for another kind, or what `open_engine` refuses."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    return Path(parsed.database) if parsed.drivername == DRIVERS[0] and parsed.database else None


def insert_into(table: Table, connection: Connection | AsyncConnection) -> Insert:
    """An INSERT that knows ON CONFLICT in the connection's dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


@asynccontextmanager
async def prepared(engine: AsyncEngine, tables: MetaData) -> AsyncIterator[AsyncConnection]:
    """Create the tables that are missing; the rest of the block runs in the same transaction, alone."""
    async with alone(engine) as connection:
        await connection.run_sync(tables.create_all)
        yield connection


@asynccontextmanager
async def alone(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction during which nobody else makes or renames tables."""
    async with engine.begin() as connection:
        if not is_sqlite(engine):
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PREPARE_LOCK})
        yield connection


def _sqlite(url: str, file: Path, purpose: Purpose, durable: bool) -> AsyncEngine:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)  # SQLite gives the journal files beside it the same mode
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if purpose == "write" else READERS,
        max_overflow=0,
        hide_parameters=True,
    )
    _configure(engine.sync_engine, purpose, durable, lambda connection: connection.run_async(lambda _: asyncio.sleep(BUSY_PAUSE_S)))
    return engine


def _configure(engine: Engine, purpose: Purpose, durable: bool, pause: Callable[[Any], object]) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # Left to itself the driver opens transactions late and not for every statement; with None we say BEGIN ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        _keep_wal(cursor, lambda: pause(connection))
        for pragma in _pragmas(purpose, durable):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "invalidate")
    def let_go(connection: Any, _record: object, _error: object) -> None:
        # A cancellation in the middle of a statement. The connection is closed next; but SQLite puts that off, and keeps the lock,
        # as long as there is a cursor, and the task that was cancelled refers to it for as long as it likes. One that cannot even
        # roll back is closed all the same: what is to be heard of is the cancellation.
        with suppress(Exception):
            connection.rollback()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if purpose == "write" else "BEGIN")


def _keep_wal(cursor: Any, pause: Callable[[], object]) -> None:
    # Of two that open a new file at once, SQLite refuses one the change to WAL without waiting for its busy_timeout.
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    give_up_at = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
        pause()


def _pragmas(purpose: Purpose, durable: bool) -> list[str]:
    # secure_delete overwrites deleted rows with zeros, so that an erasure is one.
    pragmas = [
        f"synchronous={'FULL' if durable else 'NORMAL'}",
        "foreign_keys=ON",
        "secure_delete=ON",
        "temp_store=MEMORY",
    ]
    return pragmas if purpose == "write" else [*pragmas, "query_only=ON"]

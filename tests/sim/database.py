"""The real vault and the real history on SQLite in memory, without threads: a statement takes no virtual time, a wait does."""

from __future__ import annotations

import asyncio
import functools
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from cordboard.projections.history import schema as history_schema
from cordboard.projections.history.store import empty
from cordboard.sql import _configure
from cordboard.vault import schema as vault_schema
from cordboard.vault.keyring import Keyring
from cordboard.vault.people import begin_first_period
from cordboard.vault.reader import ThreadReader
from cordboard.vault.seal import MasterKeys
from cordboard.vault.vault import Vault
from cordboard.vault.writer import GroupWriter
from tests.sim.machine import BASE_MS, from_the_seed

KEK = bytes(range(32))


class Database:
    """One SQLite database that outlives the processes which use it. What was not committed dies with its process.

    Engine and connection serve one run after the other: what SQLAlchemy learns of its statements costs more than a run.
    """

    def __init__(self, image: Callable[[], bytes]) -> None:
        self._image = image
        self._raw = sqlite3.connect(":memory:", check_same_thread=False)
        self.engine = create_engine("sqlite+pysqlite://", creator=lambda: self._raw, poolclass=StaticPool, hide_parameters=True)
        _configure(self.engine, "write", durable=False, pause=lambda _: None)

    def begin_anew(self) -> None:
        self.process_died()
        self._raw.deserialize(self._image())

    def process_died(self) -> None:
        if self._raw.in_transaction:
            self._raw.rollback()

    def rows(self) -> dict[str, list[Any]]:
        """What stands in every table."""
        names = self._raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return {name: sorted(self._raw.execute(f"SELECT * FROM {name}"), key=repr) for (name,) in names}

    def number(self, query: str) -> int | None:
        """None while somebody writes."""
        return None if self._raw.in_transaction else self._raw.execute(query).fetchone()[0]


@functools.cache
def empty_vault() -> bytes:
    """An empty vault, made once: the same in every run."""

    def first_period(connection: Connection) -> None:
        begin_first_period(connection, Keyring(MasterKeys(KEK)))

    return _image(vault_schema.tables, first_period)


@functools.cache
def vault_database() -> Database:
    return Database(empty_vault)


@functools.cache
def history_database() -> Database:
    return Database(empty_history)


@functools.cache
def second_history() -> Database:
    """To fold the same journal once more."""
    return Database(empty_history)


@functools.cache
def empty_history() -> bytes:
    def checkpoint(connection: Connection) -> None:
        connection.execute(history_schema.checkpoint.insert(), empty("default"))

    return _image(history_schema.tables, checkpoint)


def _image(tables: Any, fill: Callable[[Connection], None]) -> bytes:
    raw = sqlite3.connect(":memory:")
    engine: Engine = create_engine("sqlite+pysqlite://", creator=lambda: raw, poolclass=StaticPool)
    with from_the_seed(random.Random("empty"), lambda: BASE_MS), engine.begin() as connection:
        tables.create_all(connection)
        fill(connection)
    image = raw.serialize()
    engine.dispose()
    raw.close()
    return image


@asynccontextmanager
async def open_vault(database: Database) -> AsyncIterator[Vault]:
    """As `Vault.open` does it, with both executors replaced by the loop's own. Not closed: its process is killed."""
    threads: Any = _Executor()
    writer = GroupWriter(database.engine, threads)
    task = asyncio.create_task(writer.run(), name="vault-writer")
    reads: Any = _Executor()
    try:
        yield Vault(ThreadReader(database.engine, reads), writer, MasterKeys(KEK))
    finally:
        task.cancel()


class _Executor:
    """Stands where a ThreadPoolExecutor would: the loop does the work, in the order of asking."""


class InlineEngine:
    """As much of an AsyncEngine as the history's store asks for. Each statement is a wait at which a process may die."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        with self._database.engine.connect() as connection, connection.begin():
            yield _InlineConnection(connection)


class _InlineConnection:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect

    async def execute(self, *arguments: Any) -> Any:
        await asyncio.sleep(0)
        return self._connection.execute(*arguments)

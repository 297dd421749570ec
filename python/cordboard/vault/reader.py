"""Reading the vault: on SQLite from a few threads, on PostgreSQL from the pool.

A read on SQLite takes some 100 µs of work. Through an asynchronous driver every step of it would wait for its own turn on the loop;
here the whole of it is one wait.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cordboard.sql import READERS, open_thread_engine
from cordboard.vault.writer import unavailable

T = TypeVar("T")


class Reader(Protocol):
    async def read(self, query: Callable[[Connection], T]) -> T:
        """What `query` finds, in one transaction that writes nothing. Raises VaultUnavailable."""
        ...


class PooledReader:
    """For a server with a pool of connections."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, query: Callable[[Connection], T]) -> T:
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(query)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise unavailable(error) from error


class ThreadReader:
    """For an SQLite file: `query` runs on a thread, so it must touch nothing of the loop's."""

    def __init__(self, engine: Engine, threads: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._threads = threads

    async def read(self, query: Callable[[Connection], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, query)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise unavailable(error) from error

    def _run(self, query: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return query(connection)


@asynccontextmanager
async def thread_reader(url: str) -> AsyncIterator[ThreadReader]:
    """The reader for an SQLite file. Leaving waits for reads that run."""
    engine = open_thread_engine(url, "read", durable=True)
    with ThreadPoolExecutor(READERS, thread_name_prefix="vault-reader") as threads:
        try:
            yield ThreadReader(engine, threads)
        finally:
            await asyncio.get_running_loop().run_in_executor(threads, engine.dispose)

"""One writer for the vault: work goes in, each caller gets its own result once it is durable.

SQLite pays one fsync a transaction, so all work that waits shares one (group commit), in a thread of its own. If one piece of
a group fails, the group is done again with a savepoint a piece, so that a bad one does not spoil its neighbours. PostgreSQL
groups commits itself, so there each piece is a transaction of its own from the pool.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cordboard.errors import CordboardError, Overloaded, VaultUnavailable
from cordboard.sql import open_thread_engine
from cordboard.watched import ended_by

logger = logging.getLogger(__name__)

GROUP_MAX = 256
WAITING_MAX = 4096
CONCURRENT_MAX = 6

T = TypeVar("T")
Work = Callable[[Connection], T]
OWN_FAULT = (CordboardError, IntegrityError, DataError)
"""Errors of one piece of work, as opposed to those of the database."""


class Writer(Protocol):
    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its result when it is durable.

        Raises what `work` raises (IntegrityError too: nothing of it was written), Overloaded, VaultUnavailable.
        `work` may run in another thread, and more than once: it keeps to its connection and to what bears that.
        """
        ...

    async def scrub(self) -> None:
        """Remove what deleted rows have left behind in files beside the tables, as far as the database lets us.

        Raises VaultUnavailable: try again.
        """
        ...


class PooledWriter:
    """A transaction a piece of work."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting = 0
        self._turns = asyncio.Semaphore(CONCURRENT_MAX)  # leaves connections of the pool to readers

    async def write(self, work: Work[T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise Overloaded(f"{self._waiting} writes wait for the vault")
        self._waiting += 1
        try:
            async with self._turns, self._engine.begin() as connection:
                return await connection.run_sync(work)
        except OWN_FAULT:
            raise
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise unavailable(error) from error
        finally:
            self._waiting -= 1

    async def scrub(self) -> None:
        """Nothing to do: dead rows go with the server's vacuum and its recycled log."""


@asynccontextmanager
async def group_writer(url: str) -> AsyncIterator["GroupWriter"]:
    """The writer for an SQLite file. Leaving finishes what waits."""
    engine = open_thread_engine(url, "write", durable=True)
    with ThreadPoolExecutor(1, thread_name_prefix="vault-writer") as thread:
        writer = GroupWriter(engine, thread)
        task = asyncio.create_task(writer.run(), name="vault-writer")
        try:
            async with ended_by(task, VaultUnavailable("the vault's writer failed")):
                yield writer
        finally:
            writer.close()
            await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()):
                logger.error("the vault's writer failed", exc_info=error)
            await asyncio.get_running_loop().run_in_executor(thread, engine.dispose)


@dataclass(slots=True, eq=False)
class _Piece:
    work: Work[Any]
    done: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def settle(self, failure: BaseException | None = None) -> None:
        if self.done.done():
            return
        error = self.error or failure
        if error is None:
            self.done.set_result(self.result)
        else:
            self.done.set_exception(error)


class GroupWriter:
    """One connection, one thread, as many pieces a transaction as wait."""

    def __init__(self, engine: Engine, thread: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._thread = thread
        self._queue: asyncio.Queue[_Piece | None] = asyncio.Queue(WAITING_MAX)
        self._closed = False

    async def write(self, work: Work[T]) -> T:
        if self._closed:
            raise VaultUnavailable("the vault is closed")
        piece = _Piece(work, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(piece)
        except asyncio.QueueFull:
            raise Overloaded(f"{WAITING_MAX} writes wait for the vault") from None
        result: T = await piece.done
        return result

    async def scrub(self) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, _cut_log, self._engine)
        except (SQLAlchemyError, sqlite3.Error, RuntimeError) as error:
            raise unavailable(error) from error

    def close(self) -> None:
        self._closed = True
        if not self._queue.full():  # full: the task is awake, and sees the flag
            self._queue.put_nowait(None)

    async def run(self) -> None:
        """Commit group after group, until closed and empty."""
        loop, group = asyncio.get_running_loop(), list[_Piece]()
        try:
            while not (self._closed and self._queue.empty()):
                first = await self._queue.get()
                group = [piece for piece in (first, *self._more(GROUP_MAX - 1)) if piece is not None and not piece.done.done()]
                if group:
                    failure = await loop.run_in_executor(self._thread, _commit, self._engine, group)
                    for piece in group:
                        piece.settle(failure)
        finally:
            self._closed = True
            for left in (*group, *self._more(WAITING_MAX)):
                if left is not None:
                    left.settle(VaultUnavailable("the vault's writer stopped"))

    def _more(self, most: int) -> list[_Piece | None]:
        more: list[_Piece | None] = []
        while len(more) < most and not self._queue.empty():
            more.append(self._queue.get_nowait())
        return more


def _commit(engine: Engine, group: list[_Piece]) -> VaultUnavailable | None:
    """In the writer's thread: one transaction, at most two tries. Returns what failed those that have no error of their own."""
    try:
        try:
            _transact(engine, group, _do)
        except Exception as error:
            if isinstance(error, VaultUnavailable) or (isinstance(error, SQLAlchemyError) and not isinstance(error, OWN_FAULT)):
                raise
            _transact(engine, group, _try)  # somebody's own fault: find out whose
    except BaseException as error:  # noqa: BLE001  a bug must not leave callers waiting for ever
        return unavailable(error)
    return None


def _transact(engine: Engine, group: list[_Piece], do: Callable[[Connection, _Piece], None]) -> None:
    with engine.begin() as connection:
        for piece in group:
            do(connection, piece)
        # A full disk makes SQLite roll back by itself, after which COMMIT would succeed and mean nothing.
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            raise VaultUnavailable("the database gave the transaction up")


def _do(connection: Connection, piece: _Piece) -> None:
    piece.result = piece.work(connection)


def _try(connection: Connection, piece: _Piece) -> None:
    try:
        with connection.begin_nested():
            piece.result = piece.work(connection)
    except Exception as error:
        if isinstance(error, SQLAlchemyError) and not isinstance(error, OWN_FAULT):
            raise
        piece.error = error


def _cut_log(engine: Engine) -> None:
    # Pages of the write-ahead log keep what was deleted; this folds them into the (zeroed) table file and cuts the log off.
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy = cursor.fetchone()
        cursor.close()
        if busy is None or busy[0]:
            raise VaultUnavailable("a reader keeps the vault's write-ahead log from being cut off")
    finally:
        connection.close()


def unavailable(error: BaseException) -> VaultUnavailable:
    """Says what kind of error it was, but not its text, which may quote values."""
    if isinstance(error, VaultUnavailable):
        return error
    cause = getattr(error, "orig", None) or error
    return VaultUnavailable(f"the vault's database failed: {type(cause).__name__}")

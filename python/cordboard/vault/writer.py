"""One writer for the vault: work goes in, each caller gets its own result once it is durable.

SQLite pays one fsync a transaction, so all work that waits shares one (group commit), each piece under its own savepoint: a bad one
does not spoil its neighbours. PostgreSQL groups commits itself, so there each piece is a transaction of its own from the pool.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cordboard.errors import CordboardError, Overloaded, VaultUnavailable
from cordboard.sql import is_sqlite

GROUP_MAX = 256
WAITING_MAX = 4096
CONCURRENT_MAX = 6

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]
OWN_FAULT = (CordboardError, IntegrityError, DataError)
"""Errors of one piece of work, as opposed to those of the database."""


class Writer(Protocol):
    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its result when it is durable.

        Raises what `work` raises (IntegrityError too: nothing of it was written), Overloaded, VaultUnavailable.
        `work` must touch nothing but its connection: it may have to be thrown away after it ran.
        """
        ...

    async def scrub(self) -> None:
        """Remove what deleted rows have left behind in files beside the tables, as far as the database lets us."""
        ...


@asynccontextmanager
async def writer_for(engine: AsyncEngine) -> AsyncIterator[Writer]:
    """The writer that suits the database. Leaving finishes what waits."""
    if not is_sqlite(engine):
        yield PooledWriter(engine)
        return
    writer = GroupWriter(engine)
    task = asyncio.create_task(writer.run(), name="vault-writer")
    try:
        yield writer
    finally:
        writer.close()
        await task


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
                return await work(connection)
        except OWN_FAULT:
            raise
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise unavailable(error) from error
        finally:
            self._waiting -= 1

    async def scrub(self) -> None:
        """Nothing to do: dead rows go with the server's vacuum and its recycled log."""


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
    """One connection, one task, as many pieces a transaction as wait."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
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
        # Pages of the write-ahead log keep what was deleted; this folds them into the (zeroed) table file and cuts the log off.
        async with self._engine.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            cursor = await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            await cursor.fetchall()
            await cursor.close()

    def close(self) -> None:
        self._closed = True
        # The queue may be full; the task looks at the flag as well.
        if not self._queue.full():
            self._queue.put_nowait(None)

    async def run(self) -> None:
        """Commit group after group, until closed and empty."""
        try:
            while not (self._closed and self._queue.empty()):
                first = await self._queue.get()
                group = [piece for piece in (first, *self._more(GROUP_MAX - 1)) if piece is not None and not piece.done.done()]
                if group:
                    await self._commit(group)
        finally:
            self._closed = True
            for piece in self._more(WAITING_MAX):
                if piece is not None:
                    piece.settle(VaultUnavailable("the vault's writer stopped"))

    def _more(self, most: int) -> list[_Piece | None]:
        more: list[_Piece | None] = []
        while len(more) < most and not self._queue.empty():
            more.append(self._queue.get_nowait())
        return more

    async def _commit(self, group: list[_Piece]) -> None:
        failure: BaseException | None = None
        try:
            async with self._engine.begin() as connection:
                for piece in group:
                    await _try(connection, piece)
                await _still_open(connection)
        except (SQLAlchemyError, OSError, TimeoutError, VaultUnavailable) as error:
            failure = unavailable(error)
        except BaseException as error:
            failure = VaultUnavailable("the vault's writer stopped")
            failure.__cause__ = error
            raise
        finally:
            for piece in group:
                if failure is not None:
                    piece.result = None
                piece.settle(failure)


async def _try(connection: AsyncConnection, piece: _Piece) -> None:
    try:
        async with connection.begin_nested():
            piece.result = await piece.work(connection)
    except SQLAlchemyError as error:
        if not isinstance(error, OWN_FAULT):
            raise
        piece.error = error
    except Exception as error:  # noqa: BLE001  a bug in one caller's work is that caller's, told through its future
        piece.error = error


async def _still_open(connection: AsyncConnection) -> None:
    """A full disk makes SQLite roll back by itself, after which COMMIT would succeed and mean nothing."""
    raw = await connection.get_raw_connection()
    if raw.driver_connection is None or not raw.driver_connection.in_transaction:
        raise VaultUnavailable("the database gave the transaction up")


def unavailable(error: BaseException) -> VaultUnavailable:
    """Says what kind of error it was, but not its text, which may quote values."""
    if isinstance(error, VaultUnavailable):
        return error
    cause = getattr(error, "orig", None) or error
    return VaultUnavailable(f"the vault's database failed: {type(cause).__name__}")

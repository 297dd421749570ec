"""One rebuild of a history at a time: two would fill the same tables."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cordboard.errors import Conflict
from cordboard.sql import is_sqlite

CLAIM_LOCK = 0x72656275
"""Half the key of the PostgreSQL advisory lock; the schema is the other."""
Still = Callable[[], Awaitable[None]]


@asynccontextmanager
async def claimed(engine: AsyncEngine) -> AsyncIterator[Still]:
    """The right to rebuild the history in this database, until the block or the process ends.

    What is given back is to be asked now and then: it raises DBAPIError once the connection that has the right is gone. Raises
    Conflict if somebody else has it.
    """
    async with _of_file(Path(str(engine.url.database))) if is_sqlite(engine) else _of_server(engine) as still:
        yield still


@asynccontextmanager
async def _of_server(engine: AsyncEngine) -> AsyncIterator[Still]:
    # Outside transactions: an open one would stand in the way of the exchange, and of a vacuum for as long.
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        key = {"key": CLAIM_LOCK}
        if not (await connection.execute(text(f"SELECT pg_try_advisory_lock({_KEY})"), key)).scalar_one():
            raise _taken()

        async def still() -> None:
            await connection.execute(text("SELECT 1"))

        try:
            yield still
        finally:
            # Not given back to the pool: the server ends the right with the session, whatever state that is in.
            await asyncio.shield(connection.invalidate())


@asynccontextmanager
async def _of_file(database: Path) -> AsyncIterator[Still]:
    fd = os.open(database.with_name(f"{database.name}-rebuild"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken() from None

        async def still() -> None:
            """A file's lock ends with the process."""

        yield still
    finally:
        os.close(fd)


_KEY = ":key, hashtext(current_schema())"


def _taken() -> Conflict:
    return Conflict("somebody else is rebuilding this history: wait until that has ended, or end it", reason="rebuild_running")

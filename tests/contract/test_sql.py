"""SQLite files that several roles open at once."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cordboard import sql
from cordboard.sql import open_thread_engine

OPENERS = 8
FILES = 50


def test_many_open_a_new_file_at_once_and_all_get_it(tmp_path: Path) -> None:
    def opener(url: str, together: threading.Barrier) -> Callable[[], str]:
        def open_it() -> str:
            engine = open_thread_engine(url, "write", durable=False)
            together.wait()
            try:
                with engine.connect() as connection:
                    return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())
            finally:
                engine.dispose()

        return open_it

    with ThreadPoolExecutor(OPENERS) as threads:
        for number in range(FILES):
            open_it = opener(f"sqlite+aiosqlite:///{tmp_path}/{number}.db", threading.Barrier(OPENERS))
            modes = [threads.submit(open_it) for _ in range(OPENERS)]
            assert [mode.result() for mode in modes] == ["wal"] * OPENERS


async def test_who_is_cancelled_in_the_middle_of_a_statement_keeps_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'views.db'}"
    engine = sql.open_engine(url, "write", durable=False, name="first")
    async with engine.connect() as connection:
        await connection.begin()
        await connection.execute(text("CREATE TABLE words (word INTEGER)"))
        driver: Any = (await connection.get_raw_connection()).driver_connection
        held = await driver.execute("VALUES (1), (2)")
        await connection.invalidate()  # what a cancellation does
    await engine.dispose()
    monkeypatch.setattr(sql, "BUSY_MS", 2_000)
    other = sql.open_engine(url, "write", durable=False, name="second")
    async with other.begin() as connection:
        await connection.execute(text("CREATE TABLE words (word INTEGER)"))
    await other.dispose()
    assert held is not None, "the traceback of a cancelled task refers to its cursor for as long as anybody has the task"


LONG = "WITH RECURSIVE n(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 300000) SELECT count(*) FROM n"


async def test_a_cancellation_is_one_though_the_connection_cannot_roll_back(tmp_path: Path) -> None:
    engine = sql.open_engine(f"sqlite+aiosqlite:///{tmp_path / 'views.db'}", "write", durable=False, name="first")
    begun = asyncio.Event()

    async def fail() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    async def read() -> None:
        async with engine.begin() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            driver.rollback = fail
            begun.set()
            await connection.execute(text(LONG))

    reading = asyncio.create_task(read())
    await begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE words (word INTEGER)"))
    await engine.dispose()

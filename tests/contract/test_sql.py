"""SQLite files that several roles open at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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

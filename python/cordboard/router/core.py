"""The one thread on which the Rust core works. The event loop only moves bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from cordboard import _core
from cordboard.errors import JournalCorrupt, LevelUnsupported

T = TypeVar("T")


class CoreThread:
    """Runs one piece of work at a time, in the order it was asked for. The core releases the GIL meanwhile."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="cordboard-core")

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`. What the core refuses (a gap, a fork, broken bytes) comes as JournalCorrupt; a journal of another
        build's level as LevelUnsupported."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except _core.LevelUnsupported as error:
            raise LevelUnsupported(f"{error}. Run a build that does; docs/adr/0003 has levels") from error
        except _core.CoreError as error:
            raise JournalCorrupt(str(error)) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # Not waited for: a turn that is under way ends by itself, and nobody looks at what it gives.
        self._pool.shutdown(wait=False, cancel_futures=True)

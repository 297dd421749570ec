"""Marks of publication, gathered: those that come while one write is under way go with the next, as one statement."""

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection

from cordboard.vault.intake_rows import mark_published
from cordboard.vault.writer import Writer


class Marks:
    """At most one write under way, and one sheet that gathers for the next."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._open: list[bytes] = []
        self._next: asyncio.Task[None] | None = None
        self._last: asyncio.Task[None] | None = None

    async def published(self, fact_id: bytes) -> None:
        """Durable when it returns. Raises what the writer raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._write(self._last), name="vault-marks")
            self._next.add_done_callback(_look)
        self._open.append(fact_id)
        await asyncio.shield(self._next)  # others wait for the same sheet: one that gives up must not tear it

    async def drain(self) -> None:
        """Wait until nothing is under way."""
        while tasks := [task for task in (self._last, self._next) if task is not None and not task.done()]:
            await asyncio.wait(tasks)

    async def _write(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        fact_ids, self._open = tuple(self._open), []
        self._last, self._next = self._next, None

        def mark(connection: Connection, fact_ids: Sequence[bytes] = fact_ids) -> None:
            mark_published(connection, fact_ids)

        await self._writer.write(mark)


def _look(task: asyncio.Task[None]) -> None:
    # Whoever waited was told; if nobody waits any more, the rows stay pending for the sweep.
    if not task.cancelled():
        task.exception()

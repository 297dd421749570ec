"""The journal as it was written, line by line. Nothing is decided again, and no state is needed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

import msgspec

from cordboard import codec
from cordboard._core import CoreError, render
from cordboard.errors import InvalidInput, JournalCorrupt
from cordboard.log.port import Journal
from cordboard.router.reading import commits_between


class Told(msgspec.Struct, frozen=True):
    """A commit: one line for each input's verdict and each event."""

    seq: int
    at_ms: int
    epoch: int
    lines: list[str]


async def bounds(log: Journal, from_seq: int, to_seq: int | None) -> tuple[int, int]:
    """The positions meant, the end of the journal as it is now unless told. Raises InvalidInput if they are not in the journal."""
    last = await log.last_journal_seq()
    to_seq = last if to_seq is None else to_seq
    if not 1 <= from_seq <= to_seq <= last:
        raise InvalidInput(f"commits {from_seq} to {to_seq} are not in a journal that ends at {last}")
    return from_seq, to_seq


async def told(log: Journal, from_seq: int, to_seq: int) -> AsyncGenerator[Told, None]:
    """Commits from one position to another, both included. Raises JournalCorrupt if one cannot be read."""
    async with contextlib.aclosing(commits_between(log, from_seq, to_seq)) as batches:
        async for batch in batches:
            for stored in batch:
                commit = codec.decode_commit(stored.data)
                try:
                    lines = render(stored.data).splitlines()
                except CoreError as error:
                    raise JournalCorrupt(f"commit {stored.seq}: {error}") from error
                yield Told(commit.seq, commit.at_ms, commit.epoch, lines)

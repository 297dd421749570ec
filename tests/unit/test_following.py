"""A follower before a gap: a server that has not caught up is given time, a journal that lacks something is not read on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from cordboard import metrics
from cordboard.errors import JournalCorrupt
from cordboard.log import following as following_module
from cordboard.log.following import following
from cordboard.log.port import Stored


class Servers:
    """Each consumer is served by the next of `copies`, which hold these positions; the last one serves all that come after."""

    def __init__(self, *copies: list[int]) -> None:
        self._copies = list(copies)
        self.asked: list[int] = []

    async def deliveries(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        self.asked.append(from_seq)
        copy = self._copies.pop(0) if len(self._copies) > 1 else self._copies[0]
        yield [Stored(seq, 1, b"%d" % seq) for seq in copy if seq >= from_seq]
        await asyncio.Event().wait()  # a consumer does not end by itself


async def read(servers: Servers, last: int) -> list[int]:
    found: list[int] = []
    async with aclosing(following("JOURNAL_x", 1, servers.deliveries)) as batches:
        async for batch in batches:
            found += [stored.seq for stored in batch]
            if found[-1] >= last:
                return found
    raise AssertionError("it follows for ever")


async def test_a_server_that_has_not_caught_up_is_left_for_another() -> None:
    servers = Servers([1, 2, 5, 6], [5, 6], [4, 5, 6], [1, 2, 3, 4, 5, 6])
    before = metrics.GAPS._value.get()
    assert await read(servers, 6) == [1, 2, 3, 4, 5, 6]
    assert metrics.GAPS._value.get() == before + 3
    assert servers.asked == [1, 3, 3, 3], "what came before the gap is kept, and asked for no more"


async def test_a_gap_that_stays_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following_module, "GAP_PATIENCE_S", 0.05)
    servers = Servers([1, 2, 4])
    with pytest.raises(JournalCorrupt, match="JOURNAL_x: expected message 3, the next one is 4"):
        await read(servers, 4)
    assert servers.asked[:3] == [1, 3, 3], "it was asked more than once"


async def test_patience_begins_anew_with_every_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two gaps, each of which closes at the second look, are no reason to end, however little patience there is for one."""
    monkeypatch.setattr(following_module, "GAP_PATIENCE_S", 1e-9)
    with pytest.raises(JournalCorrupt):
        await read(Servers([2], [2], [1, 2]), 2)
    assert await read(Servers([1, 3], [2, 4], [3, 4]), 4) == [1, 2, 3, 4]

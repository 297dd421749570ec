"""A commit that cannot be read at the moment (an election, a slow leader) is waited for, or called unknown: nobody fails of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from cordboard.api.site import commit_reader
from cordboard.errors import LogUnavailable, OutcomeUnknown
from cordboard.log.faults import Line
from cordboard.log.jetstream import JetStream, JetStreamLog
from cordboard.log.memory import MemoryLog, MemoryServer
from cordboard.log.stream import Unanswered
from cordboard.router import run_router
from tests.journal import SITE

T = TypeVar("T")


class Hesitant(Line):
    """Does not answer the next `silences` questions."""

    def __init__(self, silences: int) -> None:
        self.silences = silences
        self.asked = 0

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        self.asked += 1
        if self.silences:
            self.silences -= 1
            raise Unanswered("an election")
        return await question()


async def test_a_router_that_takes_over_asks_again() -> None:
    server = MemoryServer(SITE)
    line = Hesitant(0)
    log = MemoryLog(SITE, server=server, line=line)
    server.journal.stored = lambda _: setattr(line, "silences", 2)  # its take-over is stored, and then nobody answers
    leading: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    router = asyncio.create_task(run_router(log, leading=leading.set_result))
    await asyncio.wait([leading, router], return_when=asyncio.FIRST_COMPLETED)
    assert leading.result() == 1
    assert line.silences == 0
    router.cancel()


async def test_an_outcome_that_cannot_be_read_is_unknown() -> None:
    log = MemoryLog(SITE, line=Hesitant(1))
    async with MemoryLog(SITE, server=log._server).appender() as appender:
        await appender.append(1, b"not looked at")
    with pytest.raises(OutcomeUnknown):
        await commit_reader(log)(1)


async def test_the_servers_log_says_that_it_is_away() -> None:
    class Silent:
        async def call(self, verb: str, request: Any = None) -> Any:
            raise Unanswered(f"{verb}: no answer in 5 s")

    wire: Any = Silent()
    log = object.__new__(JetStreamLog)
    log.journal = JetStream(wire, "JOURNAL_default", "cordboard.default.journal")
    with pytest.raises(LogUnavailable):
        await log.read_commit(1)

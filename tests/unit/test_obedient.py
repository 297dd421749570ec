"""A library that drops a cancellation, as `asyncio.wait_for` does before Python 3.12, ends all the same."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from cordboard.log.obedient import obedient


class Deaf:
    """Swallows so many cancellations, then obeys; `steps` counts what it did."""

    def __init__(self, swallows: int) -> None:
        self.steps = 0
        self.ended = False
        self._swallows = swallows

    async def work(self) -> None:
        try:
            while True:
                self.steps += 1
                try:
                    await asyncio.sleep(3_600)
                except asyncio.CancelledError:
                    if self._swallows == 0:
                        raise
                    self._swallows -= 1
        finally:
            self.ended = True


async def test_it_ends_however_often_it_does_not_listen() -> None:
    library = Deaf(3)
    task = asyncio.create_task(obedient(library.work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() and library.ended and library.steps == 4


async def test_whoever_waits_may_be_cancelled_once_more_meanwhile() -> None:
    """A deadline within one who is told to stop: both cancel, and the library outlives neither."""
    library = Deaf(1)
    task = asyncio.create_task(obedient(library.work()))
    for _ in range(2):
        for _ in range(2):
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() and library.ended


async def test_left_alone_such_a_library_outlives_its_cancellation() -> None:
    """What it is for: without it the loop goes on."""
    library = Deaf(1)
    task = asyncio.create_task(library.work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=0.01)
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_a_deadline_is_kept_too() -> None:
    library = Deaf(2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await obedient(library.work())
    assert library.ended


async def test_an_answer_that_comes_with_the_cancellation_is_not_an_answer() -> None:
    """The very race: both in one turn of the loop. Whoever was cancelled ends."""
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def asked() -> int:
        return await asyncio.wait_for(answer, 3_600)

    task = asyncio.create_task(obedient(asked()))
    for _ in range(3):
        await asyncio.sleep(0)
    answer.set_result(1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_otherwise_it_is_not_there() -> None:
    async def answers() -> int:
        return 7

    async def fails() -> int:
        raise ValueError("no")

    assert await obedient(answers()) == 7
    with pytest.raises(ValueError, match="no"):
        await obedient(fails())

"""The simulator's own floor: time that jumps, processes that die without a last word, work without threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.sim.loop import WORLD, Stuck, VirtualLoop
from tests.sim.process import Gone, Process, abandon

Make = Callable[[], Coroutine[Any, Any, Any]]


def play(loop: VirtualLoop, make: Make, most_s: float = 1e6) -> Any:
    """Run a coroutine of nobody's to its end."""

    async def begin() -> Any:
        return await make()

    task = loop.create_task(begin(), context=WORLD)
    try:
        assert loop.run(task.done, most_s)
        return task.result()
    finally:
        abandon(task)


def a_process(loop: VirtualLoop, make: Make, said: list[str] | None = None) -> Process:
    heard = [] if said is None else said
    return Process("it", loop, make, heard.append, lambda _process, error: heard.append(f"ended: {error!r}"))


def test_a_year_passes_at_once() -> None:
    loop = VirtualLoop()

    async def sleep() -> list[str]:
        order: list[str] = []

        async def one(name: str, delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            order.append(name)

        await asyncio.gather(one("late", 31_536_000.0), one("early", 1.0), one("between", 60.0))
        return order

    assert play(loop, sleep, 1e9) == ["early", "between", "late"]
    assert loop.time() == 31_536_000.0


def test_timeouts_strike_in_virtual_time() -> None:
    loop = VirtualLoop()

    async def wait() -> None:
        async with asyncio.timeout(5):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        play(loop, wait)
    assert loop.time() == 5.0


def test_waiting_for_nothing_is_noticed() -> None:
    loop = VirtualLoop()
    with pytest.raises(Stuck):
        play(loop, lambda: asyncio.Event().wait())


def test_the_killed_say_no_last_word() -> None:
    loop, done = VirtualLoop(), list[str]()

    async def live() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(3))
                await asyncio.sleep(10)
        finally:
            done.append("finally")

    process = a_process(loop, live)
    process.start()
    loop.call_later(1, lambda: process.kill("in this test"), context=WORLD)
    play(loop, lambda: asyncio.sleep(100))
    assert done == []
    assert not process.alive
    process.close()
    assert done == ["finally"], "only when the run is over and nobody hears it"


def test_a_process_is_killed_at_any_of_its_steps() -> None:
    """Each time it gets one wait further."""
    reached: list[int] = []
    for steps in range(1, 7):
        loop, waits = VirtualLoop(), list[int]()

        async def live(waits: list[int] = waits) -> None:
            for number in range(5):
                waits.append(number)
                await asyncio.sleep(0)

        process = a_process(loop, live)
        process.start()
        process.kill_after(steps)
        play(loop, lambda: asyncio.sleep(1))
        process.close()
        reached.append(len(waits))
    assert reached == [1, 2, 3, 4, 5, 5]


def test_a_paused_process_goes_on_where_it_was_and_finds_the_time_gone() -> None:
    loop, seen = VirtualLoop(), list[float]()

    async def live() -> None:
        for _ in range(3):
            await asyncio.sleep(1)
            seen.append(loop.time())

    process = a_process(loop, live)
    process.start()
    loop.call_later(1.5, process.pause, context=WORLD)
    loop.call_later(7, process.resume, context=WORLD)
    play(loop, lambda: asyncio.sleep(20))
    assert seen == [1.0, 7.0, 8.0]


def test_who_asks_a_process_that_dies_is_told() -> None:
    loop = VirtualLoop()
    process = a_process(loop, lambda: asyncio.Event().wait())

    async def answer() -> str:
        await asyncio.sleep(2)
        return "answer"

    async def ask() -> list[object]:
        process.start()
        loop.call_later(3, lambda: process.kill("in this test"), context=WORLD)
        first = await process.call(answer)
        with pytest.raises(Gone):
            await process.call(answer)
        with pytest.raises(Gone):
            await process.call(answer)
        return [first, loop.time()]

    assert play(loop, ask) == ["answer", 3.0]
    process.close()


def test_work_of_an_executor_is_done_inline_in_the_order_of_asking() -> None:
    takes = iter([5.0, 1.0, 1.0])
    loop = VirtualLoop(lambda: next(takes))
    done: list[tuple[str, float, int]] = []

    def work(name: str) -> None:
        done.append((name, loop.time(), threading.get_ident()))

    async def ask() -> None:
        one: Any = "an executor"
        await asyncio.gather(*(loop.run_in_executor(one, work, name) for name in "abc"))

    play(loop, ask)
    assert [(name, at) for name, at, _ in done] == [("a", 5.0), ("b", 6.0), ("c", 7.0)]
    assert {ident for _, _, ident in done} == {threading.get_ident()}


def test_the_dead_do_no_work() -> None:
    loop, done = VirtualLoop(lambda: 2.0), list[int]()

    async def live() -> None:
        await asyncio.to_thread(done.append, 1)

    process = a_process(loop, live)
    process.start()
    loop.call_later(1, lambda: process.kill("in this test"), context=WORLD)
    play(loop, lambda: asyncio.sleep(9))
    assert done == []
    process.close()


def test_an_end_of_its_own_is_told() -> None:
    loop, said = VirtualLoop(), list[str]()

    async def fail() -> None:
        raise ValueError("a reason")

    process = a_process(loop, fail, said)
    process.start()
    play(loop, lambda: asyncio.sleep(1))
    assert said == ["it starts", "ended: ValueError('a reason')"]

"""Lanes: a destination gets its share and no more, and who waits for a slow one takes nothing from others."""

import asyncio

import pytest

from cordboard.effects.attempt import Deferred, Limits, Retries
from cordboard.effects.lanes import LANES_MAX, Crowded, Lanes

LIMITS = Limits(concurrent=3, concurrent_each=2, rate_each_s=1_000_000, burst_each=1_000, waiting_each=2)


class Dialogues:
    """Who is at it now; each lasts until `finish`."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._ends: dict[str, asyncio.Event] = {}
        self.talking: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, name: str, *, fails: bool = False) -> None:
        """`name` is a destination and a number, such as `a1`."""
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._talk(name, fails))
        await breathe()

    async def finish(self, name: str) -> None:
        self._ends[name].set()
        await breathe()

    async def _talk(self, name: str, fails: bool) -> None:
        async with self._lanes.slot(name[0]):
            self.talking.append(name)
            try:
                await self._ends[name].wait()
            finally:
                self.talking.remove(name)
            if fails:
                raise Deferred("busy")


async def breathe() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_each_destination_has_its_width_and_its_queue() -> None:
    dialogues = Dialogues(Lanes(LIMITS))
    for name in ("a1", "a2", "a3", "a4"):
        await dialogues.begin(name)
    assert dialogues.talking == ["a1", "a2"]
    await dialogues.begin("a5")
    with pytest.raises(Crowded):
        await dialogues.tasks["a5"]
    await dialogues.begin("b1")
    assert dialogues.talking == ["a1", "a2", "b1"]
    await dialogues.begin("c1")
    assert "c1" not in dialogues.talking  # three at once, over all
    await dialogues.finish("a2")
    assert dialogues.talking == ["a1", "b1", "c1"]
    await dialogues.finish("b1")
    assert dialogues.talking == ["a1", "c1", "a3"]


async def test_a_destination_that_fails_gets_one_dialogue_at_a_time() -> None:
    dialogues = Dialogues(Lanes(LIMITS))
    await dialogues.begin("a1", fails=True)
    await dialogues.finish("a1")
    assert isinstance(dialogues.tasks["a1"].exception(), Deferred)
    for name in ("a2", "a3"):
        await dialogues.begin(name)
    assert dialogues.talking == ["a2"]
    await dialogues.finish("a2")
    await dialogues.begin("a4")
    assert dialogues.talking == ["a3", "a4"]


async def test_who_gives_up_waiting_leaves_the_place_to_others() -> None:
    lanes = Lanes(LIMITS)
    dialogues = Dialogues(lanes)
    for name in ("a1", "a2", "a3", "a4"):
        await dialogues.begin(name)
    dialogues.tasks["a3"].cancel()
    dialogues.tasks["a1"].cancel()
    await breathe()
    assert dialogues.talking == ["a2", "a4"]
    for name in ("a2", "a4"):
        await dialogues.finish(name)
    for number in range(4):
        await dialogues.begin(f"a{number}")
    assert len(dialogues.talking) == 2


async def test_idle_lanes_are_forgotten() -> None:
    lanes = Lanes(LIMITS)
    for number in range(LANES_MAX + 10):
        async with lanes.slot(f"{number}.example"):
            pass
    assert len(lanes) <= LANES_MAX


async def test_the_rate_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [100.0], []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))

    monkeypatch.setattr("cordboard.effects.lanes.asyncio.sleep", sleep)
    lanes = Lanes(Limits(rate_each_s=2.0, burst_each=3), lambda: now[0])
    for _ in range(5):
        async with lanes.slot("a"):
            pass
    assert slept == [0.5, 1.0]  # three at once, then two a second
    now[0] += 10
    async with lanes.slot("a"):
        pass
    assert slept == [0.5, 1.0]


def test_pauses_grow_with_attempts_and_age_and_end() -> None:
    retries = Retries(delays_s=(5, 15, 30, 60), total_s=200)
    assert [retries.next_s(age, count) for age, count in ((0, 1), (5, 2), (21, 3), (52, 4), (112, 5))] == [5, 15, 30, 60, 60]
    assert retries.next_s(0, 30) == 5  # thirty times crowded out, never tried: the first attempt has just failed
    assert retries.next_s(10_000, 1) == 5  # it grew old while nobody worked
    assert retries.next_s(10_000, 3) == 30
    assert retries.next_s(172, 6) == 60
    assert retries.next_s(232, 7) is None
    assert retries.next_s(200, 4) is None


def test_the_default_tries_for_a_day() -> None:
    retries, age, count = Retries(), 0.0, 1
    while (pause := retries.next_s(age, count)) is not None:
        age, count = age + pause, count + 1
    assert 24 * 3_600 <= age <= 25 * 3_600 and 25 < count < 45

"""The router's time: anchored once, never back, and no leading with clocks apart."""

import asyncio

import pytest

from cordboard.errors import ConfigurationError
from cordboard.log.memory import MemoryLog
from cordboard.router import run_router
from cordboard.router.clock import SystemClock, TurnClock, check_clock


class Hands:
    """A clock that is set by hand."""

    def __init__(self, wall_ms: int) -> None:
        self.wall = wall_ms
        self.elapsed = 77

    def wall_ms(self) -> int:
        return self.wall

    def elapsed_ms(self) -> int:
        return self.elapsed


def test_time_is_the_anchor_and_what_has_passed() -> None:
    hands = Hands(1_000_000)
    clock = TurnClock(hands, 0)
    hands.elapsed += 250
    hands.wall = 5
    assert clock.now_ms() == 1_000_250


def test_time_never_goes_behind_the_journal() -> None:
    hands = Hands(1_000_000)
    clock = TurnClock(hands, 1_001_500)
    assert clock.now_ms() == 1_001_500
    hands.elapsed += 2_000
    assert clock.now_ms() == 1_002_000


def test_a_journal_far_ahead_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="2001 ms ahead"):
        TurnClock(Hands(1_000_000), 1_002_001)


@pytest.mark.parametrize(
    ("stored_ms", "refused"), [(97_999, True), (98_000, False), (100_250, False), (102_500, False), (102_501, True)]
)
def test_the_servers_clock_must_lie_near_the_moments_around_its_answer(stored_ms: int, refused: bool) -> None:
    if refused:
        with pytest.raises(ConfigurationError, match=r"ahead of|behind"):
            check_clock(100_000, stored_ms, 100_500)
    else:
        check_clock(100_000, stored_ms, 100_500)


def test_the_real_clock_goes_on() -> None:
    clock = SystemClock()
    assert clock.wall_ms() > 1_700_000_000_000
    assert clock.elapsed_ms() <= clock.elapsed_ms()


async def test_a_server_that_is_slow_to_tell_its_time_is_not_ahead() -> None:
    """As during an election: what others stored while we waited bears times later than when we asked."""
    hands = Hands(1_000_000)

    class Slow(MemoryLog):
        async def server_time_ms(self) -> int:
            hands.wall += 5_000
            return hands.wall

    leading: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    router = asyncio.create_task(run_router(Slow("default", hands.wall_ms), clock=hands, stop=stop, leading=leading.set_result))
    await asyncio.wait([leading, router], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await router
    assert leading.result() == 1


async def test_a_router_whose_clock_is_ahead_stores_nothing() -> None:
    """It would leave a journal ahead of everybody else's time: no other router could lead until that has come."""
    right, ahead = Hands(1_000_000), Hands(1_002_600)
    log = MemoryLog("default", right.wall_ms)
    with pytest.raises(ConfigurationError, match="behind this machine's"):
        await run_router(log, clock=ahead)
    assert await log.last_journal_seq() == 0
    leading: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    router = asyncio.create_task(run_router(log, clock=right, stop=stop, leading=leading.set_result))
    assert await leading == 1
    stop.set()
    await router

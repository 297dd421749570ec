"""Who left, and how the log gets to know."""

import asyncio
from collections import deque

import pytest

from cordboard import codec
from cordboard.errors import CordboardError, LogUnavailable, Overloaded
from cordboard.events.fact import ContactAbandoned
from cordboard.gateway.chat import departures
from cordboard.gateway.chat.departures import Departures
from cordboard.gateway.chat.verdicts import Verdicts
from cordboard.log.port import FactPosition
from tests.journal import an_id

BO, CY = an_id("bo"), an_id("cy")


class Publisher:
    """Fails as planned, then takes facts."""

    def __init__(self, *failures: CordboardError) -> None:
        self.failures = deque(failures)
        self.tried: list[bytes] = []
        self.taken: asyncio.Queue[ContactAbandoned] = asyncio.Queue()

    async def publish(self, fact: bytes) -> FactPosition:
        self.tried.append(fact)
        if self.failures:
            raise self.failures.popleft()
        decoded = codec.decode_fact(fact)
        assert isinstance(decoded, ContactAbandoned)
        self.taken.put_nowait(decoded)
        return FactPosition(1, 0)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departures, "_RETRY_S", 0.0)


async def _run(left: Departures, publisher: Publisher, count: int) -> list[bytes]:
    running = asyncio.create_task(left.run(publisher))
    try:
        async with asyncio.timeout(60):
            return [(await publisher.taken.get()).contact for _ in range(count)]
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_whoever_leaves_is_abandoned_once() -> None:
    left, publisher = Departures(3_600, Verdicts()), Publisher()
    left.gone(BO)
    left.leave(BO)
    left.leave(BO)
    left.gone(BO)
    left.leave(CY)
    assert await _run(left, publisher, 2) == [BO, CY]
    assert len(publisher.tried) == 2


async def test_the_same_fact_is_tried_again() -> None:
    left, publisher = Departures(3_600, Verdicts()), Publisher(Overloaded("full"), LogUnavailable("away"))
    left.leave(BO)
    assert await _run(left, publisher, 1) == [BO]
    assert len(publisher.tried) == 3
    assert len(set(publisher.tried)) == 1


async def test_it_is_not_tried_again_when_the_chat_has_ended() -> None:
    left = Departures(3_600, Verdicts())

    class Ending(Publisher):
        async def publish(self, fact: bytes) -> FactPosition:
            left.over(BO)
            return await super().publish(fact)

    publisher = Ending(LogUnavailable("away"))
    left.leave(BO)
    left.leave(CY)
    assert await _run(left, publisher, 1) == [CY]
    assert [codec.decode_fact(fact).contact for fact in publisher.tried] == [BO, CY]  # type: ignore[union-attr]


async def test_the_grace_time() -> None:
    left, publisher = Departures(0.01, Verdicts()), Publisher()
    left.gone(BO)
    left.back(BO)
    left.gone(CY)
    assert await _run(left, publisher, 1) == [CY]
    left.gone(BO)
    left.close()
    await asyncio.sleep(0.05)
    assert publisher.taken.empty()

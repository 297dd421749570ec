"""Settlement: certainty about what the inbox holds now, and no sooner than the router has decided it."""

import asyncio

from msgspec.structs import replace

from cordboard.effects.settlement import Settlement
from cordboard.effects.webhook import retry_after_s
from cordboard.events import Commit
from cordboard.events.commit import Consumed
from cordboard.log.feed import Feed
from cordboard.log.memory import MemoryLog
from cordboard.vault.clock import now_ms
from tests.journal import SITE, commit
from tests.logs import SILENCE_S


def decided(log: MemoryLog, inbox_seq: int, facts: int, *, continued: bool = False) -> Commit:
    return replace(commit(1, 0), consumed=Consumed(log.inbox_id, inbox_seq, facts), continued=continued)


async def frames(log: MemoryLog, count: int) -> None:
    for _ in range(count):
        await (await log.inbox.send(b"\x90"))


async def test_an_empty_inbox_is_settled() -> None:
    log = MemoryLog(SITE)
    assert await Settlement(log, Feed(log)).settled(SILENCE_S)


async def test_who_asks_waits_for_the_verdict_on_everything_there_is() -> None:
    log = MemoryLog(SITE)
    settlement = Settlement(log, Feed(log))
    await frames(log, 2)
    assert not await settlement.settled(0.0)
    waiting = asyncio.create_task(settlement.settled(SILENCE_S))
    await asyncio.sleep(0)
    await frames(log, 1)  # later ones do not concern who waits already
    for partly in (
        decided(log, 1, 3),
        decided(log, 2, 0),
        decided(log, 2, 5, continued=True),
        replace(decided(log, 9, 9), consumed=Consumed(bytes(16), 9, 9)),  # another inbox's
    ):
        settlement.apply(1, partly)
        await asyncio.sleep(0)
        assert not waiting.done()
    settlement.apply(1, decided(log, 2, 6))
    assert await waiting
    assert not await settlement.settled(0.0)
    settlement.apply(1, decided(log, 3, 1))
    assert await settlement.settled(0.0)


def test_retry_after_is_seconds_or_a_date_or_nothing() -> None:
    assert [retry_after_s(value) for value in ("", "0", " 120 ", "-5", "1.5", "soon", "٣", "Mon, 99 Foo 2026")] == [
        0,
        0,
        120,
        0,
        0,
        0,
        0,
        0,
    ]
    assert retry_after_s("Thu, 01 Jan 1970 00:00:00 GMT") == 0
    far = retry_after_s("Fri, 01 Jan 2100 00:00:00 GMT")
    assert abs(far - (4_102_444_800 - now_ms() / 1_000)) < 60
    assert retry_after_s("9" * 5_000) == 999_999_999

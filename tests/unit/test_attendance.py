"""Desks that come back while the process has not read the whole journal: the log is in memory, the journal written by hand."""

import asyncio
from collections.abc import Awaitable, Callable

from cordboard import codec
from cordboard.api.attendance import Attendance
from cordboard.events import event as words
from cordboard.events.fact import DeskLost, DeskReturned
from cordboard.log.memory import MemoryLog
from cordboard.projections.desks import Desks
from tests.journal import SITE, Pen, about, an_id

ANNA = an_id("anna")


class Reading:
    """The process stands in the middle of the journal until `end` is set."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.log = MemoryLog(SITE)
        desks = Desks()
        self.attendance = Attendance(self.log, desks, self._caught_up, grace_s=0.0)
        self.pen = Pen(desks, self.attendance)
        self.asked = 0

    async def _caught_up(self) -> None:
        self.asked += 1
        await self.end.wait()

    def lose(self, at_ms: int) -> None:
        self.pen.write(at_ms, about(words.DeskLossRecorded(at_ms, []), agent="anna"))

    def come_back(self, at_ms: int) -> None:
        self.pen.write(at_ms, about(words.DeskReturnRecorded(at_ms), agent="anna"))

    async def told(self) -> list[type]:
        """What the inbox holds, once everything that was ready to run has run."""
        for _ in range(50):
            await asyncio.sleep(0)
        inbox = self.log.follow_inbox(1)
        frames = [codec.decode_frame(stored.data) for stored in await anext(inbox)] if await self.log.last_inbox_seq() else []
        return [type(codec.decode_fact(fact)) for facts in frames for fact in facts]


async def running(story: Callable[[Reading], Awaitable[None]]) -> None:
    reading = Reading()
    async with reading.log.publisher("api") as publisher:
        run = asyncio.create_task(reading.attendance.run(publisher))
        await asyncio.sleep(0)
        await story(reading)
        run.cancel()
        await asyncio.wait([run])


async def test_losses_of_long_ago_are_not_answered() -> None:
    async def story(reading: Reading) -> None:
        with reading.attendance.attend(ANNA):
            for number in range(3):
                reading.lose(100 * number)
                await reading.told()
                reading.come_back(100 * number + 50)
            reading.end.set()
            assert await reading.told() == []
        assert reading.asked == 3

    await running(story)


async def test_a_loss_that_holds_at_the_end_is_answered_once() -> None:
    async def story(reading: Reading) -> None:
        with reading.attendance.attend(ANNA), reading.attendance.attend(ANNA):
            reading.lose(100)
            reading.come_back(150)
            reading.lose(200)
            reading.end.set()
            assert await reading.told() == [DeskReturned]

    await running(story)


async def test_who_is_gone_again_by_then_is_not_called_back() -> None:
    async def story(reading: Reading) -> None:
        with reading.attendance.attend(ANNA):
            reading.lose(100)
            await reading.told()
        reading.end.set()
        assert DeskReturned not in await reading.told()
        with reading.attendance.attend(ANNA):
            assert [kind for kind in await reading.told() if kind is not DeskLost] == [DeskReturned]

    await running(story)

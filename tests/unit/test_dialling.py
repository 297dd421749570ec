"""One attempt, against time: what is rung, what is not, and what is said. On the whole site: tests/integration/test_dialling.py."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cordboard import codec, metrics
from cordboard.dialler.attempt import Attempt, Bench
from cordboard.dialler.dialler import Calls
from cordboard.dialler.dials import Dial, Dials
from cordboard.dialler.voice import Answered, Call, NotReached, VoiceUnavailable
from cordboard.errors import LogUnavailable, VaultUnavailable
from cordboard.events import Commit, Fact
from cordboard.events.commit import Consumed
from cordboard.events.fact import ConnectionFailed, ContactConnected, EffectFailed
from cordboard.events.promises import AttemptReported
from cordboard.vault import Content

PATIENCE_S = 30.0
CONTACT, AGENT, ADDRESS = (bytes([number]) * 16 for number in (1, 2, 3))
NUMBER = "+3225550100"
DIAL = Dial((7, 3), bytes(16), CONTACT, AGENT, 2, ADDRESS, begun_ms=0, until_ms=60_000, connect_by_ms=30_000)
COMMIT = Commit(1, "default", 1, 9, 1, 1, 0, bytes(32), Consumed(bytes(16), 9, 0), False, [])


class Deaf:
    """A ring that goes on though it was told to end, until somebody answers."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()

    async def ring(self) -> Answered:
        while not self.answered.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.answered.wait()
        return Answered(1)


class Site:
    """What an attempt meets: each part does as a test says."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.said: list[Fact] = []
        self.rung: list[Call] = []
        self.hung_up: list[str] = []
        self.names: list[str] = []
        self.claimed: Exception | bool = True
        self.known: Exception | dict[bytes, Content] = {ADDRESS: Content(ADDRESS, "number", NUMBER)}
        self.answer: Any = Answered(2_000)
        self.talking: Any = []
        self.pass_ms = 0
        """So long the vault takes."""
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[bool] = loop.create_future()

    async def take(self, name: str, within_s: float) -> bool:
        self.names.append(name)
        if isinstance(self.claimed, Exception):
            raise self.claimed
        return self.claimed

    async def read(self, refs: Sequence[bytes]) -> dict[bytes, Content]:
        self.now_ms += self.pass_ms
        if isinstance(self.known, Exception):
            raise self.known
        return self.known

    async def dial(self, call: Call) -> Any:
        self.rung.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Deaf):
            return await self.answer.ring()
        return self.answer

    async def hang_up(self, call_id: str) -> None:
        self.hung_up.append(call_id)

    async def connected(self) -> Any:
        if isinstance(self.talking, Exception):
            raise self.talking
        return self.talking

    async def publish(self, fact: bytes) -> None:
        self.said.append(codec.decode_fact(fact))

    async def see_through(self, dial: Dial = DIAL) -> list[type]:
        """The kinds of facts that were said."""
        whole: Any = self
        bench = Bench("default", whole, whole, whole, whole, asyncio.Semaphore(1), lambda: self.now_ms)
        await Attempt(bench, dial, self.ended).see_through()
        return [type(fact) for fact in self.said]


def withdrawn() -> float:
    return metrics.REGISTRY.get_sample_value("cordboard_dialler_dials_total", {"outcome": "withdrawn"}) or 0.0


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - a few turns of the loop
        await asyncio.sleep(0)


async def test_it_rings_as_long_as_the_attempt_lasts_and_who_is_connected_stays_so() -> None:
    site = Site()
    seeing = asyncio.create_task(site.see_through())
    await until(lambda: bool(site.said))
    assert (site.hung_up, site.rung) == ([], [Call(DIAL.name, NUMBER, 29.0)])
    site.ended.set_result(True)
    assert await seeing == [ContactConnected]
    assert not site.hung_up


@pytest.mark.parametrize(("now_ms", "until_ms"), [(10_000, 10_000), (29_500, 60_000), (90_000, 60_000)])
async def test_nobody_is_rung_behind_the_window_or_at_the_end_of_the_attempt(now_ms: int, until_ms: int) -> None:
    site = Site()
    site.now_ms = now_ms
    dial = Dial(DIAL.place, DIAL.commit, CONTACT, AGENT, 2, ADDRESS, 0, until_ms, DIAL.connect_by_ms)
    assert await site.see_through(dial) == []
    assert not site.rung and not site.names


async def test_whose_number_took_too_long_is_not_rung_and_goes_back_to_its_line() -> None:
    site = Site()
    site.pass_ms = 28_500
    assert await site.see_through() == [ConnectionFailed]
    assert not site.rung


@pytest.mark.parametrize(("claimed", "said"), [(True, [ConnectionFailed]), (False, [])])
async def test_who_finds_no_room_in_time_goes_back_to_its_line_unless_somebody_else_rings(claimed: bool, said: list[type]) -> None:
    site = Site()
    site.claimed, site.now_ms = claimed, 27_990  # ten milliseconds to wait for room
    whole: Any = site
    bench = Bench("default", whole, whole, whole, whole, asyncio.Semaphore(0), lambda: site.now_ms)
    await Attempt(bench, DIAL, site.ended).see_through()
    assert [type(fact) for fact in site.said] == said and not site.rung


@pytest.mark.parametrize("claimed", [False, LogUnavailable("away")])
async def test_nobody_rings_or_speaks_who_has_not_claimed_it(claimed: Exception | bool) -> None:
    site = Site()
    site.claimed = claimed
    assert await site.see_through() == []
    assert not site.rung


async def test_what_is_over_rings_no_longer() -> None:
    site = Site()
    site.answer = None
    seeing = asyncio.create_task(site.see_through())
    await until(lambda: bool(site.rung))
    site.ended.set_result(False)
    assert await seeing == [] and not site.hung_up


async def test_who_answers_a_moment_too_late_is_hung_up_on() -> None:
    site = Site()
    seeing = asyncio.create_task(site.see_through())
    await until(lambda: bool(site.said))
    site.ended.set_result(False)
    assert await seeing == [ContactConnected] and site.hung_up == [DIAL.name]


async def test_what_was_heard_is_reported_with_how_long_it_rang() -> None:
    site = Site()
    site.answer = NotReached("voicemail", 9_000)
    assert await site.see_through() == [AttemptReported]
    (report,) = site.said
    assert isinstance(report, AttemptReported)
    assert (report.contact, report.attempt, report.agent, report.outcome, report.ring_ms) == (CONTACT, 2, AGENT, "voicemail", 9_000)


@pytest.mark.parametrize(("claimed_ms", "ring_ms"), [(-1, 0), (1 << 60, 30_000)])
async def test_nobody_rang_for_longer_than_the_attempt_lasts(claimed_ms: int, ring_ms: int) -> None:
    site = Site()
    site.answer = NotReached("no_answer", claimed_ms)
    await site.see_through()
    (report,) = site.said
    assert isinstance(report, AttemptReported) and report.ring_ms == ring_ms


async def test_who_was_erased_is_not_rung_and_somebody_is_told() -> None:
    site = Site()
    site.known = {}
    assert await site.see_through() == [EffectFailed, AttemptReported]
    failed, report = site.said
    assert isinstance(report, AttemptReported) and report.outcome == "unknown"
    assert isinstance(failed, EffectFailed) and failed.reason == "content_gone" and not site.rung


async def test_a_gateway_that_stumbles_may_have_rung_somebody_and_its_words_are_nobodys(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    site.answer = RuntimeError(f"{NUMBER} is odd")
    with caplog.at_level(logging.DEBUG):
        assert await site.see_through() == [AttemptReported]
    (report,) = site.said
    assert isinstance(report, AttemptReported) and report.outcome == "unknown"
    assert "RuntimeError" in caplog.text and NUMBER not in caplog.text


@pytest.mark.parametrize("answer", [NotReached("asleep", 9), NotReached(["busy"], 9), object(), "answered", 7])  # type: ignore[arg-type]
async def test_what_a_gateway_says_without_a_word_for_it_is_unknown_and_nobody_stays_connected(answer: Any) -> None:
    site = Site()
    site.answer = answer
    assert await site.see_through() == [AttemptReported]
    (report,) = site.said
    assert isinstance(report, AttemptReported) and (report.outcome, report.ring_ms) == ("unknown", 0)
    assert site.hung_up == [DIAL.name]


@pytest.mark.parametrize("ring_ms", [None, "9", 0.5, float("nan"), True])
async def test_how_long_it_rang_is_a_number_or_nothing(ring_ms: Any) -> None:
    site = Site()
    site.answer = NotReached("busy", ring_ms)
    await site.see_through()
    (report,) = site.said
    assert isinstance(report, AttemptReported) and report.ring_ms == 0


async def test_a_ring_that_does_not_end_when_told_to_holds_nothing_up_and_is_hung_up_on_once_answered() -> None:
    site = Site()
    site.answer = deaf = Deaf()
    seeing = asyncio.create_task(site.see_through())
    await until(lambda: bool(site.rung))
    site.ended.set_result(False)
    before = withdrawn()
    async with asyncio.timeout(PATIENCE_S):
        while withdrawn() == before:  # noqa: ASYNC110 - the attempt tells nobody
            await asyncio.sleep(0.01)
    assert not site.said and not site.hung_up
    deaf.answered.set()
    await seeing
    assert site.hung_up == [DIAL.name]


async def test_a_process_stops_though_a_ring_does_not() -> None:
    site = Site()
    site.answer = deaf = Deaf()
    seeing = asyncio.create_task(site.see_through())
    await until(lambda: bool(site.rung))
    seeing.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.wait([seeing])
    assert seeing.cancelled() and [type(fact) for fact in site.said] == [ConnectionFailed]
    deaf.answered.set()


class Telling(Site):
    """Its gateway has connections of dials that this process did not make."""

    async def swept(self, dials: Dials) -> None:
        """One look after another, until two have done all that they do: the third has begun."""
        whole: Any = self
        calls = Calls(Bench("default", whole, whole, whole, whole, asyncio.Semaphore(1), lambda: self.now_ms), dials)
        running = asyncio.create_task(calls.run(0.001))
        async with asyncio.timeout(PATIENCE_S):
            while self.looks < 3:  # noqa: ASYNC110 - a gateway tells nobody
                await asyncio.sleep(0.001)
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])

    looks = 0

    async def connected(self) -> Any:
        self.looks += 1
        return await super().connected()


def name(seq: int) -> str:
    return f"{bytes(16).hex()}.{seq}.0"


async def test_talks_that_a_dead_process_left_are_ended_and_no_others() -> None:
    """The journal has been read up to commit 9: it knows who rings and who talks of those that were begun until then."""
    dials = Dials()
    dials.apply(9, COMMIT)
    site = Telling()
    site.talking = [name(9), name(10), "a call of somebody else", 7, name(8)]
    await site.swept(dials)
    assert set(site.hung_up) == {name(8), name(9)}


@pytest.mark.parametrize("talking", [RuntimeError(NUMBER), VoiceUnavailable("away"), None, 7])
async def test_a_gateway_that_does_not_say_who_is_connected_ends_nothing(talking: Any, caplog: pytest.LogCaptureFixture) -> None:
    site = Telling()
    site.talking = talking
    with caplog.at_level(logging.DEBUG):
        await site.swept(Dials())
    assert not site.hung_up and "say who is connected" in caplog.text and NUMBER not in caplog.text


@pytest.mark.parametrize("failure", [RuntimeError(NUMBER), VoiceUnavailable("away")])
async def test_who_cannot_be_hung_up_on_is_hung_up_on_later(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Telling):
        async def hang_up(self, call_id: str) -> None:
            await super().hang_up(call_id)
            if len(self.hung_up) == 1:
                raise failure

    dials = Dials()
    dials.apply(9, COMMIT)
    site = Failing()
    site.talking = [name(9)]
    with caplog.at_level(logging.DEBUG):
        await site.swept(dials)
    assert len(site.hung_up) >= 2 and NUMBER not in caplog.text


async def test_a_vault_that_is_away_is_waited_for_while_there_is_time() -> None:
    site = Site()
    site.known, site.pass_ms = VaultUnavailable("away"), 28_500
    assert await site.see_through() == [ConnectionFailed]


async def test_who_is_stopped_while_it_rings_says_so() -> None:
    site = Site()
    site.answer = None
    seeing = asyncio.create_task(site.see_through())
    await until(lambda: bool(site.rung))
    seeing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await seeing
    assert [type(fact) for fact in site.said] == [ConnectionFailed]

"""What a telephone gateway must do, whichever it is. Add yours to `GATEWAYS`."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from cordboard.dialler import Answered, Call, Customers, NotReached, SimulatedVoice, Voice, VoiceUnavailable
from cordboard.dialler.voice import Unreached
from cordboard.errors import ConfigurationError

NUMBERS: dict[str, Unreached] = {
    "+3225550101": "no_answer",
    "+3225550102": "busy",
    "+3225550103": "voicemail",
    "+3225550104": "wrong_person",
    "+3225550105": "invalid_number",
    "+3225550106": "refused",
}
ANSWERS, AWAY, SLOW = "+3225550100", "+3225550107", "+3225550108"


def simulated() -> SimulatedVoice:
    behaves = "&".join(f"{number.removeprefix('+')}={outcome}" for number, outcome in NUMBERS.items())
    return SimulatedVoice(Customers.from_url(f"simulated:?ring_ms=20&{behaves}&3225550107=away&3225550108=no_answer"))


GATEWAYS: list[Callable[[], Voice]] = [simulated]


@pytest.fixture(params=GATEWAYS)
def voice(request: pytest.FixtureRequest) -> Voice:
    gateway: Voice = request.param()
    return gateway


async def test_who_answers_is_connected_until_it_is_hung_up(voice: Voice) -> None:
    heard = await voice.dial(Call("one", ANSWERS, 5.0))
    assert isinstance(heard, Answered) and heard.ring_ms <= 5_000
    assert list(await voice.connected()) == ["one"]
    await voice.hang_up("one")
    assert not await voice.connected()
    await voice.hang_up("one")
    await voice.hang_up("nobody")


@pytest.mark.parametrize(("number", "outcome"), NUMBERS.items())
async def test_what_is_heard_instead_has_its_word(voice: Voice, number: str, outcome: Unreached) -> None:
    heard = await voice.dial(Call("one", number, 0.05))
    assert isinstance(heard, NotReached) and heard.outcome == outcome and heard.ring_ms <= 50


async def test_who_does_not_answer_in_time_rings_no_longer(voice: Voice) -> None:
    assert await voice.dial(Call("one", ANSWERS, 0.01)) == NotReached("no_answer", 10)


async def test_a_ring_ends_with_its_cancellation_and_another_goes_on(voice: Voice) -> None:
    ringing = asyncio.create_task(voice.dial(Call("one", SLOW, 60.0)))
    other = asyncio.create_task(voice.dial(Call("two", ANSWERS, 60.0)))
    assert isinstance(await other, Answered)
    ringing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ringing
    assert list(await voice.connected()) == ["two"]
    if isinstance(voice, SimulatedVoice):
        assert not voice.ringing


async def test_a_gateway_that_is_away_has_a_word_for_it(voice: Voice) -> None:
    with pytest.raises(VoiceUnavailable) as away:
        await voice.dial(Call("one", AWAY, 1.0))
    assert AWAY not in str(away.value)


def test_the_same_seed_makes_the_same_day() -> None:
    def day(seed: int) -> list[str]:
        customers = Customers.from_url(f"simulated:?seed={seed}&no_answer=30&busy=10")
        return [customers.turn(f"+32{number}", before) for number in range(500) for before in range(2)]

    assert day(1) == day(1) != day(2)
    ended = Counter(day(1))
    assert ended.keys() == {"answered", "no_answer", "busy"} and 250 <= ended["no_answer"] <= 350


def test_a_number_behaves_by_turns() -> None:
    customers = Customers.from_url("simulated:?0470123456=busy,no_answer,answered")
    assert [customers.turn("0470123456", before) for before in range(4)] == ["busy", "no_answer", "answered", "answered"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sip:?seed=1",
        "simulated:?seed=x",
        "simulated:?busy=60&refused=60",
        "simulated:?x=1",
        "simulated:?1=asleep",
        "simulated:?ring_ms=9999999",
    ],
)
def test_what_is_no_gateway_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="simulated:"):
        Customers.from_url(url)

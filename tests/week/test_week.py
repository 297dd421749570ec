"""A small week on the real core: promises end, doors hold, the journal verifies, and a mark that is missed is said."""

import io
from dataclasses import replace as replaced

import pytest
from msgspec.structs import replace
from rich.console import Console

from cordboard.errors import InvalidInput
from cordboard.events.door_events import DoorTurned
from tests.day.site import HOUR, MINUTE
from tests.week.figures import Calibration, Figures
from tests.week.people import visitors, wishes
from tests.week.report import failures, report, show
from tests.week.run import Size, run
from tests.week.site import BEGINS_MS, VARIANTS, Variant, callbacks, opening, plan
from tests.week.staffing import at_work, rostered
from tests.week.tally import Tally
from tests.week.week import Week

SIZE = Size(seed=1, contacts=400, agents=12)


async def test_every_promise_ends_no_door_flickers_and_the_journal_verifies() -> None:
    week = await run(SIZE, "promised")
    promises = week.promises
    assert promises.made > 20 and promises.attempts >= promises.kept > 15
    ends = promises.kept + promises.honoured_not_reached + promises.missed + promises.cancelled
    assert (promises.still_open, ends) == (0, promises.made)
    assert (week.flips_under_dwell, week.findings) == (0, 0)
    assert week.door_turns > 10 and week.calibration["all"].stated > 5


async def test_promises_are_kept_and_cost_those_who_wait_themselves_nothing() -> None:
    size = Size(seed=1, contacts=2_000, agents=26)
    weeks: dict[Variant, Figures] = {"promised": await run(size, "promised"), "without": await run(size, "without")}
    assert failures(weeks, 150) == []
    promises = weeks["promised"].promises
    ends = promises.kept + promises.honoured_not_reached + promises.missed + promises.cancelled
    assert ends == promises.made and promises.rescheduled > 0, "one that was moved is one, with its successor"
    assert failures({**weeks, "promised": await run(size, "naive")}), "who just comes back into the line misses the marks"


def test_every_variant_meets_the_same_people() -> None:
    weeks = {variant: Week(5, variant, 60, 4) for variant in VARIANTS}
    assert len({week.staffed_ms for week in weeks.values()}) == 1
    assert all(week.visitors == visitors(5, 60) and week.wishes == wishes(5, week.visitors) for week in weeks.values())
    journals = {variant: _journal(week) for variant, week in weeks.items()}
    assert _journal(Week(5, "naive", 60, 4)) == journals["naive"] != journals["without"]
    assert weeks["without"].outside.tally.promises == {}
    assert {promise.outcome for promise in weeks["naive"].outside.tally.promises.values()} >= {"kept"}


def test_a_week_needs_somebody() -> None:
    with pytest.raises(InvalidInput):
        Week(1, "promised", 0, 1)


def test_calls_are_promised_by_who_is_rostered_not_by_who_comes() -> None:
    planned = rostered(1, 60)
    there = at_work(1, planned)
    assert sum(len(worker.shifts) for worker in there) < sum(len(worker.shifts) for worker in planned)
    found = plan(planned)
    opens_ms, closes_ms = opening(0) or (0, 0)
    monday = next(run for run in found.runs if run.from_ms == BEGINS_MS + opens_ms)
    assert monday.until_ms - monday.from_ms == closes_ms - opens_ms
    assert monday.slot_ms == callbacks().slot_ms
    nobody = [replaced(worker, shifts=()) for worker in planned]
    assert sum(slot.capacity for slot in monday.slots) > 10 > sum(slot.capacity for run in plan(nobody).runs for slot in run.slots)


def test_a_door_that_turns_before_its_time_is_counted_unless_nobody_could_be_served() -> None:
    tally = Tally({})

    def turns(at_ms: int, state: str, cause: str | None, held_ms: int) -> int:
        tally.turned(DoorTurned(at_ms, "website", state, cause, 0, None, None, at_ms + held_ms))  # type: ignore[arg-type]
        return tally.under_dwell

    assert turns(0, "open", None, 15 * MINUTE) == 0
    assert turns(MINUTE, "closed", "full", 10 * MINUTE) == 0
    assert turns(2 * MINUTE, "open", None, 15 * MINUTE) == 1
    assert turns(HOUR, "busy", "expected_wait", 10 * MINUTE) == 1
    assert turns(HOUR + MINUTE, "open", None, 15 * MINUTE) == 2


async def test_marks_that_are_missed_are_said() -> None:
    good = await run(Size(2, 100, 4), "promised")
    good = replace(good, promises=replace(good.promises, made=100, kept=99, missed=1, still_open=0, rate=0.99), findings=0)
    weeks: dict[Variant, Figures] = dict.fromkeys(VARIANTS, good)
    assert failures(weeks) == []
    with_voice = replace(good, direct={"voice": replace(good.direct["voice"], came=1_000, in_time=900)})
    worse = replace(with_voice, direct={"voice": replace(with_voice.direct["voice"], in_time=879)})
    late = replace(good, promises=replace(good.promises, rate=0.989, still_open=3), findings=2, flips_under_dwell=1)
    assert failures({**weeks, "promised": worse, "without": with_voice}) == [
        "promises cost those who wait themselves 0.0210 of their service level"
    ]
    assert len(failures({**weeks, "promised": late})) == 4
    assert failures(weeks, 101) == ["100 calls were promised, not 101"]
    unsure = replace(good, calibration={**good.calibration, "voice": Calibration(stated=100, within_p80=0.59, within_said=0.9)})
    assert failures({**weeks, "promised": unsure}) == ["voice: 0.5900 were served within the p80 that was expected, not 0.6"]
    found, out = report(SIZE, weeks), io.StringIO()
    assert (found.kept_rate, found.promises, found.contacts) == (0.99, 100, 100)
    show(weeks, Console(file=out, width=120))
    assert "kept rate" in out.getvalue() and "99.0 %" in out.getvalue()


def _journal(week: Week) -> list[bytes]:
    return [commit for turn in week.turns() for commit in turn.commits]

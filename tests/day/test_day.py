"""A small day on the real core: its journal verifies, any moment of it can be explained, and nobody starves."""

from __future__ import annotations

import pytest

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events import event as events
from cordboard.log.memory import MemoryLog
from cordboard.router import snapshots
from cordboard.router.core import CoreThread
from cordboard.router.explain import Explainer, Moment
from cordboard.router.verify import verify
from tests.day.day import Day
from tests.day.fairness import tables, waits
from tests.day.journal import write_into
from tests.day.people import visitors, workers
from tests.day.site import CHANNELS, LIVE_CHANNELS, ORDERS

SEED, CONTACTS = 1, 1_300
HAPPENS = (
    events.ContactQueued, events.ContactEnded, events.VisitEnded, events.OfferMade, events.OfferDeclined, events.OfferExpired,
    events.ConnectFailed, events.EngagementStarted, events.EngagementHeld, events.WrapUpEnded, events.WrapUpExtended,
    events.ContactParked, events.ParkEnded, events.EffectRetried, events.ContactRelaxed, events.ThresholdReached,
    events.ContactPromoted, events.AgentReserved, events.OutsideWorkChanged, events.DeskLossRecorded, events.QueueModeSet,
    events.PolicyAdopted, events.PresenceChanged, events.AgentScheduleSet, events.MatterRepeated, events.ContactReprioritised,
)  # fmt: skip


async def test_the_journal_of_a_day_verifies_and_explains_itself() -> None:
    log = MemoryLog("default")
    day = Day(SEED, CONTACTS, inbox_id=log.inbox_id)
    await write_into(log, day)
    report = await verify(log)
    assert (report.divergences, report.violations, report.lost) == ([], [], 0)
    assert report.events == day.world.seen.events > 20_000
    assert report.duplicates > 0 and report.refused > 0 and report.peak_memory_bytes > 0
    missing = [word.__name__ for word in HAPPENS if not day.world.seen.tags[word.__struct_config__.tag]]
    assert missing == []
    await _explains(log, day)


async def _explains(log: MemoryLog, day: Day) -> None:
    """At positions all over the day, and not in their order: each from the snapshot before it, never from far away."""
    agent = day.workers[0].agent
    async with CoreThread() as core:
        explainer = Explainer(log, core)
        for percent in (90, 15, 60, 35):
            position = day.commits * percent // 100
            found = await explainer.agent(agent, Moment(position))
            assert found.seq == position
            assert 0 <= position - found.folded_from <= snapshots.EVERY_COMMITS
        # The one that is kept goes on from where it was asked last.
        again = await explainer.agent(agent, Moment(day.commits * 90 // 100 + 7))
        assert again.seq - again.folded_from == 7


async def test_an_instant_is_explained_by_the_last_commit_before_it() -> None:
    log = MemoryLog("default")
    day = Day(SEED, 60, inbox_id=log.inbox_id)
    await write_into(log, day)
    stored = [await log.read_commit(seq) for seq in range(1, day.commits + 1)]
    times = [codec.decode_commit(commit.data).at_ms for commit in stored]
    agent = day.workers[0].agent
    async with CoreThread() as core:
        explainer = Explainer(log, core)
        for percent in (15, 60, 90, 100):
            for at_ms in (times[day.commits * percent // 100 - 1] + more for more in (-1, 0, 1, 100_000)):
                found = await explainer.agent(agent, Moment(at_ms=at_ms))
                assert (found.seq, found.at_ms) == (sum(1 for time in times if time <= at_ms), at_ms)
        now = await explainer.agent(agent)
        assert now.seq == day.commits and now.at_ms > times[-1]
        for wrong in (times[0] - 1, now.at_ms + 3_600_000):
            with pytest.raises(InvalidInput):
                await explainer.agent(agent, Moment(at_ms=wrong))


class Trimmed(MemoryLog):
    """Of which only the end is left."""

    async def first_journal_seq(self) -> int:
        return 40


async def test_a_position_that_was_trimmed_is_refused_and_says_what_is_left() -> None:
    log = Trimmed("default")
    day = Day(3, 40, inbox_id=log.inbox_id)
    await write_into(log, day)
    async with CoreThread() as core:
        explainer = Explainer(log, core)
        with pytest.raises(InvalidInput, match=r"begins at 40\..*archive"):
            await explainer.agent(day.workers[0].agent, Moment(20))


def test_the_same_seed_is_the_same_day() -> None:
    one, other, third = (Day(seed, 60) for seed in (3, 3, 4))
    journals = [[commit for turn in day.turns() for commit in turn.commits] for day in (one, other, third)]
    assert journals[0] == journals[1] != journals[2]
    assert len(one.world.seen.ended) > 40


def test_a_day_needs_somebody_to_come() -> None:
    with pytest.raises(InvalidInput):
        Day(1, 0)


def test_every_order_serves_the_same_people() -> None:
    """Those who come, their patience and work, and who is there, are drawn before the day begins."""
    days = [Day(5, 200, order) for order in ORDERS]
    assert all(day.visitors == visitors(5, 200) and day.workers == workers(5, len(day.workers)) for day in days)


def test_nobody_starves_in_our_order() -> None:
    """Strict priority lets deferrable work wait beyond its target, plain age lets customers wait who are there."""
    days = {order: Day(SEED, 6_000, order) for order in ORDERS}
    for day in days.values():
        for _ in day.turns():
            pass
    found = {order: waits(day) for order, day in days.items()}
    assert [channel for channel in CHANNELS if found["cordboard"][channel].starved] == []
    late = {order: found[order]["task"].late for order in ORDERS}
    left = {order: sum(found[order][channel].whole.abandoned for channel in LIVE_CHANNELS) for order in ORDERS}
    assert late["cordboard"] < late["strict"]
    assert left["cordboard"] < left["age"]
    assert found["age"]["voice"].starved
    for channel in CHANNELS:
        assert sum(row.came for row in found["age"][channel].hours) == found["age"][channel].whole.came
    assert "### voice, by hour of arrival" in tables(found)

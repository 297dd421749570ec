"""What another policy would have made of a day: exact as long as it decides alike, an estimate that says so after that."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events.policy import Policy
from cordboard.log.memory import MemoryLog
from cordboard.router.replay import told
from cordboard.router.whatif import WhatIf, what_if
from tests.day.day import Day
from tests.day.site import Order, policy

SEED, CONTACTS = 1, 500


@functools.cache
def _day() -> tuple[list[bytes], int]:
    """A small day's commits, and how many agents it had."""
    day = Day(SEED, CONTACTS)
    return [commit for turn in day.turns() for commit in turn.commits], len(day.workers)


async def _log(upto: int | None = None) -> MemoryLog:
    log = MemoryLog("default")
    async with log.appender() as appender:
        for seq, commit in enumerate(_day()[0][:upto], 1):
            await appender.append(seq, commit)
    return log


def _compiled(order: Order, change: Callable[[Policy], Policy] = lambda written: written) -> Callable[[int], bytes]:
    def compiled(version: int) -> bytes:
        return codec.encode(change(policy(order, version, _day()[1])))

    return compiled


async def _ask(order: Order, **options: int | None) -> WhatIf:
    return await what_if(await _log(), _compiled(order), progress=lambda *_: None, **options)  # type: ignore[arg-type]


async def test_the_same_order_makes_the_same_day() -> None:
    report = await _ask("cordboard")
    assert (report.diverged_seq, report.difference, report.modelled) == (None, "", 0)
    assert report.queues and all(each.recorded == each.instead for each in report.queues)
    assert sum(each.recorded.answered for each in report.queues) > CONTACTS / 2


async def test_the_first_difference_is_the_first_commit_that_a_shorter_record_tells_apart() -> None:
    whole = await _ask("age")
    assert whole.diverged_seq is not None and whole.difference.startswith("recorded ")
    before = await what_if(await _log(whole.diverged_seq - 1), _compiled("age"), progress=lambda *_: None)
    assert before.diverged_seq is None
    at = await what_if(await _log(whole.diverged_seq), _compiled("age"), progress=lambda *_: None)
    assert (at.diverged_seq, at.difference) == (whole.diverged_seq, whole.difference)


async def test_an_estimate_serves_the_same_customers() -> None:
    report = await _ask("age")
    assert report.modelled > CONTACTS and "estimate" in report.label

    def ended(side: str) -> int:
        return sum((kpi := getattr(each, side)).answered + kpi.abandoned + kpi.other for each in report.queues)

    assert ended("instead") == pytest.approx(ended("recorded"), rel=0.05)
    again = await _ask("age")
    assert again == report


async def test_people_who_are_never_offered_anything_are_never_answered() -> None:
    def nobody_may(written: Policy) -> Policy:
        return replace(written, channels=[replace(channel, cost=10_000) for channel in written.channels])

    report = await what_if(await _log(), _compiled("cordboard", nobody_may), progress=lambda *_: None)
    assert report.diverged_seq is not None
    assert sum(each.instead.answered for each in report.queues) < sum(each.recorded.answered for each in report.queues) / 10
    patience = [each for each in report.queues if each.queue == "phone"]
    assert patience[0].instead.answered == 0 < patience[0].instead.abandoned


async def test_it_begins_in_the_middle_of_a_day() -> None:
    last = len(_day()[0])
    report = await _ask("cordboard", from_seq=last // 2, to_seq=last * 3 // 4)
    assert (report.first_seq, report.last_seq, report.diverged_seq) == (last // 2, last * 3 // 4, None)
    assert 0 < sum(each.recorded.answered for each in report.queues) < CONTACTS
    other = await _ask("age", from_seq=last // 4)
    assert other.diverged_seq is not None and last // 4 <= other.diverged_seq <= last


@pytest.mark.parametrize(("first", "last"), [(0, None), (5, 4), (1, 10**9)])
async def test_positions_outside_of_the_journal_are_refused(first: int, last: int | None) -> None:
    with pytest.raises(InvalidInput, match="are not in a journal that ends at"):
        await _ask("cordboard", from_seq=first, to_seq=last)


async def test_a_policy_of_another_site_is_refused() -> None:
    def elsewhere(written: Policy) -> Policy:
        return replace(written, site="elsewhere")

    with pytest.raises(InvalidInput, match="the policy is refused there: "):
        await what_if(await _log(), _compiled("cordboard", elsewhere), progress=lambda *_: None)


async def test_the_journal_is_told_line_by_line() -> None:
    commits = [commit async for commit in told(await _log(200), 100, 110)]
    assert [commit.seq for commit in commits] == list(range(100, 111))
    for commit, recorded in zip(commits, _day()[0][99:110], strict=True):
        assert commit.lines[0].startswith(f"commit {commit.seq} ")
        assert len(commit.lines) == 1 + len(codec.decode_commit(recorded).entries)

"""What another policy would have made of a day: exact as long as it decides alike, an estimate that says so after that."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.archive import Archive, ArchivedJournal, ArchiveSettings, open_storage
from cordboard.errors import InvalidInput
from cordboard.events import event as e
from cordboard.events.policy import Policy
from cordboard.log.memory import MemoryLog
from cordboard.router.replay import told
from cordboard.router.whatif import WhatIf, what_if
from tests.archives import write_all
from tests.day.day import Day
from tests.day.site import Order, policy

SEED, CONTACTS = 1, 500
OFFER_MADE = e.OfferMade.__struct_config__.tag
POLICY_ADOPTED = e.PolicyAdopted.__struct_config__.tag


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


async def _ask(order: Order, from_seq: int = 1, to_seq: int | None = None) -> WhatIf:
    return await what_if(await _log(), _compiled(order), from_seq=from_seq, to_seq=to_seq, progress=lambda *_: None)


def _callers_who_waited() -> Iterator[tuple[int, bytes]]:
    """Callers who had waited when an agent became free for them, and the commit in which that was."""
    for seq, commit in enumerate(_day()[0], 1):
        for entry in codec.decode_commit(commit).entries:
            if entry.tag == OFFER_MADE and entry.channel == "voice" and entry.contact is not None:
                offer = codec.decode_event(entry)
                assert isinstance(offer, e.OfferMade)
                if offer.why is not None and offer.why.looked == "agent" and offer.wait_ms > 0:
                    yield seq, entry.contact


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


async def test_what_a_policy_decides_as_soon_as_it_is_in_force_is_compared_too() -> None:
    """A caller waits while everybody writes. Where letters give way to calls, that caller is offered to somebody at once."""

    def calls_first(written: Policy) -> Policy:
        giving_way = [replace(each, interruptible_by=["voice"] if each.name != "voice" else []) for each in written.channels]
        return replace(written, channels=giving_way)

    for seq, caller in _callers_who_waited():
        report = await what_if(await _log(seq), _compiled("cordboard", calls_first), from_seq=seq, progress=lambda *_: None)
        recorded, _, decided = report.difference.partition(", decided ")
        if f"contact {caller.hex()} " in decided:
            assert report.diverged_seq == seq and caller.hex() not in recorded
            assert decided.split()[0] in ("AgentReleased", "OfferMade")
            return
    pytest.fail("nobody could be interrupted for anybody")


async def test_it_begins_in_the_middle_of_a_day() -> None:
    last = len(_day()[0])
    report = await _ask("cordboard", from_seq=last // 2, to_seq=last * 3 // 4)
    assert (report.first_seq, report.last_seq, report.diverged_seq) == (last // 2, last * 3 // 4, None)
    assert 0 < sum(each.recorded.answered for each in report.queues) < CONTACTS
    other = await _ask("age", from_seq=last // 4)
    assert other.diverged_seq is not None and last // 4 <= other.diverged_seq <= last


async def test_the_other_policy_is_the_version_after_the_one_before() -> None:
    """Also where the record begins with the very commit that adopts one."""
    adopts = next(seq for seq, commit in enumerate(_day()[0], 1) if _adopts(commit))
    order, asked = _compiled("cordboard"), list[int]()

    def compiled(version: int) -> bytes:
        asked.append(version)
        return order(version)

    for from_seq in (1, adopts, adopts + 1):
        await what_if(await _log(adopts + 1), compiled, from_seq=from_seq, progress=lambda *_: None)
    assert adopts > 1 and asked == [1, 1, 2]


def _adopts(commit: bytes) -> bool:
    return any(entry.tag == POLICY_ADOPTED for entry in codec.decode_commit(commit).entries)


async def test_an_archive_is_asked_as_the_log_is(tmp_path: Path) -> None:
    log, until = await _log(), len(_day()[0]) // 4
    archive = Archive(open_storage(str(tmp_path)), log.site)
    await write_all(log, archive, ArchiveSettings())
    other = await what_if(await ArchivedJournal.open(archive), _compiled("age"), to_seq=until, progress=lambda *_: None)
    assert other == await _ask("age", to_seq=until)


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

"""Which snapshots stay, and when one is due."""

from __future__ import annotations

from itertools import pairwise
from math import log

import pytest
from nats.js.errors import APIError

from cordboard.cli.journal import must_begin
from cordboard.errors import InvalidInput, LogUnavailable, StoreFull
from cordboard.log.memory import MemoryLog
from cordboard.log.snapshot_name import KEPT, SHARE, SnapshotName, dispensable, superfluous
from cordboard.log.snapshots import _answered
from cordboard.router.snapshots import EVERY_BYTES, EVERY_COMMITS, OVERDUE, Rhythm


def name(seq: int) -> SnapshotName:
    return SnapshotName(seq, bytes(32), 2, bytes(32))


def kept_after(snapshots: int, every: int = EVERY_COMMITS) -> list[int]:
    """The positions that are left when so many were taken, one after the other."""
    known: list[SnapshotName] = []
    for number in range(1, snapshots + 1):
        known.append(name(number * every))
        gone = superfluous(known)
        known = [each for each in known if each not in gone]
    return [each.seq for each in known]


@pytest.mark.parametrize("snapshots", [1, 2, 3, 14, 200, 3_000])
def test_a_fold_to_the_past_is_short_for_how_far_back_it_is(snapshots: int) -> None:
    last, kept = snapshots * EVERY_COMMITS, [0, *kept_after(snapshots)]
    for older, newer in pairwise(kept):
        assert newer - older <= max(EVERY_COMMITS, (last - newer) / SHARE)


def test_their_number_grows_with_the_logarithm_of_the_journal() -> None:
    for snapshots in (200, 3_000):
        # All of the nearest, then at most two for each step of an eighth.
        assert len(kept_after(snapshots)) <= 2 * SHARE + 2 * log(snapshots / SHARE) / log(1 + 1 / SHARE)


def test_the_newest_stay_whatever_they_are() -> None:
    known = [name(seq) for seq in (1, 2, 3, 1_000_000, 1_000_001, 1_000_002)]
    gone = superfluous(known)
    assert [each.seq for each in known if each not in gone][-KEPT:] == [1_000_000, 1_000_001, 1_000_002]
    assert [each.seq for each in gone] == [2, 1]


def test_the_past_grows_coarser_where_there_is_no_room_and_the_newest_stays() -> None:
    known = [name(number * EVERY_COMMITS) for number in range(1, 60)]
    counts = list[int]()
    while gone := dispensable(known):
        assert max(known, key=lambda each: each.seq) not in gone
        known = [each for each in known if each not in gone]
        counts.append(len(known))
    assert counts[-2:] == [KEPT, 1] and counts == sorted(counts, reverse=True) and len(counts) > 4
    assert [each.seq for each in known] == [59 * EVERY_COMMITS]
    assert dispensable([]) == []


def test_one_is_due_after_many_commits_or_large_ones() -> None:
    rhythm = Rhythm(every_commits=3, commits=1)
    rhythm.committed(1)
    assert not rhythm.due
    rhythm.committed(1)
    assert rhythm.due and not rhythm.overdue
    rhythm.taken()
    assert not rhythm.due
    rhythm.committed(EVERY_BYTES)
    assert rhythm.due and not rhythm.overdue
    for _ in range(OVERDUE):
        rhythm.committed(EVERY_BYTES)
    assert rhythm.overdue


class Trimmed(MemoryLog):
    """A journal of twenty commits, of which the first six are gone."""

    async def first_journal_seq(self) -> int:
        return 7

    async def last_journal_seq(self) -> int:
        return 20


@pytest.mark.parametrize(
    ("snapshots", "folded", "begins", "told"),
    [
        ((3, 12, 18), True, 13, "begins at 7: give --archive, or --from 13"),
        ((7,), True, 8, "begins at 7: give --archive, or --from 8"),
        ((12,), False, 7, "begins at 7: give --archive, or --from 7"),
        ((3,), True, None, "begins at 7: give --archive$"),
    ],
)
async def test_what_is_left_of_a_trimmed_journal_is_read_from_where_its_state_is_known(
    snapshots: tuple[int, ...], folded: bool, begins: int | None, told: str
) -> None:
    """A router's state is in snapshots only; whoever just reads needs none."""
    journal = Trimmed("default")
    for seq in snapshots:
        await journal.snapshots.put(str(name(seq)), b"")
    for seq in range(1, 21):
        if begins is not None and seq >= begins:
            await must_begin(journal, seq, folded=folded)
        else:
            with pytest.raises(InvalidInput, match=told):
                await must_begin(journal, seq, folded=folded)


@pytest.mark.parametrize(
    ("code", "description", "full"),
    [
        (10077, "maximum bytes exceeded", True),
        (10077, "write error: input/output error", False),
        (10047, "insufficient storage resources available", True),
        (10058, "stream name already in use", False),
    ],
)
async def test_only_a_full_store_is_called_full(code: int, description: str, full: bool) -> None:
    async def refuses() -> None:
        raise APIError(code=503, err_code=code, description=description)

    with pytest.raises(LogUnavailable) as told:
        await _answered(refuses())
    assert isinstance(told.value, StoreFull) == full

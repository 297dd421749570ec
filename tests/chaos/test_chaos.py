"""A short slice of chaos: a NATS server killed, PostgreSQL killed, a partition. And the checker on the same run, tampered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from cordboard import codec
from cordboard.events.commit import INPUT_TAG
from tests.chaos.afterwards import COPY, kept
from tests.chaos.checker import record
from tests.chaos.ledger import read
from tests.chaos.run import Course, run

KINDS = ("kill the leader", "kill PostgreSQL", "partition: leader, silent")
LONGEST_S = 60.0


@pytest.mark.postgres
async def test_nothing_is_lost_nor_doubled(tmp_path: Path) -> None:
    course = Course(1, LONGEST_S, kinds=KINDS, hold_s=(1.0, 2.0), wait_s=(0.2, 0.5), most=len(KINDS), doors=False)
    report = await run(course, tmp_path)
    assert (report.lost, report.doubled, report.violations) == ([], [], [])
    assert {fault["kind"] for fault in report.struck if fault["untried"] is None} == set(KINDS)
    assert report.acknowledged

    forget_and_repeat(tmp_path)


def forget_and_repeat(place: Path) -> None:
    """Of the journal's copy, a fact is taken away that a ledger says was acknowledged; then it is there twice."""
    accounts = {path.stem: read(path) for path in place.glob("*.ledger")}
    acked = {(ack.position.inbox_seq, ack.position.index) for account in accounts.values() for ack in account.acks}
    commits = kept(place / COPY)
    assert record(commits).findings(accounts).clean
    told, entry = next(
        (commit, entry)
        for commit in reversed(commits)
        for entry in commit.entries
        if entry.tag == INPUT_TAG and (codec.decode_input(entry).inbox_seq, codec.decode_input(entry).index) in acked
    )
    told.entries.remove(entry)
    assert len(record(commits).findings(accounts).lost) == 1
    told.entries.extend([entry, entry])
    assert record(commits).findings(accounts).doubled

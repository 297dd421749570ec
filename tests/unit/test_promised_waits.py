"""Whoever is promised a call waits from when it is due: boards, desks and history against what the core says of each visit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.events import event as words
from cordboard.events.commit import INPUT_TAG, Commit, Entry
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.history.fold import Changes
from tests.scenarios.story import STORIES, Telling, parse

PROMISES = [path for path in STORIES if path.stem.startswith(("callbacks_", "next_steps"))]


def told(path: Path, level: int | None = None) -> Iterator[tuple[Entry, Commit]]:
    """Every entry of the story, each in a commit of its own, as if it had been decided at `level`."""
    telling = Telling()
    for block in parse(path.read_text()):
        if block.commands:
            telling.tell(block.commands)
    seq = 0
    for data in telling.commits:
        whole = codec.decode_commit(data)
        for entry in whole.entries:
            if entry.tag != INPUT_TAG:
                seq += 1
                yield entry, replace(whole, seq=seq, entries=[entry], level=level or whole.level)


def test_a_visit_waited_as_long_as_the_core_says() -> None:
    assert sum(_visits(path) for path in PROMISES) > 50


def _visits(path: Path) -> int:
    """How many ended in the story, each as the core says."""
    desks, changes, ended = Desks(), Changes({}), 0
    for entry, commit in told(path):
        event = codec.decode_event(entry)
        changes.apply(commit)
        if isinstance(event, words.VisitEnded) and entry.contact is not None:
            live = desks.contact(entry.contact)
            row = changes.visits.inserts[entry.contact, event.visit]
            assert live is not None
            assert (live.entered_ms, live.target_ms) == (event.entered_ms, event.target_ms)
            assert (row["entered_ms"], row["target_ms"]) == (event.entered_ms, event.target_ms)
            assert row["left_ms"] - row["entered_ms"] == row["wait_ms"]
            ended += 1
        desks.apply(commit.seq, commit)
    return ended


@pytest.mark.parametrize("path", PROMISES, ids=lambda path: path.stem)
def test_nobody_is_shown_to_wait_for_a_call_that_is_not_due(path: Path) -> None:
    boards, desks = Boards(), Desks()
    due_ms: dict[bytes, int] = {}
    for entry, commit in told(path):
        event = codec.decode_event(entry)
        if isinstance(event, words.PromiseMade) and event.kind == "scheduled":
            due_ms[entry.contact or b""] = event.due_ms
        elif isinstance(event, words.PromiseEnded):
            due_ms.pop(entry.contact or b"", None)
        boards.apply(commit.seq, commit)
        desks.apply(commit.seq, commit)
        waiting = [one for one in desks.contacts() if one.state in ("queued", "offered", "connecting")]
        for row in boards.queues():
            here = [one for one in waiting if one.queue == row.queue]
            since = [one.entered_ms for one in here if one.entered_ms >= due_ms.get(one.contact, 0)]
            if isinstance(event, (words.ContactQueued, words.CallbackDue)):
                assert row.waiting == len(here), "an agent may have it"
                assert row.oldest_since_ms == min(since, default=None)


def test_what_a_call_waited_before_it_was_due_counts_where_it_was_decided_so() -> None:
    (path,) = [path for path in PROMISES if path.stem == "callbacks_kept"]
    shown: dict[int, tuple[int | None, int | None]] = {}
    for level in (3, 4):
        boards, desks = Boards(), Desks()
        for entry, commit in told(path, level):
            boards.apply(commit.seq, commit)
            desks.apply(commit.seq, commit)
            if isinstance(codec.decode_event(entry), words.CallbackDue):
                live, row = desks.contact(entry.contact or b""), boards.queue("orders")
                assert live is not None and row is not None
                shown[level] = live.entered_ms, row.oldest_since_ms
    assert shown == {3: (600_000, 600_000), 4: (900_000, 900_000)}

"""The ledger must find every clock of an SLA that starts, stands or ends as none can."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard._core import commit_hash
from cordboard.events import event as words
from cordboard.events.commit import CAUSE_TIMER, INPUT_TAG, Commit, Entry
from cordboard.events.terms import SlaMeasure
from cordboard.log.memory import MemoryLog
from cordboard.router.verify import verify
from tests.journal import Pen, about, an_id
from tests.scenarios.story import STORIES, Telling, parse
from tests.unit.test_ledger import Desk

SOLVED = "solved"
Event = TypeVar("Event")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def pen(desk: Desk) -> Pen:
    pen = Pen(desk)
    pen.queued(1_000, "a", "orders")
    return pen


def started(contact: str, name: str = "soon", case: str | None = None) -> Entry:
    measure: SlaMeasure = "resolution" if case else "answer"
    subject = an_id(case) if case else None
    event = words.SlaStarted(1_000, name, measure, "orders", subject, 9_000, 10_000, 9_000, False, None)
    return about(event, contact=contact, channel="chat")


def at_risk(contact: str) -> Entry:
    return about(words.SlaAtRisk(9_000, "soon", "orders", None, 10_000, False, None), contact=contact, channel="chat")


def paused(contact: str, case: str) -> Entry:
    return about(words.SlaPaused(2_000, SOLVED, "orders", an_id(case), 8_000), contact=contact, channel="chat")


def resumed(contact: str, case: str) -> Entry:
    return about(words.SlaResumed(3_000, SOLVED, "orders", an_id(case), 11_000, None), contact=contact, channel="chat")


def met(contact: str, name: str = "soon", case: str | None = None) -> Entry:
    subject = an_id(case) if case else None
    return about(words.SlaMet(4_000, name, "orders", subject, False, 1_000, 8_000, None), contact=contact, channel="chat")


def gone(contact: str) -> Entry:
    return about(words.ContactEnded(4_000, "completed", "queued", None), contact=contact, channel="chat")


def told(desk: Desk) -> list[str]:
    return [what.replace(an_id("a").hex(), "a").replace(an_id("b").hex(), "b") for what in desk.found]


def test_clocks_that_start_stand_and_end_once_are_sound(desk: Desk, pen: Pen) -> None:
    pen.write(1_000, started("a"), started("a", SOLVED, "a"), at_risk("a"))
    pen.write(2_000, paused("a", "a"), resumed("a", "a"), paused("a", "a"))
    pen.write(4_000, gone("a"), met("a"), met("a", SOLVED, "a"))
    assert desk.found == []


def test_a_clock_outlives_neither_its_contact_nor_its_case(desk: Desk, pen: Pen) -> None:
    pen.write(1_000, started("a"), started("a", SOLVED, "a"))
    pen.write(4_000, gone("a"))
    assert told(desk) == ["contact a ends, and its clock soon does not", "nothing of case a lives, and its clock solved goes on"]


def test_a_clock_starts_and_ends_once(desk: Desk, pen: Pen) -> None:
    pen.write(1_000, started("a"), started("a"), met("a"), met("a"), resumed("b", "b"))
    pen.write(2_000, started("a", SOLVED, "a"), resumed("a", "a"))
    assert told(desk) == [
        "clock soon of a starts twice",
        "clock soon of a ends, and was not started",
        "clock solved of b goes on, and was not started",
        "clock solved of a goes on, and was running",
    ]


def story(name: str, level: int | None = None) -> list[Commit]:
    """What the core decided in it, as if it had been so at `level`."""
    (path,) = [path for path in STORIES if path.stem == name]
    telling = Telling()
    for block in parse(path.read_text()):
        if block.commands:
            telling.tell(block.commands)
    commits = [codec.decode_commit(data) for data in telling.commits]
    return [replace(commit, level=level or commit.level) for commit in commits]


def found(commits: list[Commit]) -> list[str]:
    desk = Desk()
    for commit in commits:
        desk.apply(commit.seq, commit)
    return desk.found


def starting_again(commits: list[Commit], kind: type[Event], wanted: Callable[[Event], bool]) -> list[Commit]:
    """The same journal, with a commit in which the clock starts again right behind the first event of this kind: a forgery."""
    starts: dict[str, Entry] = {}
    for at, commit in enumerate(commits):
        for entry in commit.entries:
            event = None if entry.tag == INPUT_TAG else codec.decode_event(entry)
            if isinstance(event, words.SlaStarted):
                starts[event.name] = replace(entry, cause=CAUSE_TIMER)
            if isinstance(event, kind) and wanted(event):
                name = "next" if isinstance(event, words.MessageRelayed) else event.name  # type: ignore[attr-defined]
                forged = replace(commit, seq=commit.seq + 1, entries=[starts[name]], continued=False)
                after = [replace(one, seq=one.seq + 1) for one in commits[at + 1 :]]
                return [*commits[: at + 1], forged, *after]
    raise AssertionError("the story has no such event")


@pytest.mark.parametrize("name", [path.stem for path in STORIES if path.stem.startswith(("slas", "callbacks", "park", "silence"))])
def test_what_the_core_decides_is_sound(name: str) -> None:
    assert [what for what in found(story(name)) if "clock" in what] == []


@pytest.mark.parametrize(("clock", "meanwhile"), [("solved", "its case is over"), ("next", "an agent has said a word")])
def test_what_was_broken_stays_broken(clock: str, meanwhile: str) -> None:
    def broken(event: words.SlaBroken) -> bool:
        return event.name == clock

    said = found(starting_again(story("slas_broken"), words.SlaBroken, broken))
    assert said[0].startswith(f"clock {clock} of ") and said[0].endswith(f"was broken and starts again before {meanwhile}")
    earlier = found(starting_again(story("slas_broken", level=3), words.SlaBroken, broken))
    assert not [what for what in earlier if "was broken" in what], "levels before 4 let it"


def test_what_an_agent_has_said_a_word_of_may_start_again() -> None:
    def fourth(event: words.MessageRelayed) -> bool:
        return event.author == "agent" and event.ordinal == 4

    forged = starting_again(story("slas_broken"), words.MessageRelayed, fourth)
    assert not [what for what in found(forged) if "was broken" in what]


async def test_verify_finds_a_broken_clock_that_starts_again() -> None:
    log, before = MemoryLog("default"), bytes(32)
    commits = starting_again(story("slas_broken"), words.SlaBroken, lambda event: event.name == SOLVED)
    async with log.appender() as appender:
        for commit in commits:
            data = codec.encode(replace(commit, prev_hash=before))
            before = commit_hash(data)
            await appender.append(commit.seq, data)
    report = await verify(log, inbox=False)
    assert any("was broken and starts again" in violation.what for violation in report.violations)

"""The ledger must find every clock of an SLA that starts, stands or ends as none can."""

from __future__ import annotations

import pytest

from cordboard.events import event as words
from cordboard.events.commit import Entry
from cordboard.events.terms import SlaMeasure
from tests.journal import Pen, about, an_id
from tests.unit.test_ledger import Desk

SOLVED = "solved"


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

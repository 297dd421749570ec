"""What the entrance knows from the journal: cases, and arrivals that were refused."""

import asyncio

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG, Entry, Input
from cordboard.events.verdict import Accepted, Duplicate, Refused, Verdict
from cordboard.gateway.entrance import cases as module
from cordboard.gateway.entrance.cases import Case, Cases
from cordboard.gateway.entrance.marks import ContactMarks
from cordboard.gateway.entrance.refusals import Refusals
from tests.journal import NO_HASH, Pen, about, an_id
from tests.written_site import DAY_MS, POLICY

HOUR_MS = 3_600_000


class Told:
    """A site with one agent, told commit by commit; `now_ms` is the cases' clock."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.cases = Cases(lambda: self.now_ms)
        self.pen = Pen(self.cases)
        self.pen.adopt(0, POLICY)

    def contact(
        self, at_ms: int, contact: str, *, case: str | None = None, channel: str = "mail", ended_ms: int | None = None
    ) -> None:
        queued = words.ContactQueued(
            at_ms,
            1,
            "orders",
            words.Key(3, at_ms, 1),
            at_ms,
            0,
            [],
            0,
            None,
            [],
            0,
            None,
            None,
            None,
            case=an_id(case) if case else None,
        )
        self.pen.write(at_ms, about(queued, contact=contact, channel=channel))
        self.pen.engaged(at_ms, contact, "ann", "orders", channel=channel)
        if ended_ms is not None:
            self.pen.ended(ended_ms, contact, channel=channel)


def test_a_case_can_be_reopened_for_a_week() -> None:
    told = Told()
    told.contact(0, "one", ended_ms=HOUR_MS)
    assert told.cases.get(an_id("one")) == Case(an_id("one"), an_id("ann"), HOUR_MS)
    told.now_ms = HOUR_MS + 7 * DAY_MS
    assert told.cases.get(an_id("one")) is not None
    told.now_ms += 1
    assert told.cases.get(an_id("one")) is None
    told.contact(told.now_ms, "other")
    assert len(told.cases) == 1


def test_a_case_lives_with_its_newest_contact() -> None:
    told = Told()
    told.contact(0, "one", ended_ms=HOUR_MS)
    told.contact(2 * HOUR_MS, "two", case="one")
    told.now_ms = 30 * DAY_MS
    known = told.cases.get(an_id("one"))
    assert known is not None
    assert (known.contact, known.live) == (an_id("two"), True)
    assert told.cases.case_of(an_id("two")) == an_id("one")
    told.pen.ended(31 * DAY_MS, "one", channel="mail")  # an old one's end says nothing
    assert known.live
    told.pen.ended(31 * DAY_MS, "two", channel="mail")
    assert not known.live
    told.contact(60 * DAY_MS, "other")
    assert told.cases.case_of(an_id("two")) == an_id("two")


def test_chats_are_no_cases() -> None:
    told = Told()
    told.contact(0, "chat", channel="chat")
    assert told.cases.get(an_id("chat")) is None


def test_what_is_on_its_way_counts_as_live() -> None:
    told = Told()
    told.cases.coming(an_id("one"))
    assert told.cases.get(an_id("one")) == Case(an_id("one"))
    told.contact(0, "one", ended_ms=1)
    told.now_ms = 30 * DAY_MS
    assert told.cases.get(an_id("one")) is None


def test_neither_can_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CASES_MAX", 3)
    monkeypatch.setattr(module, "COMING_MAX", 3)
    told = Told()
    for number in range(10):
        told.cases.coming(an_id(f"coming {number}"))
        told.contact(number, str(number), ended_ms=number)
    assert [told.cases.get(an_id(str(number))) is not None for number in range(10)] == [False] * 7 + [True] * 3
    assert told.cases.get(an_id("coming 6")) is None
    assert told.cases.get(an_id("coming 7")) is not None


# -- refusals

FACT = facts.ContactArrived(an_id("fact"), an_id("mine"), "mail", "orders")


def decided(verdict: Verdict, fact: facts.Fact = FACT) -> Entry:
    contact = getattr(fact, "contact", None)
    return Entry(INPUT_TAG, contact, None, None, 0, codec.encode(Input(1, 0, 0, codec.encode(fact), verdict)))


async def next_of(refusals: Refusals) -> bytes | None:
    try:
        async with asyncio.timeout(0):
            return (await refusals.next()).contact
    except TimeoutError:
        return None


async def test_a_refusal_is_due_until_it_is_accepted() -> None:
    refusals = Refusals(lambda contact: contact == an_id("mine"))
    pen = Pen(refusals)
    pen.write(0, decided(Refused("unknown_queue")), decided(Refused("unknown_queue"), replace(FACT, contact=an_id("other"))))
    pen.write(0, decided(Refused("contact_gone"), facts.ContactAbandoned(an_id("f"), an_id("mine"))))
    refusal = await refusals.next()
    assert (refusal.contact, refusal.reason, refusal.count, refusal.tries) == (an_id("mine"), "unknown_queue", 1, 1)
    assert await next_of(refusals) is None
    pen.write(1, decided(Duplicate(1, 0)))  # what was refused and came again is still refused
    assert len(refusals) == 1
    pen.write(1, decided(Refused("unknown_topic"), replace(FACT, fact_id=an_id("again"))))
    assert (await refusals.next()).fact.fact_id == an_id("again")
    assert (refusal.reason, refusal.count, refusal.tries) == ("unknown_topic", 2, 2)
    pen.write(2, about(words.PolicyAdopted(2, 1, NO_HASH, codec.encode(POLICY))))
    assert refusal.tries == 0
    pen.write(3, decided(Accepted()))
    assert await next_of(refusals) is None
    assert len(refusals) == 0


async def test_a_repeat_that_came_too_late_is_no_loss() -> None:
    refusals = Refusals(lambda _contact: True)
    Pen(refusals).write(0, decided(Refused("contact_exists")))
    assert len(refusals) == 0


def test_marks_tell_gateways_apart() -> None:
    mail, form = ContactMarks(bytes(32), "mail"), ContactMarks(bytes(32), "form")
    contacts = [mail.new_contact() for _ in range(100)]
    assert all(mail.owns(contact) for contact in contacts)
    assert not any(form.owns(contact) for contact in contacts)
    assert (
        mail.derive(b"again", b"x") == mail.derive(b"again", b"x") != ContactMarks(bytes(31) + b"1", "mail").derive(b"again", b"x")
    )

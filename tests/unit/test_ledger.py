"""The ledger must find every broken invariant of the record, and none in a sound one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import AgentChannel
from cordboard.events.commit import INPUT_TAG, Commit, Consumed, Entry, Input
from cordboard.events.promises import PromiseOutcome
from cordboard.events.verdict import Accepted, Duplicate, Verdict
from cordboard.router.ledger import REMEMBERED_MS, Ledger
from tests.journal import Pen, about, an_id, commit


class Desk:
    """A ledger that notes what it reports."""

    def __init__(self, from_seq: int = 1) -> None:
        self.found: list[str] = []
        self.ledger = Ledger(from_seq, lambda seq, what: self.found.append(what))

    def apply(self, seq: int, written: Commit) -> None:
        self.ledger.check(seq, written, None)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def pen(desk: Desk) -> Pen:
    pen = Pen(desk)
    pen.declare(0, "anna", "orders")
    pen.presence(0, "anna", "ready")
    return pen


@pytest.fixture
def sound(desk: Desk) -> Iterator[None]:
    yield
    assert desk.found == []


def arrival(name: str, verdict: Verdict, place: tuple[int, int] = (1, 0), cause: int = 0) -> Entry:
    fact = codec.encode(facts.ContactArrived(an_id(name), an_id(name), "chat", "orders"))
    return Entry(INPUT_TAG, None, None, None, cause, codec.encode(Input(*place, 0, fact, verdict)))


def _serve(pen: Pen) -> None:
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    pen.accepted(2_000, "a", "anna")
    pen.engaged(3_000, "a", "anna", "orders")
    pen.visit_ended(3_000, "a", "orders", "answered", 2_000)
    pen.disengaged(9_000, "a", "anna", wrap_ms=5_000)
    pen.ended(9_000, "a")
    pen.wrapped(10_000, "a", "anna")


@pytest.mark.usefixtures("sound")
def test_a_sound_journal_has_no_violation(desk: Desk, pen: Pen) -> None:
    _serve(pen)
    assert desk.ledger.events == 10


def test_an_ended_contact_stays_ended(desk: Desk, pen: Pen) -> None:
    _serve(pen)
    pen.said(11_000, "a", 1, "customer")
    pen.ended(11_000, "a")
    assert len(desk.found) == 3


def test_an_offer_ends_once(desk: Desk, pen: Pen) -> None:
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    pen.expired(21_000, "a", "anna")
    pen.accepted(22_000, "a", "anna")
    assert len(desk.found) == 1 and "not alive" in desk.found[0]


def test_nobody_is_offered_more_than_their_capacity(desk: Desk, pen: Pen) -> None:
    for name in "abcd":
        pen.queued(1_000, name, "orders")
        pen.offered(1_000, name, "anna", "orders")
    assert len(desk.found) == 1 and "more than the capacity" in desk.found[0]


def test_offers_go_only_to_the_present(desk: Desk, pen: Pen) -> None:
    pen.presence(1, "anna", "ready", requested="not_ready")
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    pen.queued(2_000, "b", "orders")
    pen.offered(2_000, "b", "nobody", "orders")
    assert ["not ready" in desk.found[0], "not declared" in desk.found[1], len(desk.found)] == [True, True, 2]


def _smaller(at_ms: int) -> Entry:
    return about(words.AgentRegistered(at_ms, [], [], [AgentChannel("chat", 30, 3)], 10), agent="anna")


def test_an_excess_needs_a_record(desk: Desk, pen: Pen) -> None:
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    pen.write(2_000, _smaller(2_000), about(words.OverCapacityRecorded(2_000, "redeclared", 30, 10), agent="anna"))
    pen.write(3_000, _smaller(3_000))
    assert desk.found == []
    pen.declare(4_000, "anna", "orders")
    pen.write(5_000, _smaller(5_000))
    assert len(desk.found) == 1 and "not recorded" in desk.found[0]


def test_a_failed_connection_gives_the_room_back(desk: Desk, pen: Pen) -> None:
    for name in "abcde":
        pen.queued(1_000, name, "orders")
        pen.offered(1_000, name, "anna", "orders")
        pen.accepted(1_000, name, "anna")
        failed = words.ConnectFailed(1_000, 1, "platform", 6_000, 6_000, 0)
        pen.write(1_000, about(failed, contact=name, agent="anna", channel="chat"))
    assert desk.found == []
    pen.engaged(2_000, "a", "anna", "orders")
    assert len(desk.found) == 1 and "not alive" in desk.found[0]


def _direct(contact: str, *, interrupts: bool = False) -> Entry:
    direct = words.Direct(None, "pick")
    event = words.OfferMade(1_000, 1, "orders", 21_000, 90, 0, "routed" if interrupts else "direct", 0,
                            direct=None if interrupts else direct, interrupts=interrupts)  # fmt: skip
    return about(event, contact=contact, agent="anna", channel="chat")


@pytest.mark.parametrize("interrupts", [False, True])
def test_a_direct_offer_or_an_interrupt_may_be_too_much_if_that_is_recorded(desk: Desk, pen: Pen, interrupts: bool) -> None:
    for name in "ab":
        pen.queued(1_000, name, "orders")
    pen.offered(1_000, "a", "anna", "orders")
    over = about(words.OverCapacityRecorded(1_000, "interrupted" if interrupts else "direct", 120, 100), agent="anna")
    pen.write(1_000, _direct("b", interrupts=interrupts), over)
    assert desk.found == []
    pen.queued(2_000, "c", "orders")
    pen.offered(2_000, "c", "anna", "orders")
    assert len(desk.found) == 2 and "while over capacity" in desk.found[0] and "more than the capacity" in desk.found[1]


def test_a_direct_offer_that_is_too_much_needs_a_record(desk: Desk, pen: Pen) -> None:
    for name in "ab":
        pen.queued(1_000, name, "orders")
    pen.offered(1_000, "a", "anna", "orders")
    pen.write(1_000, _direct("b"))
    assert len(desk.found) == 1 and "not recorded" in desk.found[0]


def test_work_from_outside_takes_room(desk: Desk, pen: Pen) -> None:
    def work(busy: bool) -> Entry:
        return about(words.OutsideWorkChanged(1_000, an_id("call"), busy, 90), agent="anna", channel="chat")

    pen.queued(1_000, "a", "orders")
    pen.write(1_000, work(True))
    pen.write(1_000, work(False))
    pen.offered(1_000, "a", "anna", "orders")
    assert desk.found == []
    pen.write(1_000, work(True))
    assert len(desk.found) == 1 and "not recorded" in desk.found[0]


def test_what_is_dormant_costs_its_share_and_counts_for_no_maximum(desk: Desk, pen: Pen) -> None:
    def dormant(contact: str) -> Entry:
        return about(words.ContactDormant(3_000, 1, 5, None), contact=contact, agent="anna", channel="chat")

    for name in "abc":
        pen.queued(2_000, name, "orders")
        pen.offered(2_000, name, "anna", "orders")
        pen.accepted(2_000, name, "anna")
        pen.engaged(2_000, name, "anna", "orders")
    pen.write(3_000, dormant("a"), dormant("b"))
    for name in "de":
        pen.queued(3_000, name, "orders")
        pen.offered(3_000, name, "anna", "orders")
    assert desk.found == []
    revived = about(words.ContactRevived(4_000, 1, 30), contact="a", agent="anna", channel="chat")
    pen.write(4_000, revived)
    assert len(desk.found) == 1 and "not recorded" in desk.found[0]


def test_positions_chain_and_time_only_go_on(desk: Desk) -> None:
    desk.apply(1, commit(1, 1_000))
    desk.apply(2, commit(3, 1_000))
    desk.apply(3, commit(3, 500))
    desk.ledger.check(4, commit(4, 1_000), bytes([1]) * 32)
    back = Consumed(an_id("inbox"), 0, 9)
    desk.apply(5, replace(commit(5, 1_000), consumed=back))
    assert [what.split()[0:2] for what in desk.found] == [["it", "says"], ["time", "goes"], ["the", "hash"], ["consumed", "goes"]]


def _epoch(seq: int, number: int, *entries: Entry) -> Commit:
    return replace(commit(seq, 0, *entries), epoch=number)


TAKEN = about(words.RouterTookOver(0, 1, bytes(16)))
ENDED = about(words.RouterSteppedDown(0, 1))


@pytest.mark.usefixtures("sound")
def test_epochs_begin_and_end_with_a_commit_of_their_own(desk: Desk) -> None:
    for seq, (number, entries) in enumerate([(1, [TAKEN]), (1, []), (1, [ENDED]), (2, [TAKEN]), (3, [TAKEN]), (3, [ENDED])], 1):
        desk.apply(seq, _epoch(seq, number, *entries))


@pytest.mark.parametrize(
    ("epochs", "what"),
    [
        ([(1, [TAKEN]), (1, [ENDED]), (1, [])], "it is decided in epoch 1, whose router stepped down"),
        ([(1, [TAKEN]), (1, [ENDED]), (1, [ENDED])], "it is decided in epoch 1, whose router stepped down"),
        ([(1, [TAKEN]), (2, [])], "epoch 1 becomes 2 without a take-over"),
        ([(1, [TAKEN]), (1, [TAKEN])], "epoch 1 becomes 1 in one step"),
        ([(2, [TAKEN]), (1, [])], "epoch 2 becomes 1 without a take-over"),
        ([(1, [TAKEN]), (1, [ENDED, TAKEN])], "an epoch begins or ends among other entries"),
    ],
)
def test_epochs_out_of_order_are_found(desk: Desk, epochs: list[tuple[int, list[Entry]]], what: str) -> None:
    for seq, (number, entries) in enumerate(epochs, 1):
        desk.apply(seq, _epoch(seq, number, *entries))
    assert desk.found == [what]


def test_a_new_inbox_may_begin_anew(desk: Desk) -> None:
    desk.apply(1, replace(commit(1, 0), consumed=Consumed(an_id("old"), 99, 3)))
    desk.apply(2, replace(commit(2, 0), consumed=Consumed(an_id("new"), 1, 0)))
    assert desk.found == []


def test_a_fact_is_decided_once_within_the_window(desk: Desk) -> None:
    desk.apply(1, commit(1, 0, arrival("x", Accepted())))
    desk.apply(2, commit(2, 1, arrival("x", Duplicate(1, 0))))
    assert desk.found == []
    desk.apply(3, commit(3, 2, arrival("x", Accepted())))
    assert len(desk.found) == 1 and "decided before" in desk.found[0]
    desk.apply(4, commit(4, 3 + 2 * REMEMBERED_MS, arrival("x", Accepted())))
    assert len(desk.found) == 1
    assert desk.ledger.facts == {"accepted": 3, "refused": 0, "duplicate": 1, "quarantined": 0}


def test_causes_point_back_to_an_input(desk: Desk, pen: Pen) -> None:
    queued = about(words.DeadlinesShifted(0, 3_000))
    pen.write(1, replace(queued, cause=0))
    pen.write(2, replace(queued, cause=-7))
    pen.write(3, arrival("x", Accepted(), cause=5))
    assert len(desk.found) == 3


def test_bytes_that_are_no_event_are_reported(desk: Desk, pen: Pen) -> None:
    pen.write(1, Entry(10, an_id("a"), None, "chat", -1, b"\xc1"))
    assert len(desk.found) == 1 and "not an event" in desk.found[0]


@pytest.mark.usefixtures("sound")
def test_a_parked_contact_comes_back_or_ends(pen: Pen) -> None:
    for at_ms, name in ((1_000, "a"), (2_000, "b")):
        pen.queued(at_ms, name, "orders", channel="mail")
        pen.parked(at_ms, name, "anna")
    for name in "ba":
        pen.park_ended(3_000, name, "anna")
    pen.queued(3_000, "a", "orders", channel="mail", visit=2)
    pen.ended(3_000, "b", "cancelled", "parked", channel="mail")


def test_nothing_happens_to_a_contact_while_it_is_parked(desk: Desk, pen: Pen) -> None:
    pen.queued(1_000, "a", "orders", channel="mail")
    pen.parked(2_000, "a", "anna")
    pen.parked(2_000, "a", "anna")
    pen.queued(3_000, "a", "orders", channel="mail", visit=2)
    pen.offered(3_000, "a", "anna", "orders", channel="task")
    pen.ended(4_000, "a", channel="mail")
    assert [what.split(" ", 2)[2] for what in desk.found] == [
        "is parked, but is so already",
        "waits while it is parked",
        "for a parked contact",
        "ends while it is parked",
    ]


def test_a_park_needs_a_living_contact_with_an_owner(desk: Desk, pen: Pen) -> None:
    pen.parked(2_000, "a", "anna", for_ms=-1)
    pen.park_ended(3_000, "b", "anna")
    pen.write(4_000, about(words.ContactParked(4_000, "snooze", 5_000, None), contact="c"))
    assert len(desk.found) == 5


@pytest.mark.usefixtures("sound")
def test_an_effect_ends_once_even_behind_its_contact(pen: Pen) -> None:
    pen.queued(1_000, "a", "orders", channel="mail")
    done, failed, given_up = (pen.effect(2_000, "a", "anna", number) for number in (1, 2, 3))
    pen.ended(2_000, "a", channel="mail")
    pen.effect_ended(3_000, "a", done, "done")
    pen.effect_ended(3_000, "a", failed, "failed")
    pen.effect_retried(4_000, "a", failed, 2)
    pen.effect_ended(5_000, "a", failed, "done")
    pen.effect_ended(5_000, "a", given_up, "failed")
    pen.effect_ended(6_000, "a", given_up, "discarded")


def test_effects_that_were_not_asked_for_are_found(desk: Desk, pen: Pen) -> None:
    effect = pen.effect(1_000, "a", "anna", 1)
    pen.effect_retried(2_000, "a", effect, 3)
    pen.effect_ended(3_000, "a", effect, "discarded")
    pen.effect_ended(4_000, "a", effect, "done")
    assert [what.split(" ", 2)[2] for what in desk.found] == [
        "is tried again, but has not failed",
        "goes from round 1 to 3",
        "is discarded while it is tried",
        "is done, but none is open there",
    ]


def test_a_dial_may_be_discarded_once_its_attempt_is_over(desk: Desk, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.queued(1_000, "a", "orders", channel="chat")
    pen.offered(1_000, "a", "anna", "orders", channel="chat")
    pen.accepted(2_000, "a", "anna", channel="chat")
    dials = [pen.effect(2_000, "a", "anna", 1, kind="dial", channel="chat") for _ in range(2)]
    pen.effect_ended(3_000, "a", dials[0], "discarded", channel="chat")
    assert [what.split(" ", 2)[2] for what in desk.found] == ["is discarded while it is tried"]
    pen.write(4_000, about(words.ConnectExpired(4_000, 1, 5_000, 5_000), contact="a", agent="anna", channel="chat"))
    pen.effect_ended(4_000, "a", dials[1], "discarded", channel="chat")
    assert len(desk.found) == 1


def test_a_dial_may_be_discarded_while_its_agent_wraps_up(desk: Desk, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    pen.accepted(2_000, "a", "anna")
    dial = pen.effect(2_000, "a", "anna", 1, kind="dial")
    pen.effect_ended(3_000, "a", dial, "failed")
    pen.engaged(4_000, "a", "anna", "orders")
    pen.disengaged(5_000, "a", "anna", wrap_ms=60_000)
    pen.effect_retried(6_000, "a", dial, 2)
    pen.effect_ended(6_000, "a", dial, "discarded")
    assert desk.found == []


def test_begun_in_the_middle_it_knows_nothing_from_before() -> None:
    desk = Desk(from_seq=1)
    late = Desk(from_seq=6)
    pen = Pen(desk)
    pen.declare(0, "anna", "orders")
    pen.presence(0, "anna", "ready")
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    pen.accepted(1_500, "a", "anna")
    pen.folds = (desk, late)
    pen.engaged(2_000, "a", "anna", "orders")
    pen.disengaged(3_000, "a", "anna")
    pen.ended(3_000, "a")
    assert (desk.found, late.found) == ([], [])


def _promised(name: str, at_ms: int = 1_000, until_ms: int = 9_000) -> Entry:
    none: list[bytes] = []
    event = words.PromiseMade(
        at_ms, "orders", "scheduled", "agent_first", 5_000, 4_000, until_ms, 60_000, None, [], 0, None, none,
        None, None, None, None, None, [], [], None, None, None,
    )  # fmt: skip
    return about(event, contact=name, channel="chat")


def _promise_ended(name: str, outcome: PromiseOutcome, at_ms: int = 9_000) -> Entry:
    return about(words.PromiseEnded(at_ms, outcome, None, 5_000, 4_000, 0, None, []), contact=name, channel="chat")


@pytest.mark.usefixtures("sound")
def test_a_promise_ends_once_with_its_contact_or_before_it(pen: Pen) -> None:
    pen.write(1_000, _promised("a"))
    pen.queued(4_000, "a", "orders")
    pen.offered(4_000, "a", "anna", "orders")
    pen.accepted(4_500, "a", "anna")
    pen.visit_ended(5_000, "a", "orders", "requeued", 1_000)
    missed = words.AttemptRecorded(5_000, 1, "no_answer", 25_000, True, 1, 8_000)
    pen.write(5_000, about(missed, contact="a", agent="anna", channel="chat"))
    over = about(words.ContactEnded(9_000, "customer_silent", "scheduled", None), contact="a", channel="chat")
    pen.write(9_000, over, _promise_ended("a", "honoured_not_reached"))


def test_a_promise_that_is_lost_or_ends_twice_is_found(desk: Desk, pen: Pen) -> None:
    pen.write(1_000, _promised("a"), _promised("a"), _promised("b", until_ms=4_500))
    pen.ended(2_000, "a", "failed", "queued")
    pen.write(3_000, _promise_ended("b", "rescheduled", 3_000), _promise_ended("b", "missed", 3_000))
    missed = words.AttemptRecorded(5_000, 1, "busy", 0, True, 1, None)
    pen.write(5_000, about(missed, contact="c", agent="anna", channel="chat"))
    assert [what.replace(an_id("a").hex(), "a").replace(an_id("b").hex(), "b") for what in desk.found[:5]] == [
        "contact a is promised a call, but lives already",
        "contact b is promised a call in a window that ends before it begins",
        "contact a ends, and what it was promised does not",
        "the promise to contact b is rescheduled to none",
        "the promise to contact b ends, but was not made or is over already",
    ]
    assert len(desk.found) == 7

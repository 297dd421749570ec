"""What the demo says of promises, doors and SLAs: its exit code rests on it."""

from random import Random

from cordboard.demo.callers import MOBILES, number
from cordboard.demo.promises import RINGING_MS, Promises, Turn
from cordboard.demo.report import Journal, forgotten
from cordboard.demo.run import Plan
from cordboard.demo.shown import Wanted
from cordboard.demo.tally import Tally
from cordboard.events import event as words
from cordboard.numbers import CallableNumbers
from tests.journal import Pen, about, an_id, policy


def journal(until_ms: int = 1_000_000) -> tuple[Pen, Journal]:
    """Two promises that were kept, one each that was missed and cancelled, and one that lives until `until_ms`."""
    read = Journal()
    pen = Pen(read)
    pen.adopt(0, policy("orders"))
    for count, (kind, outcome) in enumerate(
        (("scheduled", "kept"), ("hold_place", "kept"), ("scheduled", "missed"), ("scheduled", "cancelled"))
    ):
        pen.promised(1_000, f"p{count}", "orders", 60_000, kind=kind)
        pen.promise_ended(60_000 + 1_000 * count, f"p{count}", outcome, due_ms=60_000)
        pen.ended(60_000 + 1_000 * count, f"p{count}", "completed", "scheduled")
    pen.promised(70_000, "lives", "orders", 80_000, until_ms=until_ms)
    return pen, read


def test_promises_are_counted_by_kind_and_end() -> None:
    _, read = journal()
    found = read.promises.by_kind()
    calls = found["all"]
    assert (calls.made, calls.kept, calls.missed, calls.cancelled, calls.due_later, calls.overdue) == (5, 2, 1, 1, 1, 0)
    assert (calls.kept_percent, calls.late_p50_s, calls.late_p95_s) == (66.7, 1.0, 2.0)
    assert (found["hold_place"].made, found["hold_place"].kept, found["scheduled"].made) == (1, 1, 4)
    assert Promises().by_kind()["all"].kept_percent is None


def test_a_promise_that_is_over_and_has_no_end_is_overdue() -> None:
    pen, read = journal(until_ms=90_000)
    pen.queued(90_000 + RINGING_MS, "x", "orders")
    assert (read.promises.by_kind()["all"].overdue, read.promises.overdue()) == (0, []), "whoever is rung then may still answer"
    pen.queued(90_001 + RINGING_MS, "y", "orders")
    assert (read.promises.by_kind()["all"].overdue, read.promises.overdue()) == (1, [an_id("lives").hex()])
    assert [contact for contact, _ in forgotten(Tally(), read.promises)] == [an_id("lives").hex()]


def test_what_customers_were_told_is_held_against_the_journal() -> None:
    _, read = journal()
    tally = Tally()
    tally.promised |= {an_id("p0").hex(), an_id("never").hex()}
    tally.called_off |= {an_id("p3").hex(), an_id("p0").hex()}
    assert forgotten(tally, read.promises) == [
        (an_id("never").hex(), "was confirmed and is not in the journal"),
        (an_id("p0").hex(), "was confirmed to be cancelled, and is kept"),
    ]


def test_a_door_that_turns_before_its_time_is_found_unless_nobody_could_be_served() -> None:
    read = Journal()
    pen = Pen(read)
    pen.adopt(1_000, policy("orders"))
    for at_ms, state, cause, held_until_ms in (
        (1_000, "open", None, 7_000),
        (6_000, "open", None, 7_000),
        (6_500, "busy", "expected_wait", 9_000),
        (8_000, "closed", "unstaffed", 12_000),
        (12_000, "open", None, 18_000),
    ):
        event = words.DoorTurned(at_ms, "chat", state, cause, None, None, None, held_until_ms)  # type: ignore[arg-type]
        pen.write(at_ms, about(event))
    turns = read.promises.turns
    assert [(turn.after_s, turn.state, turn.early) for turn in turns] == [
        (0.0, "open", False), (5.5, "busy", True), (7.0, "closed", False), (11.0, "open", False),
    ]  # fmt: skip


def test_a_run_must_show_a_kept_call_of_each_kind() -> None:
    _, read = journal()
    both = Wanted(calls=("scheduled", "hold_place"))
    assert both.missing(read.promises.by_kind(), []) == []
    read.promises.calls[an_id("p1").hex()].outcome = "honoured_not_reached"
    assert both.missing(read.promises.by_kind(), []) == ["no call to a customer who kept a place was kept: 1 were promised"]
    assert Wanted(calls=("scheduled",)).missing(read.promises.by_kind(), []) == []
    assert len(both.missing(Journal().promises.by_kind(), [])) == 2


def test_a_run_must_show_a_door_that_turns_busy_and_open_again() -> None:
    def turns(door: str, *states: str) -> list[Turn]:
        return [
            Turn(entry_point=door, after_s=second, state=state, cause=None, expected_wait_ms=None, early=False)
            for second, state in enumerate(states)
        ]

    def missing(*turned: Turn) -> bool:
        return bool(Wanted(dip=("chat", "shop")).missing(Journal().promises.by_kind(), turned))

    assert not missing(*turns("chat", "closed", "open", "busy", "open"))
    assert not missing(*turns("chat", "open"), *turns("shop", "busy", "open", "busy"))
    assert missing(), "no door has shown anything"
    assert missing(*turns("chat", "open", "busy")), "it never came back"
    assert missing(*turns("chat", "open", "closed", "open"), *turns("shop", "busy", "closed", "open")), "not busy, but shut"
    assert missing(*turns("chat", "open", "busy"), *turns("shop", "open")), "another door is open"
    assert missing(*turns("mail", "busy", "open")), "it is not a chat"


def test_a_short_or_quiet_run_need_not_show_everything() -> None:
    assert Plan().calls() and Plan().dips()
    assert Plan(seconds=60, chats_per_second=9).calls()
    assert not Plan(seconds=20).calls() and not Plan(seconds=20).dips()
    assert not Plan(callbacks_per_second=0).calls() and Plan(callbacks_per_second=0).dips()
    assert Plan(away_percent=0).calls() and not Plan(away_percent=0).dips()
    assert not Plan(away_percent=100).dips(), "with nobody left the door closes"


def test_slas_are_counted_by_how_they_ended() -> None:
    read = Journal()
    pen = Pen(read)
    pen.adopt(0, policy("orders"))
    for contact in ("a", "b", "c"):
        event = words.SlaStarted(1, "answer", "answer", "orders", None, 10, 11, None, False, None)
        pen.write(1, about(event, contact=contact, channel="chat"))
    pen.write(5, about(words.SlaMet(5, "answer", "orders", None, False, 4, 6, None), contact="a", channel="chat"))
    pen.write(11, about(words.SlaBroken(11, "answer", "orders", None, 11, False, None, None), contact="b", channel="chat"))
    (sla,) = read.promises.slas().values()
    assert (sla.started, sla.met, sla.broken, sla.cancelled, sla.running, sla.at_risk) == (3, 1, 1, 0, 1, 0)


def test_customers_have_numbers_that_may_be_called() -> None:
    callable_numbers = CallableNumbers(",".join(MOBILES))
    for seed in range(300):
        given = number(Random(seed))
        assert callable_numbers.number(given) == given

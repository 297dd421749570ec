"""The crowd's own bookkeeping: if it lied, the demo's exit code would mean nothing."""

from cordboard.demo.report import percentiles
from cordboard.demo.tally import Tally


def test_a_message_that_never_came_is_lost_only_for_a_customer_who_stayed() -> None:
    tally = Tally()
    tally.sent["stayed"] |= {"m1", "m2"}
    tally.sent["left"] |= {"m3"}
    tally.stayed.add("stayed")
    tally.hear("stayed", "m1")
    assert tally.lost_messages() == 1


def test_the_same_message_twice_is_a_duplicate() -> None:
    tally = Tally()
    tally.hear("c", "m")
    assert tally.duplicates == 0
    tally.hear("c", "m")
    assert tally.duplicates == 1


def test_latency_counts_whichever_of_offer_and_confirmation_is_seen_first() -> None:
    tally = Tally()
    tally.confirm("a", asked=0.0)
    tally.see_offer("a", attempt=1, wait_ms=0)
    tally.see_offer("b", attempt=1, wait_ms=0)
    assert len(tally.offer_latency_ms) == 1
    tally.confirm("b", asked=0.0)
    assert len(tally.offer_latency_ms) == 2


def test_an_offer_after_a_wait_for_an_agent_says_nothing_about_the_engine() -> None:
    tally = Tally()
    tally.confirm("a", asked=0.0)
    tally.see_offer("a", attempt=1, wait_ms=5_000)
    tally.see_offer("a", attempt=2, wait_ms=0)
    assert tally.offer_latency_ms == []


def test_a_first_offer_seen_by_two_desks_is_a_duplicate() -> None:
    tally = Tally()
    tally.see_offer("a", attempt=1, wait_ms=0)
    tally.see_offer("a", attempt=1, wait_ms=0)
    assert tally.duplicates == 1


def test_percentiles_by_nearest_rank() -> None:
    assert percentiles([]).p50 is None
    assert percentiles([float(n) for n in range(1, 101)]).p50 == 50.0
    assert percentiles([float(n) for n in range(1, 101)]).p99 == 99.0
    assert percentiles([3.0]).p99 == 3.0

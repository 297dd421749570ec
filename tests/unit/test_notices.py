"""Thresholds and matters that come back, counted for those who want to hear of them, after stories that the core decides."""

from __future__ import annotations

from types import SimpleNamespace

from cordboard.cli.faces import Faces
from cordboard.cli.vitals import Vitals, exposition
from cordboard.projections.boards import Boards
from tests.unit.test_slas import folded


def series(boards: Boards, vitals: Vitals) -> dict[str, float]:
    """What a scraper reads of them."""
    vitals.notices["thresholds"] = lambda: Faces._count_notices(SimpleNamespace(boards=boards, vitals=vitals))  # type: ignore[arg-type]
    lines = exposition(vitals, "")[0].decode().splitlines()
    found = [line.rpartition(" ") for line in lines if line.startswith(("cordboard_thresholds_", "cordboard_matters_"))]
    return {name: float(count) for name, _, count in found}


def ready() -> Vitals:
    vitals = Vitals.of(("api",))
    vitals.ready("api")
    return vitals


def test_thresholds_are_counted_by_queue_and_name_for_the_group_whom_they_concern() -> None:
    boards = folded("thresholds", Boards())
    counts = {(queue, name): (group, count) for queue, name, group, count in boards.notices.thresholds()}
    said = series(boards, ready())
    assert said['cordboard_thresholds_reached{group="floorwalkers",queue="orders",threshold="half"}'] == 2.0
    for (queue, name), (group, count) in counts.items():
        assert said[f'cordboard_thresholds_reached{{group="{group or ""}",queue="{queue}",threshold="{name}"}}'] == count
    assert sum("thresholds" in name for name in said) == len(counts)


def test_who_flows_over_at_a_threshold_reached_it_in_the_queue_that_they_left() -> None:
    boards = folded("threshold_overflow", Boards())
    assert {(queue, name): count for queue, name, _, count in boards.notices.thresholds()} == {
        ("orders", "over"): 2,
        ("invoices", "back"): 2,
        ("invoices", "on"): 2,
    }


def test_repeats_are_counted_by_queue_and_queues_without_any_from_0_on() -> None:
    said = series(folded("repeats", Boards()), ready())
    assert said['cordboard_matters_repeated{queue="orders"}'] == 3.0
    assert said['cordboard_matters_repeated{queue="garden"}'] == 0.0


def test_what_a_policy_drops_is_shown_no_more() -> None:
    assert 'cordboard_matters_repeated{queue="garden"}' in series(folded("repeats", Boards()), ready())
    dropped = series(folded("next_steps_gone", Boards()), ready())
    assert set(dropped) == {'cordboard_matters_repeated{queue="orders"}', 'cordboard_matters_repeated{queue="invoices"}'}


def test_nothing_is_said_before_the_journal_is_read_and_no_figure_is_an_alarm() -> None:
    vitals = Vitals.of(("api",))
    series(Boards(), ready())  # as a process begins that has said nothing yet
    assert series(folded("repeats", Boards()), vitals) == {}
    vitals.ready("api")
    assert vitals.standing() == {}

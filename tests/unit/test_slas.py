"""Clocks as the fold has them, after stories that the core decides."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from cordboard import codec
from cordboard.api.alarms import DeskAlarms, endangered
from cordboard.cli.faces import Faces
from cordboard.cli.vitals import Vitals, exposition
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.slas import LATELY_MS, SlaClock, SlaCount, Slas
from tests.journal import commit
from tests.scenarios.story import STORIES, Telling, parse

Fold = TypeVar("Fold", Slas, Boards)


def folded(name: str, fold: Fold) -> Fold:
    """Every commit of the story."""
    (path,) = [path for path in STORIES if path.stem == name]
    telling = Telling()
    for block in parse(path.read_text()):
        if block.commands:
            telling.tell(block.commands)
    for seq, data in enumerate(telling.commits, 1):
        fold.apply(seq, codec.decode_commit(data))
    return fold


def told(name: str) -> Slas:
    return folded(name, Slas())


def test_a_case_that_goes_on_as_a_callback_is_one_clock() -> None:
    slas = told("slas_promised")
    assert list(slas.live()) == []
    found = {(clock.name, clock.state, clock.reason) for clock in slas.all()}
    assert {("solved", "met", None), ("solved", "broken", None), ("answer", "cancelled", "flowed_out")} <= found
    assert slas.counts()["solved", "orders"] == SlaCount(met=3, broken=1, cancelled=1)
    assert slas.counts()["solved", "orders"].met_permille == 750
    assert slas.counts()["next", "orders"].met_permille is None
    assert slas.at_risk == 0


@pytest.mark.parametrize("name", [path.stem for path in STORIES if path.stem.startswith("slas")])
def test_what_changed_is_told_once_in_the_order_of_its_changes(name: str) -> None:
    slas = told(name)
    known = sorted(slas.all(), key=lambda clock: clock.changed_seq)
    assert {clock.key for clock in slas.changed_after(0)} == {clock.key for clock in known}
    middle = known[len(known) // 2].changed_seq
    later = slas.changed_after(middle)
    assert [clock.changed_seq for clock in later] == sorted(clock.changed_seq for clock in known if clock.changed_seq > middle)
    assert sorted(known, key=lambda clock: clock.place)[-1].due_ms is None or all(clock.due_ms for clock in known)


@pytest.mark.parametrize("name", [path.stem for path in STORIES if path.stem.startswith("slas")])
def test_a_group_hears_of_what_gets_in_danger_to_its_end_and_of_nothing_else(name: str) -> None:
    slas, desks = Slas(), Desks()
    site: Any = SimpleNamespace(slas=slas, desks=desks)
    everybody = {clock.group for clock in told(name).all() if clock.group is not None}
    alarms, nobody = DeskAlarms(site, b"a" * 16, everybody), DeskAlarms(site, b"a" * 16, ())
    heard: list[SlaClock] = []
    changes: list[SlaClock] = []

    def changed(clock: SlaClock) -> None:
        changes.append(clock)
        assert not nobody.concerns(clock)
        if alarms.concerns(clock):
            heard.append(clock)
        for contact in {one.contact for one in slas.live()}:
            assert {one.key for one in slas.of_contact(contact)} == {one.key for one in slas.live() if one.contact == contact}

    leave = slas.subscribe(changed)
    folded(name, slas)
    leave()
    assert heard == [clock for clock in changes if clock.group is not None and endangered(clock)]
    assert {clock.key for clock in alarms.standing()} == {one.key for one in slas.live() if one.group and endangered(one)}


def test_what_ended_a_day_ago_is_forgotten_and_stays_counted() -> None:
    slas = told("slas_promised")
    slas.apply(slas.position + 1, commit(slas.position + 1, slas.at_ms + LATELY_MS + 1))
    assert list(slas.all()) == slas.changed_after(0) == []
    assert slas.counts()["solved", "orders"].met == 3


@pytest.mark.parametrize("name", [path.stem for path in STORIES if path.stem.startswith("slas")])
def test_the_boards_count_the_same_clocks(name: str) -> None:
    slas, boards = told(name), folded(name, Boards())
    counted: Counter[str] = Counter()
    for (_, queue), count in slas.counts().items():
        counted.update({f"{queue} at risk": count.at_risk, f"{queue} met": count.met, f"{queue} broken": count.broken})
    shown = {
        f"{row.queue} {word}": number
        for row in boards.queues()
        for word, number in (("at risk", row.slas_at_risk), ("met", row.slas_met), ("broken", row.slas_broken))
    }
    assert +counted == +Counter(shown)


def test_metrics_say_nothing_of_slas_before_the_journal_is_read() -> None:
    boards, vitals = folded("slas_promised", Boards()), Vitals.of(("api",))
    vitals.notices["slas"] = lambda: Faces._count_slas(SimpleNamespace(boards=boards, vitals=vitals))  # type: ignore[arg-type]
    assert "cordboard_slas_ended{" not in exposition(vitals, "")[0].decode()
    vitals.ready("api")
    assert vitals.standing() == {}, "figures are no alarm"
    said = exposition(vitals, "")[0].decode()
    assert 'cordboard_slas_ended{outcome="met"} 4.0' in said and 'cordboard_slas_ended{outcome="broken"} 1.0' in said

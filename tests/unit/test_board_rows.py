"""Rows of the boards are built and written once, and kept: whatever stands in them must make them new."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.api import people as known_people
from cordboard.api.groups import Figures
from cordboard.api.people import NOBODY, People
from cordboard.api.translate.written import WrittenRows
from cordboard.events import event as words
from cordboard.events.policy import Policy
from cordboard.projections.boards import Boards
from cordboard.projections.rows import AgentRow, QueueRow
from cordboard.v1 import board_service_pb2 as pb
from cordboard.vault import Person, Vault
from cordboard.vault.clock import now_ms
from tests.journal import Pen, about, an_id, policy
from tests.unit.test_folds import Life

ALL = Figures(work=True, agents=True)
GROUPS = Figures(work=False, agents=False)
ANNA = Person(person="anna", name="Anna")
DAY_MS = 86_400_000
Cell = tuple[str | None, str | None]


@pytest.fixture
def boards() -> Boards:
    return Boards()


@pytest.fixture
def pen(boards: Boards) -> Pen:
    pen = Pen(boards)
    pen.adopt(0, policy("orders", "invoices"))
    pen.declare(0, "anna", "orders")
    pen.presence(0, "anna", "ready")
    pen.queued(10, "a", "orders")
    return pen


class Replica:
    """What somebody has who read every row once, and from then on the changes alone. Occupancy is left out: it grows with time,
    and a row is not sent for that."""

    def __init__(self) -> None:
        self.position = 0
        self.queues: dict[Cell, QueueRow] = {}
        self.agents: dict[bytes, AgentRow] = {}

    def read(self, boards: Boards) -> None:
        queues, agents = boards.changed_since(self.position)
        for queue in [*queues, *boards.parts_changed_since(self.position)]:
            self.queues[queue.queue, queue.channel] = replace(queue, occupancy_permille=None)
        for agent in agents:
            if agent.gone:
                del self.agents[agent.agent]
            else:
                self.agents[agent.agent] = replace(agent, occupancy_permille=None)
        self.position = boards.position


def queue_rows(boards: Boards) -> list[QueueRow]:
    return [*boards.queues(), *boards.cells(), *boards.channels()]


@pytest.mark.parametrize("seed", range(3))
def test_kept_rows_are_those_of_a_new_fold(seed: int) -> None:
    life, replica = Life(seed), Replica()
    for turn in range(160):
        life.pass_time()
        life.feed([life.fact()])
        rows = queue_rows(life.boards), life.boards.agents()
        replica.read(life.boards)
        if turn % 20 == 19:
            again = Boards()
            for data in life.commits:
                commit = codec.decode_commit(data)
                again.apply(commit.seq, commit)
            assert rows == (queue_rows(again), again.agents())
            fresh = {(row.queue, row.channel): replace(row, occupancy_permille=None) for row in queue_rows(again)}
            assert replica.queues == fresh
            assert list(replica.agents.values()) == sorted_like(replica, again.agents())


def sorted_like(replica: Replica, agents: list[AgentRow]) -> list[AgentRow]:
    fresh = {row.agent: replace(row, occupancy_permille=None) for row in agents}
    assert fresh.keys() == replica.agents.keys()
    return [fresh[agent] for agent in replica.agents]


def test_what_did_not_change_is_not_built_again(boards: Boards, pen: Pen) -> None:
    pen.declare(10, "bert", "invoices")
    anna, bert = (boards.agent(an_id(name)) for name in ("anna", "bert"))
    invoices = boards.queue("invoices")
    pen.write(10, about(words.AgentScheduleSet(10, 5_000), agent="anna"))
    assert boards.agent(an_id("bert")) is bert and boards.queue("invoices") is invoices
    assert boards.agent(an_id("anna")) is not anna


def test_a_row_becomes_new_when_time_alone_changes_it(boards: Boards, pen: Pen) -> None:
    pen.offered(10, "a", "anna", "orders")
    pen.accepted(10, "a", "anna")
    pen.engaged(10, "a", "anna", "orders")
    pen.presence(1_000, "anna", "ready")
    before = boards.agent(an_id("anna")), boards.queue("orders")
    pen.queued(900_000, "z", "invoices")
    after = boards.agent(an_id("anna")), boards.queue("orders")
    assert before[0] is not None and after[0] is not None and before[1] is not None and after[1] is not None
    assert before[0].occupancy_permille != after[0].occupancy_permille
    assert before[1].occupancy_permille != after[1].occupancy_permille


def test_a_policy_changes_the_goal_of_every_row_of_its_queues(boards: Boards, pen: Pen) -> None:
    seen = boards.position
    assert [row.service_level_percent for row in [*boards.queues(), *boards.cells()]] == [80, 80, 80]
    pen.adopt(20, replace_goal(55))
    assert [row.service_level_percent for row in [*boards.queues(), *boards.cells()]] == [55, 55, 55]
    assert [(row.queue, row.channel) for row in boards.parts_changed_since(seen)] == [("orders", "chat"), (None, "chat")]


def replace_goal(percent: int) -> Policy:
    adopted = policy("orders", "invoices")
    return replace(adopted, queues=[replace(queue, service_level_percent=percent) for queue in adopted.queues])


def test_who_is_ready_for_a_channel_elsewhere_counts_in_its_row(boards: Boards, pen: Pen) -> None:
    (before,) = boards.channels()
    seen = boards.position
    pen.declare(20, "bert", "invoices")
    pen.presence(20, "bert", "ready")
    (after,) = boards.channels()
    assert (before.members_ready, after.members_ready) == (1, 2)
    assert boards.parts_changed_since(seen) == [after], "no queue had the channel's contacts where bert works"


def test_an_offer_to_an_agent_of_an_added_queue_shows_where_the_contact_waits(boards: Boards, pen: Pen) -> None:
    assert [row.offering for row in boards.queues()] == [0, 0]
    seen = boards.position
    pen.offered(20, "a", "anna", "invoices")
    assert [(row.queue, row.offering) for row in boards.queues()] == [("invoices", 0), ("orders", 1)]
    assert {row.queue for row in boards.changed_since(seen)[0]} == {"orders", "invoices"}


def agents_of(rows: list[bytes]) -> list[tuple[str, str]]:
    return [(row.person, row.name) for row in pb.WatchBoardsResponse.FromString(b"".join(rows)).agents]


def test_a_written_row_becomes_new_with_the_name_and_with_the_row(boards: Boards, pen: Pen) -> None:
    written, ref = WrittenRows(), an_id("anna")
    first = written.agents(boards.agents(), {ref: ANNA})
    assert agents_of(first) == [("anna", "Anna")]
    again = written.agents(boards.agents(), {ref: Person(person="anna", name="Anna")})
    assert again[0] is first[0], "read again, and the same"
    assert agents_of(written.agents(boards.agents(), {ref: Person(person="anna", name="Anna B.")})) == [("anna", "Anna B.")]
    assert agents_of(written.agents(boards.agents(), {ref: NOBODY})) == [("", "")], "erased"
    pen.presence(20, "anna", "not_ready")
    (row,) = pb.WatchBoardsResponse.FromString(b"".join(written.agents(boards.agents(), {ref: NOBODY}))).agents
    assert row.since_ms == 20


def test_a_written_row_of_a_queue_becomes_new_with_what_may_be_told(boards: Boards, pen: Pen) -> None:
    written = WrittenRows()
    told = []
    for figures in (ALL, GROUPS, ALL):
        data = written.queues([row for row in boards.queues() if row.queue == "orders"], lambda _row: figures)  # noqa: B023
        (row,) = pb.WatchBoardsResponse.FromString(b"".join(data)).queues
        told.append((row.members_ready, row.agents_withheld))
    assert told == [(1, False), (0, True), (1, False)]


def test_nothing_is_kept_of_who_is_gone_or_not_to_be_shown(boards: Boards, pen: Pen) -> None:
    pen.declare(20, "bert", "orders")
    written = WrittenRows()
    people = {an_id("anna"): ANNA, an_id("bert"): Person(person="bert", name="Bert")}
    anna, bert = written.agents(boards.agents(), people)
    seen = boards.position
    pen.write(30, about(words.AgentRemoved(30), agent="bert"))
    gone = written.agents(boards.changed_since(seen)[1], people)
    assert list(pb.WatchBoardsResponse.FromString(b"".join(gone)).removed_agent_ids) == [an_id("bert").hex()]
    pen.declare(40, "bert", "orders")
    kept = written.agents(boards.agents(), people)
    assert kept[0] is anna and kept[1] is not bert
    written.forget_others([], [])
    assert not {id(data) for data in kept} & {id(data) for data in written.agents(boards.agents(), people)}


def test_nothing_is_kept_of_a_queue_that_was_removed(boards: Boards, pen: Pen) -> None:
    written = WrittenRows()

    def all_of(rows: list[QueueRow]) -> dict[str | None, bytes]:
        return dict(zip([row.queue for row in rows], written.queues(rows, lambda _row: ALL), strict=True))

    first, before = boards.queues(), boards.position
    kept = all_of(first)
    assert [row.queue for row in first] == ["invoices", "orders"]
    pen.adopt(20, policy("orders"))
    (told,) = (row for row in boards.changed_since(before)[0] if row.queue == "invoices")
    assert told.mode is None, "who watches hears that it is no queue any more"
    assert boards.queue("invoices") is None
    assert not any(cell[0] == "invoices" for cell in boards._queues._kept)
    all_of([told])
    written.forget_others(boards.queues(), [])
    assert not any(cell[0] == "invoices" for cell in written._queues)
    pen.adopt(30, policy("orders", "invoices"))
    assert all_of(boards.queues()).keys() == kept.keys()


def test_rows_stand_under_the_same_numbers_in_both_answers() -> None:
    of_watch, of_get = pb.WatchBoardsResponse.DESCRIPTOR.fields_by_name, pb.GetBoardsResponse.DESCRIPTOR.fields_by_name
    for field in ("queues", "agents"):
        assert of_watch[field].number == of_get[field].number
        assert of_watch[field].message_type is of_get[field].message_type


async def test_an_erased_agent_loses_the_name_in_a_row_that_did_not_change(
    tmp_path: Path, boards: Boards, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_people, "REMEMBERED_S", 0.0)  # as if the names of the answer before had been remembered for long
    async with Vault.open(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", bytes(32)) as vault:
        ref = await vault.agent_ref("zoe", "Zoe")
        pen.write(20, replace(about(words.AgentRegistered(20, [], [], [], 100)), agent=ref))
        people, written, rows = People(vault, boards.agent), WrittenRows(), [row for row in boards.agents() if row.agent == ref]
        assert agents_of(written.agents(rows, await people.of([ref]))) == [("zoe", "Zoe")]
        await vault.periods.begin(now_ms() + 200 * DAY_MS)
        assert await vault.periods.destroy((await vault.periods.all())[-1].ordinal)
        assert agents_of(written.agents(rows, await people.of([ref]))) == [("", "")]

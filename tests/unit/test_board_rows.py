"""Rows of the boards are built and written once, and kept: whatever stands in them must make them new."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.api import people as known_people
from cordboard.api.groups import Figures
from cordboard.api.people import NOBODY, People
from cordboard.api.translate import written as written_rows
from cordboard.api.translate.written import WrittenRows
from cordboard.events import event as words
from cordboard.events.policy import Policy
from cordboard.projections.accrual import NEVER_MS, Occupancy
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


def sorted_like(replica: Replica, agents: Iterable[AgentRow]) -> list[AgentRow]:
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


def test_occupancy_holds_until_the_instant_that_is_said() -> None:
    random, turned = Random(1), 0
    for _ in range(400):
        occupancy, at_ms = Occupancy(), 0
        for _ in range(random.randrange(1, 6)):
            at_ms += random.choice([0, 1, 50, 5_000])
            work, ready = occupancy.work.rate, occupancy.ready.rate
            occupancy.change(at_ms, random.choice([0, 30, 100, -work]), random.choice([0, 1, 100, -ready]))
        at_ms += random.randrange(300)
        said, until_ms = occupancy.permille(at_ms), occupancy.holds_until_ms(at_ms)
        later_ms = {at_ms + 1, at_ms + 40, at_ms + 2_000, at_ms + DAY_MS, until_ms - 1}
        assert {occupancy.permille(ms) for ms in later_ms if ms < until_ms} <= {said}
        if until_ms < NEVER_MS:
            turned += 1
            assert occupancy.permille(until_ms) != said
    assert turned > 100


def test_the_rows_of_all_agents_are_one_tuple_until_one_of_them_changes(boards: Boards, pen: Pen) -> None:
    before = boards.agents()
    pen.queued(20, "b", "invoices")
    assert boards.agents() is before
    pen.presence(30, "anna", "not_ready")
    (row,) = boards.agents()
    assert row.effective == "not_ready"
    pen.declare(40, "bert", "orders")
    assert len(boards.agents()) == 2


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
    written.forget_others([], ())
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
        assert agents_of(await written.every_agent(rows, people)) == [("zoe", "Zoe")]
        await vault.periods.begin(now_ms() + 200 * DAY_MS)
        assert await vault.periods.destroy((await vault.periods.all())[-1].ordinal)
        assert agents_of(await written.every_agent(rows, people)) == [("", "")]
        assert agents_of(written.agents(rows, await people.of([ref]))) == [("", "")]


async def test_all_who_begin_to_watch_are_told_the_same_bytes_until_a_row_or_a_name_changes(
    tmp_path: Path, boards: Boards, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written_rows, "ROWS_AT_ONCE", 2)
    async with Vault.open(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", bytes(32)) as vault:
        refs = [await vault.agent_ref(f"zoe {number}", "Zoe") for number in range(5)]
        for ref in refs:
            pen.write(20, replace(about(words.AgentRegistered(20, [], [], [], 100)), agent=ref))
        pen.write(20, about(words.AgentRemoved(20), agent="anna"))
        people, written = People(vault, boards.agent), WrittenRows()
        rows = boards.agents()
        first = await written.every_agent(rows, people)
        assert sorted(agents_of(first)) == [(f"zoe {number}", "Zoe") for number in range(5)]
        assert await written.every_agent(rows, people) is first
        assert await people.declare("zoe 3", "Zara") == refs[3]
        assert ("zoe 3", "Zara") in agents_of(await written.every_agent(rows, people))
        pen.write(30, replace(about(words.AgentRemoved(30)), agent=refs[0]))
        left = boards.agents()
        told = await written.every_agent(left, people)
        assert ("zoe 0", "Zoe") not in agents_of(told)
        (gone,) = await written.changed_agents(boards.changed_since(boards.position - 1)[1], people)
        assert list(pb.WatchBoardsResponse.FromString(gone).removed_agent_ids) == [refs[0].hex()]
        assert (again := await written.every_agent(left, people)) == told and again is not told, "nothing is kept of who is gone"
        written.forget_others([], ())
        assert await written.every_agent(left, people) is not again, "nor of who is not to be shown"


async def test_of_all_agents_those_alone_are_written_again_who_changed(boards: Boards, pen: Pen, tmp_path: Path) -> None:
    for name in ("bert", "cora", "dirk"):
        pen.declare(20, name, "orders")
    async with Vault.open(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", bytes(32)) as vault:
        people, written, rows = People(vault, boards.agent), WrittenRows(), boards.agents()
        before = await written.every_agent(rows, people)
        pen.presence(30, "cora", "ready")
        after = await written.every_agent(boards.agents(), people)
        slot = [row.agent for row in rows].index(an_id("cora"))
        assert [data is kept for data, kept in zip(after, before, strict=True)] == [other != slot for other in range(4)]
        assert pb.WatchBoardsResponse.FromString(after[slot]).agents[0].since_ms == 30
        pen.write(40, about(words.AgentRemoved(40), agent="anna"))
        pen.declare(40, "emma", "orders")
        told = pb.WatchBoardsResponse.FromString(b"".join(await written.every_agent(boards.agents(), people)))
        assert [row.agent_id for row in told.agents] == sorted(an_id(name).hex() for name in ("bert", "cora", "dirk", "emma"))


async def test_a_name_changed_elsewhere_shows_in_its_time_though_other_rows_were_written_since(
    boards: Boards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pen, loop, later_s = Pen(boards), asyncio.get_running_loop(), 0.0
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + later_s)
    async with Vault.open(f"sqlite+aiosqlite:///{tmp_path / 'vault.db'}", bytes(32)) as vault:
        zoe, yann, xena = [await vault.agent_ref(name, name.title()) for name in ("zoe", "yann", "xena")]
        for ref in (zoe, yann):
            pen.write(20, replace(about(words.AgentRegistered(20, [], [], [], 100)), agent=ref))
        people, written = People(vault, boards.agent), WrittenRows()
        await written.every_agent(boards.agents(), people)
        await vault.agent_ref("zoe", "Zara")  # by another process
        later_s = known_people.REMEMBERED_S * 2 / 3
        pen.write(30, replace(about(words.AgentRemoved(30)), agent=yann))
        pen.write(30, replace(about(words.AgentRegistered(30, [], [], [], 100)), agent=xena))
        assert ("xena", "Xena") in agents_of(await written.every_agent(boards.agents(), people))
        later_s = known_people.REMEMBERED_S
        assert ("zoe", "Zara") in agents_of(await written.every_agent(boards.agents(), people))

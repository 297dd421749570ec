"""What the boards say of queues' modes, reservations, absences, desks and planned absence, against journals by hand."""

import pytest
from msgspec.structs import replace

from cordboard.api.calendar import days_warning
from cordboard.events import event as words
from cordboard.events.bounds import AgentChannel, Membership
from cordboard.events.policy import CalendarPolicy
from cordboard.projections.boards import Boards
from cordboard.projections.rows import AgentRow, QueueRow
from tests.journal import Pen, about, an_id, policy


@pytest.fixture
def boards() -> Boards:
    return Boards()


@pytest.fixture
def pen(boards: Boards) -> Pen:
    pen = Pen(boards)
    pen.adopt(0, policy("orders", "invoices"))
    return pen


def agent(boards: Boards, name: str) -> AgentRow:
    row = boards.agent(an_id(name))
    assert row is not None
    return row


def queue(boards: Boards, name: str) -> QueueRow:
    row = boards.queue(name)
    assert row is not None
    return row


def presence(pen: Pen, at_ms: int, name: str, effective: str, reason: str | None = None) -> None:
    event = words.PresenceChanged(at_ms, effective, reason, effective, reason, at_ms, "requested")  # type: ignore[arg-type]
    pen.write(at_ms, about(event, agent=name))


def test_a_queue_is_open_until_somebody_closes_it(boards: Boards, pen: Pen) -> None:
    assert (queue(boards, "orders").mode, queue(boards, "orders").close_at_ms) == ("open", None)
    before = boards.position
    pen.write(5, about(words.QueueModeSet(5, "orders", "closed", 600_005)))
    assert (queue(boards, "orders").mode, queue(boards, "orders").close_at_ms) == ("closed", 600_005)
    assert [row.queue for row in boards.changed_since(before)[0]] == ["orders"]
    pen.write(600_005, about(words.QueueModeSet(600_005, "orders", "closed", None)))
    assert (queue(boards, "orders").mode, queue(boards, "orders").close_at_ms) == ("closed", None)
    pen.write(700_000, about(words.QueueModeSet(700_000, "orders", "open", None)))
    assert queue(boards, "orders").mode == "open"


def test_a_queue_is_open_when_its_calendar_says_unless_somebody_says_otherwise(boards: Boards, pen: Pen) -> None:
    timed = policy("orders")
    timed = replace(
        timed, queues=[replace(timed.queues[0], calendar="office")], calendars=[CalendarPolicy(name="office", order=[0])]
    )
    pen.adopt(1, timed)
    before = boards.position
    pen.write(5, about(words.QueueHoursTurned(5, "orders", False, 65, 100)))
    assert (queue(boards, "orders").mode, queue(boards, "orders").close_at_ms) == ("closed_hours", 65)
    assert [row.queue for row in boards.changed_since(before)[0]] == ["orders"]
    pen.write(6, about(words.QueueModeSet(6, "orders", "emergency", 7)))
    assert (queue(boards, "orders").mode, queue(boards, "orders").close_at_ms) == ("emergency", 7)
    pen.write(7, about(words.QueueModeSet(7, "orders", "open", None)))
    assert queue(boards, "orders").mode == "closed_hours"
    pen.write(100, about(words.QueueHoursTurned(100, "orders", True, None, None)))
    assert queue(boards, "orders").mode == "open"
    pen.write(101, about(words.QueueHoursTurned(101, "orders", False, None, None)))
    pen.adopt(102, policy("orders"))
    assert queue(boards, "orders").mode == "open"


def test_a_policy_without_the_queue_forgets_its_mode(boards: Boards, pen: Pen) -> None:
    pen.queued(1, "a", "orders")
    pen.write(5, about(words.QueueModeSet(5, "orders", "emergency", 6)))
    pen.ended(7, "a", "cancelled", "queued")
    pen.adopt(8, policy("invoices"))
    assert queue(boards, "orders").mode is None
    pen.adopt(9, policy("orders", "invoices"))
    assert queue(boards, "orders").mode == "open"


def test_a_reservation_stands_at_the_agent_and_at_the_queue(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.queued(1, "a", "orders", channel="task")
    pen.write(2, about(words.AgentReserved(2), contact="a", agent="anna", channel="task"))
    assert agent(boards, "anna").reserved_for == an_id("a")
    assert (queue(boards, "orders").reserved, boards.cells()[0].reserved) == (1, 1)
    pen.write(3, about(words.AgentReleased(3, "offered"), contact="a", agent="anna", channel="task"))
    assert agent(boards, "anna").reserved_for is None
    assert queue(boards, "orders").reserved == 0


def test_absences_are_counted_by_reason_until_they_end(boards: Boards, pen: Pen) -> None:
    for name, reason in (("anna", "lunch"), ("bert", "lunch"), ("cora", None)):
        pen.declare(0, name, "orders")
        presence(pen, 1, name, "not_ready", reason)
    assert boards.site().absences == {"": 1, "lunch": 2}
    presence(pen, 2, "anna", "ready")
    presence(pen, 2, "cora", "offline")
    assert boards.site().absences == {"lunch": 1}
    pen.write(3, about(words.AgentRemoved(3), agent="bert"))
    assert boards.site().absences == {}


def test_a_planned_absence_is_over_when_the_agent_has_left_or_comes_later(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    presence(pen, 1, "anna", "ready")
    pen.write(2, about(words.AgentScheduleSet(2, 1_000), agent="anna"))
    assert agent(boards, "anna").leaves_ms == 1_000
    presence(pen, 900, "anna", "not_ready", "lunch")
    assert agent(boards, "anna").leaves_ms is None
    pen.write(950, about(words.AgentScheduleSet(950, 2_000), agent="anna"))
    presence(pen, 960, "anna", "offline")
    assert agent(boards, "anna").leaves_ms == 2_000, "only who was ready has left"
    presence(pen, 1_000, "anna", "ready")
    assert agent(boards, "anna").leaves_ms == 2_000, "and only who comes later than that is beyond it"
    pen.write(1_001, about(words.AgentScheduleSet(1_001, None), agent="anna"))
    assert agent(boards, "anna").leaves_ms is None
    pen.declare(0, "bert", "orders")
    pen.write(1_002, about(words.AgentScheduleSet(1_002, 2_000), agent="bert"))
    presence(pen, 2_000, "bert", "ready")
    assert agent(boards, "bert").leaves_ms is None


def test_a_lost_desk_and_work_from_elsewhere_stand_at_the_agent(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    presence(pen, 1, "anna", "ready")
    pen.write(2, about(words.OutsideWorkChanged(2, an_id("call"), True, 40), agent="anna", channel="task"))
    pen.write(3, about(words.DeskLossRecorded(3, []), agent="anna"))
    row = agent(boards, "anna")
    assert (row.outside, row.load, row.desk_lost, queue(boards, "orders").members_ready) == (1, 40, True, 0)
    pen.write(4, about(words.OutsideWorkChanged(4, an_id("call"), False, 40), agent="anna", channel="task"))
    pen.write(5, about(words.DeskReturnRecorded(5), agent="anna"))
    row = agent(boards, "anna")
    assert (row.outside, row.load, row.desk_lost, queue(boards, "orders").members_ready) == (0, 0, False, 1)


def test_a_channel_that_was_not_declared_for_a_while_is_on_again(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    presence(pen, 1, "anna", "ready")
    pen.queued(1, "a", "orders")
    pen.write(2, about(words.ChannelSwitchSet(2, False, "requested"), agent="anna", channel="chat"))
    pen.declare(3, "anna", "orders")
    assert {load.channel: load.on for load in agent(boards, "anna").channels} == {"chat": False, "task": True}
    pen.write(4, about(words.AgentRegistered(4, [], [Membership("orders")], [AgentChannel("task", 60, 1)], 100), agent="anna"))
    pen.declare(5, "anna", "orders")
    assert {load.channel: load.on for load in agent(boards, "anna").channels} == {"chat": True, "task": True}
    assert [(row.channel, row.members_ready) for row in boards.cells()] == [("chat", 1)]


def test_the_days_of_a_policy_are_counted_down_and_warned_of_in_time(boards: Boards, pen: Pen) -> None:
    assert boards.site().days_left is None
    assert days_warning(boards) is None
    day_ms = 86_400_000
    pen.adopt(1, replace(policy("orders"), timezone="UTC", days_ms=[day * day_ms for day in range(100)]))
    assert boards.site().days_left == 99
    pen.write(39 * day_ms)
    assert (boards.site().days_left, days_warning(boards)) == (60, None)
    pen.write(40 * day_ms)
    assert boards.site().days_left == 59
    assert "59 more days" in (days_warning(boards) or "")
    pen.write(400 * day_ms)
    assert boards.site().days_left == 0
    pen.adopt(400 * day_ms, policy("orders"))
    assert boards.site().days_left is None

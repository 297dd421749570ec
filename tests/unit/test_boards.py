"""Boards against small journals worked out by hand."""

import pytest

from cordboard.errors import JournalCorrupt
from cordboard.events import event as words
from cordboard.projections.boards import Boards
from tests.journal import Pen, about, an_id, commit, policy


@pytest.fixture
def boards() -> Boards:
    return Boards()


@pytest.fixture
def pen(boards: Boards) -> Pen:
    pen = Pen(boards)
    pen.adopt(0, policy("orders", "invoices"))
    return pen


def test_every_queue_of_the_policy_has_a_row(boards: Boards, pen: Pen) -> None:
    assert [row.queue for row in boards.queues()] == ["invoices", "orders"]
    row = boards.queues()[0]
    assert (row.waiting, row.oldest_since_ms, row.service_level_permille, row.service_level_percent) == (0, None, None, 80)


def test_the_longest_wait_is_that_of_the_oldest_who_still_waits(boards: Boards, pen: Pen) -> None:
    for at_ms, contact in ((1_000, "a"), (2_000, "b"), (3_000, "c")):
        pen.queued(at_ms, contact, "orders")
    row = boards.queue("orders")
    assert row is not None
    assert (row.waiting, row.oldest_since_ms, row.longest_wait_ms(5_000)) == (3, 1_000, 4_000)
    pen.visit_ended(4_000, "a", "orders", "abandoned", 3_000)
    pen.ended(4_000, "a", "abandoned", "queued")
    row = boards.queue("orders")
    assert row is not None
    assert (row.waiting, row.longest_wait_ms(5_000), row.abandoned, row.short_abandoned) == (2, 3_000, 1, 1)


def test_service_level_counts_visits_offered(boards: Boards, pen: Pen) -> None:
    waits = [
        ("a", "answered", 10_000),
        ("b", "answered", 30_000),
        ("c", "abandoned", 2_000),
        ("d", "abandoned", 9_000),
        ("e", "closed", 9),
    ]
    for contact, outcome, wait_ms in waits:
        pen.queued(50_000, contact, "orders")
        pen.visit_ended(50_000 + wait_ms, contact, "orders", outcome, wait_ms)
    row = boards.queue("orders")
    assert row is not None
    assert (row.visits, row.offered, row.closed, row.answered_in_target) == (5, 4, 1, 1)
    assert row.service_level_permille == 250
    assert row.service_level_net_permille == 333
    assert row.abandon_permille == 500
    assert (row.asa_ms, row.answered_wait_ms, row.wait_max_ms) == (20_000, 40_000, 30_000)
    assert row.wait_p50_ms is not None and 10_000 <= row.wait_p50_ms <= 10_625
    assert row.wait_p99_ms == 30_000


def test_an_offer_keeps_the_contact_waiting_until_it_is_connected(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    row = boards.cells()[0]
    assert (row.waiting, row.offering, row.engaged) == (1, 1, 0)
    pen.expired(21_000, "a", "anna")
    row = boards.cells()[0]
    assert (row.waiting, row.offering, row.engaged) == (1, 0, 0)
    pen.offered(30_000, "a", "anna", "orders", attempt=2)
    pen.accepted(31_000, "a", "anna", attempt=2)
    pen.engaged(32_000, "a", "anna", "orders", attempt=2)
    row = boards.cells()[0]
    assert (row.waiting, row.offering, row.engaged) == (0, 0, 1)


def test_handle_time_is_talk_and_wrap_up(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    _serve(pen, "a", "anna", 10_000, talk_ms=60_000, wrap_ms=30_000)
    pen.wrapped(90_000, "a", "anna")
    row = boards.queue("orders")
    assert row is not None
    assert (row.handled, row.aht_ms, row.wrapping, row.engaged) == (1, 80_000, 0, 0)


def test_load_per_channel_follows_the_work(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.queued(0, "a", "orders")
    pen.offered(0, "a", "anna", "orders")
    pen.queued(0, "t", "orders", channel="task")
    pen.offered(0, "t", "anna", "orders", channel="task", cost=60)
    agent = boards.agents()[0]
    chat, task = agent.channels
    assert (agent.load, agent.capacity) == (90, 100)
    assert (chat.channel, chat.offered, chat.load, chat.max_concurrent) == ("chat", 1, 30, 3)
    assert (task.channel, task.count, task.load) == ("task", 1, 60)
    pen.accepted(1, "a", "anna")
    pen.engaged(2, "a", "anna", "orders")
    pen.disengaged(3, "a", "anna", wrap_ms=5_000)
    agent = boards.agents()[0]
    assert (agent.load, agent.channels[0].wrapping, agent.channels[0].load) == (75, 1, 15)
    pen.wrapped(4, "a", "anna")
    agent = boards.agents()[0]
    assert (agent.load, agent.handled, agent.channels[0].count) == (60, 1, 0)


def test_occupancy_weighs_time_with_capacity(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.declare(0, "bert", "orders", "invoices")
    pen.presence(0, "anna", "ready")
    pen.presence(0, "bert", "ready")
    _serve(pen, "a", "anna", 0, talk_ms=50_000, wrap_ms=20_000)
    pen.wrapped(70_000, "a", "anna")
    pen.presence(100_000, "bert", "offline")
    # 30 units for 50 s and 15 for 20 s, of 100 units for 100 s and twice that for the two.
    anna = boards.agent(an_id("anna"))
    assert anna is not None
    assert anna.occupancy_permille == 180
    assert [row.occupancy_permille for row in boards.queues()] == [0, 90]
    assert boards.site().occupancy_permille == 90
    pen.presence(100_000, "anna", "offline")
    pen.queued(900_000, "z", "orders")
    assert boards.site().occupancy_permille == 90, "offline time is nobody's"


def test_expected_wait_is_the_greatest_of_three(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.queued(0, "a", "orders")
    row = boards.queue("orders")
    assert row is not None and row.expected_wait_ms(5_000) is None, "nobody works: unknown"
    pen.presence(0, "anna", "ready")
    row = boards.queue("orders")
    assert row is not None and row.expected_wait_ms(5_000) == 5_000, "the head's own wait"
    _serve(pen, "a", "anna", 6_000, talk_ms=40_000, queued=False)
    pen.queued(50_000, "b", "orders")
    pen.queued(50_000, "c", "orders")
    row = boards.queue("orders")
    assert row is not None and row.expected_wait_ms(50_001) == 80_000, "two ahead x 40 s by one member"
    pen.visit_ended(140_000, "b", "orders", "answered", 90_000)
    row = boards.queue("orders")
    assert row is not None and row.expected_wait_ms(50_001) == 90_000, "what the last one waited"


def test_pending_and_switched_off_agents_are_not_ready_members(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.presence(0, "anna", "ready")
    pen.queued(0, "a", "orders")
    assert [row.members_ready for row in boards.cells()] == [1]
    pen.write(1, about(words.ChannelSwitchSet(1, False, "requested"), agent="anna", channel="chat"))
    orders = boards.queue("orders")
    assert orders is not None
    assert ([row.members_ready for row in boards.cells()], orders.members_ready) == ([0], 1)
    pen.presence(2, "anna", "ready", requested="not_ready")
    orders = boards.queue("orders")
    assert orders is not None
    assert (orders.members_ready, boards.site().agents_ready) == (0, 1)


def test_only_changed_rows_are_told(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    seen = boards.position
    assert boards.changed_since(seen) == ([], [])
    pen.queued(1, "a", "invoices")
    queues, agents = boards.changed_since(seen)
    assert ([row.queue for row in queues], agents) == (["invoices"], [])
    assert queues == [boards.queue("invoices")]
    pen.presence(2, "anna", "ready")
    queues, agents = boards.changed_since(seen + 1)
    assert ([row.queue for row in queues], [row.agent for row in agents]) == (["orders"], [an_id("anna")])


def test_a_removed_agent_is_told_as_gone(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.presence(0, "anna", "ready")
    seen = boards.position
    pen.presence(1, "anna", "offline")
    pen.write(2, about(words.AgentRemoved(2), agent="anna"))
    _, agents = boards.changed_since(seen)
    assert [(row.agent, row.gone) for row in agents] == [(an_id("anna"), True)]
    assert (boards.agents(), boards.site().agents, boards.forgotten) == ((), 0, 0)


def test_channels_add_up_over_queues(boards: Boards, pen: Pen) -> None:
    pen.queued(1, "a", "orders")
    pen.queued(2, "b", "invoices")
    pen.queued(3, "t", "orders", channel="task")
    pen.declare(4, "anna", "orders", "invoices", chat_max=0)
    pen.presence(4, "anna", "ready")
    rows = [(row.channel, row.waiting, row.visits, row.members_ready) for row in boards.channels()]
    assert rows == [("chat", 2, 2, 0), ("task", 1, 1, 1)]
    site = boards.site()
    assert (site.contacts, site.open, site.policy_version) == (3, 3, 1)


def test_a_parked_contact_waits_for_nobody_and_costs_nothing(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.presence(0, "anna", "ready")
    pen.queued(10_000, "m", "orders", channel="mail")
    pen.offered(10_000, "m", "anna", "orders", channel="mail")
    pen.accepted(10_000, "m", "anna", channel="mail")
    pen.engaged(10_000, "m", "anna", "orders", channel="mail")
    seen = boards.position
    pen.disengaged(40_000, "m", "anna", by="parked", channel="mail")
    pen.parked(40_000, "m", "anna", for_ms=600_000)
    row, agent, site = boards.cells()[0], boards.agents()[0], boards.site()
    assert (row.waiting, row.oldest_since_ms, row.engaged, row.parked, row.visits) == (0, None, 0, 1, 1)
    assert (agent.load, agent.parked, site.parked, site.open) == (0, 1, 1, 1)
    queues, agents = boards.changed_since(seen + 1)
    assert ([row.queue for row in queues], [row.agent for row in agents]) == (["orders"], [an_id("anna")])
    assert (row.handled, row.aht_ms) == (1, 30_000), "the agent worked until it was put aside, not until it comes back"
    pen.presence(50_000, "anna", "offline")
    assert boards.site().occupancy_permille == 180, "30 of 100 units for 30 of 50 s, and nothing while it was parked"


def test_a_return_is_a_new_visit_of_the_same_contact(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.queued(0, "m", "orders", channel="mail")
    _park(pen, "m", "anna", 0)
    pen.park_ended(90_000, "m", "anna", by="customer")
    pen.queued(90_000, "m", "orders", channel="mail", visit=2)
    row = boards.cells()[0]
    assert (row.waiting, row.oldest_since_ms, row.parked, row.visits) == (1, 90_000, 0, 2)
    assert (boards.site().contacts, boards.agents()[0].parked) == (1, 0)


def test_a_parked_contact_may_end(boards: Boards, pen: Pen) -> None:
    pen.declare(0, "anna", "orders")
    pen.queued(0, "m", "orders", channel="mail")
    _park(pen, "m", "anna", 0)
    pen.park_ended(90_000, "m", "anna", by="service")
    pen.ended(90_000, "m", "completed", "parked", channel="mail")
    row, site = boards.cells()[0], boards.site()
    assert (row.parked, row.waiting, site.parked, site.open, site.ended) == (0, 0, 0, 0, {"completed": 1})


def test_the_end_of_a_park_that_never_was_is_corrupt(boards: Boards, pen: Pen) -> None:
    pen.queued(0, "m", "orders", channel="mail")
    with pytest.raises(JournalCorrupt):
        pen.park_ended(1, "m", "anna")


def test_effects_are_open_until_done_and_kept_when_they_fail(boards: Boards, pen: Pen) -> None:
    pen.queued(0, "m", "orders", channel="mail")
    first, second, third = (pen.effect(1, "m", "anna", ordinal) for ordinal in (1, 2, 3))
    assert (boards.site().effects_open, boards.site().effects_failed) == (3, 0)
    pen.effect_ended(2, "m", first, "done")
    pen.effect_ended(3, "m", second, "failed")
    pen.effect_ended(3, "m", third, "failed")
    assert (boards.site().effects_open, boards.site().effects_failed) == (0, 2)
    pen.effect_retried(4, "m", second, 2)
    pen.effect_ended(5, "m", third, "discarded")
    assert (boards.site().effects_open, boards.site().effects_failed) == (1, 0)
    pen.effect_ended(6, "m", second, "failed")
    pen.effect_ended(7, "m", second, "done")
    assert (boards.site().effects_open, boards.site().effects_failed) == (0, 0), "it had arrived after all"


def test_a_gap_is_never_skipped(boards: Boards, pen: Pen) -> None:
    with pytest.raises(JournalCorrupt):
        boards.apply(boards.position + 2, commit(boards.position + 2, 0))


def test_an_offer_out_of_nowhere_is_corrupt(boards: Boards, pen: Pen) -> None:
    pen.queued(0, "a", "orders")
    with pytest.raises(JournalCorrupt):
        pen.accepted(1, "a", "anna")


def _serve(
    pen: Pen, contact: str, agent: str, at_ms: int, *, talk_ms: int, wrap_ms: int | None = None, queued: bool = True
) -> None:
    """From arrival to the end of the talk; answered at once."""
    if queued:
        pen.queued(at_ms, contact, "orders")
    pen.offered(at_ms, contact, agent, "orders")
    pen.accepted(at_ms, contact, agent)
    pen.engaged(at_ms, contact, agent, "orders")
    pen.visit_ended(at_ms, contact, "orders", "answered", 0)
    pen.disengaged(at_ms + talk_ms, contact, agent, wrap_ms=wrap_ms)
    pen.ended(at_ms + talk_ms, contact)


def _park(pen: Pen, contact: str, agent: str, at_ms: int) -> None:
    """From the queue to the agent's pile, at once."""
    pen.offered(at_ms, contact, agent, "orders", channel="mail")
    pen.accepted(at_ms, contact, agent, channel="mail")
    pen.engaged(at_ms, contact, agent, "orders", channel="mail")
    pen.disengaged(at_ms, contact, agent, by="parked", channel="mail")
    pen.parked(at_ms, contact, agent)


def test_who_is_promised_a_call_is_an_open_contact_also_before_its_time(boards: Boards, pen: Pen) -> None:
    for contact in ("cancelled", "called"):
        pen.promised(1_000, contact, "orders", due_ms=60_000)
    assert (boards.site().contacts, boards.site().open) == (2, 2)
    pen.ended(2_000, "cancelled", "cancelled", "scheduled")
    assert (boards.site().contacts, boards.site().open) == (2, 1)
    pen.queued(60_000, "called", "orders", channel="voice")
    assert (boards.site().contacts, boards.site().open) == (2, 1)
    pen.visit_ended(61_000, "called", "orders", "answered", 1_000)
    pen.ended(62_000, "called", "completed", "engaged")
    assert (boards.site().contacts, boards.site().open) == (2, 0)

"""Desks: what an agent has before them, event by event."""

import pytest

from cordboard.errors import JournalCorrupt
from cordboard.events import event as words
from cordboard.events.bounds import AgentChannel, Membership
from cordboard.events.fact import Presence
from cordboard.projections import contacts as module
from cordboard.projections.desks import Desks
from cordboard.projections.live import DeskChange
from tests.journal import Pen, about, an_id


@pytest.fixture
def desks() -> Desks:
    return Desks()


@pytest.fixture
def pen(desks: Desks) -> Pen:
    pen = Pen(desks)
    pen.declare(0, "anna", "orders")
    pen.presence(0, "anna", "ready")
    return pen


def _connect(pen: Pen, contact: str = "a", agent: str = "anna") -> None:
    pen.queued(1_000, contact, "orders")
    pen.offered(1_000, contact, agent, "orders")
    pen.accepted(2_000, contact, agent)
    pen.engaged(3_000, contact, agent, "orders")


def test_a_contact_goes_through_its_states(desks: Desks, pen: Pen) -> None:
    contact, anna = an_id("a"), an_id("anna")
    pen.queued(1_000, "a", "orders")
    live = desks.contact(contact)
    assert live is not None
    assert (live.state, live.queue, live.channel, live.agent, live.priority, live.topic) == (
        "queued",
        "orders",
        "chat",
        None,
        5,
        "shoes",
    )
    pen.offered(1_500, "a", "anna", "orders")
    live = desks.contact(contact)
    assert live is not None and (live.state, live.agent, live.attempt, live.deadline_ms) == ("offered", anna, 1, 21_500)
    pen.accepted(2_000, "a", "anna")
    live = desks.contact(contact)
    assert live is not None and (live.state, live.deadline_ms) == ("connecting", 12_000)
    pen.engaged(3_000, "a", "anna", "orders")
    pen.write(4_000, about(words.ContactAnswered(4_000, 1, 3_000), contact="a", agent="anna", channel="chat"))
    live = desks.contact(contact)
    assert live is not None and (live.state, live.deadline_ms, live.answered_ms) == ("engaged", None, 4_000)
    pen.disengaged(5_000, "a", "anna")
    pen.ended(5_000, "a")
    live = desks.contact(contact)
    assert live is not None and (live.state, live.ended, live.ended_ms, live.agent) == ("ended", "completed", 5_000, None)
    assert desks.contacts() == []


def test_a_desk_shows_offers_engagements_and_wrap_ups(desks: Desks, pen: Pen) -> None:
    anna = an_id("anna")
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    desk = desks.desk(anna)
    assert (desk.declared, desk.effective, desk.capacity) == (True, "ready", 100)
    assert [(work.contact, work.deadline_ms) for work in desk.offers] == [(an_id("a"), 21_000)]
    pen.accepted(2_000, "a", "anna")
    assert [work.state for work in desks.desk(anna).engagements] == ["connecting"]
    pen.engaged(3_000, "a", "anna", "orders")
    pen.disengaged(9_000, "a", "anna", wrap_ms=30_000)
    pen.ended(9_000, "a")
    assert [(work.deadline_ms, work.cost) for work in desks.desk(anna).wrap_ups] == [(39_000, 15)]
    pen.write(10_000, about(words.WrapUpExtended(10_000, 1, 60_000), contact="a", agent="anna", channel="chat"))
    assert [work.deadline_ms for work in desks.desk(anna).wrap_ups] == [60_000]
    pen.wrapped(50_000, "a", "anna")
    assert desks.desk(anna).work == ()


def test_a_contact_keeps_its_link_to_the_promise_of_its_customer(desks: Desks, pen: Pen) -> None:
    pen.queued(1_000, "a", "orders")
    pen.write(1_000, about(words.ContactLinked(1_000, an_id("b"), "waiting"), contact="a", channel="chat"))
    live = desks.contact(an_id("a"))
    assert live is not None and live.promised is None
    pen.write(1_000, about(words.ContactLinked(1_000, an_id("p"), "promised"), contact="a", channel="chat"))
    pen.queued(2_000, "a", "invoices", visit=2)
    live = desks.contact(an_id("a"))
    assert live is not None and (live.promised, live.queue) == (an_id("p"), "invoices")


def test_an_expired_offer_brings_the_contact_back(desks: Desks, pen: Pen) -> None:
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    pen.expired(21_000, "a", "anna")
    live = desks.contact(an_id("a"))
    assert live is not None and (live.state, live.agent, live.attempt, live.deadline_ms) == ("queued", None, 1, None)
    assert desks.desk(an_id("anna")).work == ()


def test_deadlines_move_with_a_gap(desks: Desks, pen: Pen) -> None:
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    pen.write(9_000, about(words.DeadlinesShifted(9_000, 7_000)))
    live = desks.contact(an_id("a"))
    assert live is not None and live.deadline_ms == 28_000
    assert desks.desk(an_id("anna")).offers[0].deadline_ms == 28_000


def test_a_transfer_keeps_arrival_and_messages_and_frees_the_sender(desks: Desks, pen: Pen) -> None:
    _connect(pen)
    pen.said(3_500, "a", 1, "customer")
    pen.disengaged(4_000, "a", "anna", by="transfer", wrap_ms=5_000)
    pen.queued(4_000, "a", "invoices", visit=2)
    live = desks.contact(an_id("a"))
    assert live is not None
    assert (live.state, live.queue, live.visit, live.attempt, live.agent, live.arrived_ms) == (
        "queued",
        "invoices",
        2,
        1,
        None,
        1_000,
    )
    assert len(desks.messages(an_id("a"))) == 1
    assert [work.state for work in desks.desk(an_id("anna")).work] == ["wrapping"]


def test_a_desk_is_told_what_concerns_it_and_nothing_else(desks: Desks, pen: Pen) -> None:
    pen.declare(0, "bert", "orders")
    told: list[DeskChange] = []
    others: list[DeskChange] = []
    unsubscribe = desks.subscribe(an_id("anna"), told.append)
    desks.subscribe(an_id("bert"), others.append)
    _connect(pen)
    pen.said(4_000, "a", 1, "customer")
    pen.write(5_000, about(words.DeadlinesShifted(5_000, 3_000)))
    names = [type(change.event).__name__ for change in told]
    assert names == ["OfferMade", "OfferAccepted", "EngagementStarted", "MessageRelayed", "DeadlinesShifted"]
    assert [type(change.event).__name__ for change in others] == ["DeadlinesShifted"]
    assert told[0].contact is not None and told[0].contact.state == "offered"
    assert [change.seq for change in told] == sorted(change.seq for change in told)
    unsubscribe()
    unsubscribe()
    pen.said(6_000, "a", 2, "customer")
    assert len(told) == 5


def test_everybody_at_a_contact_is_told_of_it_and_of_each_other(desks: Desks, pen: Pen) -> None:
    pen.declare(0, "bert", "orders")
    told: list[DeskChange] = []
    desks.subscribe(an_id("bert"), told.append)
    _connect(pen)
    pen.offered(4_000, "a", "bert", "orders", attempt=2, role="consult")
    pen.accepted(5_000, "a", "bert", attempt=2)
    pen.said(5_500, "a", 1, "customer")
    assert [type(change.event).__name__ for change in told] == ["OfferMade", "OfferAccepted"]
    pen.engaged(6_000, "a", "bert", "orders", attempt=2, role="consult")
    pen.said(7_000, "a", 2, "agent", "anna")
    pen.write(7_500, about(words.EngagementHeld(7_500, 1), contact="a", agent="anna", channel="chat"))
    assert [type(change.event).__name__ for change in told[2:]] == ["EngagementStarted", "MessageRelayed", "EngagementHeld"]
    hand = told[2].hand
    assert hand is not None and (hand.role, hand.stage) == ("consult", "engaged")
    live = desks.contact(an_id("a"))
    assert live is not None and (live.state, live.agent) == ("engaged", an_id("anna"))
    assert [(agent, work.role, work.held_since_ms) for agent, work in desks.in_hand(an_id("a"))] == [
        (an_id("anna"), "primary", 7_500),
        (an_id("bert"), "consult", None),
    ]
    pen.disengaged(8_000, "a", "bert", attempt=2)
    over = told[-1]
    assert over.hand is not None and (over.hand.agent, over.hand.role) == (an_id("bert"), "consult")
    assert [agent for agent, _ in desks.in_hand(an_id("a"))] == [an_id("anna")]
    pen.said(9_000, "a", 3, "customer")
    assert told[-1] is over


def test_a_sink_may_unsubscribe_while_it_is_called(desks: Desks, pen: Pen) -> None:
    told: list[DeskChange] = []
    unsubscribe = desks.subscribe(an_id("anna"), lambda change: (told.append(change), unsubscribe()))
    _connect(pen)
    assert len(told) == 1


def test_messages_are_kept_in_order_and_bounded(desks: Desks, pen: Pen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MESSAGES_MAX", 3)
    _connect(pen)
    for ordinal in range(1, 6):
        pen.said(4_000 + ordinal, "a", ordinal, "agent" if ordinal % 2 else "customer", "anna")
    said = desks.messages(an_id("a"))
    assert [(message.ordinal, message.author) for message in said] == [(3, "agent"), (4, "customer"), (5, "agent")]
    assert [message.agent for message in said] == [an_id("anna"), None, an_id("anna")]


def test_ended_contacts_are_kept_for_a_while(desks: Desks, pen: Pen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENDED_MAX", 2)
    for name in "abc":
        pen.queued(1_000, name, "orders")
        pen.said(1_000, name, 1, "customer")
        pen.ended(2_000, name, "cancelled", "queued")
    assert desks.contact(an_id("a")) is None
    assert desks.messages(an_id("a")) == []
    assert desks.contact(an_id("c")) is not None


def test_a_parked_contact_lies_on_its_owners_pile_and_is_no_work(desks: Desks, pen: Pen) -> None:
    contact, anna = an_id("m"), an_id("anna")
    _park(pen, "m", "anna", kind="third_party", note="the carrier looks for it")
    live = desks.contact(contact)
    assert live is not None and live.park is not None
    assert (live.state, live.agent, live.owner, live.deadline_ms) == ("parked", anna, anna, None)
    assert (live.park.kind, live.park.since_ms, live.park.until_ms) == ("third_party", 4_000, 64_000)
    assert live.park.note == an_id("the carrier looks for it"[:16])
    desk = desks.desk(anna)
    assert (desk.work, desk.parked) == ((), (live,))
    pen.write(5_000, about(words.DeadlinesShifted(5_000, 7_000)))
    assert desks.desk(anna).parked[0].park == live.park, "a promise to come back does not move with a gap"


def test_a_return_clears_the_pile_and_remembers_the_owner(desks: Desks, pen: Pen) -> None:
    contact, anna = an_id("m"), an_id("anna")
    _park(pen, "m", "anna")
    _park(pen, "n", "anna")
    told: list[DeskChange] = []
    desks.subscribe(anna, told.append)
    pen.park_ended(9_000, "m", "anna", by="customer")
    pen.queued(9_000, "m", "orders", channel="mail", visit=2)
    live = desks.contact(contact)
    assert live is not None
    assert (live.state, live.visit, live.agent, live.owner, live.park, live.arrived_ms) == ("queued", 2, None, anna, None, 1_000)
    assert [parked.contact for parked in desks.desk(anna).parked] == [an_id("n")]
    assert [type(change.event).__name__ for change in told] == ["ParkEnded"], "the owner hears that it is gone from the pile"
    pen.park_ended(9_500, "n", "anna", by="service")
    pen.ended(9_500, "n", "cancelled", "parked", channel="mail")
    assert desks.desk(anna).parked == ()


def test_what_is_not_parked_cannot_return(desks: Desks, pen: Pen) -> None:
    pen.queued(1_000, "m", "orders", channel="mail")
    with pytest.raises(JournalCorrupt):
        pen.park_ended(2_000, "m", "anna")


def test_a_reclassified_contact_keeps_its_first_topic(desks: Desks, pen: Pen) -> None:
    _connect(pen)
    pen.write(4_000, about(words.ContactReclassified(4_000, "boots", "shoes"), contact="a", agent="anna", channel="chat"))
    live = desks.contact(an_id("a"))
    assert live is not None and (live.topic, live.topic_first, live.case) == ("boots", "shoes", an_id("a"))


def test_an_attached_message_has_no_place_in_the_order(desks: Desks, pen: Pen) -> None:
    _park(pen, "m", "anna")
    told: list[DeskChange] = []
    desks.subscribe(an_id("anna"), told.append)
    thanks = words.MessageAttached(5_000, an_id("thank you"), "customer")
    pen.write(5_000, about(thanks, contact="m", channel="mail"))
    pen.write(5_000, about(thanks, contact="of last year", channel="mail"))
    assert [(said.ordinal, said.message) for said in desks.messages(an_id("m"))] == [(0, an_id("thank you"))]
    assert desks.messages(an_id("of last year")) == []
    assert [type(change.event).__name__ for change in told] == ["MessageAttached"]


def test_the_last_disposition_counts_even_after_the_end(desks: Desks, pen: Pen) -> None:
    _connect(pen)
    pen.disengaged(9_000, "a", "anna", wrap_ms=30_000)
    pen.ended(9_000, "a")
    pen.write(9_500, about(words.WrapUpEnded(9_500, 1, "agent", "solved", None), contact="a", agent="anna", channel="chat"))
    live = desks.contact(an_id("a"))
    assert live is not None and (live.state, live.disposition) == ("ended", "solved")


def test_an_erased_customer_leaves_their_contacts(desks: Desks, pen: Pen) -> None:
    pen.queued(1_000, "a", "orders")
    pen.queued(1_000, "b", "orders")
    pen.ended(2_000, "b", "cancelled", "queued")
    pen.write(3_000, about(words.CustomerErased(3_000, an_id("someone else"))))
    pen.write(3_000, about(words.CustomerErased(3_000, an_id("customer"))))
    assert [desks.contact(an_id(name)).customer for name in "ab"] == [None, None]  # type: ignore[union-attr]


def test_a_switched_off_channel_shows(desks: Desks, pen: Pen) -> None:
    pen.write(1, about(words.ChannelSwitchSet(1, False, "missed"), agent="anna", channel="chat"))
    assert desks.desk(an_id("anna")).channels_off == {"chat"}
    pen.write(2, about(words.ChannelSwitchSet(2, True, "returned"), agent="anna", channel="chat"))
    assert desks.desk(an_id("anna")).channels_off == frozenset()


def test_a_channel_that_was_not_declared_for_a_while_is_on_again(desks: Desks, pen: Pen) -> None:
    for cause in ("requested", "missed"):
        pen.write(4, about(words.ChannelSwitchSet(4, False, cause), agent="anna", channel="chat"))  # type: ignore[arg-type]
        pen.declare(5, "anna", "orders")
        assert desks.desk(an_id("anna")).channels_off == {"chat"}, "it was declared all the time"
        pen.write(6, about(words.AgentRegistered(6, [], [Membership("orders")], [AgentChannel("task", 60, 1)], 100), agent="anna"))
        pen.declare(7, "anna", "orders")
        desk = desks.desk(an_id("anna"))
        assert (desk.channels, desk.channels_off, desk.channels_missed) == (("chat", "task"), frozenset(), frozenset())


def test_when_an_agent_leaves_is_known_until_then(desks: Desks, pen: Pen) -> None:
    def turns(at_ms: int, presence: Presence) -> int | None:
        pen.write(at_ms, about(words.PresenceChanged(at_ms, presence, None, presence, None, at_ms, "requested"), agent="anna"))
        return desks.desk(an_id("anna")).leaves_ms

    def scheduled(at_ms: int, leaves_ms: int) -> None:
        pen.write(at_ms, about(words.AgentScheduleSet(at_ms, leaves_ms), agent="anna"))

    scheduled(1, 100)
    assert turns(2, "ready") == 100
    assert turns(3, "offline") is None, "has left"
    scheduled(4, 100)
    assert turns(5, "not_ready") == 100
    assert turns(100, "ready") is None, "came after the end of the shift"


def test_an_unknown_agent_has_an_empty_desk(desks: Desks) -> None:
    assert not desks.desk(an_id("nobody")).declared


def test_the_end_of_an_unknown_contact_is_corrupt(desks: Desks, pen: Pen) -> None:
    with pytest.raises(JournalCorrupt):
        pen.ended(1, "ghost")


def _park(pen: Pen, contact: str, agent: str, *, kind: str = "customer", note: str | None = None) -> None:
    pen.queued(1_000, contact, "orders", channel="mail")
    pen.offered(1_000, contact, agent, "orders", channel="mail")
    pen.accepted(2_000, contact, agent, channel="mail")
    pen.engaged(3_000, contact, agent, "orders", channel="mail")
    pen.disengaged(4_000, contact, agent, by="parked", channel="mail")
    parked = words.ContactParked(4_000, kind, 64_000, an_id(note[:16]) if note else None)  # type: ignore[arg-type]
    pen.write(4_000, about(parked, contact=contact, agent=agent, channel="mail"))

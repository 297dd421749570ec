"""The fold of chats, on journals written by hand."""

from cordboard.gateway.chat.conversations import Conversation, Conversations, EndedLine, JoinedLine, MessageLine, QueuedLine
from cordboard.gateway.limits import Limits
from tests.journal import Pen, an_id

CONTACT = an_id("c")


def folded(limits: Limits | None = None, *, mine: str = "c") -> tuple[Conversations, Pen, list[int]]:
    changes: list[int] = []

    def changed(conversation: Conversation) -> None:
        changes.append(len(conversation.lines))

    fold = Conversations("chat", lambda contact: contact[:1] == mine.encode(), limits or Limits(), changed)
    return fold, Pen(fold), changes


def test_a_chat_from_queue_to_end() -> None:
    fold, pen, changes = folded()
    pen.queued(1, "c", "orders")
    pen.said(2, "c", 1, "customer")
    pen.offered(3, "c", "ann", "orders")
    pen.accepted(4, "c", "ann")
    conversation = fold.get(CONTACT)
    assert conversation is not None
    assert (conversation.queue, conversation.agent, conversation.ended) == ("orders", None, None)
    pen.engaged(5, "c", "ann", "orders")
    pen.said(6, "c", 2, "agent", "ann")
    assert (conversation.queue, conversation.agent, conversation.ordinal) == (None, an_id("ann"), 2)
    pen.disengaged(7, "c", "ann")
    pen.ended(7, "c")
    assert conversation.lines == [
        QueuedLine("orders"),
        MessageLine(1, "customer", an_id("message 1"), 2),
        JoinedLine(an_id("ann")),
        MessageLine(2, "agent", an_id("message 2"), 6),
        EndedLine("completed"),
    ]
    assert changes == [1, 2, 3, 4, 5]
    assert fold.live() == []
    assert fold.get(CONTACT) is conversation


def test_others_are_none_of_our_business() -> None:
    fold, pen, changes = folded()
    pen.queued(1, "x", "orders")
    pen.said(2, "x", 1, "customer")
    pen.queued(3, "c", "orders", channel="task")
    pen.said(4, "c2", 1, "customer")
    assert (fold.live(), changes, fold.get(an_id("x")), fold.get(CONTACT)) == ([], [], None, None)


def test_the_customer_hears_of_those_who_talk_with_them() -> None:
    fold, pen, _ = folded()
    pen.queued(1, "c", "orders")
    pen.engaged(2, "c", "ann", "orders")
    conversation = fold.get(CONTACT)
    assert conversation is not None
    pen.engaged(3, "c", "bob", "orders", attempt=2, role="consult")
    assert conversation.lines == [QueuedLine("orders"), JoinedLine(an_id("ann"))]
    pen.role(4, "c", "bob", "conference", attempt=2)
    assert (conversation.lines[2:], conversation.agent) == ([JoinedLine(an_id("bob"))], an_id("ann"))
    pen.disengaged(5, "c", "ann")
    pen.role(5, "c", "bob", "primary", attempt=2)
    assert (len(conversation.lines), conversation.agent) == (3, an_id("bob"))
    pen.engaged(6, "c", "cas", "orders", attempt=3, role="consult")
    pen.role(7, "c", "cas", "primary", attempt=3)
    assert (conversation.lines[3:], conversation.agent) == ([JoinedLine(an_id("cas"))], an_id("cas"))


def test_a_transferred_chat_waits_again() -> None:
    fold, pen, _ = folded()
    pen.queued(1, "c", "orders")
    pen.engaged(2, "c", "ann", "orders")
    pen.disengaged(3, "c", "ann", by="transfer")
    pen.queued(3, "c", "invoices", visit=2)
    conversation = fold.get(CONTACT)
    assert conversation is not None
    assert (conversation.queue, conversation.agent) == ("invoices", None)
    assert conversation.lines[-1] == QueuedLine("invoices")


def test_a_client_goes_on_where_it_left_and_is_told_where_it_stands() -> None:
    fold, pen, _ = folded()
    pen.queued(1, "c", "orders")
    pen.said(2, "c", 1, "customer")
    pen.engaged(3, "c", "ann", "orders")
    pen.said(4, "c", 2, "agent", "ann")
    pen.said(5, "c", 3, "customer")
    conversation = fold.get(CONTACT)
    assert conversation is not None
    assert conversation.resume(0) == (0, None)
    assert conversation.resume(1) == (2, None)
    assert conversation.resume(2) == (4, JoinedLine(an_id("ann")))
    assert conversation.resume(3) == (5, JoinedLine(an_id("ann")))
    assert conversation.resume(99) == (5, JoinedLine(an_id("ann")))
    pen.ended(6, "c")
    assert conversation.resume(3) == (5, None)
    assert conversation.lines[5:] == [EndedLine("completed")]


def test_ended_chats_are_forgotten_by_age_and_by_number() -> None:
    fold, pen, _ = folded(Limits(ended_ms=1_000, ended_max=2))
    for number, at_ms in enumerate((100, 200, 300)):
        pen.queued(at_ms, f"c{number}", "orders")
        pen.ended(at_ms, f"c{number}", "abandoned", "queued")
    assert [fold.get(an_id(f"c{number}")) is not None for number in range(3)] == [False, True, True]
    pen.write(1_200)
    assert [fold.get(an_id(f"c{number}")) is not None for number in range(3)] == [False, False, True]
    pen.write(1_300)
    assert fold.get(an_id("c2")) is None

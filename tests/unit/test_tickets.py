"""Tickets: what holds, for whom, how long."""

from cordboard.gateway.availability.tickets import TICKET_MS, Tickets

NOW_MS = 1_700_000_000_000


def test_a_ticket_holds_for_one_holder_and_its_entry_point_until_it_is_over() -> None:
    tickets = Tickets(bytes(32), "default")
    ticket, over_ms = tickets.give("widget", "", NOW_MS)
    assert (len(ticket), over_ms) == (54, NOW_MS + TICKET_MS)
    assert not tickets.take(ticket, "phone", "ann", NOW_MS)
    assert tickets.take(ticket, "widget", "ann", NOW_MS + 1)
    assert tickets.take(ticket, "widget", "ann", over_ms - 1), "a start that is said again"
    assert not tickets.take(ticket, "widget", "bob", NOW_MS + 2)
    assert not tickets.take(ticket, "widget", "ann", over_ms)


def test_another_gateway_of_the_site_knows_it_and_nobody_else_makes_one() -> None:
    ticket, _ = Tickets(bytes(32), "default").give("widget", "", NOW_MS)
    assert Tickets(bytes(32), "default").take(ticket, "widget", "ann", NOW_MS)
    assert not Tickets(bytes(32), "other").take(ticket, "widget", "ann", NOW_MS)
    assert not Tickets(b"\1" * 32, "default").take(ticket, "widget", "ann", NOW_MS)
    for at in range(len(ticket)):
        forged = ticket[:at] + ("A" if ticket[at] != "A" else "B") + ticket[at + 1 :]
        taken = Tickets(bytes(32), "default").take(forged, "widget", "ann", NOW_MS)
        # The last letter has bits that mean nothing.
        assert not taken or at == len(ticket) - 1
    for wrong in ("", "A", "é" * 54, ticket * 2, ticket[:30], "!" * 54):
        assert not Tickets(bytes(32), "default").take(wrong, "widget", "ann", NOW_MS), wrong


def test_those_on_their_way_are_counted_until_they_come_or_are_over() -> None:
    tickets = Tickets(bytes(32), "default")
    first, _ = tickets.give("widget", "here", NOW_MS)
    tickets.give("widget", "there", NOW_MS + 10)
    tickets.give("phone", "here", NOW_MS + 5)
    assert tickets.outstanding(["widget"], "here", NOW_MS + 10) == (2, 1)
    assert tickets.outstanding(["widget", "phone", "nowhere"], "here", NOW_MS + 10) == (3, 2)
    assert tickets.outstanding(["widget", "phone"], "elsewhere", NOW_MS + 10) == (3, 0)
    for _ in range(2):
        assert tickets.take(first, "widget", "ann", NOW_MS + 20)
        assert tickets.outstanding(["widget", "phone"], "here", NOW_MS + 20) == (2, 1)
    assert tickets.outstanding(["widget", "phone"], "here", NOW_MS + 5 + TICKET_MS) == (1, 0)
    assert tickets.outstanding(["widget", "phone"], "there", NOW_MS + 10 + TICKET_MS) == (0, 0)

"""Who came in vain, folded: on the list until somebody cares for them, and never twice."""

from cordboard import codec
from cordboard.events import event as words
from cordboard.events.bounds import Key, Requirement
from cordboard.events.commit import INPUT_TAG, Commit, Consumed, Entry, Input
from cordboard.events.promises import NoOffer
from cordboard.events.verdict import Refused
from cordboard.missed import KEPT_MAX, KEPT_MS, MissedContacts
from tests.journal import NO_HASH, SITE

JAN, MIA = b"j" * 16, b"m" * 16


def contact(number: int) -> bytes:
    return number.to_bytes(16)


def an_entry(event: words.Event, about: bytes | None) -> Entry:
    tag = event.__struct_config__.tag
    assert isinstance(tag, int)
    return Entry(tag, about, None, "chat", 0, codec.encode(event))


def offered(customer: bytes | None, at_ms: int = 1_000) -> words.CallbackOffered:
    reason: NoOffer | None = None if customer is not None else "no_return_address"
    needs = [Requirement("plants", 3)]
    return words.CallbackOffered(at_ms, "orders", "abandoned", reason, customer, "widget", "delivery", contact(99), "nl", needs, 2)


def queued(customer: bytes | None) -> words.ContactQueued:
    return words.ContactQueued(2_000, 1, "orders", Key(1, 0, 0), 0, 0, [], 0, customer, [], 0, None, None, None)


def promised(customer: bytes) -> words.PromiseMade:
    return words.PromiseMade(
        at_ms=3_000, queue="orders", kind="scheduled", mode="agent_first", due_ms=9_000, from_ms=8_000, until_ms=10_000,
        slot_ms=60_000, key=None, requirements=[], priority=0, customer=customer, preferred=[], entry_point=None, topic=None,
        case=None, rule=None, language=None, accepts=[], hours=[], address=None, waiting=None, replaces=None,
    )  # fmt: skip


class Journal:
    def __init__(self) -> None:
        self.fold = MissedContacts()
        self._seq = 0

    def says(self, *entries: tuple[bytes | None, words.Event], at_ms: int = 5_000) -> None:
        self._seq += 1
        told = [an_entry(event, about) for about, event in entries]
        self.fold.apply(self._seq, Commit(1, SITE, 1, self._seq, at_ms, 1, at_ms, NO_HASH, Consumed(bytes(16), 0, 0), False, told))

    @property
    def open(self) -> list[bytes]:
        return [one.contact for one in self.fold.all() if one.open]


def test_who_came_in_vain_is_known_with_why_they_came() -> None:
    journal = Journal()
    journal.says((contact(1), offered(JAN)), (contact(2), offered(None)))
    assert journal.open == [contact(1)]
    one, other = journal.fold.all()
    assert (one.queue, one.topic, one.case, one.entry_point, one.language, one.priority) == (
        "orders", "delivery", contact(99), "widget", "nl", 2,
    )  # fmt: skip
    assert one.requirements == (Requirement("plants", 3),) and other.reason == "no_return_address"


def test_a_promise_settles_all_of_its_customer_and_whoever_has_one_needs_none() -> None:
    journal = Journal()
    journal.says((contact(1), offered(JAN)), (contact(2), offered(JAN)), (contact(3), offered(MIA)))
    journal.says((contact(4), promised(JAN)))
    assert journal.open == [contact(3)]
    journal.says((contact(5), offered(JAN)))
    assert journal.open == [contact(3)]
    ended = words.PromiseEnded(4_000, "missed", "no_agent", 9_000, 0, 0, None, [])
    journal.says((contact(4), ended), (contact(6), offered(JAN)))
    assert journal.open == [contact(3), contact(4), contact(6)], "whose call was missed is to be called again"
    journal.says((contact(7), promised(JAN)))
    assert journal.open == [contact(3)]


def test_a_missed_promise_is_followed_by_another() -> None:
    journal = Journal()
    journal.says((contact(1), offered(JAN)), (contact(2), promised(JAN)))
    ended = words.PromiseEnded(4_000, "missed", "no_agent", 9_000, 0, 1, None, [])
    journal.says((contact(2), ended))
    missed = journal.fold.get(contact(2))
    assert missed is not None and (missed.missed, missed.why, missed.queue, missed.missed_ms) == (
        "promise",
        "no_agent",
        "orders",
        4_000,
    )
    assert journal.open == [contact(2)], "who came in vain is followed by the promise to them"
    journal.says((missed.successor, promised(MIA)))
    assert journal.open == [] and journal.fold.called_by(missed.successor) == contact(2)
    for outcome in ("kept", "cancelled", "honoured_not_reached"):
        journal.says((contact(3), promised(MIA)), (contact(3), words.PromiseEnded(4_000, outcome, None, 9_000, 0, 0, None, [])))
    assert journal.open == []
    journal.says((contact(4), promised(JAN)), (contact(5), promised(JAN)), (contact(4), ended))
    assert journal.open == [], "another call is promised to them"
    journal.says((contact(5), ended), at_ms=5_000)
    assert journal.open == [contact(5)]
    journal.says(at_ms=4_000 + KEPT_MS + 1)
    assert journal.open == []


def test_of_an_id_that_is_used_once_more_the_newer_contact_is_known() -> None:
    journal = Journal()
    journal.says((contact(1), offered(JAN)))
    first = journal.fold.get(contact(1))
    assert first is not None
    journal.says((first.successor, words.CallbackDeclined(2_000, "orders", 9_000, "full", [])))
    wished = journal.fold.get(contact(1))
    assert wished is not None and wished.successor != first.successor
    journal.says((contact(1), offered(MIA)))
    journal.says((contact(2), promised(JAN)), (wished.successor, words.CallbackDeclined(2_000, "orders", 9_000, "full", [])))
    assert journal.open == [contact(1)] and journal.fold.called_by(wished.successor) is None
    journal.says(at_ms=1_000 + KEPT_MS + 1)
    assert list(journal.fold.all()) == []
    journal.says((first.successor, words.CallbackDeclined(2_000, "orders", 9_000, "full", [])), (wished.successor, promised(JAN)))


def test_who_comes_again_is_settled_once_they_are_answered() -> None:
    journal = Journal()
    journal.says((contact(1), offered(JAN)))
    journal.says((contact(2), queued(JAN)), (contact(3), queued(MIA)), (contact(3), words.ContactAnswered(2_500, 1, 0)))
    ended = words.ContactEnded(2_600, "abandoned", "queued", None)
    assert journal.open == [contact(1)]
    journal.says((contact(2), ended), (contact(2), words.ContactAnswered(2_700, 1, 0)))
    assert journal.open == [contact(1)], "they left again"
    journal.says((contact(4), queued(JAN)), (contact(4), words.ContactAnswered(2_800, 1, 0)))
    assert journal.open == []
    assert [one.settled_ms for one in journal.fold.all()] == [2_800]


def test_who_waited_elsewhere_already_is_settled_once_they_are_answered_there() -> None:
    journal = Journal()
    journal.says((contact(1), queued(JAN)), (contact(2), queued(None)))
    journal.says((contact(3), offered(JAN)))
    assert journal.open == [contact(3)]
    journal.says((contact(1), words.ContactAnswered(2_500, 1, 0)))
    assert journal.open == []


def successor(journal: Journal, number: int) -> bytes:
    missed = journal.fold.get(contact(number))
    assert missed is not None
    return missed.successor


def test_who_is_called_back_is_so_whoever_they_are_said_to_be() -> None:
    journal = Journal()
    journal.says((contact(1), offered(JAN)), (contact(2), offered(JAN)), (contact(3), offered(None)))
    journal.says((successor(journal, 1), promised(MIA)), (successor(journal, 3), promised(MIA)))
    assert journal.open == [contact(2)]
    assert [one.settled_ms for one in journal.fold.all()] == [3_000, None, 3_000]


def test_a_wish_that_nobody_could_promise_makes_way_for_another() -> None:
    journal = Journal()
    journal.says((contact(1), offered(JAN)))
    names = [successor(journal, 1)]
    journal.says((names[0], words.CallbackDeclined(2_000, "orders", 1, "full", [])))
    names.append(successor(journal, 1))
    refused = Input(1, 0, 0, b"", Refused("too_many_promises"))
    entry = Entry(INPUT_TAG, names[1], None, "voice", 0, codec.encode(refused))
    journal.fold.apply(9, Commit(1, SITE, 1, 9, 1, 1, 9, NO_HASH, Consumed(bytes(16), 0, 0), False, [entry]))
    names.append(successor(journal, 1))
    assert len(set(names)) == 3 and journal.open == [contact(1)]
    journal.says((names[1], promised(JAN)), at_ms=5_001)
    assert journal.open == [], "a promise to their customer settles it in any case"
    journal.says((names[2], words.CallbackDeclined(2_000, "orders", 1, "full", [])))
    assert successor(journal, 1) == names[2], "who is promised a call keeps their successor"


def test_who_is_forgotten_is_not_called() -> None:
    journal = Journal()
    journal.says((contact(1), offered(JAN)))
    journal.says((None, words.CustomerErased(4_000, JAN)))
    assert journal.open == []


def test_what_is_long_ago_is_forgotten_and_memory_is_bounded() -> None:
    journal = Journal()
    journal.says((contact(1), offered(JAN)), (contact(2), offered(MIA, 2_000)))
    journal.says(at_ms=1_001 + KEPT_MS)
    assert journal.open == [contact(2)]
    journal.says(*((contact(number), offered(number.to_bytes(16), 3_000)) for number in range(3, 3 + KEPT_MAX)))
    assert len(journal.open) == KEPT_MAX and contact(2) not in journal.open
    journal.says((contact(KEPT_MAX + 9), promised(MIA)))
    assert len(journal.open) == KEPT_MAX

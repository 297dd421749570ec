"""Promises as they are folded, beside the core: every slot that it gives or proposes is one that the fold says is free."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from cordboard import codec
from cordboard import promises as fold
from cordboard.events import Commit, Entry
from cordboard.events import event as words
from cordboard.events.commit import INPUT_TAG
from cordboard.events.promises import ALTERNATIVES_MAX, CallbackRequested, Hours
from cordboard.events.verdict import Accepted
from cordboard.promises import Promises, Slot
from tests.scenarios.language import ident
from tests.scenarios.story import STORIES, Telling, parse

CALLBACKS = [path for path in STORIES if path.stem.startswith("callbacks_")]


class Beside:
    """The fold beside the core: before a commit is folded, what it promises or proposes is foretold."""

    def __init__(self) -> None:
        self.promises = Promises()
        self.foretold: Counter[str] = Counter()
        self._seq = 0

    def hear(self, data: bytes) -> None:
        self._seq += 1
        commit = codec.decode_commit(data)
        wishes = [one for one in map(_wish, commit.entries) if one is not None]
        # Of several in one commit each changes what the next one can have.
        if len(wishes) == 1:
            self._foretell(commit, wishes[0])
        self.promises.apply(self._seq, commit)

    def _foretell(self, commit: Commit, wish: CallbackRequested) -> None:
        events = [codec.decode_event(entry) for entry in commit.entries if entry.tag != INPUT_TAG and entry.contact == wish.contact]
        made = next((event for event in events if isinstance(event, words.PromiseMade)), None)
        declined = next((event for event in events if isinstance(event, words.CallbackDeclined)), None)
        if made is not None:
            self.foretold["made"] += 1
            at_ms = wish.wish_ms // made.slot_ms * made.slot_ms if wish.exact else wish.wish_ms
            first = next(self._free(wish.queue, at_ms, wish.hours, commit.at_ms))
            assert made.due_ms == first.begin_ms
        elif declined is not None and declined.reason != "no_callbacks":
            self.foretold["declined"] += 1
            assert declined.alternatives == self._nearest(wish, commit.at_ms)

    def _free(self, queue: str, wish_ms: int, hours: list[Hours], now_ms: int) -> Iterator[Slot]:
        return (slot for slot in self.promises.slots(queue, wish_ms, hours, now_ms) if slot.room)

    def _nearest(self, wish: CallbackRequested, now_ms: int) -> list[int]:
        policy = self.promises.callbacks(wish.queue)
        assert policy is not None
        at_ms = wish.wish_ms if not wish.exact else wish.wish_ms // policy.slot_ms * policy.slot_ms
        number = -(-at_ms // policy.slot_ms)
        first, last = -(-(now_ms + 1) // policy.slot_ms), (now_ms + policy.horizon_ms) // policy.slot_ms + 1
        number = min(max(number, first), last)
        free = [slot.begin_ms // policy.slot_ms for slot in self._free(wish.queue, 0, wish.hours, now_ms)]
        nearest = sorted(free, key=lambda one: (abs(one - number), one < number))
        return [one * policy.slot_ms for one in nearest[:ALTERNATIVES_MAX]]


def _wish(entry: Entry) -> CallbackRequested | None:
    if entry.tag != INPUT_TAG:
        return None
    given = codec.decode_input(entry)
    fact = codec.decode_fact(given.fact) if isinstance(given.verdict, Accepted) else None
    return fact if isinstance(fact, CallbackRequested) and fact.kind == "scheduled" else None


def test_what_the_core_promises_and_proposes_in_stories_is_what_the_fold_says_is_free() -> None:
    foretold: Counter[str] = Counter()
    for path in CALLBACKS:
        telling, beside = Telling(), Beside()
        for block in parse(path.read_text()):
            telling.tell(block.commands)
        for data in telling.commits:
            beside.hear(data)
        foretold += beside.foretold
    assert foretold["made"] >= 20
    assert foretold["declined"] >= 8


@pytest.mark.parametrize("seed", range(3))
def test_and_so_it_is_on_a_crowded_site(seed: int) -> None:
    chance, telling, beside = random.Random(seed), Telling(), Beside()
    orders, invoices = "callbacks orders slot_ms=15m capacity=1 horizon_ms=4h", "callbacks invoices slot_ms=10m horizon_ms=2h"
    telling.tell(["policy", f"  {orders}", f"  {invoices}"])
    for number in range(1, 121):
        queue, at_s = chance.choice(("orders", "orders", "invoices")), max(0, telling.now // 1_000 + chance.randrange(-600, 15_000))
        hours = f" hours={at_s}s:{at_s + 2_400}s,{at_s + 3_000}s:{at_s + 9_000}s" if chance.random() < 0.3 else ""
        telling.tell(
            [
                chance.choice(
                    (
                        f"callback P{number} voice {queue} {at_s}s{hours}",
                        f"callback P{number} voice {queue} {at_s}s{hours} exact=on",
                        f"cancel P{chance.randrange(1, number + 1)}",
                        f"reschedule P{chance.randrange(1, number + 1)} P{number} {at_s}s",
                        f"capacity orders {at_s // 900 * 900}s 15m {chance.randrange(3)},{chance.randrange(3)}",
                        f"tick {chance.randrange(1, 400)}s",
                    )
                )
            ]
        )
    for data in telling.commits:
        beside.hear(data)
    assert min(beside.foretold["made"], beside.foretold["declined"]) >= 3


@pytest.mark.parametrize("seed", range(2))
def test_and_with_hours_in_which_slots_begin_and_end(seed: int) -> None:
    """Weeks that differ, hours that end within slots and over the end of a week; wishes in and behind the calendar's weeks."""
    chance, telling, beside = random.Random(seed), Telling(), Beside()
    # The first two minutes are Sunday's, before the calendar's first Monday.
    weeks = "weeks=0-470,485-700,10000-10080/20-395,400-410,1000-1600,9000-10080 order=0,1,0"
    orders = "callbacks orders slot_ms=15m capacity=1 horizon_ms=10h"
    telling.tell(["policy", f"  calendar desk {weeks}", "  queue orders calendar=desk", f"  {orders}", "tick 5s"])
    for number in range(1, 61):
        at_s = max(0, telling.now // 1_000 + chance.randrange(-600, 36_000))
        hours = f" hours={at_s}s:{at_s + 7_200}s" if chance.random() < 0.3 else ""
        exact = " exact=on" if chance.random() < 0.5 else ""
        tick = chance.choice((60, 600, 600_000))
        telling.tell([f"callback P{number} voice orders {at_s}s{hours}{exact}", f"tick {tick}s"])
    for data in telling.commits:
        beside.hear(data)
    assert min(beside.foretold["made"], beside.foretold["declined"]) >= 3


def told(*commands: str) -> tuple[Telling, Promises]:
    telling, promises = Telling(), Promises()
    telling.tell(list(commands))
    for seq, data in enumerate(telling.commits, 1):
        promises.apply(seq, codec.decode_commit(data))
    return telling, promises


ORDERS = ("policy", "  callbacks orders slot_ms=15m capacity=2 horizon_ms=2h")


def test_slots_stand_in_the_order_of_time_with_what_is_booked_and_planned() -> None:
    _, promises = told(
        *ORDERS,
        "callback P1 voice orders 900s",
        "callback P2 voice orders 900s",
        "callback P3 voice orders 1800s",
        "capacity orders 2700s 15m 0,5",
    )
    slots = list(promises.slots("orders", 0, [], 100_000))
    assert slots[:4] == [Slot(900_000, 2, 2), Slot(1_800_000, 2, 1), Slot(2_700_000, 0, 0), Slot(3_600_000, 5, 0)]
    assert (slots[0].room, slots[-1].begin_ms) == (0, 7_200_000)
    # Stretches that overlap and are not in order give every slot once.
    hours = [Hours(3_000_000, 4_500_001), Hours(1_800_001, 3_600_000), Hours(0, 1)]
    within = [slot.begin_ms for slot in promises.slots("orders", 0, hours, 100_000)]
    assert within == [2_700_000, 3_600_000, 4_500_000]
    assert list(promises.slots("invoices", 0, [], 100_000)) == []


def test_a_queue_that_is_closed_by_hand_promises_nothing_in_those_hours() -> None:
    calendar = (
        "policy",
        "  calendar desk weeks=15-75,90-130 order=0",
        "  queue orders calendar=desk",
        "  callbacks orders slot_ms=15m capacity=1",
    )

    def first(*lines: str, queue: str = "orders") -> int | None:
        _, promises = told(*lines)
        return next((slot.begin_ms for slot in promises.slots(queue, 0, [], promises.at_ms) if slot.room), None)

    assert first(*calendar, "tick 900s") == 1_800_000
    for mode in ("closed", "emergency"):
        assert first(*calendar, "tick 900s", f"mode orders {mode}") == 5_400_000, "when the desk opens again"
        assert first(*calendar, "tick 900s", f"mode orders {mode}", "mode orders open") == 1_800_000
        assert first(*calendar, f"mode orders {mode}") == 900_000, "it is closed by its calendar: the switch says nothing of later"
    plain = ("policy", "  callbacks orders slot_ms=15m capacity=1")
    assert first(*plain, "mode orders closed") == first(*plain) == 900_000
    assert first(*plain, "mode orders emergency") is None
    assert first(*plain, "mode orders emergency", "mode orders open") == 900_000


def test_a_promise_is_followed_to_its_end() -> None:
    telling, promises = told(
        *ORDERS,
        "agent anna queues=orders:0 channels=voice:-:1",
        "callback P1 voice orders 900s customer=U1 address=N1 topic=delivery",
    )
    known = promises.get(ident("P1"))
    assert known is not None
    assert (known.state, known.due_ms, known.next_ms, known.address) == ("promised", 900_000, known.from_ms, ident("N1"))
    at = len(telling.commits)
    changes: list[tuple[str, str | None]] = []
    telling.tell(["presence anna ready", "tick 501s", "accept P1 1 anna", "connected P1 1 anna"])
    for seq, data in enumerate(telling.commits[at:], at + 1):
        promises.apply(seq, codec.decode_commit(data))
        changes += [(one.state, one.outcome) for one in promises.changed_after(seq - 1)]
    assert changes == [("waiting", None), ("calling", None), ("ended", "kept")]
    ended = promises.get(ident("P1"))
    assert ended is not None
    assert (ended.agent, ended.reason, list(promises.live())) == (ident("anna"), None, [])
    assert [slot.booked for slot in promises.slots("orders", 900_000, [], 100_000)][:1] == [0]


def test_moved_and_at_risk(monkeypatch: pytest.MonkeyPatch) -> None:
    _, promises = told(
        *ORDERS,
        "callback P1 voice orders 900s",
        "callback P2 voice orders 900s",
        "reschedule P1 P3 1800s",
        "capacity orders 900s 15m 0",
    )
    moved, risky, new = (promises.get(ident(name)) for name in ("P1", "P2", "P3"))
    assert moved is not None and risky is not None and new is not None
    assert (moved.state, moved.outcome, moved.successor) == ("ended", "rescheduled", ident("P3"))
    assert (risky.at_risk, risky.alternatives[0]) == (True, 1_800_000)
    assert (new.replaces, new.due_ms) == (ident("P1"), 1_800_000)
    # What ended is forgotten after a day, or when too many have ended since.
    monkeypatch.setattr(fold, "ENDED_MAX", 0)
    _, promises = told(*ORDERS, "callback P1 voice orders 900s", "cancel P1", "tick 1s")
    assert promises.get(ident("P1")) is None
    assert list(promises.all()) == [] and promises.changed_after(0) == []


def test_a_promise_is_held_while_its_customer_is_here() -> None:
    (path,) = [path for path in CALLBACKS if path.stem == "callbacks_returning"]
    telling, promises, held = Telling(), Promises(), 0
    for block in parse(path.read_text()):
        if block.commands:
            telling.tell(block.commands)
    for seq, data in enumerate(telling.commits, 1):
        commit = codec.decode_commit(data)
        promises.apply(seq, commit)
        events = [(entry.contact or b"", codec.decode_event(entry)) for entry in commit.entries if entry.tag != INPUT_TAG]
        last = {contact: event for contact, event in events if isinstance(event, (words.PromiseHeld, words.PromiseReleased))}
        over = {contact for contact, event in events if isinstance(event, words.PromiseEnded)}
        for contact, event in last.items():
            known = promises.get(contact)
            assert known is not None and known.changed_seq == seq
            if contact not in over:
                assert known.state == "promised"
                assert known.next_ms == (event.next_ms if isinstance(event, words.PromiseReleased) else None)
                held += 1
    assert held > 5


def test_where_a_promise_was_moved_is_known_as_long_as_the_last_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "ENDED_MAX", 0)
    moves = ("callback P1 voice orders 900s", "reschedule P1 P2 1800s", "reschedule P2 P3 2700s", "reschedule P3 P4 3600s")
    _, promises = told(*ORDERS, *moves)
    assert [promises.get(ident(name)) for name in ("P1", "P2", "P3")] == [None] * 3, "they ended too long ago"
    assert [promises.successor(ident(name)) for name in ("P1", "P2", "P3", "P4")] == [ident("P2"), ident("P3"), ident("P4"), None]
    _, promises = told(*ORDERS, *moves, "cancel P4", "tick 1s")
    assert [promises.successor(ident(name)) for name in ("P1", "P2", "P3", "P4")] == [None] * 4
    assert not promises._moved, "nothing is kept of what is over"
    monkeypatch.setattr(fold, "MOVED_MAX", 2)
    _, promises = told(*ORDERS, *moves)
    assert [promises.successor(ident(name)) for name in ("P1", "P2", "P3")] == [None, ident("P3"), ident("P4")]
    assert sum(map(len, promises._before.values())) == 2


def test_what_took_the_place_of_a_promise_that_is_not_needed_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = (
        "policy",
        "  callbacks orders slot_ms=15m capacity=2 returning=cancel hold_place=on",
        "  channel voice wrap_up_ms=0s",
        *("agent A1 queues=orders:0 channels=voice:-:1", "presence A1 ready"),
        *("contact C8 voice orders", "accept C8 1 A1", "connected C8 1 A1", "tick 60s", "end C8 A1"),
        *("contact C9 voice orders", "accept C9 1 A1", "connected C9 1 A1"),
        *("callback P1 voice orders 1800s customer=U1", "contact C1 voice orders customer=U1"),
    )
    instead = (*setting, "callback P2 voice orders 1800s kind=hold_place waiting=C1")
    _, promises = told(*instead)
    ended = promises.get(ident("P1"))
    assert ended is not None and (ended.outcome, ended.successor) == ("cancelled", ident("P2"))
    assert promises.successor(ident("P1")) == ident("P2")
    # Who was spoken with is called by nobody: no promise took the place.
    _, promises = told(*setting, "end C9 A1", "accept C1 1 A1", "connected C1 1 A1")
    ended = promises.get(ident("P1"))
    assert ended is not None and (ended.outcome, ended.successor) == ("cancelled", ident("C1"))
    assert promises.successor(ident("P1")) is None
    # It is known as long as the last one is, of however many.
    monkeypatch.setattr(fold, "ENDED_MAX", 0)
    _, promises = told(*instead, "reschedule P2 P3 2700s")
    assert [promises.successor(ident(name)) for name in ("P1", "P2", "P3")] == [ident("P2"), ident("P3"), None]
    _, promises = told(*instead, "reschedule P2 P3 2700s", "cancel P3", "tick 1s")
    assert [promises.successor(ident(name)) for name in ("P1", "P2", "P3")] == [None] * 3
    assert not promises._moved and not promises._before


def test_another_length_of_slots_is_counted_anew() -> None:
    _, promises = told(
        *ORDERS,
        "callback P1 voice orders 900s",
        "capacity orders 1800s 15m 7",
        "policy",
        "  callbacks orders slot_ms=30m capacity=4 horizon_ms=2h",
    )
    slots = list(promises.slots("orders", 0, [], 100_000))
    assert slots[:2] == [Slot(1_800_000, 4, 0), Slot(3_600_000, 4, 0)]
    assert promises._booked == {"orders": {0: 1}}

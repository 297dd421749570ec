"""What a promise that may not be kept, or was not, may be moved to: what the router proposed, as far as there is room still."""

from cordboard import codec
from cordboard.alternatives import Alternatives
from cordboard.missed import MissedContacts
from cordboard.promises import Promises
from tests.scenarios.language import ident
from tests.scenarios.story import Telling

POLICY = ("policy", "  callbacks orders slot_ms=15m capacity=1 horizon_ms=3h")
NOW_MS = 100_000


class Told:
    """A story, and what may be had instead of a promise in it."""

    def __init__(self, *commands: str) -> None:
        self._telling, self._promises, self._missed, self._read = Telling(), Promises(), MissedContacts(), 0
        self.goes_on(*POLICY, *commands)

    def goes_on(self, *commands: str) -> None:
        self._telling.tell(list(commands))
        for data in self._telling.commits[self._read :]:
            self._read += 1
            for fold in (self._promises, self._missed):
                fold.apply(self._read, codec.decode_commit(data))

    def instead_of(self, name: str) -> list[int]:
        """In slots."""
        promise = self._promises.get(ident(name))
        assert promise is not None
        found = Alternatives(self._promises, self._missed, NOW_MS).of(promise)
        assert all(begin_ms % 900_000 == 0 for begin_ms in found)
        return [begin_ms // 900_000 for begin_ms in found]


def test_what_was_proposed_and_is_taken_meanwhile_is_proposed_no_more() -> None:
    told = Told("callback P1 voice orders 900s")
    assert told.instead_of("P1") == [], "there is room for it"
    told.goes_on("capacity orders 900s 15m 0")
    assert told.instead_of("P1") == [2, 3, 4, 5, 6, 7, 8, 9]
    told.goes_on("callback P3 voice orders 2700s")
    assert told.instead_of("P1") == [2, 4, 5, 6, 7, 8, 9]
    # Room again, and again none: the router says nothing new of it, and others have taken all that it said.
    told.goes_on("capacity orders 900s 15m 1")
    assert told.instead_of("P1") == []
    told.goes_on(*(f"callback P{slot} voice orders {slot * 900}s" for slot in (2, 4, 5, 6, 7, 8, 9)), "capacity orders 900s 15m 0")
    assert told.instead_of("P1") == [10, 11, 12], "the next ones, as far ahead as the queue promises"
    told.goes_on("cancel P3")
    assert told.instead_of("P1") == [3], "of what was proposed one is free again"
    told.goes_on("cancel P1")
    assert told.instead_of("P1") == []


def test_the_next_ones_are_those_of_the_hours_in_which_the_customer_can_be_reached() -> None:
    told = Told("callback P1 voice orders 900s hours=900s:3600s", "callback P0 voice orders 1800s")
    told.goes_on("capacity orders 900s 15m 0")
    assert told.instead_of("P1") == [3]
    told.goes_on("callback P3 voice orders 2700s", "capacity orders 1800s 15m 2")
    assert told.instead_of("P1") == [2]


def test_nothing_is_to_be_had_instead_of_a_missed_call_once_another_one_is_promised() -> None:
    told = Told("callback P1 voice orders 900s customer=jan", "tick 1h")
    assert told.instead_of("P1") == [2, 3, 4, 5, 6, 7, 8, 9]
    told.goes_on("callback P2 voice orders 5400s customer=jan")
    assert told.instead_of("P1") == []

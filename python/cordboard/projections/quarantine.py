"""What was put aside: bytes in the inbox that are no frame or no fact, folded from the journal, and what was decided of them.

The journal holds where they stood, why, and their SHA-256; the bytes themselves stay in the inbox until it is trimmed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from cordboard import codec
from cordboard.branch import name_of
from cordboard.events import Commit, Entry
from cordboard.events.commit import CAUSE_TIMER, INPUT_TAG
from cordboard.events.event import QuarantineEnded
from cordboard.events.fact import QuarantineEndRequested, QuarantineOutcome
from cordboard.events.verdict import FRAME_QUARANTINES, Quarantined

OPEN_MAX = 10_000
"""So many that nobody has decided of are held as a whole; of older ones the places."""
EARLY_MAX = 1_000_000
"""So many places; beyond, they are only counted."""
ENDED_MAX = 1_000
"""The last decisions, to be looked at."""
Place = tuple[int, int]
"""(commit seq, entry index) of the input that was quarantined: its identity within the journal as it is now."""
State = Literal["open", "retried", "discarded"]
_NAMED_BYTES = 3
_ENDED_TAG: int = QuarantineEnded.__struct_config__.tag  # type: ignore[assignment]  # str | int | None in the stubs


@dataclass(frozen=True, slots=True)
class PutAside:
    """One message or fact that could not be read. Times are Unix ms; `stored_ms` is when the inbox took it. `commit`: the name of
    the commit at its place.

    `by` and `why` (a policy word): whose decision ended it, and for what reason.
    """

    place: Place
    commit: bytes
    inbox_id: bytes
    inbox_seq: int
    index: int
    stored_ms: int
    put_aside_ms: int
    reason: str
    sha256: bytes
    outcome: QuarantineOutcome | None = None
    ended_ms: int | None = None
    by: bytes | None = None
    why: str | None = None

    @property
    def name(self) -> str:
        """By which operators decide about it: its place, and of the commit's name what tells it from one that was there before."""
        seq, entry = self.place
        return f"{seq}.{entry}-{self.commit[:_NAMED_BYTES].hex()}"

    @property
    def state(self) -> State:
        return self.outcome or "open"

    @property
    def whole(self) -> bool:
        """The whole message of the inbox, not one fact of its frame."""
        return self.reason in FRAME_QUARANTINES


@dataclass(frozen=True, slots=True)
class Ending:
    """What was decided, as in PutAside."""

    outcome: QuarantineOutcome
    ended_ms: int
    by: bytes | None
    why: str | None

    def of(self, one: PutAside) -> PutAside:
        return replace(one, outcome=self.outcome, ended_ms=self.ended_ms, by=self.by, why=self.why)


@dataclass(frozen=True, slots=True)
class Summary:
    """`open`: all that nobody has decided of, `untold` of them only counted. `oldest_open_ms`: of those held as a whole."""

    open: int
    untold: int
    oldest_open_ms: int | None


class Quarantine:
    """A fold: `apply` every commit, then ask."""

    def __init__(self, open_max: int = OPEN_MAX, ended_max: int = ENDED_MAX, early_max: int = EARLY_MAX) -> None:
        self._open_max, self._ended_max, self._early_max = open_max, ended_max, early_max
        # In the order of their places, and in that of the decisions.
        self._open: dict[Place, PutAside] = {}
        self._ended: dict[Place, PutAside] = {}
        # Older than those, open: in the order of their places. And what was decided of such ones.
        self._early: list[Place] = []
        self._early_ended: dict[Place, Ending] = {}
        self._untold = 0
        self._at: dict[tuple[bytes, int, int], Place] = {}

    def apply(self, seq: int, commit: Commit) -> None:
        for index, entry in enumerate(commit.entries):
            # What cannot be read is about nobody; so is hardly anything else, and the rest is not decoded.
            if entry.tag == INPUT_TAG and entry.contact is None and entry.agent is None and entry.channel is None:
                self._look(seq, index, commit)
            elif entry.tag == _ENDED_TAG:
                self._end(entry, commit)

    def get(self, place: Place) -> PutAside | None:
        """Open, or ended not long ago."""
        return self._open.get(place) or self._ended.get(place)

    def at(self, inbox_id: bytes, inbox_seq: int, index: int) -> PutAside | None:
        """What stood there, if it was put aside and is open."""
        place = self._at.get((inbox_id, inbox_seq, index))
        return None if place is None else self._open[place]

    def page(self, states: Collection[State], after: Place | None, limit: int) -> list[PutAside]:
        """At most `limit` of those held as a whole, in these states, in the order of their places, after `after`."""
        known = list(self._open.values()) if "open" in states else []
        if set(states) != {"open"}:
            known = sorted([*known, *(each for each in self._ended.values() if each.state in states)], key=lambda each: each.place)
        return list(islice((each for each in known if after is None or each.place > after), limit))

    def early(self, after: Place | None, limit: int) -> list[Place]:
        """At most `limit` open ones of which only the places are held, after `after`: older than all that `page` has."""
        begin = 0 if after is None else bisect_right(self._early, after)
        return self._early[begin : begin + limit]

    def needs_commit(self, place: Place) -> bool:
        """Whether `recall` finds it: of this one, open or ended not long ago, only the place is held."""
        return place in self._early_ended or self._early_index(place) is not None

    def recall(self, place: Place, commit: Commit) -> PutAside | None:
        """What `needs_commit`, out of its commit; None if it was forgotten meanwhile."""
        if not self.needs_commit(place):
            return None
        found, ending = _put_aside(*place, commit), self._early_ended.get(place)
        return found if found is None or ending is None else ending.of(found)

    def summary(self) -> Summary:
        oldest = next(iter(self._open.values()), None)
        count = len(self._open) + len(self._early) + self._untold
        return Summary(count, self._untold, None if oldest is None else oldest.stored_ms)

    def _look(self, seq: int, index: int, commit: Commit) -> None:
        found = _put_aside(seq, index, commit)
        if found is None:
            return
        self._open[found.place] = found
        self._at[_position(found)] = found.place
        if len(self._open) > self._open_max:
            self._leave(oldest := next(iter(self._open)))
            if len(self._early) < self._early_max:
                self._early.append(oldest)
            else:
                self._untold += 1

    def _end(self, entry: Entry, commit: Commit) -> None:
        event = codec.decode_event(entry)
        assert isinstance(event, QuarantineEnded)
        place = (event.input_seq, event.input_entry)
        known, early = self._leave(place), self._early_index(place)
        if known is None and early is None:
            return  # decided before: the first decision stands
        fact = _asked(entry, commit)
        ending = Ending(
            event.outcome,
            event.at_ms,
            by=fact.by if fact is not None else None,
            why=fact.reason if fact is not None else None,
        )
        if early is not None:
            del self._early[early]
            self._early_ended[place] = ending
        if known is not None:
            self._ended[place] = ending.of(known)
        for ended in (self._ended, self._early_ended):
            if len(ended) > self._ended_max:
                del ended[next(iter(ended))]

    def _leave(self, place: Place) -> PutAside | None:
        known = self._open.pop(place, None)
        if known is not None:
            del self._at[_position(known)]
        return known

    def _early_index(self, place: Place) -> int | None:
        index = bisect_left(self._early, place)
        return index if index < len(self._early) and self._early[index] == place else None


def _put_aside(seq: int, index: int, commit: Commit) -> PutAside | None:
    """What was put aside there; None for any other input."""
    given = codec.decode_input(commit.entries[index])
    if not isinstance(given.verdict, Quarantined):
        return None
    return PutAside(
        place=(seq, index),
        commit=name_of(commit),
        inbox_id=commit.consumed.inbox_id,
        inbox_seq=given.inbox_seq,
        index=given.index,
        stored_ms=given.stored_ms,
        put_aside_ms=commit.at_ms,
        reason=given.verdict.reason,
        sha256=given.verdict.sha256,
    )


def _position(one: PutAside) -> tuple[bytes, int, int]:
    return one.inbox_id, one.inbox_seq, one.index


def _asked(entry: Entry, commit: Commit) -> QuarantineEndRequested | None:
    """The fact that caused the event; None if it stands in another commit."""
    if entry.cause <= CAUSE_TIMER:
        return None
    fact = codec.decode_fact(codec.decode_input(commit.entries[entry.cause]).fact)
    return fact if isinstance(fact, QuarantineEndRequested) else None

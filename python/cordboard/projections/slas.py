"""Clocks of SLA promises, folded from the journal: those that live, those that ended lately, and how many were met."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from cordboard import codec
from cordboard.events import Commit, Entry
from cordboard.events import event as words
from cordboard.events.bounds import INSTANT_MAX_MS
from cordboard.events.terms import SlaMeasure
from cordboard.projections.rows import permille

LATELY_MS = 24 * 3_600_000
"""So long after its end a clock is still known here …"""
ENDED_MAX = 20_000
"""… unless so many have ended since."""
State = Literal["running", "at_risk", "paused", "met", "broken", "cancelled"]
Key = tuple[bytes, str]
"""The contact, or the case it belongs to, and the name of the SLA."""

_ABOUT_CLOCKS = frozenset((81, 82, 83, 84, 85, 90, 91))


@dataclass(frozen=True, slots=True)
class SlaClock:
    """A clock; all instants are Unix ms. `contact` is the one it is about now, `left_ms` what counts and is left while it stands,
    or was left when it ended. `warned`: it has been at risk."""

    name: str
    measure: SlaMeasure
    contact: bytes
    case: bytes | None
    queue: str
    channel: str
    target_ms: int
    started_ms: int
    due_ms: int | None
    warn_ms: int | None
    internal: bool
    group: str | None
    state: State = "running"
    warned: bool = False
    left_ms: int | None = None
    ended_ms: int | None = None
    reason: str | None = None
    changed_seq: int = 0
    """Position of the commit that last changed anything here."""

    @property
    def key(self) -> Key:
        return self.case or self.contact, self.name

    @property
    def place(self) -> tuple[int, bytes, str]:
        """Those due first come first; what stands is due at no time."""
        return INSTANT_MAX_MS + 1 if self.due_ms is None else self.due_ms, *self.key

    @property
    def lives(self) -> bool:
        return self.ended_ms is None


@dataclass(slots=True)
class SlaCount:
    """Clocks of an SLA in a queue: ended there since the journal began, and at risk there now."""

    met: int = 0
    broken: int = 0
    cancelled: int = 0
    at_risk: int = 0
    internal: bool = False

    @property
    def met_permille(self) -> int | None:
        """Met / (met + broken); None: none was either. What was cancelled counts for neither."""
        return permille(self.met, self.met + self.broken)


class Slas:
    """A fold: `apply` every commit, then ask."""

    def __init__(self) -> None:
        self._live: dict[Key, SlaClock] = {}
        self._ended: OrderedDict[Key, SlaClock] = OrderedDict()
        """The last one of each contact or case."""
        self._changed: OrderedDict[Key, None] = OrderedDict()
        """All of both, those that changed last at the end."""
        self._counts: dict[tuple[str, str], SlaCount] = {}
        self._of_contact: dict[bytes, set[Key]] = {}
        """Those that live."""
        self._listeners: list[Callable[[SlaClock], None]] = []
        self.position = 0
        self.at_ms = 0

    def apply(self, seq: int, commit: Commit) -> None:
        self.position, self.at_ms = seq, commit.at_ms
        for entry in commit.entries:
            if entry.tag in _ABOUT_CLOCKS:
                self._hear(entry, codec.decode_event(entry))
        self._forget(commit.at_ms - LATELY_MS)

    # What stands

    def all(self) -> Iterator[SlaClock]:
        """Those that live, then those that ended lately and did not start again."""
        yield from self._live.values()
        yield from (clock for key, clock in self._ended.items() if key not in self._live)

    def live(self) -> Iterable[SlaClock]:
        return self._live.values()

    def of_contact(self, contact: bytes) -> list[SlaClock]:
        """Those that live and are about it now, due first."""
        return sorted((self._live[key] for key in self._of_contact.get(contact, ())), key=lambda clock: clock.place)

    def subscribe(self, listener: Callable[[SlaClock], None]) -> Callable[[], None]:
        """`listener` hears of each clock that is or was in danger as it changes, from within `apply`. Returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def changed_after(self, seq: int) -> list[SlaClock]:
        """Those that a commit after position `seq` changed, in the order of their changes."""
        found: list[SlaClock] = []
        for key in reversed(self._changed):
            clock = self._live.get(key) or self._ended[key]
            if clock.changed_seq <= seq:
                break
            found.append(clock)
        found.reverse()
        return found

    def counts(self) -> dict[tuple[str, str], SlaCount]:
        """By SLA and queue."""
        return self._counts

    @property
    def at_risk(self) -> int:
        """Clocks that are at risk now."""
        return sum(count.at_risk for count in self._counts.values())

    # What is heard

    def _hear(self, entry: Entry, event: Any) -> None:
        contact, channel = entry.contact or b"", entry.channel or ""
        if isinstance(event, words.SlaStarted):
            self._put(_started(contact, channel, event))
            return
        known = self._live.get((event.case or contact, event.name))
        if known is None:
            return
        # A clock of a case goes on with another contact once its own is gone, and that of a contact moves with it to another queue.
        known = replace(known, contact=contact, queue=event.queue, channel=channel or known.channel)
        match event:
            case words.SlaAtRisk():
                self._put(replace(known, state="at_risk", warned=True, warn_ms=None))
            case words.SlaPaused():
                self._put(replace(known, state="paused", due_ms=None, warn_ms=None, left_ms=event.left_ms))
            case words.SlaResumed():
                state: State = "at_risk" if known.warned else "running"
                self._put(replace(known, state=state, due_ms=event.due_ms, warn_ms=event.warn_ms, left_ms=None))
            case words.SlaMet():
                self._end(replace(known, state="met", left_ms=event.spare_ms), event.at_ms)
            case words.SlaBroken():
                self._end(replace(known, state="broken", due_ms=event.due_ms, left_ms=0), event.at_ms)
            case words.SlaCancelled():
                self._end(replace(known, state="cancelled", left_ms=event.spare_ms, reason=event.reason), event.at_ms)

    def _put(self, clock: SlaClock) -> None:
        self._note(clock)
        self._forget_contact(clock.key)
        self._live[clock.key] = changed = replace(clock, changed_seq=self.position)
        self._of_contact.setdefault(clock.contact, set()).add(clock.key)
        self._move(changed)

    def _end(self, clock: SlaClock, at_ms: int) -> None:
        self._note(clock)
        self._forget_contact(clock.key)
        del self._live[clock.key]
        self._ended.pop(clock.key, None)
        self._ended[clock.key] = changed = replace(clock, warn_ms=None, ended_ms=at_ms, changed_seq=self.position)
        self._move(changed)

    def _forget_contact(self, key: Key) -> None:
        before = self._live.get(key)
        if before is None:
            return
        others = self._of_contact[before.contact]
        others.discard(key)
        if not others:
            del self._of_contact[before.contact]

    def _move(self, clock: SlaClock) -> None:
        self._changed.pop(clock.key, None)
        self._changed[clock.key] = None
        if clock.warned or clock.state == "broken":
            for listener in tuple(self._listeners):
                listener(clock)

    def _note(self, clock: SlaClock) -> None:
        before = self._live.get(clock.key)
        if before is not None and before.state == "at_risk":
            self._counts[before.name, before.queue].at_risk -= 1
        count = self._counts.setdefault((clock.name, clock.queue), SlaCount())
        count.internal = clock.internal
        match clock.state:
            case "at_risk":
                count.at_risk += 1
            case "met":
                count.met += 1
            case "broken":
                count.broken += 1
            case "cancelled":
                count.cancelled += 1

    def _forget(self, before_ms: int) -> None:
        while self._ended:
            key, oldest = next(iter(self._ended.items()))
            assert oldest.ended_ms is not None
            if len(self._ended) <= ENDED_MAX and oldest.ended_ms >= before_ms:
                return
            del self._ended[key]
            if key not in self._live:
                self._changed.pop(key, None)


def _started(contact: bytes, channel: str, event: words.SlaStarted) -> SlaClock:
    return SlaClock(
        name=event.name,
        measure=event.measure,
        contact=contact,
        case=event.case,
        queue=event.queue,
        channel=channel,
        target_ms=event.target_ms,
        started_ms=event.at_ms,
        due_ms=event.due_ms,
        warn_ms=event.warn_ms,
        internal=event.internal,
        group=event.group,
    )

"""The cases that a letter may go on with, folded from the journal: which contact was last, who had it, and when it ended."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from cordboard import codec
from cordboard.events import Commit, Entry
from cordboard.events.event import ContactEnded, ContactQueued, EngagementStarted, PolicyAdopted
from cordboard.vault.clock import now_ms

_POLICY_ADOPTED, _QUEUED, _ENDED, _STARTED = 5, 10, 11, 19
_REOPEN_MS = 7 * 24 * 3_600_000
CASES_MAX = 500_000
COMING_MAX = 10_000


@dataclass(slots=True)
class Case:
    """`contact` is the newest one; `owner` whoever spoke with the customer last; `ended_ms` None while the contact lives."""

    contact: bytes
    owner: bytes | None = None
    ended_ms: int | None = None
    later: list[bytes] = field(default_factory=list)
    """Its contacts but the first."""

    @property
    def live(self) -> bool:
        return self.ended_ms is None


class Cases:
    """A fold. Knows cases whose contact lives, or ended within the policy's `reopen_ms`; of live channels it knows none.

    `clock` gives Unix milliseconds: a case gets old on a day without a commit, too.
    """

    def __init__(self, clock: Callable[[], int] = now_ms) -> None:
        self._clock = clock
        self._reopen_ms = _REOPEN_MS
        self._live_channels: frozenset[str] = frozenset()
        self._cases: dict[bytes, Case] = {}
        self._ended: OrderedDict[bytes, None] = OrderedDict()
        self._roots: dict[bytes, bytes] = {}
        self._coming: OrderedDict[bytes, None] = OrderedDict()

    def get(self, case: bytes) -> Case | None:
        """The case, if a letter of this moment would go on with it."""
        if case in self._coming:
            return Case(case)
        known = self._cases.get(case)
        if known is None or (known.ended_ms is not None and known.ended_ms + self._reopen_ms < self._clock()):
            return None
        return known

    def lately(self, at_ms: int) -> bool:
        """Was this so short a time ago that a case which was open then is not too long over now?"""
        return at_ms + self._reopen_ms >= self._clock()

    def case_of(self, contact: bytes) -> bytes:
        """The case a contact belongs to; its own id if it is the first of one, or not known."""
        return self._roots.get(contact, contact)

    def coming(self, contact: bytes) -> None:
        """This contact's arrival is on its way: until the journal has it, it counts as live."""
        self._coming[contact] = None
        if len(self._coming) > COMING_MAX:
            self._coming.popitem(last=False)

    def __len__(self) -> int:
        return len(self._cases)

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        for entry in commit.entries:
            if entry.tag == _POLICY_ADOPTED:
                self._adopt(entry)
            elif entry.contact is not None and entry.tag in (_QUEUED, _ENDED, _STARTED):
                self._take(entry, entry.contact)
        self._forget(commit.at_ms)

    def _adopt(self, entry: Entry) -> None:
        event = codec.decode_event(entry)
        assert isinstance(event, PolicyAdopted)
        policy = codec.decode_policy(event.policy)
        self._reopen_ms = policy.reopen_ms
        self._live_channels = frozenset(profile.name for profile in policy.channels if profile.presence == "live")

    def _take(self, entry: Entry, contact: bytes) -> None:
        if entry.channel in self._live_channels:
            return
        match codec.decode_event(entry):
            case ContactQueued(visit=1, case=case):
                self._begin(contact, case or contact)
            case EngagementStarted():
                known = self._cases.get(self.case_of(contact))
                if known is not None and known.contact == contact:
                    known.owner = entry.agent
            case ContactEnded(at_ms=at_ms):
                self._end(contact, at_ms)

    def _begin(self, contact: bytes, case: bytes) -> None:
        self._coming.pop(contact, None)
        known = self._cases.setdefault(case, Case(contact))
        known.contact, known.ended_ms = contact, None
        self._ended.pop(case, None)
        if contact != case:
            self._roots[contact] = case
            known.later.append(contact)

    def _end(self, contact: bytes, at_ms: int) -> None:
        case = self.case_of(contact)
        known = self._cases.get(case)
        if known is not None and known.contact == contact:
            known.ended_ms = at_ms
            self._ended[case] = None

    def _forget(self, now: int) -> None:
        while self._ended:
            oldest = next(iter(self._ended))
            ended_ms = self._cases[oldest].ended_ms or 0
            if len(self._ended) <= CASES_MAX and ended_ms + self._reopen_ms >= now:
                return
            del self._ended[oldest]
            for contact in self._cases.pop(oldest).later:
                del self._roots[contact]

"""What was recorded of people's own doing: how long answers, connects, conversations and wrap-ups took, contact by contact.

A fact about a contact that was engaged is told by the time since that engagement began, because with other decisions it would begin
at another time and with another agent. Every other fact stands at its own time.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cordboard import codec
from cordboard.events import event as events
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG, Commit, Entry, Input
from cordboard.events.verdict import Accepted

ANSWERS = (facts.OfferAnswered, facts.ContactConnected, facts.ConnectionFailed)
"""Responses to an offer."""
EFFECTS = (facts.EffectDone, facts.EffectFailed, facts.EffectRetryRequested, facts.EffectDiscardRequested)
"""They name commits of the record by number; nothing that is routed depends on them."""
NOT_MODELLED = (
    *EFFECTS,
    *(facts.ConsultRequested, facts.RoleRequested, facts.WrapUpExtensionRequested, facts.PickRequested, facts.RequeueRequested),
)
"""Done about a decision that may not be made again."""
OTHERWISE_MS = 1_000
"""If nothing at all was recorded of a channel."""


@dataclass(slots=True)
class Course:
    """One engagement of a contact, in milliseconds: offer to accept, accept to connection, acts, wrap-up. None: not recorded."""

    accept_ms: int | None = None
    connect_ms: int | None = None
    acts: list[tuple[int, bytes]] = field(default_factory=list)
    """Time since the connection, and the fact."""
    wrap_up_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """An entry of a commit, and what it holds if it is an input; of a quarantined one the log has no fact."""

    entry: Entry
    said: Input | None = None
    fact: facts.Fact | None = None


def read(commit: Commit) -> list[Read]:
    """A commit's entries, its inputs decoded: once for everybody who asks."""
    return [_read(entry) for entry in commit.entries]


def _read(entry: Entry) -> Read:
    if entry.tag != INPUT_TAG:
        return Read(entry)
    said = codec.decode_input(entry)
    return Read(entry, said, codec.decode_fact(said.fact) if said.fact else None)


@dataclass(frozen=True, slots=True)
class Said:
    """A fact at its own time (Unix ms)."""

    at_ms: int
    fact: bytes
    left: bytes | None = None
    """The contact whose customer had no more patience."""


class Courses:
    """Folds commits of the record, oldest first."""

    def __init__(self) -> None:
        self.of: dict[bytes, list[Course]] = defaultdict(list)
        """By contact, its engagements in their order."""
        self.channels: dict[bytes, str] = {}
        self.not_modelled: dict[str, int] = defaultdict(int)
        self._offered: dict[bytes, int] = {}
        self._accepted: dict[bytes, int] = {}
        self._engaged: dict[bytes, int] = {}
        self._wrapping: dict[tuple[bytes, bytes], tuple[Course, int]] = {}
        self._before: set[bytes] = set()
        """Contacts offered or engaged before the estimate begins: what is said of them stands at its own time."""
        self._fact_ms = 0
        self._typical: dict[str, tuple[int, int, int, int]] | None = None

    def begin(self) -> None:
        """The next commit is the first that differs."""
        self._before = self._offered.keys() | self._accepted.keys() | self._engaged.keys()

    def fold(self, at_ms: int, entries: Iterable[Read]) -> Iterator[Said]:
        """What of a commit of that moment stands at its own time."""
        for each in entries:
            entry = each.entry
            if each.said is not None:
                self._fact_ms = min(max(each.said.stored_ms, self._fact_ms), at_ms)
                if isinstance(each.said.verdict, Accepted) and each.fact and (own := self._sort(each.said, each.fact)):
                    yield own
            elif entry.contact is not None and entry.tag in FOLDED:
                self._follow(entry.contact, entry.agent, codec.decode_event(entry), entry.channel)

    def typical(self, channel: str | None) -> tuple[int, int, int, int]:
        """Medians of a channel: accept, connect, conversation, wrap-up."""
        if self._typical is None:
            by_channel: dict[str, list[Course]] = defaultdict(list)
            for contact, courses in self.of.items():
                by_channel[self.channels.get(contact, "")].extend(courses)
            self._typical = {name: _medians(courses) for name, courses in by_channel.items()}
        return self._typical.get(channel or "", (OTHERWISE_MS, OTHERWISE_MS, OTHERWISE_MS, OTHERWISE_MS))

    def _sort(self, said: Input, fact: facts.Fact) -> Said | None:
        """The fact, if it stands at its own time."""
        own = Said(self._fact_ms, said.fact, fact.contact if isinstance(fact, facts.ContactAbandoned) else None)
        contact: bytes | None = getattr(fact, "contact", None)
        if isinstance(fact, facts.PolicyPublished):
            return None
        if isinstance(fact, NOT_MODELLED):
            self.not_modelled[type(fact).__name__] += 1
            return None
        if contact is None or contact in self._before:
            return own
        if isinstance(fact, facts.WrapUpEndRequested):
            if wrapping := self._wrapping.pop((contact, fact.agent), None):
                wrapping[0].wrap_up_ms = self._fact_ms - wrapping[1]
            return None
        if isinstance(fact, ANSWERS):
            return None
        if (since_ms := self._engaged.get(contact, -1)) >= 0:
            self.of[contact][-1].acts.append((self._fact_ms - since_ms, said.fact))
            return None
        return own

    def _follow(self, contact: bytes, agent: bytes | None, event: events.Event, channel: str | None) -> None:
        if isinstance(event, events.ContactQueued):
            self.channels[contact] = channel or ""
        elif isinstance(event, events.OfferMade) and event.role == "primary":
            self._offered[contact] = event.at_ms
        elif isinstance(event, events.OfferAccepted) and contact in self._offered:
            self._accepted[contact] = event.at_ms
        elif isinstance(event, events.EngagementStarted) and event.role == "primary":
            offered_ms, accepted_ms = self._offered.pop(contact, event.at_ms), self._accepted.pop(contact, event.at_ms)
            self.of[contact].append(Course(max(0, accepted_ms - offered_ms), max(0, event.at_ms - accepted_ms)))
            self._engaged[contact] = event.at_ms
        elif isinstance(event, events.EngagementEnded) and event.role == "primary":
            self._engaged.pop(contact, None)
            self._before.discard(contact)
            if event.wrap_until_ms is not None and agent is not None and self.of[contact]:
                self._wrapping[contact, agent] = (self.of[contact][-1], event.at_ms)
        elif isinstance(event, events.ContactEnded):
            for open_since in (self._offered, self._accepted, self._engaged):
                open_since.pop(contact, None)


FOLDED = {
    word.__struct_config__.tag
    for word in (
        *(events.ContactQueued, events.ContactEnded, events.OfferMade, events.OfferAccepted),
        *(events.EngagementStarted, events.EngagementEnded),
    )
}


def _medians(courses: list[Course]) -> tuple[int, int, int, int]:
    def median(values: list[int]) -> int:
        return round(statistics.median(values)) if values else OTHERWISE_MS

    return (
        median([course.accept_ms for course in courses if course.accept_ms is not None]),
        median([course.connect_ms for course in courses if course.connect_ms is not None]),
        median([course.acts[-1][0] for course in courses if course.acts]),
        median([course.wrap_up_ms for course in courses if course.wrap_up_ms is not None]),
    )

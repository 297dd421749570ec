"""What would have come of it: a router under another policy, whom everybody answers as they did in the record.

Facts at their own time come at that time. What people did with a contact they were engaged with comes as long after the connection
as it did then, from whoever has the contact now; a contact that nobody ever answered takes as long as its channel's others.
Everybody accepts: declines and missed offers do not come again. A customer who left while waiting leaves at the same moment, unless
answered.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from cordboard import codec
from cordboard._core import Router
from cordboard.events import event as events
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG, Commit
from cordboard.router.courses import FOLDED, Course, Courses, Said
from cordboard.router.kpi import Kpis

IDS = b"what-if:"
"""Ids of what nobody said in the record begin so; a number follows."""


class Estimate:
    """A router that decided up to `now_ms` as in the record, and goes on by itself."""

    def __init__(
        self, router: Router, inbox_seq: int, now_ms: int, courses: Courses, engaged: dict[bytes, int], kpis: Kpis
    ) -> None:
        self._router, self._inbox_seq, self._now_ms, self._courses = router, inbox_seq, now_ms, courses
        self._engagements = defaultdict(int, engaged)
        """How many each contact has had."""
        self._holder: dict[bytes, bytes] = {}
        """Who is engaged with a contact since the estimate began."""
        self._due: list[tuple[int, int, bytes, bytes | None]] = []
        self._number = 0
        self._kpis = kpis
        self.modelled = 0

    def run(self, said: Iterable[Said], end_ms: int, progress: Callable[[int], None]) -> None:
        """Live through the rest of the record and what follows from it, up to the moment at which it ends."""
        for fact in said:
            self._until(fact.at_ms)
            if fact.left is None or fact.left not in self._holder:
                self._say(fact.at_ms, fact.fact)
            progress(fact.at_ms)
        self._until(end_ms + 1)

    def follow(self, commits: Iterable[bytes]) -> None:
        """What people do about what was decided."""
        for data in commits:
            commit = codec.decode_commit(data)
            for entry in commit.entries:
                if entry.tag == INPUT_TAG:
                    continue
                self._kpis.fold(entry)
                if entry.contact is not None and entry.agent is not None and entry.tag in FOLDED:
                    self._react(entry.contact, entry.agent, entry.channel, codec.decode_event(entry), commit)

    def _until(self, at_ms: int) -> None:
        """Everything that is due before then: deadlines of the router, and what people do."""
        while True:
            deadline_ms = self._router.next_deadline()
            next_ms = min(self._due[0][0] if self._due else at_ms, deadline_ms if deadline_ms is not None else at_ms)
            if next_ms >= at_ms:
                return
            if self._due and self._due[0][0] == next_ms:
                _, _, fact, contact = heapq.heappop(self._due)
                self._act(next_ms, fact, contact)
            else:
                self._step([], next_ms)

    def _act(self, at_ms: int, fact: bytes, contact: bytes | None) -> None:
        """Somebody does what was recorded, or expected. `contact`: only while the same agent is engaged with it."""
        if contact is not None:
            agent = self._holder.get(contact)
            if agent is None:
                return
            fact = self._by(fact, agent)
        self.modelled += 1
        self._say(at_ms, fact)

    def _react(self, contact: bytes, agent: bytes, channel: str | None, event: events.Event, commit: Commit) -> None:
        at_ms = commit.at_ms
        if isinstance(event, events.OfferMade) and event.role == "primary":
            course = self._course(contact)
            wait_ms = course.accept_ms if course.accept_ms is not None else self._courses.typical(channel)[0]
            self._plan(at_ms + wait_ms, facts.OfferAnswered(self._id(), contact, event.attempt, agent, accepted=True))
        elif isinstance(event, events.OfferAccepted):
            course = self._course(contact)
            wait_ms = course.connect_ms if course.connect_ms is not None else self._courses.typical(channel)[1]
            self._plan(at_ms + wait_ms, facts.ContactConnected(self._id(), contact, event.attempt, agent))
        elif isinstance(event, events.EngagementStarted) and event.role == "primary":
            self._engage(contact, agent, channel, at_ms)
        elif isinstance(event, events.EngagementEnded) and event.role == "primary":
            self._holder.pop(contact, None)
            if event.wrap_until_ms is not None:
                course = self._course(contact, self._engagements[contact] - 1)
                wait_ms = course.wrap_up_ms if course.wrap_up_ms is not None else self._courses.typical(channel)[3]
                self._plan(at_ms + wait_ms, facts.WrapUpEndRequested(self._id(), contact, agent))

    def _engage(self, contact: bytes, agent: bytes, channel: str | None, at_ms: int) -> None:
        course = self._course(contact)
        self._engagements[contact] += 1
        self._holder[contact] = agent
        acts = course.acts
        if not acts:
            spoken = facts.MessagePosted(self._id(), contact, self._id(), "agent", agent)
            ended = facts.EngagementEndRequested(self._id(), contact, agent)
            last_ms = self._courses.typical(channel)[2]
            acts = [(last_ms, codec.encode(spoken)), (last_ms, codec.encode(ended))]
        for since_ms, fact in acts:
            self._put(at_ms + since_ms, fact, contact)

    def _course(self, contact: bytes, number: int | None = None) -> Course:
        """The recorded engagement that stands for this contact's next one (or that `number`); beyond the last, the last one's."""
        recorded = self._courses.of.get(contact)
        if not recorded:
            return Course()
        return recorded[min(self._engagements[contact] if number is None else number, len(recorded) - 1)]

    def _plan(self, at_ms: int, fact: facts.Fact) -> None:
        self._put(at_ms, codec.encode(fact), None)

    def _put(self, at_ms: int, fact: bytes, contact: bytes | None) -> None:
        self._number += 1
        heapq.heappush(self._due, (max(at_ms, self._now_ms), self._number, fact, contact))

    def _say(self, at_ms: int, fact: bytes) -> None:
        self._inbox_seq += 1
        self._step([(self._inbox_seq, at_ms, codec.encode_frame([fact]))], at_ms)

    def _step(self, frames: list[tuple[int, int, bytes]], at_ms: int) -> None:
        self._now_ms = max(self._now_ms, at_ms)
        self.follow(self._router.step(frames, self._now_ms))

    def _id(self) -> bytes:
        self._number += 1
        return IDS + self._number.to_bytes(8, "big")

    def _by(self, fact: bytes, agent: bytes) -> bytes:
        """The same again, by whoever has the contact now: a fact of its own, since a course may be gone through twice."""
        known: Any = codec.decode_fact(fact)
        changes = {"fact_id": self._id()} | ({} if getattr(known, "agent", None) is None else {"agent": agent})
        return codec.encode(msgspec.structs.replace(known, **changes))

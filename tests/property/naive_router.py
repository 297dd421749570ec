"""An independent router: docs/routing.md written down once more, with lists and full scans instead of indexes and heaps.

It knows one policy, trusts that facts are well formed, and says for every fact what becomes of it: a verdict and events.
"""

from collections.abc import Sequence
from functools import partial

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_absence import Absence
from tests.property.naive_days import Days
from tests.property.naive_next_steps import NextSteps
from tests.property.naive_policy import Policies
from tests.property.naive_record import MEMORY_MS, Line, Refusal
from tests.property.naive_state import Contact, Exclusion, Work
from tests.property.naive_timers import KINDS, Kind, Timer, timer

Told = tuple[str, list[Line]]
"""A fact's verdict, or `timer`, and what it caused."""


class NaiveRouter(NextSteps, Absence, Policies, Days):
    """One site."""

    def turn(
        self, facts: Sequence[tuple[int, f.Fact | None]], at_ms: int, committed_ms: int, gap_ms: int = 0
    ) -> list[Told]:  # fmt: skip
        """What comes of each fact and timer, in order. `facts` with the time the log stored them; `committed_ms`: of the turn
        that the journal holds last."""
        self.at_ms, self.committed_ms, self.doors_looked_ms = at_ms, committed_ms, {}
        told: list[Told] = []
        if gap_ms:
            self.lines = []
            self.shift(gap_ms)
            told.append(("timer", self.lines))
        for stored_ms, fact in facts:
            t = min(max(stored_ms, self.t), at_ms)
            told += self.timers(before_ms=t)
            self.t = self.moment = t
            told.append(("no_policy", []) if fact is None else self.decide(fact))
        told += self.timers(before_ms=at_ms + 1)
        assert not any(self.may(contact, agent) for contact in self.contacts for agent in self.agents), "somebody waits for nothing"
        return told

    def decide(self, fact: f.Fact) -> Told:
        if self.at_ms - self.seen.get(fact.fact_id, -MEMORY_MS) < MEMORY_MS:
            return "duplicate", []
        self.seen[fact.fact_id] = self.at_ms
        try:
            lines = self.told(lambda: getattr(self, f"on_{type(fact).__name__}")(fact))
        except Refusal as refusal:
            return str(refusal), []
        return "accepted", lines

    # Time

    def due(self) -> list[Timer]:
        """Every timer there is."""
        return [
            *self.day_timers(), *self.work_timers(), *self.desk_timers(), *self.silence_timers(), *self.return_timers(),
            *self.closing_timers(), *self.plan_timers(), *self.promise_timers(), *self.hours_timers(), *self.promotion_timers(),
            *self.door_timers(), *self.look_timers(), *self.sla_timers(), *self.case_timers(), *self.choice_timers(),
        ]  # fmt: skip

    def silence_timers(self) -> list[Timer]:
        return [
            timer(contact.silence[0], "silence", contact.id, partial(self.silence_over, contact))
            for contact in self.contacts
            if contact.silence is not None
        ]

    def work_timers(self) -> list[Timer]:
        found: list[Timer] = []
        for work in self.works:
            if work.until_ms is not None:
                kind: Kind = {"offered": "offer", "connecting": "connect", "wrapping": "wrap_up"}[work.state]  # type: ignore[assignment]
                whose = work.agent + work.contact if work.state == "wrapping" else work.contact
                found.append(timer(work.until_ms, kind, whose + work.attempt.to_bytes(4, "big"), partial(self.work_over, work)))
        return found

    def return_timers(self) -> list[Timer]:
        parked = [contact for contact in self.contacts if contact.state == "parked"]
        return [timer(each.parked_until_ms, "return", each.id, partial(self.park_expired, each)) for each in parked]

    def look_timers(self) -> list[Timer]:
        """An exclusion or preference ends, a rank opens, a drain begins: that matters only to a contact that waits."""
        found: list[Timer] = []
        for contact in self.contacts:
            for exclusion in contact.exclusions:
                if not exclusion.soft:
                    found.append(timer(exclusion.reoffer_ms, "look", contact.id, partial(self.soften, contact, exclusion)))
                if not exclusion.lifted:
                    found.append(timer(exclusion.until_ms, "look", contact.id, partial(self.lift, contact, exclusion)))
            drain_ms = [] if contact.drain_at_ms is None else [contact.drain_at_ms]
            coming = [at_ms for at_ms in (*contact.opens_ms, *drain_ms) if at_ms > contact.looked_ms]
            if coming:
                found.append(timer(min(coming), "look", contact.id, partial(self.opened, contact)))
            if contact.prefer_until_ms is not None and not contact.preference_over:
                found.append(timer(contact.prefer_until_ms, "look", contact.id, partial(self.anyone, contact)))
        return found

    def wakes(self) -> list[int]:
        """When something may happen by time alone."""
        waiting = {contact.id for contact in self.contacts if contact.state == "queued"}
        return [when for when, kind, who, _ in self.due() if kind != KINDS.index("look") or who in waiting]

    def timers(self, before_ms: int) -> list[Told]:
        told = []
        while pending := [each for each in self.due() if each[0] < before_ms]:
            self.moment, _, _, act = min(pending, key=lambda each: each[:3])
            told.append(("timer", self.told(act)))
        return told

    def soften(self, contact: Contact, exclusion: Exclusion) -> None:
        exclusion.soft = True
        self.looking.append(contact)

    def lift(self, contact: Contact, exclusion: Exclusion) -> None:
        exclusion.lifted = True
        self.looking.append(contact)

    def anyone(self, contact: Contact) -> None:
        contact.preference_over = True
        self.looking.append(contact)

    def opened(self, contact: Contact) -> None:
        contact.looked_ms = self.moment
        self.looking.append(contact)

    def shift(self, gap_ms: int) -> None:
        """The engine was silent: short deadlines and exclusions move."""
        self.record(e.DeadlinesShifted(at_ms=self.at_ms, gap_ms=gap_ms))
        for work in self.works:
            if work.until_ms is not None:
                work.until_ms += gap_ms
                work.wrap_started_ms += gap_ms
        for agent in self.agents:
            agent.desk_dues = [e.DeskDue(due.channel, due.at_ms + gap_ms) for due in agent.desk_dues]
        for contact in self.contacts:
            for exclusion in contact.exclusions:
                if exclusion.until_ms > self.committed_ms:
                    exclusion.until_ms, exclusion.lifted = exclusion.until_ms + gap_ms, False
                if exclusion.reoffer_ms > self.committed_ms:
                    exclusion.reoffer_ms, exclusion.soft = exclusion.reoffer_ms + gap_ms, False

    # Deadlines

    def work_over(self, work: Work) -> None:
        {"offered": self.offer_expired, "connecting": self.connect_expired, "wrapping": self.wrap_up_expired}[work.state](work)

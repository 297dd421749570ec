"""SLA promises to cases, naively: one clock for all contacts of a matter, from the first of them to the end of the last one."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from cordboard.events import event as e
from cordboard.events.policy import SlaPolicy
from tests.property.naive_slas import SlaClock, Slas
from tests.property.naive_state import Contact, Promise
from tests.property.naive_timers import Timer, timer

WAITS_FOR_OTHERS = ("customer", "third_party")
RESOLVED = ("completed", "customer_silent")
Member = tuple[bytes, str, bool]
"""Contact, its queue, and whether it waits for somebody else than us."""


@dataclass(slots=True)
class CaseEnd:
    """Of a clock that is over. `left_ms`: what is left if the case is reopened; nothing, if it was broken. `kept_ms`: how long that
    is remembered after the end of the case, `until_ms`; None: it has lived since."""

    left_ms: int
    kept_ms: int
    until_ms: int | None


class CaseClocks(Slas):
    """A case lives as long as any contact of it does, or is promised a call."""

    # Who belongs to it

    def members(self, case: bytes) -> list[Member]:
        """First the one that began it, then those who are here by channel and arrival, then who is to be called later by id.

        Who keeps a place waits for us, until they were dialled in vain.
        """
        channels = [channel.name for channel in self.policy.channels]
        here = [each for each in self.contacts if each.case == case]
        here.sort(key=lambda each: (channels.index(each.channel), each.key.seq))
        called = [each for each in self.promises.values() if case_of(each) == case and self.contact(each.contact) is None]
        called.sort(key=lambda each: each.contact)
        found = [(each.id, each.queue, each.state == "parked" and each.parked_kind in WAITS_FOR_OTHERS) for each in here]
        found += [(each.contact, each.queue, each.key is None or each.dials > 0) for each in called]
        return sorted(found, key=lambda each: each[0] != case)

    def clocks_of_case(self, case: bytes) -> list[SlaClock]:
        return sorted((each for each in self.case_clocks if each.case == case), key=lambda each: each.name)

    def about(self, clock: SlaClock, gone: Member | None = None) -> Member:
        """The contact with which it began, or another one; the one that is `gone`, if nobody is left."""
        assert clock.case is not None
        members = self.members(clock.case)
        if not members and gone is not None:
            return gone
        return next((each for each in members if each[0] == clock.contact), members[0])

    def case_timers(self) -> list[Timer]:
        found = []
        for clock in self.case_clocks:
            if clock.left_ms is None and clock.case is not None:
                next_ms = clock.due_ms if clock.warn_ms is None or clock.at_risk else min(clock.warn_ms, clock.due_ms)
                whose = clock.case + clock.name.encode()
                found.append(timer(max(next_ms, clock.from_ms), "sla", whose, partial(self.case_due, clock)))
        return found

    def case_due(self, clock: SlaClock) -> None:
        contact, queue, _ = self.about(clock)
        if self.moment >= clock.due_ms:
            self.case_broken(clock)
            return
        clock.at_risk = True
        risk = e.SlaAtRisk(self.moment, clock.name, queue, clock.case, clock.due_ms, clock.internal, clock.group)
        self.record(risk, contact)

    # Starts

    def case_begins(self, contact: Contact) -> None:
        """Asked of each contact, when it begins to wait."""
        for sla in self.policy.slas:
            if sla.measure == "resolution" and self.applies(sla, contact) and not self.runs(contact.case, sla.name):
                left_ms = self.left_of_case(contact.case, sla)
                if left_ms > 0:
                    self.case_clock_begins(contact, sla, left_ms)

    def left_of_case(self, case: bytes, sla: SlaPolicy) -> int:
        """All of it, unless its last end is remembered."""
        end = self.case_ends.get((case, sla.name))
        if end is None or (end.until_ms is not None and end.until_ms <= self.at_ms):
            return sla.target_ms
        return min(end.left_ms, sla.target_ms)

    def case_clock_begins(self, contact: Contact, sla: SlaPolicy, left_ms: int) -> None:
        self.case_ends.pop((contact.case, sla.name), None)
        due_ms, warn_ms = self.instants(sla.name, left_ms)
        self.case_clocks.append(SlaClock(
            contact.id, sla.name, sla.measure, sla.target_ms, due_ms, warn_ms, sla.internal, sla.escalate, self.at_ms + 1,
            case=contact.case,
        ))  # fmt: skip
        started = e.SlaStarted(
            self.moment, sla.name, sla.measure, contact.queue, contact.case, sla.target_ms, due_ms, warn_ms, sla.internal,
            sla.escalate,
        )  # fmt: skip
        self.record(started, contact.id)

    # Stands

    def case_goes_on(self, case: bytes) -> None:
        """One of it waits for us."""
        for clock in self.clocks_of_case(case):
            if clock.left_ms is not None:
                contact, queue, _ = self.about(clock)
                clock.due_ms, clock.warn_ms = self.instants(clock.name, clock.left_ms, warned=clock.at_risk)
                clock.left_ms, clock.from_ms = None, self.at_ms + 1
                self.record(e.SlaResumed(self.moment, clock.name, queue, case, clock.due_ms, clock.warn_ms), contact)

    def case_may_stand(self, case: bytes) -> None:
        """If nobody of it waits for us."""
        members = self.members(case)
        if not members or not all(waits_for_others for _, _, waits_for_others in members):
            return
        for clock in self.clocks_of_case(case):
            if self.is_over(clock):
                self.case_broken(clock)
            elif clock.left_ms is None:
                contact, queue, _ = self.about(clock)
                clock.left_ms = self.left(clock)
                clock.at_risk |= clock.warn_ms is None
                self.record(e.SlaPaused(self.moment, clock.name, queue, case, clock.left_ms), contact)

    # Ends

    def case_left(self, case: bytes, contact: bytes, queue: str, reason: Any) -> None:
        """By a contact that has ended, or whose promise has (`missed`, then)."""
        if self.members(case):
            self.case_may_stand(case)
            return
        for clock in self.clocks_of_case(case):
            self.case_clock_over(clock, (contact, queue, False), reason)
        for end in [end for (of, _), end in self.case_ends.items() if of == case]:
            if end.until_ms is None:
                end.until_ms = self.moment + end.kept_ms

    def case_clock_over(self, clock: SlaClock, gone: Member, reason: Any) -> None:
        if self.is_over(clock):
            self.case_broken(clock, gone)
        elif reason == "missed":
            clock.due_ms = self.moment
            self.case_broken(clock, gone)
        else:
            self.case_resolved_or_not(clock, gone, reason)

    def case_resolved_or_not(self, clock: SlaClock, gone: Member, reason: Any) -> None:
        contact, queue, _ = gone
        spare_ms, kept_ms = self.spare(clock), self.kept_ms(clock.name)
        kept_until_ms = self.moment + kept_ms if kept_ms else None
        self.case_clocks.remove(clock)
        assert clock.case is not None
        if kept_until_ms is not None:
            self.case_ends[clock.case, clock.name] = CaseEnd(spare_ms, kept_ms, kept_until_ms)
        of = (self.moment, clock.name, queue, clock.case, clock.internal)
        if reason in RESOLVED:
            self.record(e.SlaMet(*of, clock.target_ms - spare_ms, spare_ms, kept_until_ms), contact)
        else:
            self.record(e.SlaCancelled(*of, reason, spare_ms, kept_until_ms), contact)

    def case_broken(self, clock: SlaClock, gone: Member | None = None) -> None:
        """For good, while the case lives."""
        contact, queue, _ = self.about(clock, gone)
        self.case_clocks.remove(clock)
        assert clock.case is not None
        kept_ms = self.kept_ms(clock.name)
        self.case_ends[clock.case, clock.name] = CaseEnd(0, kept_ms, None)
        broken = e.SlaBroken(
            self.moment, clock.name, queue, clock.case, clock.due_ms, clock.internal, clock.group,
            self.moment + kept_ms if kept_ms else None,
        )  # fmt: skip
        self.record(broken, contact)

    def kept_ms(self, name: str) -> int:
        """How long the end of the case is remembered."""
        sla = self.sla(name)
        return 0 if sla is None else sla.reopen_ms


def case_of(promise: Promise) -> bytes:
    return promise.case or promise.contact

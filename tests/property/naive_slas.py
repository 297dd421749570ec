"""SLA promises to contacts, naively: clocks that start, stand, and end. Those of cases: naive_case_clocks."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from cordboard.events import event as e
from cordboard.events.policy import SlaPolicy
from tests.property.naive_clock import ALWAYS, Clock
from tests.property.naive_expected import Expecting
from tests.property.naive_state import Contact
from tests.property.naive_timers import Timer, timer


@dataclass(slots=True)
class SlaClock:
    """Of a contact and an SLA, or of the `case` that began with the contact. `left_ms`: it stands."""

    contact: bytes
    name: str
    measure: str
    target_ms: int
    due_ms: int
    warn_ms: int | None
    internal: bool
    group: str | None
    from_ms: int
    """Nothing happens to it before."""
    left_ms: int | None = None
    at_risk: bool = False
    """Nobody is to be warned, or not any more."""
    case: bytes | None = None


class Slas(Expecting):
    """Nothing here asks for an agent, and no agent is asked for it."""

    def sla(self, name: str) -> SlaPolicy | None:
        return next((each for each in self.policy.slas if each.name == name), None)

    def sla_time(self, name: str) -> Clock:
        """Of an SLA that is gone all time counts."""
        sla = self.sla(name)
        return ALWAYS if sla is None or sla.calendar is None else self.clock(sla.calendar)

    def clocks_of(self, contact: Contact, *measures: str) -> list[SlaClock]:
        own = [each for each in self.sla_clocks if each.contact == contact.id and (not measures or each.measure in measures)]
        return sorted(own, key=lambda each: each.name)

    def sla_timers(self) -> list[Timer]:
        found = []
        for clock in self.sla_clocks:
            if clock.left_ms is None:
                whose = clock.contact + clock.name.encode()
                next_ms = clock.due_ms if clock.warn_ms is None or clock.at_risk else min(clock.warn_ms, clock.due_ms)
                found.append(timer(max(next_ms, clock.from_ms), "sla", whose, partial(self.sla_due, clock)))
        return found

    def sla_due(self, clock: SlaClock) -> None:
        if self.moment >= clock.due_ms:
            self.clock_broken(clock, self.queue_of(clock))
            return
        clock.at_risk = True
        risk = e.SlaAtRisk(self.moment, clock.name, self.queue_of(clock), None, clock.due_ms, clock.internal, clock.group)
        self.record(risk, clock.contact)

    def queue_of(self, clock: SlaClock) -> str:
        contact = self.contact(clock.contact)
        assert contact is not None
        return contact.queue

    # Starts

    def clocks_begin(self, contact: Contact, *measures: str) -> None:
        """Of those SLAs that apply to the contact now."""
        for sla in self.policy.slas:
            applies = self.applies(sla, contact)
            if sla.measure in measures and applies and not self.runs(contact.id, sla.name):
                self.clock_begins(contact, sla)

    def runs(self, subject: bytes, name: str) -> bool:
        """Or broke for now. One of the name goes on, though a new policy has it measure something else: a case has the id of the
        contact that began it."""
        ended = self.case_ends.get((subject, name))
        return (
            any((clock.contact, clock.name) == (subject, name) for clock in self.sla_clocks)
            or any((clock.case, clock.name) == (subject, name) for clock in self.case_clocks)
            or (subject, name) in self.broken_replies
            or (ended is not None and ended.until_ms is None)
        )

    def applies(self, sla: SlaPolicy, contact: Contact) -> bool:
        return (
            (not sla.queues or contact.queue in sla.queues)
            and (not sla.channels or contact.channel in sla.channels)
            and (not sla.segments or contact.segment in sla.segments)
        )

    def clock_begins(self, contact: Contact, sla: SlaPolicy) -> None:
        due_ms, warn_ms = self.instants(sla.name, sla.target_ms)
        clock = SlaClock(
            contact.id, sla.name, sla.measure, sla.target_ms, due_ms, warn_ms, sla.internal, sla.escalate, self.at_ms + 1
        )  # fmt: skip
        self.sla_clocks.append(clock)
        started = e.SlaStarted(
            self.moment, sla.name, sla.measure, contact.queue, None, sla.target_ms, due_ms, warn_ms, sla.internal, sla.escalate
        )
        self.record(started, contact.id)

    def instants(self, name: str, left_ms: int, *, warned: bool = False) -> tuple[int, int | None]:
        """When so much has counted, and when it is at risk."""
        sla, clock = self.sla(name), self.sla_time(name)
        due_ms = clock.after(self.moment, left_ms)
        if sla is None or sla.warn_percent == 0 or warned:
            return due_ms, None
        spent_ms = sla.target_ms * sla.warn_percent // 100 - (sla.target_ms - left_ms)
        return due_ms, clock.after(self.moment, max(0, spent_ms))

    def contact_begins(self, contact: Contact) -> None:
        self.clocks_begin(contact, "answer", *(["first_response"] if begins_case(contact) or contact.owed_first else []))

    # Words

    def question(self, contact: Contact) -> None:
        goes_on = contact.ever_answered or not begins_case(contact)
        if goes_on and not self.clocks_of(contact, "first_response"):
            running = {each.name for each in self.clocks_of(contact, "next_response")}
            self.broken_replies |= {(contact.id, name) for name in running}
            self.clocks_begin(contact, "next_response")
            self.broken_replies -= {(contact.id, name) for name in running}

    def reply(self, contact: Contact) -> None:
        self.clocks_met(contact, "first_response", "next_response")
        self.broken_replies = {each for each in self.broken_replies if each[0] != contact.id}

    # Ends

    def clocks_met(self, contact: Contact, *measures: str) -> None:
        for clock in self.clocks_of(contact, *measures):
            if self.is_over(clock):
                self.clock_broken(clock, contact.queue)
                continue
            spare_ms = self.spare(clock)
            self.sla_clocks.remove(clock)
            met = e.SlaMet(self.moment, clock.name, contact.queue, None, clock.internal, clock.target_ms - spare_ms, spare_ms, None)
            self.record(met, contact.id)

    def is_over(self, clock: SlaClock) -> bool:
        return clock.left_ms is None and self.moment > clock.due_ms

    def left(self, clock: SlaClock) -> int:
        """More than ever was, if a new policy has more time count."""
        return clock.left_ms if clock.left_ms is not None else self.sla_time(clock.name).between(self.moment, clock.due_ms)

    def spare(self, clock: SlaClock) -> int:
        return min(clock.target_ms, self.left(clock))

    def clock_broken(self, clock: SlaClock, queue: str) -> None:
        self.sla_clocks.remove(clock)
        if clock.measure == "next_response":
            self.broken_replies.add((clock.contact, clock.name))
        broken = e.SlaBroken(self.moment, clock.name, queue, None, clock.due_ms, clock.internal, clock.group, None)
        self.record(broken, clock.contact)

    def clocks_over(self, contact: Contact, reason: Any) -> None:
        """The contact is gone, or to be called."""
        for clock in self.clocks_of(contact):
            if self.is_over(clock):
                self.clock_broken(clock, contact.queue)
                continue
            spare_ms = self.spare(clock)
            self.sla_clocks.remove(clock)
            over = e.SlaCancelled(self.moment, clock.name, contact.queue, None, clock.internal, reason, spare_ms, None)
            self.record(over, contact.id)
        self.broken_replies = {each for each in self.broken_replies if each[0] != contact.id}

    # Stands

    def clocks_stand(self, contact: Contact) -> None:
        for clock in self.clocks_of(contact, "next_response"):
            if self.is_over(clock):
                self.clock_broken(clock, contact.queue)
                continue
            clock.left_ms = self.left(clock)
            clock.at_risk |= clock.warn_ms is None
            self.record(e.SlaPaused(self.moment, clock.name, contact.queue, None, clock.left_ms), contact.id)

    def clocks_go_on(self, contact: Contact) -> None:
        for clock in self.clocks_of(contact, "next_response"):
            if clock.left_ms is not None:
                clock.due_ms, clock.warn_ms = self.instants(clock.name, clock.left_ms, warned=clock.at_risk)
                clock.left_ms, clock.from_ms = None, self.at_ms + 1
                self.record(e.SlaResumed(self.moment, clock.name, contact.queue, None, clock.due_ms, clock.warn_ms), contact.id)


def begins_case(contact: Contact) -> bool:
    return contact.named_case in (None, contact.id)

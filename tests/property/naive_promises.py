"""Promised calls, naively: from the promise over dues and attempts to its end."""

from abc import ABC, abstractmethod
from functools import partial
from typing import Any

from cordboard.events import event as e
from cordboard.events.bounds import Key
from tests.property.naive_case_clocks import case_of
from tests.property.naive_engagements import Engagements
from tests.property.naive_slots import Slots
from tests.property.naive_state import FORGOTTEN, Contact, Promise, Work
from tests.property.naive_timers import Timer, timer
from tests.property.naive_waiting import merged

USELESS = ("wrong_person", "invalid_number", "refused")
LATE_MS = 2_000


class Promises(Engagements, Slots, ABC):
    """A contact that is promised a call is among the live ones only while it waits for an agent or is dialled."""

    def promise_timers(self) -> list[Timer]:
        return [
            timer(self.next_of(promise), "promise", promise.contact, partial(self.promise_due, promise))
            for promise in self.promises.values()
            if promise.held_for is None
        ]

    def next_of(self, promise: Promise) -> int:
        contact = self.contact(promise.contact)
        if contact is None:
            return min(promise.next_ms, promise.until_ms)
        if not promise.due:
            return promise.due_ms
        dialled = self.dialled(contact)
        return promise.until_ms if dialled is None else max(promise.until_ms, dialled.until_ms or 0)

    def dialled(self, contact: Contact) -> Work | None:
        found = [work for work in self.works if (work.contact, work.state) == (contact.id, "connecting")]
        return found[0] if found else None

    def promise_due(self, promise: Promise) -> None:
        contact = self.contact(promise.contact)
        if self.moment >= promise.until_ms:
            self.window_over(promise, contact)
        elif contact is None:
            if not self.is_spoken_with(promise):
                self.promise_waits(promise)
        else:
            self.callback_due(promise, contact)

    def promise_waits(self, promise: Promise) -> None:
        """Its contact stands in line: behind everybody, or among the live ones if it is due."""
        promise.visit += 1
        promise.failed = False
        key = self.key_of_visit(promise)
        promise.since_ms, promise.place = self.moment, key.seq
        contact = Contact(
            id=promise.contact, channel=promise.channel, queue=promise.queue, wishes=promise.requirements,
            requirements=merged(promise.requirements, self.queue(promise.queue).requirements), priority=promise.priority,
            customer=promise.customer, preferred=promise.preferred, entry_point=promise.entry_point, topic=promise.topic,
            key=key, entered_ms=self.moment,
            target_ms=promise.until_ms - self.moment,
            prefer_until_ms=self.at_ms + self.policy.prefer_ms if promise.preferred else None,
            case=promise.case or promise.contact, named_case=promise.case, rule=promise.rule, language=promise.language,
            accepts=promise.accepts, visit=promise.visit, attempts=[*promise.offers], messages=promise.messages, promise=promise,
        )  # fmt: skip
        self.contacts.append(contact)
        self.queued(contact, self.moment, None)

    def key_of_visit(self, promise: Promise) -> Key:
        """A place that is kept stands where it stood, and among live contacts before it is due."""
        promise.due = promise.key is not None or self.moment >= promise.due_ms
        if promise.key is not None:
            return promise.key
        self.arrivals += 1
        credit_ms = promise.priority * self.step_of_priority_ms()
        order_ms = self.due_order(promise, promise.priority) if promise.due else promise.due_ms - credit_ms
        return Key(1 if promise.due else 3, order_ms, self.arrivals)

    def target_of(self, promise: Promise) -> int:
        queue = self.queue(promise.queue)
        return queue.targets_ms.get(promise.channel, queue.target_ms)

    def due_order(self, promise: Promise, priority: int) -> int:
        """Where it stands among live contacts once it is due."""
        return promise.due_ms - self.target_of(promise) - priority * self.step_of_priority_ms()

    def callback_due(self, promise: Promise, contact: Contact) -> None:
        promise.due = True
        contact.key = Key(1, self.due_order(promise, contact.priority), contact.key.seq)
        contact.entered_ms = contact.queued_at_ms = promise.due_ms
        contact.target_ms = promise.until_ms - promise.due_ms
        self.record(e.CallbackDue(at_ms=self.moment, key=contact.key), contact.id)

    # Dialled

    def accept(self, work: Work, contact: Contact, agent: Any, at_ms: int) -> None:
        """The agent first; then the customer is dialled."""
        super().accept(work, contact, agent, at_ms)
        if contact.promise is not None and work.role == "primary":
            self.dial(contact.promise, work, at_ms)

    def dial(self, promise: Promise, work: Work, at_ms: int) -> None:
        promise.accepted_ms, promise.served = self.at_ms, None
        message = promise.address or promise.contact
        promise.dial = self.ask_for_effect(promise.contact, work.agent)
        promise.dial.is_dial = True
        asked = e.EffectRequested(at_ms=at_ms, kind="dial", message=message, ordinal=work.attempt)
        self.record(asked, promise.contact, work.agent)

    def hang_up(self, promise: Promise, outcome: Any) -> None:
        """The dial has ended with what asked for it."""
        if promise.dial is not None and promise.dial in self.effects and not promise.dial.failed:
            self.effect_over(promise.dial, outcome)
        promise.dial = None

    def attempt_over(self, work: Work, contact: Contact, outcome: Any, ring_ms: int, *, nobody_rang: bool = False) -> None:
        """The customer was not reached; or nobody could ring."""
        promise, agent = contact.promise, self.known_agent(work.agent)
        assert promise is not None
        self.visit_ended(contact, "requeued")
        inside = promise.from_ms <= self.moment <= promise.until_ms
        rang = outcome != "no_answer" or ring_ms >= self.ring_min_ms(promise)
        counted = inside and rang and outcome != "unknown"
        promise.counted += counted
        self.works.remove(work)
        self.fate(contact, work, "expired")
        self.leave_line(promise, contact)
        retry_ms = self.retry_ms(promise)
        if nobody_rang and self.at_ms + retry_ms >= promise.until_ms:
            retry_ms = min(retry_ms, self.policy.connect_retry_ms)
        next_ms = self.at_ms + max(1, retry_ms)
        promise.dials += 1
        promise.failed = outcome == "unknown"
        often = promise.counted >= self.attempts_of(promise) or promise.dials >= 2 * self.attempts_of(promise)
        tried = often or next_ms >= promise.until_ms or outcome in USELESS
        promise.next_ms = promise.until_ms if tried else next_ms
        recorded = e.AttemptRecorded(
            at_ms=self.moment, attempt=work.attempt, outcome=outcome, ring_ms=ring_ms, counted=counted, number=promise.counted,
            next_ms=None if tried else next_ms,
        )  # fmt: skip
        self.record(recorded, contact.id, agent.id)
        self.clocks_over(contact, "customer_silent")
        self.case_may_stand(contact.case)
        self.hang_up(promise, "discarded")
        if not tried:
            self.who_came_in(promise)
        elif not self.was_served(promise):
            self.promise_over(promise, None)
        self.freed(agent)

    def ring_min_ms(self, promise: Promise) -> int:
        return self.grid(promise.queue).ring_min_ms

    def retry_ms(self, promise: Promise) -> int:
        return self.grid(promise.queue).retry_ms

    def attempts_of(self, promise: Promise) -> int:
        return self.grid(promise.queue).attempts

    def leave_line(self, promise: Promise, contact: Contact) -> None:
        """Scheduled again, with what the contact has by then."""
        self.release(contact, "contact_gone")
        contact.state = "scheduled"
        self.contacts.remove(contact)
        self.looking = [who for who in self.looking if who is not contact]
        self.newcomers = [each for each in self.newcomers if each is not contact]
        promise.due = False
        promise.topic, promise.messages = contact.topic, contact.messages
        promise.offers = [(FORGOTTEN, "expired")] * len(contact.attempts)

    @abstractmethod
    def is_spoken_with(self, promise: Promise) -> bool:
        """Somebody speaks with its customer (naive_comings)."""

    @abstractmethod
    def was_served(self, promise: Promise) -> bool:
        """Its customer was answered while they were dialled (naive_comings)."""

    # Over

    def window_over(self, promise: Promise, contact: Contact | None) -> None:
        self.promise_over(promise, contact)

    def promise_over(self, promise: Promise, contact: Contact | None) -> None:
        """Nothing more is tried: it was tried as promised, or it was missed."""
        state = "scheduled"
        if contact is not None:
            state = contact.state
            self.revoke_all(contact, "contact_gone")
            self.visit_ended(contact, "closed")
        outcome, reason = ("honoured_not_reached", None) if promise.counted else ("missed", self.why_missed(promise))
        self.gone(promise, contact, "customer_silent" if promise.counted else "failed", state)
        self.promise_ended(promise, outcome, reason)
        self.case_left(case_of(promise), promise.contact, promise.queue, "customer_silent" if promise.counted else "missed")

    def gone(self, promise: Promise, contact: Contact | None, reason: Any, state: Any, successor: bytes | None = None) -> None:
        """The end of the promise's contact, which waited or not."""
        if contact is not None:
            self.contact_ended(contact, reason, state, successor)
            return
        self.ended[promise.contact] = self.at_ms
        over = e.ContactEnded(at_ms=self.moment, reason=reason, state=state, successor=successor, kept_until_ms=None)
        self.record(over, promise.contact)

    def why_missed(self, promise: Promise) -> Any:
        if self.at_ms - self.moment > LATE_MS or promise.failed:
            return "system"
        over_ms = min(self.moment, promise.until_ms)
        if self.mode(promise.queue).mode != "open" or not self.calendar(promise.queue).is_open(over_ms - 1):
            return "closed"
        members = [agent for agent in self.agents if agent.rank(promise.queue) is not None]
        return "not_staffed" if all(agent.effective[0] == "offline" for agent in members) else "no_agent"

    def promise_ended(self, promise: Promise, outcome: Any, reason: Any, successor: bytes | None = None) -> None:
        near = self.wished(promise.queue, promise.due_ms, exact=True)
        slots = self.alternatives(promise.queue, near, promise.hours) if outcome == "missed" else []
        del self.promises[promise.contact]
        ended = e.PromiseEnded(
            at_ms=self.moment, outcome=outcome, reason=reason, due_ms=promise.due_ms,
            lateness_ms=max(0, self.moment - promise.due_ms), attempts=promise.counted, successor=successor, alternatives=slots,
        )  # fmt: skip
        self.record(ended, promise.contact)

    def connected_in_time(self, contact: Contact) -> None:
        """The customer is there: kept, if the window is not over."""
        promise = contact.promise
        if promise is None:
            return
        contact.promise = None
        self.hang_up(promise, "done")
        self.goes_on_as_any(contact)
        kept = self.moment <= promise.until_ms
        self.promise_ended(promise, "kept" if kept else "missed", None if kept else "no_agent")

    def goes_on_as_any(self, contact: Contact) -> None:
        """Should it wait again, it does as if it had come by now; what its open visit began with stands."""
        queue, early = self.queue(contact.queue), contact.key.klass > 1
        target_ms = queue.targets_ms.get(contact.channel, queue.target_ms)
        if early:
            order_ms = self.moment + target_ms - contact.priority * self.step_of_priority_ms()
            contact.key = Key(1, order_ms, contact.key.seq)
        if not contact.answered:
            return
        contact.target_ms = target_ms
        contact.drain_at_ms = self.moment + queue.drain_after_ms if queue.drain_after_ms > 0 else None
        if early:
            contact.entered_ms = contact.queued_at_ms = self.moment

    def cancel(self, promise: Promise, reason: Any = "cancelled", successor: bytes | None = None) -> None:
        """Nobody calls any more: it is not wanted, or has gone on as another contact."""
        contact, state = self.contact(promise.contact), "scheduled"
        if contact is not None:
            state = contact.state
            self.revoke_all(contact, "contact_gone")
            self.visit_ended(contact, "closed" if successor is None else "flowed_out")
        self.hang_up(promise, "discarded")
        self.gone(promise, contact, reason if successor is None else "flowed_out", state, successor)
        self.promise_ended(promise, "cancelled", None, successor)
        self.case_left(case_of(promise), promise.contact, promise.queue, "cancelled")

"""Visits of contacts to queues, naively: how they begin and end."""

from abc import ABC, abstractmethod
from typing import Any

from cordboard.events import event as e
from cordboard.events.bounds import Key
from cordboard.events.contact_events import Matter
from tests.property.naive_returning import Returning
from tests.property.naive_state import Contact


class Visits(Returning, ABC):
    """A contact enters a queue, leaves it, is brought back, or ends."""

    @abstractmethod
    def came_or_went(self, contact: Contact, how: Any, successor: bytes | None = None) -> None:
        """Somebody may be promised a call (naive_comings)."""

    def enter(self, contact: Contact, sender: bytes | None) -> None:
        """A visit begins, with all earlier waits counted in."""
        queue = self.queue(contact.queue)
        clock = self.counted(contact, contact.queue)
        queued_at_ms = clock.before(self.moment, self.waited_ms(contact))
        contact.state, contact.sender, contact.entered_ms = "queued", sender, self.moment
        contact.target_ms = clock.lasts(queued_at_ms, queue.targets_ms.get(contact.channel, queue.target_ms))
        order_ms = queued_at_ms + contact.target_ms - contact.priority * self.step_of_priority_ms()
        contact.key = Key(self.own_class(contact).klass, order_ms, contact.key.seq)
        contact.prefer_until_ms = self.at_ms + self.policy.prefer_ms if contact.preferred else None
        self.queued(contact, queued_at_ms, sender)

    def waited_ms(self, contact: Contact) -> int:
        """In all visits before, as it counts in the queue that it leaves."""
        if not contact.queues:
            return 0
        clock = self.counted(contact, contact.queues[-1])
        return clock.between(contact.queued_at_ms, contact.entered_ms) + clock.between(contact.entered_ms, contact.wait_ended_ms)

    def queued(self, contact: Contact, queued_at_ms: int, sender: bytes | None) -> None:
        """The record of a visit's beginning."""
        self.choices.pop(contact.id, None)
        contact.fell_back = False
        contact.key, contact.promoted_from, contact.promotable = self.own_class(contact), None, False
        if contact.not_behind is not None:
            contact.key = Key(contact.key.klass, min(contact.key.order_ms, contact.not_behind), contact.key.seq)
            contact.not_behind = None
        self.release(contact, "contact_gone")
        expected = self.expect(contact)
        self.begin_waiting(contact, queued_at_ms)
        if contact.was_parked and contact.ever_answered:
            self.came_or_went(contact, "back")
        contact.was_parked = False
        contact.answered_before |= contact.answered
        contact.answered = False
        entered = e.ContactQueued(
            at_ms=self.moment, visit=contact.visit, queue=contact.queue, key=contact.key, queued_at_ms=queued_at_ms,
            target_ms=contact.target_ms, requirements=contact.requirements, priority=contact.priority, customer=contact.customer,
            preferred=contact.preferred, prefer_until_ms=contact.prefer_until_ms or 0, excluded=sender,
            entry_point=contact.entry_point, topic=contact.topic, wishes=contact.wishes, case=contact.named_case,
            rule=contact.rule, language=contact.language, accepts=contact.accepts, transfers=contact.transfers, back=contact.back,
            opens_ms=contact.opens_ms, step=contact.step, step_at_ms=contact.step_at_ms, threshold=0,
            threshold_at_ms=contact.threshold_at_ms, promote_at_ms=contact.promote_at_ms, drain_at_ms=contact.drain_at_ms,
            resumes=contact.resumes, matter=None if contact.matter is None else Matter(*contact.matter),
        )  # fmt: skip
        self.record(entered, contact.id)
        if expected is not None:
            self.record(expected, contact.id)
        if contact.visit == 1 and contact.promise is None:
            self.contact_begins(contact)
        if contact.visit == 1:
            self.case_begins(contact)
        self.clocks_go_on(contact)
        self.case_goes_on(contact.case)
        contact.resumes = contact.matter = None
        self.newcomers.append(contact)

    def park_over(self, contact: Contact, by: Any, outcome: Any = "requeued") -> None:
        """With it ends the visit of one who waited meanwhile."""
        self.record(e.ParkEnded(at_ms=self.moment, by=by), contact.id, contact.owner)
        contact.was_parked = True
        if contact.waits_parked:
            self.visit_ended(contact, outcome)
            contact.waits_parked = False

    def bring_back(self, contact: Contact, by: Any) -> None:
        """A new visit with the old key; the owner first, unless the contact gave way and has waited for them in vain."""
        self.park_over(contact, by)
        waited = contact.parked_kind == "interrupted" and by == "deadline"
        owner = None if waited else next((agent for agent in self.agents if agent.id == contact.owner), None)
        contact.preferred, contact.returned = ([], False) if owner is None else ([owner.id], True)
        contact.prefer_until_ms = None if owner is None else self.at_ms + self.policy.owner_ms
        self.wait_again(contact, None)
        contact.fell_back = not contact.ever_answered

    def wait_again(self, contact: Contact, sender: bytes | None) -> None:
        """The next visit in the same queue, with the old key."""
        contact.back = None
        contact.visit += 1
        contact.requirements = self.requirements_in(contact, contact.queue, contact.wishes)
        clock = self.counted(contact, contact.queue)
        queued_at_ms = clock.before(self.moment, self.waited_ms(contact))
        target_ms = clock.between(contact.queued_at_ms, contact.queued_at_ms + contact.target_ms)
        contact.target_ms = clock.lasts(queued_at_ms, target_ms)
        contact.state, contact.sender, contact.entered_ms = "queued", sender, self.moment
        self.queued(contact, queued_at_ms, sender)

    def wait_for_anyone(self, contact: Contact, sender: bytes | None = None) -> None:
        """The same, with nobody preferred."""
        contact.preferred, contact.prefer_until_ms = [], None
        self.wait_again(contact, sender)

    def reprioritise(self, contact: Contact, priority: int, cause: Any) -> None:
        contact.key, contact.priority = self.moved(contact, priority), priority
        if contact.promise is not None:
            contact.promise.priority = priority
            contact.promise.key = None if contact.promise.key is None else contact.key
        changed = e.ContactReprioritised(at_ms=self.moment, priority=priority, key=contact.key, cause=cause)
        self.record(changed, contact.id)

    def visit_ended(self, contact: Contact, outcome: Any) -> None:
        wait_ms = max(0, self.moment - contact.entered_ms)
        ended = e.VisitEnded(
            at_ms=self.moment, visit=contact.visit, queue=contact.queue, outcome=outcome, entered_ms=contact.entered_ms,
            wait_ms=wait_ms, target_ms=contact.target_ms,
        )  # fmt: skip
        self.record(ended, contact.id)
        contact.wait_ended_ms = self.moment

    def contact_ended(self, contact: Contact, reason: Any, state: Any, successor: bytes | None = None) -> None:
        self.release(contact, "contact_gone")
        contact.state = "ended"
        self.choices.pop(contact.id, None)
        self.contacts.remove(contact)
        self.looking = [who for who in self.looking if who is not contact]
        self.newcomers = [each for each in self.newcomers if each is not contact]
        self.ended[contact.id] = self.at_ms
        self.came_or_went(contact, "gone", successor)
        kept_ms = self.keep_place(contact, reason) if contact.promise is None else None
        over = e.ContactEnded(at_ms=self.moment, reason=reason, state=state, successor=successor, kept_until_ms=kept_ms)
        self.record(over, contact.id)
        self.clocks_over(contact, reason)
        if contact.promise is None:
            self.case_left(contact.case, contact.id, contact.queue, reason)
        if reason == "abandoned":
            self.came_in_vain(contact, "abandoned")

    def came_in_vain(self, contact: Contact, missed: Any) -> None:
        """Its customer is to be offered a call back, unless they were answered, are promised one, or did not wait for long."""
        queue = self.queue(contact.queue)
        waited_ms = max(0, contact.entered_ms - contact.queued_at_ms) + max(0, contact.wait_ended_ms - contact.entered_ms)
        short = missed == "abandoned" and waited_ms < queue.short_abandon_ms
        if (
            queue.callbacks is None
            or not queue.callbacks.offer_missed
            or contact.ever_answered
            or contact.promise is not None
            or short
        ):
            return
        offered = e.CallbackOffered(
            self.moment, contact.queue, missed, None if contact.customer else "no_return_address", contact.customer,
            contact.entry_point, contact.topic, contact.named_case, contact.language, contact.wishes, contact.priority,
        )  # fmt: skip
        self.record(offered, contact.id)

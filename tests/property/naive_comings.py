"""Customers who come in before they are called, naively: linked, held, answered, gone."""

from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_promises import Promises
from tests.property.naive_state import Contact, Promise


class Comings(Promises):
    """Nobody is called who is here."""

    def returning(self, promise: Promise) -> str:
        return self.grid(promise.queue).returning

    def about_the_same(self, promise: Promise, case: bytes | None, topic: str | None, queue: str) -> bool:
        """In its case; else about its topic; where one of both names none, in its queue."""
        if case is not None and case == (promise.case or promise.contact):
            return True
        own = self.now_of(promise)[1]
        return promise.queue == queue if own is None or topic is None else own == topic

    def now_of(self, promise: Promise) -> tuple[int, str | None]:
        """Priority, without what its plan gives, and topic as they are by now: its contact's, if that waits."""
        contact = self.contact(promise.contact)
        return promise.priority, promise.topic if contact is None else contact.topic

    def is_about(self, contact: Contact, promise: Promise) -> bool:
        return self.about_the_same(promise, contact.case, contact.topic, contact.queue)

    def promises_to(self, customer: bytes | None) -> list[Promise]:
        """What is due first comes first."""
        known = [each for each in self.promises.values() if customer is not None and each.customer == customer]
        return sorted(known, key=lambda each: (each.due_ms, each.contact))

    def is_dialled(self, promise: Promise) -> bool:
        contact = self.contact(promise.contact)
        return contact is not None and contact.state == "connecting"

    # Comes in

    def promised_about(self, fact: f.ContactArrived, queue: str) -> Promise | None:
        """`queue`: the one that takes it."""
        if not self.is_now(fact.channel):
            return None
        same = [each for each in self.promises_to(fact.customer) if self.about_the_same(each, fact.case, fact.topic, queue)]
        of_case = [each for each in same if fact.case is not None and fact.case == (each.case or each.contact)]
        return next(iter(of_case + same), None)

    def is_free_to_hold(self, promise: Promise) -> bool:
        return promise.held_for is None and not self.is_dialled(promise)

    def waits_for(self, promise: Promise | None) -> Promise | None:
        """The promise that is held from the arrival on."""
        if promise is None or self.returning(promise) == "keep" or not self.is_free_to_hold(promise):
            return None
        return promise

    def go_on_with(self, contact: Contact, promise: Promise | None) -> None:
        """It is merged: the higher priority of both, topic and case unless it names them, and the better place in the line."""
        if promise is None or self.returning(promise) != "merge":
            return
        priority, topic = self.now_of(promise)
        contact.priority = max(contact.priority, priority)
        contact.topic = contact.topic or topic
        if contact.named_case in (None, contact.id):
            contact.case = contact.named_case = promise.case or promise.contact
        if promise.queue != contact.queue:
            return
        if promise.key is not None and contact.key.klass == promise.key.klass:
            contact.not_behind = promise.key.order_ms
        elif promise.key is None and self.moment >= promise.due_ms and contact.key.klass == 1:
            contact.not_behind = self.due_order(promise, priority)

    def hold_others(self, contact: Contact) -> None:
        """Nor is anybody called by whatever else they are promised about the same."""
        for promise in self.promises_to(contact.customer):
            if self.is_about(contact, promise) and self.waits_for(promise) is not None:
                self.hold(promise, contact)

    def hold(self, promise: Promise, contact: Contact) -> None:
        """Nobody calls while the customer is here as this contact."""
        waiting = self.contact(promise.contact)
        if waiting is not None:
            self.revoke_all(waiting, "contact_gone")
            self.visit_ended(waiting, "requeued")
            self.leave_line(promise, waiting)
        promise.held_for = contact.id
        self.record(e.PromiseHeld(at_ms=self.moment, returned=contact.id), promise.contact)
        if waiting is not None:
            self.clocks_over(waiting, "flowed_out")
            self.case_may_stand(waiting.case)

    # Answered, put aside, gone

    def settle_comings(self) -> None:
        """One after the other, with all that follows."""
        while self.came:
            ref, how, before, successor = self.came.pop(0)
            for promise in sorted(self.promises.values(), key=lambda each: each.contact):
                if promise.held_for == ref:
                    self.held_one_is(promise, how, before, successor)
                    self.all_look()
            contact = self.contact(ref)
            if how in ("answered", "back") and contact is not None:
                self.spoken_with(contact, first=how == "answered" and not before)
                self.all_look()

    def held_one_is(self, promise: Promise, how: str, before: bool, successor: bytes | None) -> None:
        """What becomes of a promise whose customer is here. `before`: answered already."""
        ref, keeps = promise.held_for, self.returning(promise) == "keep"
        if how == "answered":
            if not before and not keeps:
                self.cancel(promise, successor=ref)
        elif how == "parked":
            if before or keeps:
                self.let_go_on(promise, before)
        elif how == "back":
            pass  # it was held before, and is
        elif successor in self.promises and not keeps:
            self.cancel(promise, successor=successor)
        else:
            self.let_go_on(promise, before)

    def let_go_on(self, promise: Promise, answered: bool) -> None:
        """Called as promised, unless the window is over."""
        ref, promise.held_for = promise.held_for, None
        if promise.until_ms > self.at_ms:
            promise.next_ms = max(promise.next_ms, self.at_ms + 1)
            self.record(e.PromiseReleased(at_ms=self.moment, next_ms=promise.next_ms), promise.contact)
        elif answered:
            self.cancel(promise, successor=ref)
        else:
            self.promise_over(promise, None)

    def spoken_with(self, contact: Contact, *, first: bool) -> None:
        """Nobody calls about the same meanwhile; and as whoever they waited elsewhere, too, they need not be called any more."""
        if not self.is_now(contact.channel):
            return
        for promise in self.promises_to(contact.customer):
            if promise.contact == contact.id or not self.is_about(contact, promise):
                continue
            if promise.held_for is not None:
                if first and self.waits_as(promise) is not None:
                    self.cancel(promise, successor=contact.id)
            elif not self.is_dialled(promise):
                self.hold(promise, contact)

    def waits_as(self, promise: Promise) -> Contact | None:
        """As whom the customer waits here, to be answered instead of called."""
        if promise.held_for is None or self.returning(promise) == "keep":
            return None
        contact = self.contact(promise.held_for)
        return None if contact is None or contact.ever_answered else contact

    # Dialled meanwhile

    def others_of(self, promise: Promise) -> list[Contact]:
        """The customer's contacts about the same, the first one first."""
        if promise.customer is None:
            return []
        own = [each for each in self.contacts if each.customer == promise.customer and each.promise is None]
        found = [each for each in own if self.is_now(each.channel) and self.is_about(each, promise)]
        return sorted(found, key=lambda each: (each.key.seq, each.id))

    def is_away(self, contact: Contact) -> bool:
        """The customer has said nothing for long."""
        work = self.primary(contact)
        return work is not None and work.dormant

    def speaks(self, contact: Contact) -> bool:
        """Somebody has it, or has answered it before; it does not wait for somebody else, and its customer is not away."""
        return (contact.ever_answered or contact.state == "engaged") and contact.state != "parked" and not self.is_away(contact)

    def is_spoken_with(self, promise: Promise) -> bool:
        """Its time has come, but somebody speaks with the customer, or they wait here instead: it is held."""
        keeps = self.returning(promise) == "keep"
        waits = [each.id for each in self.others_of(promise) if not keeps and not each.ever_answered and not self.is_away(each)]
        here = [each for each in self.others_of(promise) if self.speaks(each) or each.id in waits]
        if here:
            self.hold(promise, here[0])
        return bool(here)

    def note_served(self, contact: Contact) -> None:
        if not self.is_now(contact.channel):
            return
        for promise in self.promises_to(contact.customer):
            if self.is_dialled(promise) and promise.contact != contact.id and self.is_about(contact, promise):
                promise.served = contact.id

    def was_served(self, promise: Promise) -> bool:
        """While they were dialled they came in, and were answered: that is enough, unless they are to be called all the same."""
        if promise.served is None or self.returning(promise) == "keep":
            return False
        self.cancel(promise, successor=promise.served)
        return True

    def who_came_in(self, promise: Promise) -> None:
        """A dial came to nothing: nobody is called who has come in since that visit began."""
        if self.was_served(promise):
            return
        keeps = self.returning(promise) == "keep"
        came = [each for each in self.others_of(promise) if self.came_since(promise, each) and (self.speaks(each) or not keeps)]
        if not came:
            return
        if came[0].ever_answered and not keeps:
            self.cancel(promise, successor=came[0].id)
        else:
            self.hold(promise, came[0])

    def came_since(self, promise: Promise, contact: Contact) -> bool:
        """By the number of its arrival; or it resumed an older place."""
        return contact.key.seq > promise.place or (contact.visit == 1 and contact.entered_ms >= promise.since_ms)

    def came_or_went(self, contact: Contact, how: Any, successor: bytes | None = None) -> None:
        """Settled when all else is done."""
        self.came.append((contact.id, how, contact.ever_answered, successor))

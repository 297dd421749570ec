"""Places in the line that are kept, naively: who waits hangs up, and is called when it is their turn."""

from blake3 import blake3

from cordboard.events import fact as f
from cordboard.events.bounds import Key
from tests.property.naive_callbacks import Callbacks
from tests.property.naive_state import Contact, Promise

SLOT_INSTEAD = "cordboard: the slot instead of a place in the line"


class Places(Callbacks):
    """A promise without a slot, with the key of whoever flowed out into it."""

    def place_wished_for(self, fact: f.CallbackRequested, waiting: Contact | None) -> None:
        if waiting is None or waiting.queue != fact.queue:
            self.refuse("not_waiting")
        policy = self.callbacks(fact.queue)
        if policy is None or not policy.hold_place:
            self.declined(fact.contact, fact.queue, fact, "no_callbacks", fact.hours)
            return
        promise = self.inheriting(self.wished_for(fact), waiting)
        reason = self.no_place(promise, waiting)
        if reason is not None:
            self.declined(fact.contact, fact.queue, fact, reason, fact.hours, promise.due_ms or self.at_ms)
            return
        key = self.moved(waiting, promise.priority)
        promise.key = Key(min(key.klass, 1), key.order_ms, key.seq)
        self.promise_made(promise, fact.waiting, None)
        self.flow_out(waiting, promise.contact)

    def no_place(self, promise: Promise, waiting: Contact) -> str | None:
        """Why none can be kept; else the promise has its window by now."""
        told_ms, self.moment = self.moment, self.at_ms
        left = self.still_to_wait(waiting, promise.channel)
        self.moment = told_ms
        if left is None:
            return "closed"
        self.expect_turn(promise, *left)
        if self.closes_before(promise.queue, promise.until_ms):
            return "closed"
        hours = promise.hours
        if hours and not any(each.from_ms <= promise.from_ms and promise.until_ms <= each.until_ms for each in hours):
            return "outside_hours"
        return None

    def expect_turn(self, promise: Promise, p50_ms: int, p90_ms: int) -> None:
        """The window: about when the place is reached."""
        policy = self.grid(promise.queue)
        promise.slot_ms, promise.due_ms = policy.slot_ms, self.at_ms + 1 + p50_ms
        promise.from_ms = promise.next_ms = max(promise.due_ms - policy.early_ms, self.at_ms + 1)
        promise.until_ms = max(promise.due_ms + policy.late_ms, self.at_ms + p90_ms)

    def closes_before(self, queue: str, until_ms: int) -> bool:
        """By its calendar, or by hand."""
        mode, clock = self.mode(queue), self.calendar(queue)
        by_hand = mode.mode != "open" and (mode.close_at_ms is None or mode.close_at_ms < until_ms)
        return by_hand or clock.between(self.at_ms, until_ms) < until_ms - self.at_ms

    # Closed for good

    def book_places(self, queue: str) -> None:
        """Whoever kept a place in the queue gets a slot, one after the other, with all that follows."""
        kept = [each for each in self.promises.values() if each.queue == queue and each.key is not None]
        for promise in sorted(kept, key=self.turn_of):
            slot = self.find(queue, self.at_ms, False, promise.hours, None)
            if isinstance(slot, int) and not self.stays(promise):
                successor = self.like(promise, instead_of(promise.contact), promise.hours)
                successor.address = promise.address or promise.contact
                self.moves_to(promise, successor, slot)
                self.all_look()

    def turn_of(self, promise: Promise) -> tuple[bool, int, int, int, bytes]:
        """Those on offer come last."""
        contact, key = self.contact(promise.contact), promise.key
        assert key is not None
        offered = contact is not None and contact.state == "offered"
        return offered, key.klass, key.order_ms, key.seq, promise.contact

    def stays(self, promise: Promise) -> bool:
        held = None if promise.held_for is None else self.contact(promise.held_for)
        return held is not None or self.is_dialled(promise)


def instead_of(ref: bytes) -> bytes:
    """The contact of the slot."""
    return blake3(ref, derive_key_context=SLOT_INSTEAD).digest()[:16]

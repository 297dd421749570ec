"""Slots of callbacks, naively: how many each holds, how many it has, and which could be had."""

from cordboard.events import event as e
from cordboard.events.policy import CallbackPolicy, Policy
from cordboard.events.promises import Hours
from tests.property.naive_hours import QueueHours
from tests.property.naive_state import Promise

ALTERNATIVES_MAX = 8


class Slots(QueueHours):
    """Every slot is named by its number: its beginning divided by its length."""

    def callbacks(self, queue: str) -> CallbackPolicy | None:
        return self.queue(queue).callbacks

    def grid(self, queue: str) -> CallbackPolicy:
        policy = self.callbacks(queue)
        assert policy is not None
        return policy

    def capacity(self, queue: str, slot: int) -> int:
        """None unless the queue is open all the time."""
        policy, clock = self.grid(queue), self.calendar(queue)
        begin_ms, end_ms = slot * policy.slot_ms, (slot + 1) * policy.slot_ms
        if clock.between(begin_ms, end_ms) < policy.slot_ms:
            return 0
        return self.plans.get(queue, {}).get(slot, policy.capacity)

    def taken(self, queue: str, slot: int) -> list[Promise]:
        """Places in the line take none."""
        slot_ms, booked = self.grid(queue).slot_ms, [each for each in self.promises.values() if each.key is None]
        return [each for each in booked if each.queue == queue and each.due_ms // slot_ms == slot]

    def suits(self, queue: str, slot: int, hours: list[Hours]) -> bool:
        """It begins when the customer can be reached."""
        due_ms = slot * self.grid(queue).slot_ms
        return not hours or any(each.from_ms <= due_ms < each.until_ms for each in hours)

    def ahead(self, queue: str) -> range:
        """The slots of which something can be promised now."""
        policy = self.grid(queue)
        return range(self.at_ms // policy.slot_ms + 1, (self.at_ms + policy.horizon_ms) // policy.slot_ms + 1)

    def still_open(self, queue: str) -> range:
        """Those of which something can be promised though somebody has closed the queue by hand: none in these hours."""
        ahead, mode, hours = self.ahead(queue), self.mode(queue).mode, self.hours.get(queue)
        if mode == "open" or (hours is not None and not hours.open):
            return ahead
        if hours is None or hours.next_ms is None:
            # Nobody knows when it is over.
            return range(ahead.stop, ahead.stop) if mode == "emergency" else ahead
        first = -(-hours.next_ms // self.grid(queue).slot_ms)
        return range(min(max(first, ahead.start), ahead.stop), ahead.stop)

    def alternatives(self, queue: str, near: int, hours: list[Hours]) -> list[int]:
        """When slots begin that could be had: those nearest to this one first, of two as near the later one."""
        if self.callbacks(queue) is None:
            return []
        free = [slot for slot in self.still_open(queue) if self.room_for(queue, slot, hours, None)]
        free.sort(key=lambda slot: (abs(slot - max(near, self.ahead(queue).start)), -slot))
        return [slot * self.grid(queue).slot_ms for slot in free[:ALTERNATIVES_MAX]]

    def wished(self, queue: str, wish_ms: int, exact: bool) -> int:
        """The slot that holds it, or the first that begins then or after it."""
        policy = self.callbacks(queue)
        if policy is None:
            return 0
        return wish_ms // policy.slot_ms if exact else -(-wish_ms // policy.slot_ms)

    def room_for(self, queue: str, slot: int, hours: list[Hours], but: Promise | None) -> bool:
        return self.suits(queue, slot, hours) and self.has_room_in(queue, slot, but)

    def has_room_in(self, queue: str, slot: int, but: Promise | None) -> bool:
        others = [each for each in self.taken(queue, slot) if each is not but]
        return len(others) < self.capacity(queue, slot)

    def find(self, queue: str, wish_ms: int, exact: bool, hours: list[Hours], but: Promise | None) -> int | str:
        """The slot for a wish, or why there is none."""
        policy = self.callbacks(queue)
        if policy is None:
            return "no_callbacks"
        slot_ms, ahead = policy.slot_ms, self.ahead(queue)
        if (exact and wish_ms // slot_ms < ahead.start) or wish_ms + slot_ms <= self.at_ms:
            return "past"
        first = self.wished(queue, wish_ms, exact)
        if first >= ahead.stop:
            return "beyond_horizon"
        still = self.still_open(queue)
        if exact and first < still.start:
            return "closed"
        asked = range(first, first + 1) if exact else range(max(first, still.start), ahead.stop)
        found = [slot for slot in asked if self.room_for(queue, slot, hours, but)]
        if found:
            return found[0]
        if exact:
            if not self.suits(queue, first, hours):
                return "outside_hours"
        elif any(self.has_room_in(queue, slot, but) for slot in asked):
            return "outside_hours"
        return "full" if any(self.capacity(queue, slot) > 0 for slot in asked) else "closed"

    def note_risks(self, queue: str, planned: range | None = None) -> None:
        """Of each slot (of these) that is not over and has less room than it holds, those made last."""
        slot_ms = self.grid(queue).slot_ms
        for slot in sorted({each.due_ms // slot_ms for each in self.promises.values() if each.queue == queue}):
            if slot < self.at_ms // slot_ms or (planned is not None and slot not in planned):
                continue
            held = sorted(self.taken(queue, slot), key=lambda each: (each.made_ms, each.contact))
            for promise in held[self.capacity(queue, slot) :]:
                if not promise.at_risk:
                    promise.at_risk = True
                    slots = self.alternatives(queue, promise.due_ms // slot_ms, promise.hours)
                    risk = e.PromiseAtRisk(at_ms=self.moment, cause="capacity", due_ms=promise.due_ms, alternatives=slots)
                    self.record(risk, promise.contact)

    def adopt_slots(self, before: Policy) -> None:
        """Plans of another grid end; what fits no more is at risk."""
        lengths = {queue.name: queue.callbacks.slot_ms for queue in before.queues if queue.callbacks is not None}
        for queue in self.policy.queues:
            if queue.callbacks is None or lengths.get(queue.name) != queue.callbacks.slot_ms:
                self.plans.pop(queue.name, None)
            if queue.callbacks is not None:
                self.note_risks(queue.name)
        self.plans = {name: plan for name, plan in self.plans.items() if name in [queue.name for queue in self.policy.queues]}

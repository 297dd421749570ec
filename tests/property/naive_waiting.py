"""What a visit waits for besides an agent, naively: the instants that stand in its `ContactQueued`."""

from cordboard.events.bounds import Key, Requirement
from cordboard.events.policy import Threshold
from tests.property.naive_case_clocks import CaseClocks
from tests.property.naive_state import Contact, Promise

STRICT_STEP_MS = 10_000_000_000_000
WAITING = ("queued", "offered", "connecting")


class Waiting(CaseClocks):
    """Steps of the plan, thresholds, promotion, ranks that open, reservations."""

    def begin_waiting(self, contact: Contact, queued_at_ms: int) -> None:
        """The contact is in its queue from now on: when will what happen? Steps, ranks, drain go on in the same queue."""
        queue, clock = self.queue(contact.queue), self.counted(contact, contact.queue)
        contact.queued_at_ms, contact.threshold = queued_at_ms, 0
        if not contact.queues or contact.queues[-1] != contact.queue:
            contact.step, contact.added = 0, []
            contact.opens_ms = [max(self.moment, clock.after(queued_at_ms, delay_ms)) for delay_ms in queue.rank_delays_ms]
            contact.drain_at_ms = self.at_ms + queue.drain_after_ms if queue.drain_after_ms > 0 else None
        if contact.promise is not None:
            contact.opens_ms, contact.drain_at_ms = [], self.holdback_at(contact.promise)
        contact.queues.append(contact.queue)
        contact.looked_ms, contact.preference_over = self.at_ms, False
        contact.step_at_ms = self.step_at(contact)
        contact.threshold_at_ms = self.threshold_at(contact)
        contact.promote_at_ms, contact.promotable = None, False
        if queue.promote_before_ms > 0 and contact.key.klass > 1 and contact.promise is None:
            near_ms = clock.before(max(self.due_at(contact), queued_at_ms), queue.promote_before_ms)
            contact.promote_at_ms = max(self.at_ms + 1, near_ms)

    def due_at(self, contact: Contact) -> int:
        """By its place in the order, and never later than its waits say."""
        due_ms = contact.key.order_ms + contact.priority * self.step_of_priority_ms()
        return min(max(0, due_ms), contact.queued_at_ms + contact.target_ms)

    def step_at(self, contact: Contact) -> int | None:
        """When the next step of the plan is due, if there is one."""
        plan = self.queue(contact.queue).plan
        if contact.step >= len(plan):
            return None
        since_ms = contact.queued_at_ms if contact.promise is None else contact.promise.since_ms
        return max(self.at_ms + 1, self.counted(contact, contact.queue).after(since_ms, plan[contact.step].after_ms))

    def thresholds(self, contact: Contact) -> list[tuple[int, Threshold]]:
        """All of the queue, in the order in which a visit passes them."""
        found, clock = [], self.counted(contact, contact.queue)
        target_ms = clock.between(contact.queued_at_ms, contact.queued_at_ms + contact.target_ms)
        for threshold in self.queue(contact.queue).thresholds:
            after_ms = threshold.wait_ms
            if threshold.expected_wait_ms is not None:
                after_ms = 0 if self.is_as_long(contact, threshold.expected_wait_ms) else threshold.expected_wait_ms
            elif after_ms is None:
                after_ms = target_ms * (threshold.target_percent or 0) // 100
            found.append((clock.after(contact.entered_ms, after_ms), threshold))
        return sorted(found, key=lambda each: each[0])

    def is_as_long(self, contact: Contact, wait_ms: int) -> bool:
        """So it was expected, in the time that counts."""
        if contact.expected_ms is None:
            return False
        clock = self.counted(contact, contact.queue)
        return clock.between(contact.entered_ms, contact.entered_ms + contact.expected_ms) >= wait_ms

    def holdback_at(self, promise: Promise) -> int | None:
        """From when on an agent is kept for it, if nobody has taken it by then."""
        policy = self.queue(promise.queue).callbacks
        if policy is None or policy.holdback_ms == 0 or policy.holdback_percent == 0:
            return None
        last_ms = max(0, promise.until_ms - policy.dial_ms)
        free_ms = self.free_in_ms(promise.queue)
        lead_ms = policy.holdback_ms if free_ms is None else min(free_ms, policy.holdback_ms)
        return max(last_ms - lead_ms, promise.due_ms, self.at_ms + 1)

    def threshold_at(self, contact: Contact) -> int | None:
        if contact.promise is not None:
            return None
        left = self.thresholds(contact)[contact.threshold :]
        return max(self.at_ms + 1, left[0][0]) if left else None

    def queued_again(self, contact: Contact) -> None:
        """An offer came to nothing: a step of the plan that fell due meanwhile is due after this turn."""
        if contact.step_at_ms is not None:
            contact.step_at_ms = max(contact.step_at_ms, self.at_ms + 1)

    def requirements_in(self, contact: Contact, queue: str, wishes: list[Requirement]) -> list[Requirement]:
        """What it needs there: relaxed needs are kept where they were relaxed."""
        if contact.step > 0 and queue == contact.queue and wishes == contact.wishes:
            return contact.requirements
        return merged(wishes, self.queue(queue).requirements)

    # The order

    def step_of_priority_ms(self) -> int:
        return STRICT_STEP_MS if self.policy.order == "strict" else self.policy.age_credit_ms

    def moved(self, contact: Contact, priority: int) -> Key:
        """The contact's key with another priority; class and arrival stay."""
        order_ms = contact.key.order_ms + (contact.priority - priority) * self.step_of_priority_ms()
        return Key(contact.key.klass, order_ms, contact.key.seq)


def merged(own: list[Requirement], queue: list[Requirement]) -> list[Requirement]:
    """Both lists' skills, each once: the higher level wins, hard wins."""
    needs: dict[str, Requirement] = {}
    for need in [*own, *queue]:
        had = needs.get(need.skill, need)
        needs[need.skill] = Requirement(need.skill, max(need.level, had.level), need.hard or had.hard)
    return list(needs.values())

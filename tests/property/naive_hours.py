"""Hours of queues, naively: they open and close by their calendars, and those who still wait then are moved on."""

from functools import partial

from cordboard.events import event as e
from tests.property.naive_doors import Doors
from tests.property.naive_state import Hours
from tests.property.naive_timers import Timer, timer


class QueueHours(Doors):
    """What a calendar does to a queue by itself."""

    def hours_timers(self) -> list[Timer]:
        turning = [
            timer(hours.next_ms, "hours", queue.encode(), partial(self.hours_turn, queue))
            for queue, hours in self.hours.items()
            if hours.next_ms is not None
        ]
        return turning + [
            timer(hours.close_at_ms, "hours_over", queue.encode(), partial(self.hours_over, queue))
            for queue, hours in self.hours.items()
            if hours.close_at_ms is not None
        ]

    def hours_turn(self, queue: str) -> None:
        hours = self.hours[queue]
        hours.open = not hours.open
        hours.close_at_ms = None if hours.open else self.served_until(queue)
        hours.next_ms = self.calendar(queue).next_turn(self.moment)
        self.say_hours(queue)

    def served_until(self, queue: str) -> int:
        return self.at_ms + max(self.queue(queue).closing_grace_ms, 1)

    def hours_over(self, queue: str) -> None:
        self.move_everybody_on(queue)
        self.book_places(queue)
        self.hours[queue].close_at_ms = None
        self.say_hours(queue)

    def say_hours(self, queue: str) -> None:
        hours = self.hours[queue]
        self.record(e.QueueHoursTurned(self.moment, queue, hours.open, hours.close_at_ms, hours.next_ms))

    def adopt_hours(self) -> None:
        """Those of a new policy that say other than what is in force."""
        kept = {queue.name for queue in self.policy.queues if queue.calendar is not None}
        self.hours = {queue: hours for queue, hours in self.hours.items() if queue in kept}
        for queue in self.policy.queues:
            if queue.calendar is None:
                continue
            clock, before = self.calendar(queue.name), self.hours.get(queue.name)
            now = Hours(clock.is_open(self.moment), None, clock.next_turn(self.moment))
            if before is not None and (before.open, before.next_ms) == (now.open, now.next_ms):
                continue
            if not now.open:
                now.close_at_ms = self.served_until(queue.name) if before is None or before.open else before.close_at_ms
            self.hours[queue.name] = now
            self.say_hours(queue.name)

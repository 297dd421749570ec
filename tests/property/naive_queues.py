"""Queues, naively: who is admitted, modes, closing, broadcasts."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_matching import order
from tests.property.naive_plan import Plans
from tests.property.naive_state import Contact, Mode
from tests.property.naive_timers import Timer, timer
from tests.property.naive_waiting import WAITING

HOPS_MAX = 4
LEVEL = 4


class Queues(Plans, ABC):
    """Doors that open and close."""

    @abstractmethod
    def book_places(self, queue: str) -> None:
        """Nobody keeps a place in a queue that is closed for good (naive_places)."""

    def no_admission(self, name: str, channel: str) -> str | None:
        """Why the queue takes nobody new of the channel; None: it does."""
        full = "full" if 0 < self.queue(name).max_waiting <= self.crowd(name) else None
        return self.deserted(name) or full or ("expected_wait" if self.overdrawn(name, channel) else None)

    def crowd(self, name: str) -> int:
        """Customers who are there and wait in the queue; calls that are promised only once they are due."""
        waiting = [each for each in self.contacts if each.queue == name and each.state in WAITING and self.is_now(each.channel)]
        return sum(1 for each in waiting if each.promise is None or each.promise.due)

    def deserted(self, name: str) -> str | None:
        """Why nobody would come for whoever began to wait there."""
        queue, mode = self.queue(name), self.mode(name).mode
        if mode != "open":
            return mode
        if name in self.hours and not self.hours[name].open:
            return "closed_hours"
        members = [agent for agent in self.agents if agent.rank(name) is not None]
        if not queue.admit_unstaffed and all(agent.effective[0] == "offline" for agent in members):
            return "unstaffed"
        return None

    def is_now(self, channel: str) -> bool:
        """A customer is there and waits."""
        return self.profile(channel).presence in ("live", "session")

    def way_out(self, asked: str, channel: str) -> str | None:
        """The first queue along the overflow that admits."""
        return self.along(asked, lambda name: self.no_admission(name, channel))

    def takes_over(self, named: str, channel: str) -> str | None:
        """Who waits too long goes to the queue that is named, or along its overflow if nobody comes there for live customers."""
        if not self.is_now(channel) or self.deserted(named) is None:
            return named
        return self.along(named, self.deserted)

    def along(self, asked: str, against: Callable[[str], str | None]) -> str | None:
        """The first queue along the overflow that nothing stands against."""
        been, at = [asked], asked
        for _ in range(HOPS_MAX):
            to = self.queue(at).overflow
            if to is None or to in been:
                return None
            if against(to) is None:
                return to
            been.append(to)
            at = to
        return None

    # Modes

    def mode(self, name: str) -> Mode:
        return self.modes.get(name, Mode("open", None))

    def on_QueueModeRequested(self, fact: f.QueueModeRequested) -> None:
        queue = self.queue(fact.queue)
        self.know_reason(fact.reason)
        if fact.mode == self.mode(fact.queue).mode:
            return
        close_at_ms = {"open": None, "closed": self.at_ms + max(queue.closing_grace_ms, 1), "emergency": self.at_ms + 1}[fact.mode]
        self.set_mode(fact.queue, fact.mode, close_at_ms)

    def set_mode(self, queue: str, mode: Any, close_at_ms: int | None) -> None:
        self.modes[queue] = Mode(mode, close_at_ms)
        self.record(e.QueueModeSet(at_ms=self.moment, queue=queue, mode=mode, close_at_ms=close_at_ms))

    def on_BroadcastRequested(self, fact: f.BroadcastRequested) -> None:
        self.queue(fact.queue)
        self.know_reason(fact.reason)
        self.record(e.BroadcastMade(at_ms=self.moment, queue=fact.queue, message=fact.message))

    def on_DemandTurnedAway(self, fact: f.DemandTurnedAway) -> None:
        """Who reads it counts it."""
        self.profile(fact.channel)
        if fact.entry_point not in [each.name for each in self.policy.entry_points]:
            self.refuse("unknown_entry_point")

    def on_QuarantineEndRequested(self, fact: f.QuarantineEndRequested) -> None:
        self.know_reason(fact.reason)
        self.record(e.QuarantineEnded(self.moment, fact.seq, fact.entry, fact.outcome))

    def on_LevelRequested(self, fact: f.LevelRequested) -> None:
        """A new site is of the newest level, and there is no other to adopt."""
        self.refuse("level_in_force" if fact.level <= LEVEL else "level_unknown")

    # Closing

    def closing_timers(self) -> list[Timer]:
        return [
            timer(mode.close_at_ms, "closing", queue.encode(), partial(self.closing_due, queue))
            for queue, mode in self.modes.items()
            if mode.close_at_ms is not None
        ]

    def closing_due(self, queue: str) -> None:
        """Then the queue is quiet."""
        self.move_everybody_on(queue)
        self.book_places(queue)
        self.set_mode(queue, self.mode(queue).mode, None)

    def closing_is_over(self, name: str) -> bool:
        """Those who waited when it closed are served, or were moved on."""
        mode, hours = self.mode(name), self.hours.get(name)
        by_hours = hours is not None and not hours.open and hours.close_at_ms is None
        return by_hours or (mode.mode != "open" and mode.close_at_ms is None)

    def move_everybody_on(self, queue: str) -> None:
        """Those who still wait for somebody, one after the other, with all that follows."""
        while here := [each for each in self.contacts if each.queue == queue and self.moves_on(each)]:
            contact = min(here, key=lambda each: (each.state != "queued", order(each)))
            to = self.way_out(queue, contact.channel)
            if to is not None:
                self.divert(contact, to, "closing")
            elif not self.waits_in_vain(contact, "closing"):
                self.turn_away(contact)
            self.all_look()

    def moves_on(self, contact: Contact) -> bool:
        """Whoever chooses has nothing else to wait for."""
        waits = contact.state in ("queued", "offered") and self.is_now(contact.channel) and contact.promise is None
        return waits and not self.chooses(contact)

    def turn_away(self, contact: Contact) -> None:
        state = contact.state
        self.revoke_all(contact, "contact_gone")
        self.visit_ended(contact, "closed")
        self.contact_ended(contact, "cancelled", state)
        self.came_in_vain(contact, "closed")

"""Doors, naively: what customers are shown of an entry point, and when that turns."""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from cordboard.events import event as e
from cordboard.events.policy import Availability, EntryPoint
from tests.property.naive_expected import DAY_MS, MINUTE_MS, SAID_MINUTES, WHOLE, said_ms
from tests.property.naive_queues import Queues
from tests.property.naive_state import Agent
from tests.property.naive_timers import Timer, timer

SAY_AGAIN_MS = 60_000
AT_ONCE = ("emergency", "closed", "closed_hours", "unstaffed", "full")


class View(NamedTuple):
    """What is so, whatever is shown."""

    state: Any
    cause: Any
    wait_ms: int | None
    until_ms: int | None


class Doors(Queues):
    """Looked at when something has changed that concerns their queue, and when time alone may turn them."""

    def doors(self) -> list[EntryPoint]:
        return [each for each in self.policy.entry_points if each.availability is not None]

    def asks_of_doors(self, name: str) -> bool:
        return any(door.queue == name for door in self.doors())

    def what_doors_ask(self) -> dict[str, str]:
        """Everything that concerns the queues to which doors lead."""
        return {name: self.what_concerns(name) for name in {str(door.queue) for door in self.doors()}}

    def what_concerns(self, name: str) -> str:
        """That somebody has looked in vain changes nothing."""
        here = [
            replace(each, looked_ms=0, preference_over=False, promotable=False, exclusions=[])
            for each in self.contacts
            if each.queue == name
        ]
        members = [agent for agent in self.agents if agent.rank(name) is not None]
        working = [work for work in self.works if any(agent.id == work.agent for agent in members)]
        kept = [each.id for each in self.contacts if any(agent.id == each.reserved for agent in members)]
        return repr((self.policy.version, self.mode(name), self.hours.get(name), here, members, working, kept))

    def turn_doors(self, before: dict[str, str]) -> None:
        now = self.what_doors_ask()
        for door in self.doors():
            if before.get(str(door.queue)) != now[str(door.queue)]:
                self.turn_door(door)

    def adopt_doors(self) -> None:
        """A new policy forgets those that it does not have."""
        names = [door.name for door in self.doors()]
        self.shown = {name: shown for name, shown in self.shown.items() if name in names}

    # What is shown

    def turn_door(self, door: EntryPoint) -> None:
        """A fact that is told late is looked at as of the last turn."""
        terms, own_ms = self.terms(door), self.moment
        self.moment = max(self.moment, self.committed_ms)
        now_ms, view, shown = self.moment, self.view(door), self.shown.get(door.name)
        self.moment = own_ms
        if shown is not None and not self.turns(shown, view, now_ms):
            return
        if shown is not None and shown.state == view.state:
            held_ms = shown.held_until_ms
        elif shown is None and view.state != "open":
            held_ms = 0
        else:
            held_ms = self.held_until(door, view)
        referral = None if view.state == "open" else terms.referral
        turned = e.DoorTurned(own_ms, door.name, view.state, view.cause, view.wait_ms, view.until_ms, referral, held_ms)
        self.shown[door.name] = turned
        self.record(turned)

    def terms(self, door: EntryPoint) -> Availability:
        assert door.availability is not None
        return door.availability

    def turns(self, shown: e.DoorTurned, view: View, now_ms: int) -> bool:
        if shown.state != view.state:
            return view.cause in AT_ONCE or now_ms >= shown.held_until_ms
        if (shown.cause, shown.until_ms) != (view.cause, view.until_ms):
            return True
        return shown.expected_wait_ms != view.wait_ms and now_ms >= shown.at_ms + SAY_AGAIN_MS

    def held_until(self, door: EntryPoint, view: View) -> int:
        terms, open_hours = self.terms(door), self.in_hours(str(door.queue))
        if view.state == "open" and view.cause is None:
            least_ms = terms.min_open_ms
        elif view.cause in ("emergency", "closed") or (view.cause == "closed_hours" and not open_hours):
            return 0
        elif view.cause == "closed_hours" and view.until_ms is not None:
            least_ms = min(terms.min_closed_ms, max(0, view.until_ms - self.moment))
        else:
            least_ms = terms.min_closed_ms
        return max(self.moment + least_ms, self.at_ms + 1)

    def in_hours(self, name: str) -> bool:
        return name not in self.hours or self.hours[name].open

    def view(self, door: EntryPoint) -> View:
        queue, profile = str(door.queue), self.profile(door.channel)
        known = self.expected(queue, door.channel, profile.klass)
        wait_ms = None if known is None else said_ms(known[0][1])
        cause = self.shut(door)
        if cause is not None:
            state = "listen_only" if self.listens(door, cause) else "closed"
        elif profile.presence == "async":
            state = "open"
        elif self.ends_too_late(queue, wait_ms):
            state, cause = "closed", "closed_hours"
        elif self.overdrawn(queue, door.channel):
            state, cause = "closed", "expected_wait"
        elif known is not None and known[0][1] < self.terms(door).open_below_ms:
            state = "open"
        else:
            state, cause = "busy", "expected_wait"
        until_ms = self.opens_again(queue) if cause == "closed_hours" else None
        return View(state, cause, None if state == "closed" else wait_ms, until_ms)

    def shut(self, door: EntryPoint) -> str | None:
        queue, presence = str(door.queue), self.profile(door.channel).presence
        if self.mode(queue).mode != "open":
            return self.mode(queue).mode
        if not self.in_hours(queue):
            return "closed_hours"
        if not any(self.could_be_asked(agent, door) for agent in self.agents):
            return "unstaffed"
        most = self.queue(queue).max_waiting
        kept = -(-most * self.terms(door).keep_free_percent // 100)
        return "full" if presence != "async" and 0 < most <= self.crowd(queue) + kept else None

    def could_be_asked(self, agent: Agent, door: EntryPoint) -> bool:
        own = agent.profile(door.channel)
        on = own is not None and bool(own.max_concurrent) and door.channel not in agent.off
        there = agent.effective[0] != "offline" and agent.desk_lost_ms is None
        return on and there and agent.rank(str(door.queue)) is not None

    def listens(self, door: EntryPoint, cause: str) -> bool:
        """What is written is taken all the same."""
        presence = self.profile(door.channel).presence
        taken = self.terms(door).listen_only and cause == "unstaffed" and self.queue(str(door.queue)).admit_unstaffed
        return presence == "async" or (presence == "session" and taken)

    def ends_too_late(self, queue: str, wait_ms: int | None) -> bool:
        last_ms = self.last_answer(queue)
        return last_ms is not None and wait_ms is not None and self.moment + wait_ms > last_ms

    def last_answer(self, queue: str) -> int | None:
        """Those who still wait then are moved on."""
        closes_ms = self.closes(queue)
        return None if closes_ms is None else closes_ms + self.queue(queue).closing_grace_ms

    def closes(self, queue: str) -> int | None:
        hours = self.hours.get(queue)
        return hours.next_ms if hours is not None and hours.open else None

    def opens_again(self, queue: str) -> int | None:
        hours = self.hours[queue]
        if not hours.open or hours.next_ms is None:
            return hours.next_ms
        return self.calendar(queue).next_turn(hours.next_ms)

    # When it may turn by time alone

    def door_timers(self) -> list[Timer]:
        """Those of before are taken already."""
        return [
            timer(at_ms, "door", door.name.encode(), partial(self.door_due, door))
            for door in self.doors()
            if (shown := self.shown.get(door.name)) is not None
            for at_ms in {*self.longer_at(door, shown), *self.hours_at(door, shown)}
            if at_ms > self.doors_looked_ms.get(door.name, self.committed_ms)
        ]

    def door_due(self, door: EntryPoint) -> None:
        self.doors_looked_ms[door.name] = self.moment
        self.turn_door(door)

    def longer_at(self, door: EntryPoint, shown: e.DoorTurned) -> list[int]:
        """It is held no longer, says what it says for a minute, or whoever has waited longest waits for longer than that."""
        queue, profile = str(door.queue), self.profile(door.channel)
        again_ms, held_ms = shown.at_ms + SAY_AGAIN_MS, shown.held_until_ms
        found = [held_ms] if held_ms > 0 else []
        found += [again_ms] if shown.state != "closed" else []
        alike = [each for each in self.those_ahead(queue, profile.klass, None) if self.own_class(each).klass == profile.klass]
        if not alike:
            return found
        head_ms = min(each.entered_ms for each in alike)
        margin = self.recent(queue, profile.klass).margin
        if shown.expected_wait_ms is not None:
            found.append(max(head_ms + without(margin, shown.expected_wait_ms + 1), again_ms))
        if profile.presence != "async" and shown.state == "open":
            found.append(max(head_ms + without(margin, self.terms(door).open_below_ms), held_ms))
        return found

    def hours_at(self, door: EntryPoint, shown: e.DoorTurned) -> list[int]:
        """What is said ends after the queue closes; or less is left until it opens."""
        queue, wait_ms = str(door.queue), shown.expected_wait_ms
        if wait_ms is None:
            return []
        waits = self.profile(door.channel).presence != "async"
        ends_ms = self.last_answer(queue) if waits else self.closes(queue)
        found = [] if ends_ms is None else [ends_ms + 1 - wait_ms]
        if shown.until_ms is not None:
            less = [step_ms for step_ms in sayable(wait_ms) if step_ms < wait_ms]
            found += [max(shown.until_ms - step_ms, shown.at_ms + SAY_AGAIN_MS) for step_ms in less]
        return found


def without(margin: int, wait_ms: int) -> int:
    """The least wait that with the margin is so long."""
    return -(-wait_ms * WHOLE // margin)


def sayable(up_to_ms: int) -> list[int]:
    return [minutes * MINUTE_MS for minutes in SAID_MINUTES] + [*range(DAY_MS, up_to_ms, DAY_MS)]

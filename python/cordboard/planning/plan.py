"""What a staffing table comes to: how many callbacks each slot may hold."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from fractions import Fraction

from cordboard.events.promises import PLANNED_MAX
from cordboard.planning.local_times import local


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    """`net` agents are at work after shrinkage; `capacity` callbacks may be promised, if the queue is `open` all the time."""

    net: Fraction
    capacity: int
    open: bool = True


@dataclass(frozen=True, slots=True)
class ClosedLine:
    """A line of the table of whose slots some are not in opening hours, so that nothing is promised in them."""

    line: int
    queue: str
    slots: int
    closed: int


@dataclass(frozen=True, slots=True)
class SlotRun:
    """Slots of one queue that follow each other from `from_ms` (Unix ms) on. `zone`: of the clocks by which it was planned."""

    queue: str
    slot_ms: int
    zone: tzinfo | None
    from_ms: int
    slots: tuple[PlannedSlot, ...]

    @property
    def until_ms(self) -> int:
        """Where the last slot ends (Unix ms)."""
        return self.from_ms + len(self.slots) * self.slot_ms


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """One local day of a queue: from its first planned slot to its last, least and most net agents, and, of those in opening hours,
    how many slots and callbacks in all of them."""

    day: date
    queue: str
    begins: datetime
    ends: datetime
    slots: int
    net_least: Fraction
    net_most: Fraction
    capacity: int


@dataclass(frozen=True, slots=True)
class Publication:
    """As much of a run as one CapacityPlanned takes."""

    queue: str
    from_ms: int
    slot_ms: int
    capacities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StaffingPlan:
    """Runs in the order of queues and time; what lies between them is not planned."""

    runs: tuple[SlotRun, ...]
    closed: tuple[ClosedLine, ...] = ()

    def after(self, now_ms: int) -> "StaffingPlan":
        """Without the slots that have begun by `now_ms` (Unix ms): nothing is promised in them any more."""
        kept = []
        for run in self.runs:
            begun = max(0, (now_ms - run.from_ms) // run.slot_ms + 1)
            if begun < len(run.slots):
                kept.append(replace(run, from_ms=run.from_ms + begun * run.slot_ms, slots=run.slots[begun:]))
        return replace(self, runs=tuple(kept))

    def publications(self) -> Iterator[Publication]:
        """What to publish, in order."""
        for run in self.runs:
            for first in range(0, len(run.slots), PLANNED_MAX):
                capacities = tuple(slot.capacity for slot in run.slots[first : first + PLANNED_MAX])
                yield Publication(run.queue, run.from_ms + first * run.slot_ms, run.slot_ms, capacities)

    def days(self) -> list[PlannedDay]:
        """For people: a line a day and queue, days in order. A slot belongs to the day on which it begins."""
        found: dict[tuple[date, str], PlannedDay] = {}
        for run in self.runs:
            for number, slot in enumerate(run.slots):
                from_ms = run.from_ms + number * run.slot_ms
                begins, ends = local(from_ms, run.zone), local(from_ms + run.slot_ms, run.zone)
                key = (begins.date(), run.queue)
                so_far = found.get(key) or PlannedDay(*key, begins, ends, 0, slot.net, slot.net, 0)
                found[key] = replace(
                    so_far,
                    ends=ends,
                    slots=so_far.slots + slot.open,
                    net_least=min(so_far.net_least, slot.net),
                    net_most=max(so_far.net_most, slot.net),
                    capacity=so_far.capacity + (slot.capacity if slot.open else 0),
                )
        return [found[key] for key in sorted(found)]

"""The staffing table: agents per interval and queue, as a workforce planner exports it (docs/staffing.md has the form).

    plan = load_staffing("week-48.csv", policy)     # PolicyErrors names every mistake by line and column
    for part in plan.publications(): ...            # what CapacityPlanned carries

A slot holds floor(agents x (1 - shrinkage) x bookable_share x slot / handle) callbacks.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta, tzinfo
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from cordboard.events.policy import Policy, QueuePolicy
from cordboard.planning.local_times import local
from cordboard.planning.plan import ClosedLine, PlannedSlot, SlotRun, StaffingPlan
from cordboard.planning.staffing_csv import Staffed, StaffingReader
from cordboard.policy.hours import Hours
from cordboard.policy.load import read_text
from cordboard.policy.problems import Problems

FILE_MAX = 16 << 20
"""Bytes of a table."""
SLOTS_MAX = 500_000
"""Slots that a table plans, over all queues."""


def load_staffing(path: Path | str, policy: Policy) -> StaffingPlan:
    """Read a table (CSV) and check it against `policy`. Raises PolicyErrors with all problems (the first PROBLEMS_MAX)."""
    return loads_staffing(read_text(Path(path), bytes_max=FILE_MAX), policy, source=str(path))


def loads_staffing(text: str, policy: Policy, *, source: str = "") -> StaffingPlan:
    """The same for a text; `source` is its name in messages."""
    problems = Problems()
    body = text.removeprefix("\ufeff")
    lines = list(StaffingReader(policy, partial(zone_of, policy), problems).read(body))
    if not lines and not problems:
        problems.add((1, 1), "", "no line plans anything", "write a line for each time and queue")
    slots = sum((line.until_ms - line.from_ms) // line.queue.slot_ms for line in lines)
    if slots > SLOTS_MAX:
        problems.add((1, 1), "", f"{slots:,} slots", f"a table plans at most {SLOTS_MAX:,}: plan fewer weeks at a time")
    lines.sort(key=lambda line: (line.queue.queue, line.from_ms, line.at))
    _check_neighbours(lines, problems)
    problems.raise_if_any(source, text)
    hours = _hours(policy)
    planned = [(line, _opened(line, hours)) for line in lines]
    return StaffingPlan(tuple(_runs(planned)), tuple(_closed(planned)))


def _hours(policy: Policy) -> dict[str, Hours]:
    """Opening hours by queue; of a calendar that was not published nothing is known."""
    found = {calendar.name: Hours(calendar) for calendar in policy.calendars if calendar.order}
    return {queue.name: found[queue.calendar] for queue in policy.queues if queue.calendar in found}


def _opened(line: Staffed, hours: dict[str, Hours]) -> list[bool]:
    """Of each slot of the line, whether its queue is open all the time."""
    slot_ms, of = line.queue.slot_ms, hours.get(line.queue.queue)
    return [of is None or of.is_open_all(begin, begin + slot_ms) for begin in range(line.from_ms, line.until_ms, slot_ms)]


def _closed(lines: Iterable[tuple[Staffed, list[bool]]]) -> Iterator[ClosedLine]:
    """Lines by which something would be promised that cannot be, in the order of the table."""
    for line, opened in sorted(lines, key=lambda each: each[0].at):
        if line.capacity and not all(opened):
            yield ClosedLine(line.at[0], line.queue.queue, len(opened), opened.count(False))


def zone_of(policy: Policy, queue: QueuePolicy) -> tzinfo | None:
    """The clocks by which a queue's lines are written, those of its calendar or else of the site; None: nobody said."""
    own = next((calendar.timezone for calendar in policy.calendars if calendar.name == queue.calendar), "")
    zone = own or policy.timezone
    return ZoneInfo(zone) if zone else None


def _check_neighbours(lines: list[Staffed], problems: Problems) -> None:
    """Lines for the same time contradict each other; a hole in a day is rather forgotten than meant. Not so between days."""
    last: Staffed | None = None  # the one that reaches furthest
    for line in lines:
        if last is None or last.queue.queue != line.queue.queue:
            last = line
            continue
        begins, ended = local(line.from_ms, line.queue.zone), local(last.until_ms, line.queue.zone)
        if line.from_ms < last.until_ms:
            message = f"`{line.queue.queue}` is planned by line {last.at[0]} until {ended:%Y-%m-%d %H:%M} already"
            problems.add(line.from_at, "from", message, "leave one of the lines out, or end the first where the other begins")
        elif line.from_ms > last.until_ms and (ended - timedelta(milliseconds=1)).date() == begins.date():
            message = f"nothing is planned for `{line.queue.queue}` from {ended:%H:%M} to {begins:%H:%M}, after line {last.at[0]}"
            problems.add(line.from_at, "from", message, "add a line for it, with 0 agents if nobody works then")
        if line.until_ms > last.until_ms:
            last = line


def _runs(lines: Iterable[tuple[Staffed, list[bool]]]) -> list[SlotRun]:
    runs: list[tuple[Staffed, int, list[PlannedSlot]]] = []
    for line, opened in lines:
        if not runs or runs[-1][0].queue.queue != line.queue.queue or runs[-1][1] != line.from_ms:
            runs.append((line, line.until_ms, []))
        first, _, slots = runs[-1]
        slots.extend(PlannedSlot(line.net, line.capacity, is_open) for is_open in opened)
        runs[-1] = (first, line.until_ms, slots)
    return [
        SlotRun(first.queue.queue, first.queue.slot_ms, first.queue.zone, first.from_ms, tuple(slots)) for first, _, slots in runs
    ]

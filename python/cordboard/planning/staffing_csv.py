"""The lines of a staffing table, each for itself: what it says, in instants and exact figures."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from fractions import Fraction
from typing import TypeVar

from cordboard.events.policy import Policy, QueuePolicy
from cordboard.planning.figures import parse_agents, parse_share
from cordboard.planning.local_times import local, parse_day, parse_moment
from cordboard.planning.unclear import Unclear
from cordboard.policy.csv_rows import Cell, read_csv
from cordboard.policy.duration import NotADuration, format_duration, parse_duration
from cordboard.policy.problems import Problems, shorten

COLUMNS = ("queue", "date", "from", "to", "interval", "agents", "shrinkage", "bookable_share", "handle")
REQUIRED = ("queue", "from", "agents")
ROWS_MAX = 100_000
ROW_MAX_MS = 31 * 86_400_000
"""So long a line may last."""
PLACES_MAX = 65_535
"""Callbacks of a slot."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Zoned:
    """A queue with callbacks, its slots, and the clocks by which its lines are written."""

    queue: str
    slot_ms: int
    zone: tzinfo | None


@dataclass(frozen=True, slots=True)
class Staffed:
    """One good line: `net` agents, and `capacity` callbacks in each slot. `at` is its place, `from_at` that of its begin."""

    at: tuple[int, int]
    from_at: tuple[int, int]
    queue: Zoned
    from_ms: int
    until_ms: int
    net: Fraction
    capacity: int


class StaffingReader:
    """Reads lines; what is wrong goes to `problems`, all of a line at once."""

    def __init__(self, policy: Policy, zone_of: Callable[[QueuePolicy], tzinfo | None], problems: Problems) -> None:
        self._queues: Mapping[str, QueuePolicy] = {str(queue.name): queue for queue in policy.queues}
        self._zone_of = zone_of
        self._problems = problems

    def read(self, text: str) -> Iterator[Staffed]:
        """The good lines, in the order of the file."""
        for number, cells in enumerate(read_csv(text, COLUMNS, REQUIRED, self._problems)):
            at = next(iter(cells.values())).at
            if number >= ROWS_MAX:
                self._problems.add(at, "", f"more than {ROWS_MAX:,} lines", "plan fewer weeks at a time")
                return
            line = self._line(at, {name: Cell(cell.at, cell.text.strip()) for name, cell in cells.items() if cell.text.strip()})
            if line is not None:
                yield line

    def _line(self, at: tuple[int, int], cells: dict[str, Cell]) -> Staffed | None:
        before = self._problems.count
        for column in REQUIRED:
            if column not in cells:
                self._problems.add(at, column, "nothing stands here", f"every line needs `{column}`")
        queue = self._queue(cells.get("queue"))
        agents = self._value(cells, "agents", parse_agents, Fraction(0))
        shrinkage = self._value(cells, "shrinkage", parse_share, Fraction(0))
        share = self._value(cells, "bookable_share", parse_share, Fraction(1))
        handle_ms = self._value(cells, "handle", _parse_length, None)
        if queue is None or "from" not in cells:
            return None
        span = self._span(at, cells, queue)
        if span is None or self._problems.count > before:
            return None
        net = agents * (1 - shrinkage)
        capacity = net * share * queue.slot_ms // (handle_ms or queue.slot_ms)
        if capacity > PLACES_MAX:
            message = f"{capacity:,} callbacks in a slot of {format_duration(queue.slot_ms)}"
            self._problems.add(cells["agents"].at, "agents", message, f"a slot holds at most {PLACES_MAX:,}")
            return None
        return Staffed(at, cells["from"].at, queue, *span, net, int(capacity))

    def _queue(self, cell: Cell | None) -> Zoned | None:
        if cell is None:
            return None
        queue = self._queues.get(cell.text)
        if queue is None:
            self._problems.unknown(cell.at, "queue", "queue", cell.text, self._queues)
            return None
        if queue.callbacks is None:
            hint = f"give it `callbacks` in the policy (queues.{cell.text}.callbacks), or leave its lines out"
            self._problems.add(cell.at, "queue", f"queue `{cell.text}` promises no callbacks", hint)
            return None
        return Zoned(cell.text, queue.callbacks.slot_ms, self._zone_of(queue))

    def _span(self, at: tuple[int, int], cells: dict[str, Cell], queue: Zoned) -> tuple[int, int] | None:
        before = self._problems.count
        day = self._value(cells, "date", parse_day, None)
        if self._problems.count > before:
            return None  # what is wrong with the day is wrong with every time on it
        from_ms = self._value(cells, "from", lambda text: parse_moment(text, day, queue.zone), None)
        end = cells.get("to") or cells.get("interval")
        if end is None:
            self._problems.add(at, "to", "this line has no end", "write `to` (a time) or `interval` (such as 15m)")
        elif "to" in cells and "interval" in cells:
            self._problems.add(cells["interval"].at, "interval", "both `to` and `interval`", "write one of them")
        until_ms = self._value(cells, "to", lambda text: parse_moment(text, day, queue.zone), None)
        length_ms = self._value(cells, "interval", _parse_length, None)
        if self._problems.count > before or from_ms is None or end is None:
            return None
        if until_ms is None:
            until_ms = from_ms + (length_ms or 0)
        if not from_ms < until_ms <= from_ms + ROW_MAX_MS:
            short = until_ms <= from_ms
            hint = "work over midnight takes two lines, the first to 24:00" if short else "write a line a day, or a week"
            message = "this line ends before it begins" if short else "this line lasts longer than 31 days"
            self._problems.add(end.at, "to" if "to" in cells else "interval", message, hint)
            return None
        self._on_grid(cells["from"].at, "from", from_ms, queue)
        self._on_grid(end.at, "to" if "to" in cells else "interval", until_ms, queue)
        return (from_ms, until_ms) if self._problems.count == before else None

    def _on_grid(self, at: tuple[int, int], column: str, ms: int, queue: Zoned) -> None:
        over = ms % queue.slot_ms
        if over:
            near = [f"{local(ms - over + step, queue.zone):%H:%M}" for step in (0, queue.slot_ms)]
            length = format_duration(queue.slot_ms)
            message = f"{local(ms, queue.zone):%H:%M} lies within a slot: those of `{queue.queue}` last {length}"
            self._problems.add(at, column, message, f"the nearest are {near[0]} and {near[1]}")

    def _value(self, cells: dict[str, Cell], column: str, parse: Callable[[str], _Value], default: _Value) -> _Value:
        cell = cells.get(column)
        if cell is None:
            return default
        try:
            return parse(cell.text)
        except Unclear as unclear:
            self._problems.add(cell.at, column, unclear.message, unclear.suggestion)
            return default


def _parse_length(text: str) -> int:
    try:
        length_ms = parse_duration(text)
    except NotADuration as error:
        raise Unclear(f"`{shorten(text)}` is no duration", error.suggestion) from error
    if length_ms < 1_000:
        raise Unclear(f"`{shorten(text)}` is too short", "write at least 1s, such as 15m")
    return length_ms

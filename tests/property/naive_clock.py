"""Open time, naively: every opening that a history could need, written out one after the other."""

from dataclasses import dataclass

from cordboard.events.policy import CalendarPolicy

MINUTE_MS = 60_000
WEEK_MS = 7 * 24 * 60 * MINUTE_MS
YEAR_MS = 366 * 24 * 60 * MINUTE_MS
WEEKS_AROUND = 60
Opening = tuple[int, int]


@dataclass(frozen=True)
class Clock:
    """The time that counts: in these openings, or all of it (None)."""

    openings: list[Opening] | None

    def after(self, at_ms: int, counted_ms: int) -> int:
        """The first instant by which so much has counted since."""
        if self.openings is None:
            return at_ms + counted_ms
        left_ms = counted_ms
        for begin_ms, end_ms in self.openings:
            begin_ms = max(begin_ms, at_ms)
            if left_ms and end_ms > begin_ms:
                if begin_ms + left_ms <= end_ms:
                    return begin_ms + left_ms
                left_ms -= end_ms - begin_ms
        assert left_ms == 0, "longer than any history"
        return at_ms

    def before(self, at_ms: int, counted_ms: int) -> int:
        """The last instant since which so much has counted; 0 is the first there is."""
        if self.openings is None:
            return max(0, at_ms - counted_ms)
        left_ms = counted_ms
        for begin_ms, end_ms in reversed(self.openings):
            end_ms = min(end_ms, at_ms)
            if left_ms and end_ms > begin_ms:
                if end_ms - left_ms >= begin_ms:
                    return max(0, end_ms - left_ms)
                left_ms -= end_ms - begin_ms
        assert left_ms == 0, "longer than any history"
        return at_ms

    def between(self, since_ms: int, until_ms: int) -> int:
        if self.openings is None:
            return max(0, until_ms - since_ms)
        return sum(max(0, min(end_ms, until_ms) - max(begin_ms, since_ms)) for begin_ms, end_ms in self.openings)

    def lasts(self, at_ms: int, counted_ms: int) -> int:
        """How long it takes from then on."""
        return counted_ms if self.openings is None else min(self.after(at_ms, counted_ms) - at_ms, YEAR_MS)

    def is_open(self, at_ms: int) -> bool:
        return self.openings is None or any(begin_ms <= at_ms < end_ms for begin_ms, end_ms in self.openings)

    def next_turn(self, at_ms: int) -> int | None:
        """When it opens or closes next; None: never, as far as a history goes."""
        coming = [edge_ms for opening in self.openings or [] for edge_ms in opening if edge_ms > at_ms]
        return min(coming[:-1], default=None)


ALWAYS = Clock(None)


def clock_of(calendar: CalendarPolicy, around_ms: int) -> Clock:
    """Some weeks around the instant. The first week stands for those before it, the last one for those behind it."""
    middle = (around_ms - calendar.from_ms) // WEEK_MS
    openings: list[Opening] = []
    for number in range(middle - WEEKS_AROUND, middle + WEEKS_AROUND + 1):
        begins_ms = calendar.from_ms + number * WEEK_MS
        week = calendar.weeks[calendar.order[min(max(number, 0), len(calendar.order) - 1)]]
        for opens, closes in zip(week[::2], week[1::2], strict=True):
            begin_ms, end_ms = begins_ms + opens * MINUTE_MS, begins_ms + closes * MINUTE_MS
            if openings and openings[-1][1] == begin_ms:
                begin_ms = openings.pop()[0]
            openings.append((begin_ms, end_ms))
    return Clock(openings)

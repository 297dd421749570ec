"""Compiled calendars, read: when one opens and closes, and how long its holidays reach (in the core: rust/core/src/calendar.rs)."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain

from cordboard.events.policy import CalendarPolicy, Policy
from cordboard.policy.calendars import MINUTE_MS, WEEK_MS, merged

DAY_MS = WEEK_MS // 7


def days_left(policy: Policy, at_ms: int) -> int | None:
    """Days of which a published policy knows when they begin and which are holidays; None: no time zone, no calendar."""
    left = [max((_last_week_ms(calendar) - at_ms) // DAY_MS, 0) for calendar in policy.calendars]
    if policy.days_ms:
        left.append(len(policy.days_ms) - bisect_right(policy.days_ms, at_ms))
    return min(left, default=None)


def _last_week_ms(calendar: CalendarPolicy) -> int:
    return calendar.from_ms + (len(calendar.order) - 1) * WEEK_MS


class Hours:
    """Of a published policy's calendar. Instants are Unix ms. Its last week repeats behind it, its first week before it.

    Raises ValueError for one that was not published: it has no weeks.
    """

    def __init__(self, calendar: CalendarPolicy) -> None:
        if not calendar.order:
            raise ValueError(f"calendar {calendar.name} was not published")
        self._weeks = [[edge * MINUTE_MS for edge in calendar.weeks[number]] for number in calendar.order]
        self._from_ms = calendar.from_ms
        self.last_week_ms = _last_week_ms(calendar)
        """From here on neither holidays nor exceptions are known."""

    def is_open(self, at_ms: int) -> bool:
        """At this instant."""
        number = (at_ms - self._from_ms) // WEEK_MS
        return bisect_right(self._week(number), (at_ms - self._from_ms) % WEEK_MS) % 2 == 1

    def is_open_all(self, since_ms: int, until_ms: int) -> bool:
        """From the first of two instants, which lies before the other, to the other."""
        number, within_ms = divmod(since_ms - self._from_ms, WEEK_MS)
        edges = self._week(number)
        nearest = bisect_right(edges, within_ms)
        if nearest % 2 == 0:
            return False
        # Asked of every slot of a page: only what reaches beyond its own stretch is worth a walk through the weeks.
        return edges[nearest] - within_ms >= until_ms - since_ms or next(self.spans(since_ms, until_ms)) == (since_ms, until_ms)

    def spans(self, since_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        """When it opens and closes, cut to what lies between the two instants."""
        first, last = ((at_ms - self._from_ms) // WEEK_MS for at_ms in (since_ms, until_ms))
        for opened_ms, closed_ms in merged(chain.from_iterable(self._opened(number) for number in range(first, last + 1))):
            cut = max(opened_ms, since_ms), min(closed_ms, until_ms)
            if cut[0] < cut[1]:
                yield cut

    def open_ms(self, since_ms: int, until_ms: int) -> int:
        """How long it is open between the two instants."""
        return sum(closed_ms - opened_ms for opened_ms, closed_ms in self.spans(since_ms, until_ms))

    def _week(self, number: int) -> list[int]:
        return self._weeks[min(max(number, 0), len(self._weeks) - 1)]

    def _opened(self, number: int) -> Iterator[tuple[int, int]]:
        week, start_ms = self._week(number), self._from_ms + number * WEEK_MS
        return ((start_ms + opens, start_ms + closes) for opens, closes in zip(week[::2], week[1::2], strict=True))

"""Calendars in all IANA zones, beside python-dateutil: another reading of the zone files, and its own recurrence rules.

`python -m tests.property.zones [ZONE …]` compares every day of every zone; make test those zones that differ from each other, round
the days on which their clocks are changed.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

from dateutil import rrule, tz

from cordboard.events.policy import CalendarPolicy, Policy, Weekday
from cordboard.policy.calendar_kinds import DAY_MINUTES, DAYS, Interval
from cordboard.policy.calendars import merged, with_weeks
from cordboard.policy.days import zones
from cordboard.policy.hours import Hours

HOURS: dict[Weekday, list[Interval]] = {
    "mon": [(9 * 60, 17 * 60)],
    "tue": [(0, 90), (150, 165), (23 * 60, 2 * 60 + 30)],
    "wed": [(9 * 60, 17 * 60)],
    "fri": [(0, 90), (150, 165), (23 * 60, 2 * 60 + 30)],
    "sat": [(90, 150), (22 * 60, DAY_MINUTES)],
    "sun": [(30, 2 * 60 + 15), (3 * 60, 5 * 60), (21 * 60 + 45, 3 * 60 + 20)],
}
"""Edges in the small hours, at midnight and beyond, on the days on which most clocks are changed."""
EXCEPTIONS = {"2026-12-24": [(9 * 60, 12 * 60)], "2027-03-28": [(60, 3 * 60)], "2027-05-01": []}
NOWS_MS = (
    round(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * 1_000,
    round(datetime(2027, 6, 1, tzinfo=UTC).timestamp()) * 1_000,
)
ROUND = 2
"""Days before and behind a change of the clocks."""

Span = tuple[int, int]


def calendar(zone: str, now_ms: int) -> CalendarPolicy:
    """As it is published then."""
    written = CalendarPolicy(name="nights", timezone=zone, hours=HOURS, exceptions=EXCEPTIONS)
    policy = Policy(version=1, site="default", skills=[], channels=[], queues=[], calendars=[written])
    return with_weeks(policy, now_ms).calendars[0]


def changes(zone: str, now_ms: int) -> tuple[tuple[date, int], ...]:
    """Days of the coming year on which the clocks there are changed (the first one included), and to how many minutes from UTC."""
    found, before, info = [], None, ZoneInfo(zone)
    noon = datetime.fromtimestamp(now_ms // 1_000, info).replace(hour=12)
    for _ in range(400):
        noon += timedelta(days=1)
        offset = noon.utcoffset()
        if offset != before and offset is not None:
            found.append((noon.date(), round(offset.total_seconds()) // 60))
        before = offset
    return tuple(found)


def differ(zone: str, now_ms: int, days: Iterable[date]) -> str | None:
    """What the two say of these days, if it is not the same."""
    compiled = calendar(zone, now_ms)
    other, read = _zone(zone), Hours(compiled)
    for day in days:
        since_ms, until_ms = (_ms(day + timedelta(days=more), 0, other) for more in (0, 1))
        if since_ms >= compiled.from_ms and until_ms <= read.last_week_ms:
            ours, theirs = list(read.spans(since_ms, until_ms)), list(_cut(_spans(day, other), since_ms, until_ms))
            if ours != theirs:
                return f"{zone} on {day}: {_shown(ours, zone)}, by dateutil {_shown(theirs, zone)}"
    return None


def is_comparable(zone: str, now_ms: int) -> bool:
    """dateutil errs where clocks are put back for a while, not forward (Casablanca in Ramadan, Dublin in winter)."""
    noon = datetime.fromtimestamp(now_ms // 1_000, ZoneInfo(zone))
    return all(((noon + timedelta(days=more)).dst() or timedelta(0)) >= timedelta(0) for more in range(400))


def every_day(now_ms: int) -> list[date]:
    """Of the weeks that a calendar which is published then has, and some more."""
    first = datetime.fromtimestamp(now_ms / 1_000, UTC).date() - timedelta(days=14)
    return [first + timedelta(days=more) for more in range(7 * 64)]


def round_days(found: Iterable[tuple[date, int]]) -> list[date]:
    """Days on which clocks are changed, and those beside them."""
    return sorted({day + timedelta(days=more) for day, _ in found for more in range(-ROUND, ROUND + 1)})


def _spans(day: date, zone: tz.tzfile) -> list[Span]:
    """Of the day and the one before it."""
    start = datetime.combine(day - timedelta(days=1), datetime.min.time())
    excepted = [datetime.fromisoformat(exception) for exception in EXCEPTIONS]
    found: list[Span] = []
    for number, weekday in enumerate(DAYS):
        for opens, closes in HOURS.get(weekday, []):
            found += _opened((each for each in _weekdays(start, number) if each not in excepted), opens, closes, zone)
    for each in excepted:
        if start <= each <= start + timedelta(days=1):
            found += [
                span for opens, closes in EXCEPTIONS[each.date().isoformat()] for span in _opened([each], opens, closes, zone)
            ]
    return merged(found)


def _weekdays(start: datetime, number: int) -> Iterator[datetime]:
    return iter(rrule.rrule(rrule.DAILY, byweekday=number, dtstart=start, until=start + timedelta(days=1)))


def _opened(days: Iterable[datetime], opens: int, closes: int, zone: tz.tzfile) -> Iterator[Span]:
    for day in days:
        opened_ms, closed_ms = (
            _ms(day.date(), minute, zone) for minute in (opens, closes if closes > opens else closes + DAY_MINUTES)
        )
        if opened_ms < closed_ms:
            yield opened_ms, closed_ms


def _ms(day: date, minute: int, zone: tz.tzfile) -> int:
    shown = datetime.combine(day, datetime.min.time(), zone).replace(tzinfo=None) + timedelta(minutes=minute)
    return round(tz.resolve_imaginary(shown.replace(tzinfo=zone, fold=0)).timestamp()) * 1_000


def _cut(spans: Iterable[Span], since_ms: int, until_ms: int) -> Iterator[Span]:
    cut = ((max(opened_ms, since_ms), min(closed_ms, until_ms)) for opened_ms, closed_ms in spans)
    return (span for span in cut if span[0] < span[1])


def _zone(name: str) -> tz.tzfile:
    """From the file that zoneinfo reads, too."""
    for directory in TZPATH:
        if (path := Path(directory, name)).is_file():
            return tz.tzfile(str(path))
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return tz.tzfile(file, filename=name)


def _shown(spans: Iterable[Span], zone: str) -> str:
    return ", ".join(
        "–".join(f"{datetime.fromtimestamp(at_ms / 1_000, ZoneInfo(zone)):%a %H:%M %z}" for at_ms in span) for span in spans
    )


def main() -> None:
    named = sys.argv[1:] or sorted(zones())
    compared = [zone for zone in named if is_comparable(zone, NOWS_MS[0])]
    failed = 0
    for zone in compared:
        for found in (differ(zone, now_ms, every_day(now_ms)) for now_ms in NOWS_MS):
            failed += found is not None
            if found is not None:
                print(found)
    print(f"{len(compared)} of {len(named)} zones, {len(NOWS_MS)} publications each: {failed} differ")
    sys.exit(min(failed, 1))


if __name__ == "__main__":
    main()

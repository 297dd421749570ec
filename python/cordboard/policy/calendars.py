"""Calendars of a site: how they are written, and the weeks that the core gets of them when a policy is published."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from cordboard.errors import InvalidInput
from cordboard.events.policy import CalendarPolicy, Policy
from cordboard.policy.calendar_kinds import DAY_MINUTES, DAYS, Exceptions, Holidays, Interval, WeekHours
from cordboard.policy.days import with_days
from cordboard.policy.doors import LABEL
from cordboard.policy.kinds import Timezone
from cordboard.policy.regions import public_holidays
from cordboard.policy.setting import Section, Setting

MINUTE_MS = 60_000
WEEK_MS = 7 * DAY_MINUTES * MINUTE_MS
DAYS_AHEAD = 400
"""So long the holidays and exceptions of a published policy reach."""
QUIET_WEEKS = 12
"""So many weeks more may be needed until one comes in which no clock is changed."""

CALENDAR = Section(
    "calendar",
    (
        LABEL,
        Setting("timezone", Timezone(), "Whose clock the hours are of; the site's, if not given.", field="timezone"),
        Setting("hours", WeekHours(), "When it is open, by day of the week.", field="hours", required=True),
        Setting("holidays", Holidays(), "A country, or part of one, on whose public holidays it is closed.", field="holidays"),
        Setting("exceptions", Exceptions(), "The hours of single days, whatever they are otherwise.", field="exceptions"),
    ),
    CalendarPolicy,
)


def with_instants(policy: Policy, now_ms: int) -> Policy:
    """The policy as it is published at `now_ms` (Unix ms): with its days, and its calendars with their weeks."""
    return with_weeks(with_days(policy, now_ms), now_ms)


def with_weeks(policy: Policy, now_ms: int) -> Policy:
    """Its calendars as they are published at `now_ms` (Unix ms). Raises InvalidInput for a zone or region that is none."""
    if not policy.calendars:
        return policy
    try:
        return msgspec.structs.replace(policy, calendars=[_compiled(one, policy.timezone, now_ms) for one in policy.calendars])
    except (ZoneInfoNotFoundError, NotImplementedError, ValueError) as error:
        # No policy of ours: a document with such a zone, region or date does not compile.
        raise InvalidInput(f"a calendar names what nobody knows: {error}") from error


def _compiled(calendar: CalendarPolicy, site_timezone: str, now_ms: int) -> CalendarPolicy:
    """From the Monday before the last one on, so that times shortly before the publication are known, too."""
    zone = ZoneInfo(calendar.timezone or site_timezone or "UTC")
    today = datetime.fromtimestamp(now_ms / 1_000, zone).date()
    first = today - timedelta(days=today.weekday() + 7)
    from_ms = _instant_ms(first, 0, zone)
    count = -(-(now_ms + DAYS_AHEAD * WEEK_MS // 7 - from_ms) // WEEK_MS)
    # The last one repeats for ever: it has neither holidays nor exceptions, and no clock is changed in it.
    count += next((more for more in range(QUIET_WEEKS) if _is_quiet(from_ms + (count + more) * WEEK_MS, zone)), 0)
    days = [first + timedelta(days=day) for day in range(-1, 7 * (count + 1) + 1)]
    closed = {day for region in calendar.holidays for day in public_holidays(region, range(days[0].year, days[-1].year + 1))}
    dated = merged(span for day in days for span in _spans(day, hours_of(calendar, day, closed), zone))
    usual = merged(span for day in days for span in _spans(day, calendar.hours.get(DAYS[day.weekday()], []), zone))
    starts = [from_ms + number * WEEK_MS for number in range(count + 1)]
    weeks = [_week(usual if start == starts[-1] else dated, start) for start in starts]
    different = list(dict.fromkeys(weeks))
    return msgspec.structs.replace(
        calendar, from_ms=from_ms, weeks=[list(week) for week in different], order=[different.index(week) for week in weeks]
    )


def hours_of(calendar: CalendarPolicy, day: date, closed: Iterable[date]) -> list[Interval]:
    """An exception wins over a holiday, a holiday over the week."""
    exception = calendar.exceptions.get(day.isoformat())
    if exception is not None:
        return exception
    return [] if day in closed else calendar.hours.get(DAYS[day.weekday()], [])


def _spans(day: date, hours: list[Interval], zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Instants (Unix ms). Hours that a change of the clocks leaves nothing of are none."""
    for opens, closes in hours:
        opened_ms = _instant_ms(day, opens, zone)
        closed_ms = _instant_ms(day, closes if closes > opens else closes + DAY_MINUTES, zone)
        if closed_ms > opened_ms:
            yield opened_ms, closed_ms


def _instant_ms(day: date, minute: int, zone: ZoneInfo) -> int:
    """When the clocks show that time: of two instants the first; one that they leave out is later by what they leave out."""
    day, minute = day + timedelta(days=minute // DAY_MINUTES), minute % DAY_MINUTES
    shown = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    return int(shown.timestamp()) // 60 * MINUTE_MS


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order; those that overlap or touch are one."""
    found: list[tuple[int, int]] = []
    for opened_ms, closed_ms in sorted(spans):
        if found and opened_ms <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], closed_ms))
        else:
            found.append((opened_ms, closed_ms))
    return found


def _week(spans: list[tuple[int, int]], start_ms: int) -> tuple[int, ...]:
    """Openings and closings in minutes from the beginning of a week, cut at its ends."""
    edges: list[int] = []
    for opened_ms, closed_ms in spans:
        cut = max(opened_ms, start_ms), min(closed_ms, start_ms + WEEK_MS)
        if cut[0] < cut[1]:
            edges += [(edge_ms - start_ms) // MINUTE_MS for edge_ms in cut]
    return tuple(edges)


def _is_quiet(start_ms: int, zone: ZoneInfo) -> bool:
    """No clock is changed from a day before that week until a day behind it."""
    hours = range(-24, 8 * 24 + 1, 6)
    offsets = {datetime.fromtimestamp(start_ms / 1_000 + hour * 3_600, zone).utcoffset() for hour in hours}
    return len(offsets) == 1

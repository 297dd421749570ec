"""`cordboard policy calendar`: when a calendar opens, day by day."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.markup import escape

from cordboard.cli.output import console, fail, print_json, print_table
from cordboard.events.policy import CalendarPolicy, Policy
from cordboard.policy.hours import Hours, days_left
from cordboard.policy.problems import did_you_mean
from cordboard.policy.regions import public_holidays


def calendar_zone(policy: Policy, name: str) -> ZoneInfo:
    """Whose clock its hours are of. Ends the command if the policy has no such calendar."""
    return ZoneInfo(_calendar(policy, name).timezone or policy.timezone or "UTC")


def _calendar(policy: Policy, name: str) -> CalendarPolicy:
    calendar = next((one for one in policy.calendars if one.name == name), None)
    if calendar is None:
        known = [one.name for one in policy.calendars]
        fail(escape(f"unknown calendar `{name}`: {did_you_mean(name, known) or 'the policy has none'}"), code=2)
    return calendar


def show_calendar(policy: Policy, name: str, at_ms: int, days: int, *, as_json: bool) -> None:
    """So many days of a published policy's calendar, from the one of `at_ms` (Unix ms) on, by its own clock."""
    calendar, zone = _calendar(policy, name), calendar_zone(policy, name)
    hours = Hours(calendar)
    found = list(_days(calendar, hours, zone, datetime.fromtimestamp(at_ms / 1_000, zone).date(), days))
    queues = [queue.name for queue in policy.queues if queue.calendar == name]
    left = days_left(policy, at_ms)
    if as_json:
        print_json(
            {
                "calendar": name,
                "timezone": zone.key,
                "queues": queues,
                "open": hours.is_open(at_ms),
                "days_left": left,
                "days": found,
            }
        )
        return
    rows = [(day["date"], day["weekday"], ", ".join(day["hours"]) or "[dim]closed[/]", day["because"]) for day in found]
    print_table(f"{name}, {zone.key}", ["date", "day", "open", "because of"], rows)
    door = "[green]open[/]" if hours.is_open(at_ms) else "[red]closed[/]"
    at = f"{datetime.fromtimestamp(at_ms / 1_000, zone):%Y-%m-%d %H:%M}"
    console.print(f"{door} at {at}; queues: {', '.join(queues) or 'none'}; {left} days known")


def _days(calendar: CalendarPolicy, hours: Hours, zone: ZoneInfo, first: date, count: int) -> Iterator[dict[str, Any]]:
    years = range(first.year, (first + timedelta(days=count)).year + 1)
    holidays = {day: region for region in calendar.holidays for day in public_holidays(region, years)}
    for day in (first + timedelta(days=more) for more in range(count)):
        midnights = (datetime.combine(each, time.min, zone) for each in (day, day + timedelta(days=1)))
        starts_ms, ends_ms = (round(midnight.timestamp()) * 1_000 for midnight in midnights)
        spans = list(hours.spans(starts_ms, ends_ms))
        because = (
            "an exception" if day.isoformat() in calendar.exceptions else f"holiday {holidays[day]}" if day in holidays else ""
        )
        yield {
            "date": day.isoformat(),
            "weekday": f"{day:%a}".lower(),
            "hours": [f"{_shown(opens, zone)}-{_shown(closes, zone) if closes < ends_ms else '24:00'}" for opens, closes in spans],
            "spans": [{"opens_ms": opens, "closes_ms": closes} for opens, closes in spans],
            "because": because,
        }


def _shown(at_ms: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1_000, zone):%H:%M}"

"""Calendars: how they are written, what is wrong with them, and when they open."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cordboard import codec
from cordboard.events.policy import CalendarPolicy, Policy
from cordboard.policy import PolicyErrors, diff, loads, spell_policy
from cordboard.policy.calendars import WEEK_MS, with_instants
from cordboard.policy.compile import COMPILED_MAX
from cordboard.policy.hours import Hours, days_left

TEXT = """
site: office
channels: {mail: {presence: async, class: 3, answered_on: first_message}}
queues:
  orders:
"""
NOW_MS = round(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * 1_000
OFFICE = """
calendars:
  office:
    label: {nl: Kantooruren}
    timezone: Europe/Brussels
    hours: {mon-fri: "09:00-17:00", sat: ["10:00-12:00", "13:00-15:00"]}
    holidays: BE
    exceptions: {2026-12-24: "09:00-12:00", 2026-12-25: "10:00-11:00", 2026-12-31: closed}
"""


def document(calendars: str = OFFICE, queue: str = "calendar: office") -> str:
    return f"{TEXT}    {queue}\n{calendars}"


def office(hours: str = "", zone: str = "Europe/Brussels") -> Hours:
    """With the calendar above, or these hours."""
    text = OFFICE if not hours else f"\ncalendars:\n  office:\n    timezone: {zone}\n    hours: {hours}\n"
    return Hours(with_instants(loads(document(text)).policy, NOW_MS).calendars[0])


def ms(text: str, zone: str = "Europe/Brussels") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000


def day(hours: Hours, text: str, zone: str = "Europe/Brussels") -> list[str]:
    """When it opens and closes on that day, by the clocks there."""
    spans = hours.spans(ms(f"{text}T00:00", zone), ms(f"{text}T00:00", zone) + 24 * 3_600_000)
    shown = [[datetime.fromtimestamp(at_ms / 1_000, ZoneInfo(zone)) for at_ms in span] for span in spans]
    return [f"{opened:%H:%M}-{closed:%H:%M}" for opened, closed in shown]


def problem(text: str, queue: str = "") -> str:
    with pytest.raises(PolicyErrors) as caught:
        loads(document(f"\ncalendars:\n{text}", queue or "target: 60s"))
    assert len(caught.value.problems) == 1, caught.value
    return str(caught.value.problems[0]).partition(": ")[2]


def test_an_exception_wins_over_a_holiday_and_a_holiday_over_the_week() -> None:
    hours = office()
    assert day(hours, "2026-11-23") == ["09:00-17:00"]
    assert day(hours, "2026-11-28") == ["10:00-12:00", "13:00-15:00"]
    assert day(hours, "2026-11-29") == []
    assert day(hours, "2026-12-24") == ["09:00-12:00"]
    assert day(hours, "2026-12-25") == ["10:00-11:00"]  # though it is Christmas
    assert day(hours, "2027-01-01") == day(hours, "2026-12-31") == day(hours, "2027-07-21") == []
    assert day(hours, "2027-03-29") == []  # Easter Monday
    assert day(hours, "2027-03-30") == day(hours, "2027-10-29") == ["09:00-17:00"]


def test_where_clocks_are_changed_a_gap_shifts_forward_and_of_two_instants_the_first_counts() -> None:
    hours = office("{sun: '02:30-04:00', mon-sat: '09:00-17:00'}")
    assert day(hours, "2027-03-28") == ["03:30-04:00"]
    assert hours.open_ms(ms("2027-10-31T00:00"), ms("2027-11-01T00:00")) == 2.5 * 3_600_000
    # Clocks that go back at 3:00 in Ramadan: 2:15 is the first one.
    casablanca = office("{sun: '00:30-02:15', mon: '09:00-17:00'}", "Africa/Casablanca")
    start = ms("2027-02-07T00:00", "Africa/Casablanca")
    assert casablanca.open_ms(start, start + 24 * 3_600_000) == 105 * 60_000
    # An hour that is left out leaves nothing of these hours.
    assert day(office("{sun: '02:00-03:00', mon: '09:00-17:00'}"), "2027-03-28") == []


def test_hours_over_midnight_end_on_the_next_day_and_meet_its_own() -> None:
    hours = office("{fri: '22:00-02:00', sat: ['01:00-03:00', '20:00-24:00'], sun: '00:00-01:00'}")
    assert day(hours, "2026-11-27") == ["22:00-00:00"]
    assert day(hours, "2026-11-28") == ["00:00-03:00", "20:00-00:00"]
    assert day(hours, "2026-11-29") == ["00:00-01:00"]
    assert list(hours.spans(ms("2026-11-28T12:00"), ms("2026-11-29T12:00"))) == [(ms("2026-11-28T20:00"), ms("2026-11-29T01:00"))]


def test_behind_its_weeks_a_calendar_goes_on_without_holidays() -> None:
    policy, hours = with_instants(loads(document()).policy, NOW_MS), office()
    left = days_left(policy, NOW_MS)
    assert left is not None and 400 <= left < 400 + 7 * 13
    assert days_left(policy, hours.last_week_ms + 1) == 0
    assert days_left(loads(TEXT).policy, NOW_MS) is None
    assert days_left(with_instants(loads("timezone: Europe/Brussels" + document()).policy, NOW_MS), NOW_MS) == 400
    behind = hours.last_week_ms + 7 * WEEK_MS
    week = [hours.open_ms(at_ms, at_ms + WEEK_MS) for at_ms in (behind, behind + WEEK_MS, hours.last_week_ms)]
    assert week == [44 * 3_600_000] * 3
    assert all(
        hours.is_open(at_ms)
        for opened_ms, closed_ms in hours.spans(behind, behind + WEEK_MS)
        for at_ms in (opened_ms, closed_ms - 1)
    )
    with pytest.raises(ValueError, match="not published"):
        Hours(CalendarPolicy(name="office"))


def test_what_is_spelled_reads_the_same() -> None:
    policy = loads(document()).policy
    spelled = spell_policy(with_instants(policy, NOW_MS))
    assert spelled["calendars"] == {
        "office": {
            "timezone": "Europe/Brussels",
            "hours": {"mon-fri": "09:00-17:00", "sat": ["10:00-12:00", "13:00-15:00"]},
            "holidays": "BE",
            "exceptions": {"2026-12-24": "09:00-12:00", "2026-12-25": "10:00-11:00", "2026-12-31": "closed"},
        }
    }
    assert spelled["queues"]["orders"]["calendar"] == "office"
    assert loads(msgspec.json.encode(spelled).decode()).policy.calendars == policy.calendars
    assert loads(document()).label("calendars.office", "nl") == "Kantooruren"


def test_publication_gives_it_its_weeks_and_no_difference() -> None:
    policy = loads(document()).policy
    published = with_instants(policy, NOW_MS)
    assert diff(policy, published) == []
    assert codec.decode_policy(codec.encode(published)) == published
    changed = loads(document(OFFICE.replace("09:00-17:00", "09:00-18:00"))).policy
    (change,) = diff(published, changed)
    assert (change.path, change.old, change.new) == ("calendars.office.hours.mon-fri", "09:00-17:00", "09:00-18:00")
    assert "at once" in change.effect


def test_a_policy_with_many_calendars_fits_its_frame() -> None:
    """Weeks that are the same stand once."""
    regions = ("BE", "NL", "DE", "FR", "GB", "US", "ES", "IT", "PL", "SE")
    one = OFFICE.partition("  office:\n")[2].replace("Europe/Brussels", "America/New_York")
    text = "\ncalendars:\n" + "".join(f"  office-{region.lower()}:\n{one.replace('BE', region)}" for region in regions)
    policy: Policy = with_instants(loads(document(text, "calendar: office-be")).policy, NOW_MS)
    assert all(len(calendar.weeks) < len(calendar.order) / 2 for calendar in policy.calendars)
    assert len(codec.encode(policy)) < COMPILED_MAX


@pytest.mark.parametrize(
    ("calendar", "said"),
    [
        (
            "hours: {mon: '09:00-17:00'}",
            "nothing says whose clock its hours are of (write `timezone: Europe/Amsterdam` in it, or at",
        ),
        (
            "{timezone: Europe/Brusels, hours: {mon: '09:00-17:00'}}",
            "`Europe/Brusels` is no time zone (did you mean `Europe/Brussels`?)",
        ),
        ("timezone: UTC", "`hours` is missing"),
        ("{timezone: UTC, hours: 9-17}", "expected hours by day of the week, found `9-17` (write `mon-fri:"),
        ("{timezone: UTC, hours: {}}", "it is never open"),
        ("{timezone: UTC, hours: {mon: closed}}", "it is never open"),
        ("{timezone: UTC, hours: {monday: '09:00-17:00'}}", "`monday` is no day of the week (did you mean `mon`?)"),
        ("{timezone: UTC, hours: {mon-fri: '09:00-17:00', wed: '09:00-12:00'}}", "wed stands twice"),
        ("{timezone: UTC, hours: {mon: 9-17}}", '`9-17` is no time of day to another (write `"09:00-17:00"`)'),
        ("{timezone: UTC, hours: {mon: {from: 9}}}", "expected hours, found a mapping"),
        ("{timezone: UTC, hours: {mon: '09:00-25:00'}}", "is no time of day to another"),
        ("{timezone: UTC, hours: {mon: '09:00-24:30'}}", "goes beyond the day (a day begins at 00:00 and ends at 24:00)"),
        ("{timezone: UTC, hours: {mon: '09:00-09:00'}}", 'ends when it begins (write `"00:00-24:00"` for the whole day'),
        (
            "{timezone: UTC, hours: {mon: '17:00-16:00'}}",
            'is written backwards: it would end on the next day (write `"16:00-17:00"`',
        ),
        (
            "{timezone: UTC, hours: {mon: ['12:00-17:00', '09:00-13:00']}}",
            '`12:00-17:00` overlaps the hours before it (write `"09:00-17:00"`)',
        ),
        ("{timezone: UTC, hours: {mon: '09:00-17:00'}, holidays: Belgium}", "no public holidays are known of `Belgium`"),
        ("{timezone: UTC, hours: {mon: '09:00-17:00'}, holidays: be}", "no public holidays are known of `be` (write `BE`)"),
        (
            "{timezone: UTC, hours: {mon: '09:00-17:00'}, holidays: NL-ZH}",
            "`NL` has no part `ZH` with public holidays of its own (write `NL`, or `NL-Midden`, ",
        ),
        (
            "{timezone: UTC, hours: {mon: '09:00-17:00'}, holidays: [BE, DE-BX]}",
            "`DE` has no part `BX` with public holidays of its own",
        ),
        ("{timezone: UTC, hours: {mon: '09:00-17:00'}, holidays: {BE: all}}", "expected a country or a list, found a mapping"),
        (
            "{timezone: UTC, hours: {mon: '09:00-17:00'}, exceptions: {31-12-2026: closed}}",
            "`31-12-2026` is no date (write year, month and day, such as `2026-12-31`)",
        ),
        ("{timezone: UTC, hours: {mon: '09:00-17:00'}, exceptions: {2026-02-30: closed}}", "`2026-02-30` is no date"),
        ("{timezone: UTC, hours: {mon: '09:00-17:00'}, exceptions: [2026-12-31]}", "expected hours by date, found a list"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(calendar: str, said: str) -> None:
    assert said in problem(f"  office: {calendar}\n" if calendar.startswith("{") else f"  office:\n    {calendar}\n")


def test_a_queue_names_a_calendar_that_is_there() -> None:
    assert problem(OFFICE.partition("calendars:\n")[2], "calendar: offise") == (
        "queues.orders.calendar: unknown calendar `offise` (did you mean `office`?)"
    )


def test_a_site_has_one_clock_unless_a_calendar_names_its_own() -> None:
    text = "timezone: America/New_York\n" + document(OFFICE.replace("    timezone: Europe/Brussels\n", ""))
    hours = Hours(with_instants(loads(text).policy, NOW_MS).calendars[0])
    assert day(hours, "2026-11-23", "America/New_York") == ["09:00-17:00"]

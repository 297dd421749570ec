"""Calendars in zones that differ from each other, on both days on which clocks are changed, beside python-dateutil."""

from datetime import date

from cordboard.policy.days import zones
from tests.property.zones import NOWS_MS, changes, differ, is_comparable, round_days

NOW_MS = NOWS_MS[0]


def test_a_calendar_opens_and_closes_when_dateutil_says() -> None:
    different: dict[tuple[tuple[date, int], ...], str] = {}
    for zone in sorted(zones()):
        different.setdefault(changes(zone, NOW_MS), zone)
    changing = {found: zone for found, zone in different.items() if len(found) > 1 and is_comparable(zone, NOW_MS)}
    assert len(changing) > 20 and len(different) > 50
    assert [said for found, zone in changing.items() if (said := differ(zone, NOW_MS, round_days(found)))] == []

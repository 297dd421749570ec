"""When the days of a site begin: instants from its time zone, so that the core needs none."""

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from cordboard.events.policy import Policy

DAYS_AHEAD = 400
"""So long a policy lasts before its days run out; every publication begins anew."""


@cache
def zones() -> frozenset[str]:
    """The names that this machine knows, without aliases of files that are none."""
    return frozenset(zone for zone in available_timezones() if zone[0].isupper())


def days_ms(timezone: str, now_ms: int) -> list[int]:
    """Local midnights, from the one before `now_ms` on. Of two the first counts; one that clocks leave out is when they change."""
    zone = ZoneInfo(timezone)
    today = datetime.fromtimestamp(now_ms / 1_000, zone).date()
    return sorted({_midnight_ms(today + timedelta(days=ahead), zone) for ahead in range(DAYS_AHEAD + 1)})


def with_days(policy: Policy, now_ms: int) -> Policy:
    """The policy as it is published at `now_ms`."""
    days = days_ms(policy.timezone, now_ms) if policy.timezone else []
    return msgspec.structs.replace(policy, days_ms=days)


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    # fold 0: in an overlap the first one, in a gap the offset from before it, which is the instant the clocks are changed at.
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000

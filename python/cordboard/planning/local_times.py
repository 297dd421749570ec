"""Local times of a table to instants. What clocks skip or show twice is never guessed."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from cordboard.planning.unclear import Unclear
from cordboard.policy.problems import shorten

YEARS = range(2000, 2200)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME = r"([0-9]{1,2}):([0-9]{2})(?::00)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
_CLOCK = re.compile(_TIME)
_INSTANT = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[T ]{_TIME}")


def parse_day(text: str) -> date:
    """`2026-11-23`. Raises Unclear."""
    if _DAY.fullmatch(text) is not None:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            pass
        else:
            if day.year in YEARS:
                return day
    raise Unclear(f"`{shorten(text)}` is no date", f"write year-month-day, from {YEARS[0]} to {YEARS[-1]}: 2026-11-23")


def parse_moment(text: str, day: date | None, zone: tzinfo | None) -> int:
    """Unix ms of `08:00` on `day`, or (`day` None) of `2026-11-23T08:00`, on the clocks of `zone`, or as an offset such as +01:00
    says. 24:00 ends a day. Raises Unclear: also for times that clocks skip, or show twice."""
    if day is None:
        match = _INSTANT.fullmatch(text)
        if match is None:
            hint = "write it as 2026-11-23T08:00, or the day into a column `date`"
            raise Unclear(f"`{shorten(text)}` is no local time", hint)
        day, (hour, minute, offset) = parse_day(match[1]), match.groups()[1:]
        prefix = f"{day.isoformat()}T"
    else:
        match = _CLOCK.fullmatch(text)
        if match is None:
            raise Unclear(f"`{shorten(text)}` is no time of the day", "write it as 08:00: the day stands in the column `date`")
        (hour, minute, offset), prefix = match.groups(), ""
    if not ((int(hour) < 24 and int(minute) < 60) or (int(hour), int(minute)) == (24, 0)):
        raise Unclear(f"`{shorten(text)}` is no time of the day", "write 00:00 to 23:59, or 24:00 for the end of the day")
    wall = datetime.combine(day, datetime.min.time()) + timedelta(hours=int(hour), minutes=int(minute))
    if offset:
        return _ms(wall.replace(tzinfo=_offset(offset)))
    if zone is None:
        hint = "give the site a `timezone` in its policy, or write an offset behind the time: " + f"{wall:%H:%M}+01:00"
        raise Unclear("nobody knows in which time zone this is", hint)
    return _on_clocks(wall, zone, prefix)


def local(ms: int, zone: tzinfo | None) -> datetime:
    """What clocks show at an instant; in UTC if no zone is known."""
    return (_EPOCH + ms * _MS).astimezone(zone or UTC)


def _on_clocks(wall: datetime, zone: tzinfo, prefix: str) -> int:
    first, second = wall.replace(tzinfo=zone), wall.replace(tzinfo=zone, fold=1)
    before, after = first.utcoffset() or timedelta(), second.utcoffset() or timedelta()
    if before == after:
        return _ms(first)
    if before < after:
        there = wall
        while _skipped(there, zone):
            there += timedelta(minutes=1)
        shown = f"{there:%H:%M}" if there.date() == wall.date() else f"{there:%Y-%m-%dT%H:%M}"
        raise Unclear(f"clocks skip {wall:%H:%M} on {wall:%Y-%m-%d}", f"the next time that there is is {shown}")
    one, other = (f"`{prefix}{wall:%H:%M}{_spell(offset)}`" for offset in (before, after))
    raise Unclear(f"clocks show {wall:%H:%M} twice on {wall:%Y-%m-%d}", f"write {one} for the first time, {other} for the second")


def _skipped(wall: datetime, zone: tzinfo) -> bool:
    before, after = (wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    return before < after


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MS


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise Unclear(f"`{text}` is no offset from UTC", "write one such as +01:00, at most +14:00")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _spell(offset: timedelta) -> str:
    minutes = offset // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"

"""Kinds of value of a calendar: hours of the week, holidays by region, exceptions by date."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from cordboard.events.policy import EXCEPTIONS_MAX, HOLIDAY_REGIONS_MAX, INTERVALS_MAX, Weekday
from cordboard.policy.kinds import Kind, Placed, Schema, scalar, shape
from cordboard.policy.problems import Problems, did_you_mean, shorten
from cordboard.policy.regions import parts_of, regions
from cordboard.policy.tree import Listing, Mapping, Scalar, Tree

DAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES: Final = 24 * 60
NIGHT_MINUTES: Final = 16 * 60
"""Longer hours over midnight were probably written backwards."""
CLOSED: Final = "closed"
_TIME = r"([01]?[0-9]|2[0-4])[:.h]([0-5][0-9])"
_INTERVAL = re.compile(rf"{_TIME}\s*[-–]\s*{_TIME}\Z")
_HOURS_ONLY = re.compile(r"([0-9]{1,2})\s*[-–]\s*([0-9]{1,2})\Z")
_INTERVAL_SCHEMA: Final[Schema] = {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"}
_ONE_DAY_SCHEMA: Final[Schema] = {
    "anyOf": [{"const": CLOSED}, _INTERVAL_SCHEMA, {"type": "array", "items": _INTERVAL_SCHEMA, "maxItems": INTERVALS_MAX}]
}

Interval = tuple[int, int]


def intervals(node: Tree, path: str, problems: Problems) -> list[Interval] | None:
    """`"09:00-17:00"`, a list of such, or `closed`: minutes of the day, in order. None if any of it is wrong."""
    if isinstance(node, Scalar) and node.text.strip() == CLOSED:
        return []
    if isinstance(node, Mapping):
        problems.add(node.at, path, f"expected hours, found {shape(node)}", 'write `"09:00-17:00"`, several in `[…]`, or `closed`')
        return None
    nodes = node.items if isinstance(node, Listing) else (node,)
    if len(nodes) > INTERVALS_MAX:
        problems.add(node.at, path, f"{len(nodes)} intervals", f"at most {INTERVALS_MAX} a day")
        return None
    read = [_interval(one, path, problems) for one in nodes]
    found = [interval for interval in read if interval is not None]
    if len(found) < len(read):
        return None
    return _in_order(found, nodes, path, problems)


def _interval(node: Tree, path: str, problems: Problems) -> Interval | None:
    text = scalar(node, path, problems, "hours, such as 09:00-17:00")
    if text is None:
        return None
    match = _INTERVAL.match(text)
    if match is None:
        short = _HOURS_ONLY.match(text)
        advice = f'write `"{int(short[1]):02}:00-{int(short[2]):02}:00"`' if short else 'write `"09:00-17:00"`, or `closed`'
        problems.add(node.at, path, f"`{shorten(text)}` is no time of day to another", advice)
        return None
    opens, closes = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if opens >= DAY_MINUTES or closes > DAY_MINUTES:
        problems.add(node.at, path, f"`{shorten(text)}` goes beyond the day", "a day begins at 00:00 and ends at 24:00")
        return None
    if opens == closes:
        advice = 'write `"00:00-24:00"` for the whole day, or `closed`'
        problems.add(node.at, path, f"`{shorten(text)}` ends when it begins", advice)
        return None
    if closes < opens and closes + DAY_MINUTES - opens > NIGHT_MINUTES:
        advice = f'write `"{spell_interval((closes, opens))}"`; over midnight at most {NIGHT_MINUTES // 60} hours are one interval'
        problems.add(node.at, path, f"`{shorten(text)}` is written backwards: it would end on the next day", advice)
        return None
    return opens, closes


def _in_order(found: list[Interval], nodes: tuple[Tree, ...], path: str, problems: Problems) -> list[Interval] | None:
    """Sorted. Two that overlap are a mistake; those that touch are one."""
    merged: list[Interval] = []
    for (opens, closes), node in sorted(zip(found, nodes, strict=True), key=lambda pair: pair[0]):
        ends = closes if closes > opens else closes + DAY_MINUTES
        before = merged[-1] if merged else None
        if before is not None and opens < before[1]:
            both = spell_interval((before[0], max(ends, before[1]) % DAY_MINUTES or DAY_MINUTES))
            problems.add(node.at, path, f"`{spell_interval((opens, closes))}` overlaps the hours before it", f'write `"{both}"`')
            return None
        if before is not None and opens == before[1]:
            merged[-1] = (before[0], ends)
        else:
            merged.append((opens, ends))
    return [(opens, ends if ends <= DAY_MINUTES else ends - DAY_MINUTES) for opens, ends in merged]


def spell_interval(interval: Interval) -> str:
    """`09:00-17:00`."""
    opens, closes = interval
    return f"{opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"


def spell_intervals(found: list[Interval]) -> str | list[str]:
    """As they are written."""
    if not found:
        return CLOSED
    return spell_interval(found[0]) if len(found) == 1 else [spell_interval(one) for one in found]


@dataclass(frozen=True)
class WeekHours(Kind):
    """`{mon-fri: "09:00-17:00", sat: ["10:00-12:00", "13:00-15:00"]}`. Reads to {day: [(opens, closes)]} in minutes."""

    def read(self, node: Tree, path: str, problems: Problems) -> dict[str, list[Interval]] | None:
        if not isinstance(node, Mapping):
            advice = 'write `mon-fri: "09:00-17:00"` on a line of its own'
            problems.add(node.at, path, f"expected hours by day of the week, found {shape(node)}", advice)
            return None
        week: dict[str, list[Interval]] = {}
        right = True
        for key, value in node.entries:
            days = _days(key, path, problems)
            hours = intervals(value, f"{path}.{key.text}", problems)
            for day in days or ():
                if day in week:
                    problems.add(key.at, path, f"{day} stands twice", "give each day its hours once")
                    right = False
                week[day] = hours or []
            right = right and days is not None and hours is not None
        if right and not any(week.values()):
            problems.add(node.at, path, "it is never open", 'write `mon-fri: "09:00-17:00"`')
            return None
        return {day: week[day] for day in DAYS if day in week} if right else None

    def schema(self) -> Schema:
        day = "(" + "|".join(DAYS) + ")"
        names = {"pattern": f"^{day}(-{day})?(,\\s*{day}(-{day})?)*$"}
        return {"type": "object", "propertyNames": names, "additionalProperties": _ONE_DAY_SCHEMA, "minProperties": 1}

    def spell(self, value: dict[str, list[Interval]]) -> dict[str, str | list[str]]:
        """Days that follow each other with the same hours in one."""
        runs: list[list[str]] = []
        for day in DAYS:
            if not value.get(day):
                continue
            last = runs[-1][-1] if runs else None
            if last is not None and DAYS.index(day) == DAYS.index(last) + 1 and value[day] == value[last]:
                runs[-1].append(day)
            else:
                runs.append([day])
        return {run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}": spell_intervals(value[run[0]]) for run in runs}


def _days(key: Scalar, path: str, problems: Problems) -> list[str] | None:
    """`mon`, `mon-fri`, `mon, wed`."""
    found: list[str] = []
    for part in key.text.lower().split(","):
        ends = [end.strip() for end in part.split("-")]
        wrong = next((end for end in ends if end not in DAYS), None)
        if wrong is not None or len(ends) > 2:
            advice = (None if wrong is None else did_you_mean(wrong[:3], DAYS)) or "write `mon`, `mon-fri` or `mon, wed`"
            problems.add(key.at, path, f"`{shorten(key.text)}` is no day of the week", advice)
            return None
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        found += [DAYS[(first + step) % 7] for step in range((last - first) % 7 + 1)]
    return found


@dataclass(frozen=True)
class Exceptions(Kind):
    """`{2026-12-24: "09:00-12:00", 2026-12-31: closed}`. Reads to {date: [(opens, closes)]}."""

    def read(self, node: Tree, path: str, problems: Problems) -> dict[str, list[Interval]] | None:
        if not isinstance(node, Mapping):
            advice = "write `2026-12-31: closed` on a line of its own"
            problems.add(node.at, path, f"expected hours by date, found {shape(node)}", advice)
            return None
        if len(node.entries) > EXCEPTIONS_MAX:
            problems.add(node.at, path, f"{len(node.entries)} dates", f"at most {EXCEPTIONS_MAX}; remove those that are past")
        read: dict[str, list[Interval]] = {}
        for key, value in node.entries:
            day = _date(key, path, problems)
            hours = intervals(value, f"{path}.{key.text}", problems)
            if day is not None and hours is not None:
                read[day] = hours
        return dict(sorted(read.items()))

    def schema(self) -> Schema:
        names = {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
        return {
            "type": "object", "propertyNames": names, "additionalProperties": _ONE_DAY_SCHEMA, "maxProperties": EXCEPTIONS_MAX,
        }  # fmt: skip

    def spell(self, value: dict[str, list[Interval]]) -> dict[str, str | list[str]]:
        return {day: spell_intervals(hours) for day, hours in value.items()}


def _date(key: Scalar, path: str, problems: Problems) -> str | None:
    text = key.text.strip()
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
            raise ValueError(text)
        return date.fromisoformat(text).isoformat()
    except ValueError:
        turned = re.fullmatch(r"([0-9]{1,2})[-./]([0-9]{1,2})[-./]([0-9]{4})", text)
        better = f"{turned[3]}-{int(turned[2]):02}-{int(turned[1]):02}" if turned else "2026-12-31"
        problems.add(key.at, path, f"`{shorten(text)}` is no date", f"write year, month and day, such as `{better}`")
        return None


@dataclass(frozen=True)
class Holidays(Kind):
    """`BE`, `DE-BY`, or a list of such. Reads to a list of Placed."""

    def read(self, node: Tree, path: str, problems: Problems) -> list[Placed] | None:
        if isinstance(node, Mapping):
            problems.add(node.at, path, f"expected a country or a list, found {shape(node)}", "write `BE`, or `[BE, DE-BY]`")
            return None
        nodes = node.items if isinstance(node, Listing) else (node,)
        if len(nodes) > HOLIDAY_REGIONS_MAX:
            problems.add(node.at, path, f"{len(nodes)} regions", f"at most {HOLIDAY_REGIONS_MAX}")
        read = [self._region(one, path, problems) for one in nodes]
        return [placed for placed in read if placed is not None]

    def _region(self, node: Tree, path: str, problems: Problems) -> Placed | None:
        text = scalar(node, path, problems, "a country, such as BE, or a part of one, such as DE-BY")
        if text is None:
            return None
        country, _, part = text.partition("-")
        if country not in regions():
            advice = f"write `{text.upper()}`" if country.upper() in regions() else did_you_mean(country, regions())
            problems.add(
                node.at, path, f"no public holidays are known of `{shorten(text)}`", advice or "write a country, such as BE"
            )
            return None
        if part and part not in parts_of(country):
            parts = ", ".join(f"`{country}-{one}`" for one in parts_of(country))
            message = f"`{country}` has no part `{shorten(part)}` with public holidays of its own"
            problems.add(node.at, path, message, f"write `{country}`{', or ' + shorten(parts, 200) if parts else ''}")
            return None
        return Placed(text, node.at)

    def schema(self) -> Schema:
        one = {"type": "string", "pattern": "^[A-Z]{2}(-.{1,13})?$"}
        return {"anyOf": [one, {"type": "array", "items": one, "maxItems": HOLIDAY_REGIONS_MAX, "uniqueItems": True}]}

    def bare(self, value: list[Placed]) -> list[str]:
        return list(dict.fromkeys(placed.value for placed in value))

    def spell(self, value: list[str]) -> str | list[str]:
        return value[0] if len(value) == 1 else list(value)

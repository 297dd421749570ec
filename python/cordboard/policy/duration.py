"""Durations as people write them: `250ms`, `20s`, `2m`, `8h`, `1d`, and several in a row: `1h30m`."""

import re
from decimal import Decimal

from cordboard.events.bounds import DURATION_MAX_MS

UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
DURATION_PATTERN = r"^0$|^([0-9]+ ?(d|h|m|s|ms) ?)+$"
"""For editors; `parse_duration` is stricter (each unit once, the larger first)."""
LEGEND = "write a number with a unit, such as 500ms, 20s, 2m, 8h or 1h30m"

_PART = re.compile(r"\s*([0-9]{1,12})\s?(ms|d|h|m|s)")
_LOOSE_PART = re.compile(r"\s*([0-9]{1,9}(?:[.,][0-9]{1,6})?)\s*([a-zµ]{0,12})[.,]?", re.IGNORECASE | re.ASCII)
_SPELLINGS = {
    "ms": ("millis", "msec", "msecs", "millisecond", "milliseconds"),
    "s": ("sec", "secs", "second", "seconds"),
    "m": ("min", "mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
    "d": ("day", "days"),
}
_UNIT_OF = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in (unit, *spellings)}


class NotADuration(ValueError):
    """The text is no duration; `suggestion` says what to write instead."""

    def __init__(self, suggestion: str) -> None:
        super().__init__(suggestion)
        self.suggestion = suggestion


def parse_duration(text: str) -> int:
    """Milliseconds. Raises NotADuration with what to write instead; above 366 days too."""
    text = text.strip()
    if text == "0":
        return 0
    total, position, smallest = 0, 0, DURATION_MAX_MS
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or UNITS_MS[part[2]] >= smallest:
            raise NotADuration(_suggest(text))
        smallest = UNITS_MS[part[2]]
        total += int(part[1]) * smallest
        position = part.end()
    if not text:
        raise NotADuration(LEGEND)
    if total > DURATION_MAX_MS:
        raise NotADuration("the longest is 366d")
    return total


def format_duration(ms: int) -> str:
    """The shortest exact spelling: 90000 → `1m30s`; 0 → `0s`."""
    if ms == 0:
        return "0s"
    parts = []
    for unit, unit_ms in UNITS_MS.items():
        number, ms = divmod(ms, unit_ms)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts)


def _suggest(text: str) -> str:
    """Guess what was meant: a bare number, a decimal, a unit spelled out."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return f"write `{text}s` for seconds, `{text}m` for minutes or `{text}ms` for milliseconds"
    total, position = Decimal(0), 0
    while position < len(text):
        part = _LOOSE_PART.match(text, position)
        unit = _UNIT_OF.get(part[2].lower()) if part else None
        if part is None or unit is None:
            return LEGEND
        total += Decimal(part[1].replace(",", ".")) * UNITS_MS[unit]
        position = part.end()
    if 0 < total <= DURATION_MAX_MS and total == int(total):
        return f"write `{format_duration(int(total))}`"
    return LEGEND

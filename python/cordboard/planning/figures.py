"""Figures of a staffing table, exactly: no float comes near them, so that 0.1 agents ten times are one agent."""

import re
from fractions import Fraction

from cordboard.planning.unclear import Unclear
from cordboard.policy.problems import shorten

AGENTS_MAX = 100_000

_DIGITS = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_FIGURE = re.compile(rf"-?{_DIGITS}")
_SHARE = re.compile(rf"(-?{_DIGITS})\s?(%?)")
_WITH_COMMA = re.compile(r"-?[0-9]{1,9},[0-9]{1,9}\s?%?")


def parse_agents(text: str) -> Fraction:
    """Agents at work, such as 12 or 7.5. Raises Unclear."""
    if _FIGURE.fullmatch(text) is None:
        raise Unclear(f"`{shorten(text)}` is no number of agents", _with_point(text) or "write a number such as 12 or 7.5")
    agents = Fraction(text)
    if not 0 <= agents <= AGENTS_MAX:
        raise Unclear(f"{text} agents", f"write a number from 0 to {AGENTS_MAX:,}")
    return agents


def parse_share(text: str) -> Fraction:
    """A part of the whole, 0..1, written `30%` or `0.3`. Raises Unclear; `1` could mean either, and is refused."""
    match = _SHARE.fullmatch(text)
    if match is None:
        raise Unclear(f"`{shorten(text)}` is no share", _with_point(text) or "write a percentage such as 30%, or 0.3")
    figure = Fraction(match[1])
    if match[2]:
        if not 0 <= figure <= 100:
            raise Unclear(f"{shorten(text)} is no part of the whole", "write a percentage from 0% to 100%")
        return figure / 100
    if figure < 0:
        raise Unclear(f"{text} is less than nothing", "write a percentage from 0% to 100%")
    if figure > 1 or text == "1":
        other = " or `100%`" if figure == 1 else ""
        raise Unclear(f"{text} without % is 1 or more", f"write `{text}%`{other}" if figure <= 100 else "at most 100%")
    return figure


def spell_agents(agents: Fraction) -> str:
    """With two decimals, rounded down: 8.40."""
    whole, hundredths = divmod(agents * 100 // 1, 100)
    return f"{whole}.{hundredths:02d}"


def _with_point(text: str) -> str | None:
    return f"write `{text.replace(',', '.')}`" if _WITH_COMMA.fullmatch(text) else None

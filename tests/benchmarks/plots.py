"""Plots as SVG, written by hand: lines over a logarithmic scale, and bars with their goals."""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from tests.benchmarks.rows import Row, commit, machine

WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 80, 180, 48, 56
COLOURS = ("#0b6e4f", "#c1440e", "#3d5a80", "#8d6a9f", "#7a7a7a")
FONT = 'font-family="system-ui, sans-serif" font-size="13"'
BAR, GAP = 20, 14
LABEL = 230


class Plot:
    """Points by contender, both axes logarithmic."""

    def __init__(self, name: str, title: str, across: str) -> None:
        self.name, self.title, self.across = name, title, across
        self._lines: dict[str, list[tuple[float, float]]] = {}

    def add(self, line: str, x: float, y: float) -> None:
        self._lines.setdefault(line, []).append((x, y))

    def svg(self) -> str:
        points = [point for line in self._lines.values() for point in line]
        across, up = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT), Axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
        parts = [
            text(LEFT, 24, self.title, weight="bold"),
            text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, self.across, anchor="middle"),
        ]
        for y in up.decades():
            parts.append(line(LEFT, up.at(y), WIDTH - RIGHT, up.at(y), "#ddd"))
            parts.append(text(LEFT - 8, up.at(y) + 4, short(y), anchor="end"))
        parts.extend(text(across.at(x), HEIGHT - BOTTOM + 20, short(x), anchor="middle") for x in sorted({x for x, _ in points}))
        ends: list[float] = []
        for colour, (name, ordered) in zip(COLOURS, self._lines.items(), strict=False):
            path = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in ordered)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts.extend(f'<circle cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in ordered)
            below = up.at(ordered[-1][1]) + 4
            while any(abs(below - other) < 15 for other in ends):
                below += 15
            ends.append(below)
            parts.append(text(WIDTH - RIGHT + 10, below, name, fill=colour))
        return page(WIDTH, HEIGHT, parts)


class Axis:
    """Logarithmic, from one place to another."""

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self._low, self._high = math.log10(min(values)) - 0.1, math.log10(max(values)) + 0.1
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        return self._begin + (math.log10(value) - self._low) / (self._high - self._low) * (self._end - self._begin)

    def decades(self) -> list[float]:
        return [10.0**power for power in range(math.ceil(self._low), math.floor(self._high) + 1)]


def goals_svg(what: str, rows: Sequence[Row]) -> str:
    """How far each row with goals came: 1 is its minimum, the mark its aim; more is better, whatever the row measures."""
    shown = [row for row in rows if row.goal.minimum is not None and not row.void]
    height = 70 + len(shown) * (BAR + GAP) + 30
    scores = [share(row, row.median) for row in shown]
    aims = [share(row, row.goal.aim or 1) for row in shown]
    most = max([1.0, *scores, *aims]) * 1.1
    scale = (WIDTH - LABEL - 90) / most
    parts = [text(20, 26, f"{what}: median of each row, as multiples of its minimum (bar) and its aim (mark)", weight="bold")]
    for place, (row, score, aim) in enumerate(zip(shown, scores, aims, strict=True)):
        y = 50 + place * (BAR + GAP)
        colour = {"aim": COLOURS[0], "minimum": "#b8860b"}.get(row.reached, COLOURS[1])
        parts.append(text(LABEL - 10, y + 15, row.name, anchor="end"))
        parts.append(f'<rect x="{LABEL}" y="{y}" width="{score * scale:.1f}" height="{BAR}" fill="{colour}"/>')
        parts.append(line(LABEL + aim * scale, y - 4, LABEL + aim * scale, y + BAR + 4, "#000", 2))
        parts.append(text(LABEL + max(score, aim) * scale + 8, y + 15, f"{row.median:,.2f}{row.goal.unit}"))
    parts.append(line(LABEL + scale, 44, LABEL + scale, height - 36, "#888", 1))
    return page(WIDTH, height, parts)


def share(row: Row, value: float) -> float:
    assert row.goal.minimum
    return value / row.goal.minimum if row.goal.higher else row.goal.minimum / value


def save(what: str, rows: Sequence[Row], plots: Sequence[Plot], directory: Path) -> None:
    """The goals of `what` (a word), and the plots, each in a file of its name."""
    directory.mkdir(exist_ok=True)
    (directory / f"{what}-goals.svg").write_text(goals_svg(f"The {what}", rows))
    for plot in plots:
        (directory / f"{plot.name}.svg").write_text(plot.svg())


def page(width: float, height: float, parts: Sequence[str]) -> str:
    note = text(20, height - 4, f"{machine()}; commit {commit()}", fill="#777", size=10)
    body = "\n".join([*parts, note])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {FONT}>\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
    )


def text(
    x: float, y: float, words: str, *, anchor: str = "start", fill: str = "#222", weight: str = "normal", size: int = 13
) -> str:
    style = f'text-anchor="{anchor}" fill="{fill}" font-weight="{weight}" font-size="{size}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def short(value: float) -> str:
    return f"{value / 1000:g} k" if value >= 1_000 else f"{value:g}"

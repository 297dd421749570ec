"""What a benchmark comes to: rows of ratios, each of a round in which both sides took turns."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent.parent
QUICK = bool(os.environ.get("BENCH_QUICK"))
ROUNDS = 3 if QUICK else 7
League = Literal[
    "in process", "behind a socket, durable", "durable, on one server", "latency", "streamed rows", "replay", "leadership"
]


@dataclass(frozen=True)
class Goal:
    """What a row must reach at least, and what it should. `higher`: a larger figure is better."""

    minimum: float | None
    aim: float | None
    higher: bool = True
    unit: str = "x"


GOALS: dict[str, Goal] = {
    "index_vs_python": Goal(30, 50),
    "bare_heaps_vs_python": Goal(None, None),
    "index_vs_bare_heaps": Goal(None, None),
    "index_vs_btree_walk": Goal(None, None),
    "step_vs_python": Goal(8, 15),
    "bare_step_vs_python": Goal(None, None),
    "step_vs_bare": Goal(None, None),
    "step_vs_python_single_facts": Goal(None, None),
    "bare_step_vs_python_single_facts": Goal(None, None),
    "step_vs_bare_single_facts": Goal(None, None),
    "growth_waiting": Goal(2.0, 1.3, higher=False),
    "growth_waiting_step": Goal(2.0, 1.3, higher=False),
    "growth_agents": Goal(3.0, 1.5, higher=False),
    "growth_requirements": Goal(20.0, 5.0, higher=False),
    "slots_vs_segment_tree": Goal(1, 5),
    "greedy_vs_optimum": Goal(98.0, 99.5, unit="%"),
    "memory_mib": Goal(300, 120, higher=False, unit=" MiB"),
    "durable_vs_redis": Goal(1.5, 4),
    "durable_vs_redis_pipelined": Goal(None, None),
    "durable_vs_postgres": Goal(5, 15),
    "durable_vs_postgres_in_order": Goal(None, None),
    "durable_vs_postgres_concurrent": Goal(None, None),
    "pipeline_vs_publish": Goal(15, 40),
    **{f"frames_of_{facts}": Goal(None, None) for facts in (1, 16, 64, 256)},
    "publish_async": Goal(None, None),
    "raw_socket": Goal(None, None),
    "latency_p50_vs_publish": Goal(10, 4, higher=False),
    "latency_p99_vs_publish": Goal(10, 4, higher=False),
    **{f"latency_p{percent}_at_{share}": Goal(None, None, unit=" ms") for percent in ("50", "99", "99.9") for share in (1, 50, 90)},
    "replay_vs_pull_small": Goal(5, 10),
    "replay_vs_pull_large": Goal(20, 100),
    "board_stream": Goal(20, 40),
    "takeover_s": Goal(3, None, higher=False, unit=" s"),
    "handover_ms": Goal(300, None, higher=False, unit=" ms"),
}
"""Minimum and aim of each row; rows without are there to compare."""


@dataclass(frozen=True)
class Row:
    """One figure, round by round. `said` is what stands behind it, for people."""

    name: str
    league: League
    values: tuple[float, ...]
    said: str = ""
    void: str = ""
    """Why the figures do not count: the contenders did not decide the same."""

    @property
    def goal(self) -> Goal:
        return GOALS[self.name]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def reached(self) -> str:
        """Which goal the median reaches."""
        goal = self.goal
        if self.void:
            return "void"
        for word, mark in (("aim", goal.aim), ("minimum", goal.minimum)):
            if mark is not None and (self.median >= mark if goal.higher else self.median <= mark):
                return word
        return "" if goal.minimum is None else "missed"


def machine() -> str:
    """The machine, without its name."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}"
    )


def commit() -> str:
    """The commit, and whether anything was changed since."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "rust", "python", "tests")
    return (git("rev-parse", "--short", "HEAD") or "none") + ("+changes" if changed else "")


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """What stands in benchmarks/core.json and benchmarks/pipeline.json."""
    return {
        "commit": commit(),
        "machine": machine(),
        "rounds": ROUNDS,
        "quick": QUICK,
        "rows": [
            {
                "name": row.name,
                "min": round(min(row.values), 3),
                "median": round(row.median, 3),
                "max": round(max(row.values), 3),
                "minimum": row.goal.minimum,
                "aim": row.goal.aim,
                "said": row.said,
            }
            for row in rows
            if row.values and not row.void
        ],
    }


def save(rows: Sequence[Row], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(figures(rows)), indent=2) + b"\n")


def show(rows: Sequence[Row], console: Console) -> None:
    """A table a league: what is measured differently must not stand side by side."""
    for league in dict.fromkeys(row.league for row in rows):
        table = Table(title=league, title_justify="left", title_style="bold")
        for heading in ("row", "min", "median", "max", "minimum", "aim", "reached"):
            table.add_column(heading, justify="left" if heading in ("row", "reached") else "right", no_wrap=True)
        table.add_column("what")
        for row in rows:
            if row.league == league:
                table.add_row(*cells(row))
        console.print(table)


def cells(row: Row) -> list[str]:
    goal = row.goal
    sign = "≥" if goal.higher else "≤"
    marks = [f"{sign} {mark:g}{goal.unit}" if mark is not None else "" for mark in (goal.minimum, goal.aim)]
    if row.void:
        return [row.name, "", "", "", *marks, "[red]void[/]", row.void]
    spread = [f"{value:,.2f}{goal.unit}" for value in (min(row.values), row.median, max(row.values))]
    colour = {"aim": "green", "minimum": "yellow", "missed": "red"}.get(row.reached, "default")
    return [row.name, *spread, *marks, f"[{colour}]{row.reached}[/]", row.said]

"""`make bench-core`: the core beside its peers, round by round. Prints tables; writes benchmarks/core.json and plots.

`python -m tests.benchmarks.core index steps` measures these parts alone, and writes nothing.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.benchmarks import booking, durable, in_process, plots, whole_steps
from tests.benchmarks.rows import QUICK, ROOT, ROUNDS, Row, commit, machine, save, show

OUTPUT = ROOT / "benchmarks"


def parts(directory: Path, say: Callable[[str], None]) -> dict[str, Callable[[], list[Row]]]:
    """What there is to measure."""
    courses = in_process.Courses(directory)
    return {
        "index": lambda: in_process.index_rows(courses),
        "growth": lambda: in_process.growth_rows(courses),
        "steps": lambda: whole_steps.step_rows(directory),
        "held": lambda: whole_steps.held_rows(directory),
        "slots": lambda: booking.slot_rows(directory),
        "quality": lambda: [whole_steps.quality_row()],
        "durable": lambda: durable.rows(directory, say),
    }


def main(wanted: list[str]) -> int:
    console = Console(width=None if sys.stdout.isatty() else 180)
    console.print(
        f"{machine()}; commit {commit()}; {ROUNDS} rounds{', quick' if QUICK else ''}: min / median / max of their ratios"
    )
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="cordboard-bench-") as name:
        directory = Path(name)
        for what, measure in parts(directory, console.print).items():
            if not wanted or what in wanted:
                begin = time.perf_counter()
                rows.extend(measure())
                console.print(f"[dim]{what}: {time.perf_counter() - begin:.1f} s[/]")
        drawn = [] if wanted or QUICK else [in_process.cost_plot(in_process.Courses(directory))]
    show(rows, console)
    if not wanted:
        save(rows, OUTPUT / "core.json")
        plots.save("core", rows, drawn, OUTPUT)
    void = [row.name for row in rows if row.void]
    if void:
        console.print(f"[red]void: {', '.join(void)}[/]")
    return 1 if void else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

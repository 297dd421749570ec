"""`make bench-core`: the core beside its peers, round by round. Prints tables; writes benchmarks/core.json and plots."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.benchmarks import in_process, plots, whole_steps
from tests.benchmarks.rows import QUICK, ROOT, ROUNDS, Row, commit, machine, save, show

OUTPUT = ROOT / "benchmarks"


def main() -> int:
    console = Console(width=200 if not sys.stdout.isatty() else None)
    console.print(
        f"machine: {machine()}; commit: {commit()}; {ROUNDS} rounds{', quick' if QUICK else ''}; min / median / max of the rounds"
    )
    rows: list[Row] = []

    def measure(what: str, part: Callable[[], list[Row]]) -> None:
        begin = time.perf_counter()
        rows.extend(part())
        console.print(f"[dim]{what}: {time.perf_counter() - begin:.1f} s[/]")

    with tempfile.TemporaryDirectory(prefix="cordboard-bench-") as name:
        directory = Path(name)
        courses = in_process.Courses(directory)
        measure("index", lambda: in_process.index_rows(courses))
        measure("growth of the index", lambda: in_process.growth_rows(courses))
        measure("whole steps", whole_steps.step_rows)
        held = whole_steps.held_recording()
        measure("growth of steps", lambda: [whole_steps.growth_step_row(held)])
        measure("memory", lambda: [whole_steps.memory_row(held, directory)])
        measure("quality", lambda: [whole_steps.quality_row()])
        drawn = [in_process.cost_plot(courses)]
    show(rows, console)
    save(rows, OUTPUT / "core.json")
    plots.save(rows, drawn, OUTPUT)
    void = [row.name for row in rows if row.void]
    if void:
        console.print(f"[red]void: {', '.join(void)}[/]")
    return 1 if void else 0


if __name__ == "__main__":
    sys.exit(main())

"""`make sim-week`: the same working week three times, side by side; exit 1 if a mark is missed."""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cordboard.errors import CordboardError
from tests.benchmarks.rows import ROOT, commit, machine
from tests.week.figures import Figures
from tests.week.report import Report, failures, report, save, show
from tests.week.run import Size, run_apart
from tests.week.site import VARIANTS, Variant

CONTACTS, AGENTS = 30_000, 200
PROMISES_MIN = 3_000
"""Calls that are promised in a week of that size."""
stderr = Console(stderr=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.week", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--contacts", type=int, default=CONTACTS, help="how many come (%(default)s)")
    parser.add_argument("--agents", type=int, default=AGENTS, help="how many work there (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="weeks simulated at one time (%(default)s)")
    parser.add_argument("--out", type=Path, help="the file (benchmarks/week.json; other sizes and seeds are only written if named)")
    parser.add_argument("--json", action="store_true", help="print what the file would hold instead of the table")
    given = parser.parse_args()
    size, began_s = Size(given.seed, given.contacts, given.agents), time.monotonic()
    try:
        weeks = _simulate(size, given.processes)
    except CordboardError as error:
        sys.exit(f"week: {error}")
    whole = (size.contacts, size.agents) == (CONTACTS, AGENTS)
    found, missed = report(size, weeks), failures(weeks, PROMISES_MIN if whole else 0)
    out = given.out or (ROOT / "benchmarks" / "week.json" if whole and size.seed == 1 else None)
    if out is not None:
        save(found, out)
    if given.json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _print(found, weeks, time.monotonic() - began_s)
    for each in missed:
        stderr.print(f"[red]missed: {each}[/]")
    sys.exit(1 if missed else 0)


def _print(found: Report, weeks: dict[Variant, Figures], took_s: float) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(
        f"{machine()}; commit {commit()}; seed {found.seed}, {found.contacts:,} contacts, {found.agents} agents; {took_s:.0f} s"
    )
    show(weeks, console)


def _simulate(size: Size, processes: int) -> dict[Variant, Figures]:
    """Each variant in a process of its own."""
    apart = multiprocessing.get_context("spawn")
    with apart.Manager() as manager, ProcessPoolExecutor(processes, mp_context=apart) as pool, _bars() as bars:
        told = manager.Queue()
        lines = {variant: bars.add_task(variant, total=1.0) for variant in VARIANTS}
        running: dict[Variant, Future[Figures]] = {
            variant: pool.submit(run_apart, size, variant, told) for variant in VARIANTS  # type: ignore[arg-type]
        }  # fmt: skip
        left = set(running.values())
        while left:
            _, left = wait(left, timeout=0.5, return_when=FIRST_COMPLETED)
            while not told.empty():
                variant, done = told.get()
                bars.update(lines[variant], completed=done)
        return {variant: future.result() for variant, future in running.items()}


@contextmanager
def _bars() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bars:
        yield bars


if __name__ == "__main__":
    main()

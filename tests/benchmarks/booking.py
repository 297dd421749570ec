"""The slots of callbacks beside a lazy segment tree in the same language: a year of quarter hours, four fifths of them booked.

One operation: the first slot with room at or after a wish is booked, and another booking is given back. Most wishes are for
soon, so that long runs of near slots are full. Before, 1,000,000 random bookings are held against a naive allocator.
"""

import re
import statistics
import subprocess
from array import array
from pathlib import Path

from tests.benchmarks.contenders import InRust, take_turns
from tests.benchmarks.in_process import closing
from tests.benchmarks.rows import QUICK, ROOT, ROUNDS, Row

SLOTS, PLACES, PERCENT, SEED = 35_040, 4, 80, 1
OPERATIONS = 100_000 if QUICK else 1_000_000

NAIVE = ("cargo", "test", "--release", "--locked", "--quiet", "--package", "cordboard-core", "--lib", "slots", "--", "--ignored")


def beside_naive() -> tuple[str, str]:
    """What the core's own test of a million bookings said; and what is wrong, if something is."""
    done = subprocess.run(NAIVE, cwd=ROOT, capture_output=True, text=True, check=False)
    line = re.search(r"1 passed;.* finished in [0-9.]+s", done.stdout)
    if done.returncode or line is None:
        return "", f"1,000,000 bookings are not those of a naive allocator: {(done.stdout + done.stderr)[-400:]}"
    return f"; 1,000,000 bookings are those of a naive allocator: {line[0]}", ""


def slot_rows(directory: Path) -> list[Row]:
    naive, wrong = ("", "") if QUICK else beside_naive()
    path = directory / "bookings"
    path.write_bytes(array("q", [SLOTS, PLACES, PERCENT, SEED]).tobytes())
    grid, tree = (InRust(name, contender, "slots", path) for name, contender in (("core", "core"), ("tree", "segment_tree")))
    with closing(grid, tree):
        rounds = take_turns([grid, tree], ROUNDS, OPERATIONS)
    costs = ", ".join(f"{name} {statistics.median(rounds.costs(name)) * 1e9:,.0f} ns" for name in rounds.turns)
    said = (
        f"a booking and a return: {costs}; {SLOTS:,} slots of {PLACES}; hit rate {rounds.hit_rate():.3f}; {rounds.digests()}{naive}"
    )
    return [Row("slots_vs_segment_tree", "in process", rounds.ratios("core", "tree"), said, rounds.disagreement() or wrong)]

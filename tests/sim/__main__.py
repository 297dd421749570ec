"""`python -m tests.sim --seed n [--seeds count] [--json]`: simulate, and say which promises did not hold.

Exit code 1 if a seed found something. The same seed is the same run, byte for byte.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from tests.sim.run import Result, simulate

TRANSCRIPT_MAX = 80
FINDINGS_MAX = 20


def simulate_all(seeds: Iterable[int], jobs: int) -> Iterator[Result]:
    """In order of completion, over `jobs` processes."""
    gc.freeze()  # what the imports made need not be looked through after every run
    if jobs == 1:
        yield from map(_one, seeds)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(_one, seeds, chunksize=8)


def _one(seed: int) -> Result:
    result = simulate(seed)
    gc.freeze()  # what this run left for good (SQLAlchemy's statements) neither
    return result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one a processor)")
    parser.add_argument("--json", action="store_true", help="one object instead of text")
    parser.add_argument("--transcript", action="store_true", help="tell what was done in a single run, whatever comes of it")
    given = parser.parse_args()
    started, findings, counts, done = time.monotonic(), list[Result](), Counter[str](), 0
    last: Result | None = None
    for result in simulate_all(range(given.seed, given.seed + given.seeds), min(given.jobs, given.seeds)):
        done, last = done + 1, result
        counts.update(result.counts)
        if result.broken:
            findings.append(result)
            if not given.json:
                tell(result)
        elif sys.stderr.isatty() and done % 25 == 0:
            print(f"\r{done} of {given.seeds} seeds, {len(findings)} findings", end="", file=sys.stderr)
    seconds = time.monotonic() - started
    if given.json:
        print(json.dumps(summary(given.seed, done, findings, counts, seconds), indent=2))
    else:
        if given.seeds == 1 and last is not None and (given.transcript and not last.broken):
            print("\n".join(last.transcript))
        print(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
        if given.seeds == 1 and last is not None:
            print(f"digest {last.digest}")
        print(f"seeds={done} first={given.seed} findings={len(findings)} seconds={seconds:.1f}")
    sys.exit(1 if findings else 0)


def tell(result: Result) -> None:
    """The seed, the end of what was done, and the first promise that did not hold."""
    left_out = len(result.transcript) - TRANSCRIPT_MAX
    print(f"\nseed {result.seed}: seconds, commits in the journal, what happened")
    if left_out > 0:
        print(f"  … {left_out} lines before")
    for line in result.transcript[-TRANSCRIPT_MAX:]:
        print(f"  {line}")
    print(f"seed {result.seed}, the first broken promise: {result.broken[0]}")
    if len(result.broken) > 1:
        print(f"  and {len(result.broken) - 1} more")


def summary(first: int, done: int, findings: list[Result], counts: Counter[str], seconds: float) -> dict[str, object]:
    found = [{"seed": result.seed, "broken": result.broken[:FINDINGS_MAX], "transcript": result.transcript} for result in findings]
    return {"first": first, "seeds": done, "seconds": round(seconds, 1), "counts": dict(sorted(counts.items())), "findings": found}


if __name__ == "__main__":
    main()

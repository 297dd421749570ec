"""`python -m tests.chaos --seconds 300 --seed 1`: exit 1 if anything was lost, doubled or violated, 2 if nothing could be shown."""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import sys
from pathlib import Path

import msgspec

from tests.chaos.plan import ALL, BEYOND
from tests.chaos.report import text
from tests.chaos.run import Course, NotRunning, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long faults strike (300)")
    parser.add_argument("--seed", type=int, default=None, help="of the faults and of what is published; drawn unless given")
    parser.add_argument("--rate", type=float, default=12.0, help="contacts a second (12)")
    parser.add_argument("--only", action="append", choices=ALL + BEYOND, help="these kinds of faults, instead of all")
    parser.add_argument("--directory", type=Path, default=None, help="where everything is written, and stays")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the whole report there too")
    options = parser.parse_args()
    seed = secrets.randbelow(1 << 31) if options.seed is None else options.seed
    print(f"seed={seed}", flush=True)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("tests.chaos").setLevel(logging.INFO)
    logging.getLogger("cordboard").setLevel(logging.ERROR)
    kinds = tuple(options.only) if options.only else ALL
    try:
        report = asyncio.run(run(Course(seed, options.seconds, options.rate, kinds), options.directory))
    except NotRunning as error:
        print(f"the site did not come up: {error}", file=sys.stderr)
        return 2
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    print(text(report))
    if not report.struck:
        print("no fault struck, so nothing was shown", file=sys.stderr)
        return 2
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())

"""Two commands: `journal` writes a day for `cordboard verify` and `cordboard explain --at`; `fairness` compares orders."""

import argparse
import asyncio
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cordboard.errors import CordboardError
from tests.day.day import BEGINS_MS, Day
from tests.day.fairness import Waits, tables, waits
from tests.day.journal import write
from tests.day.people import DAY_MS
from tests.day.site import ORDERS, Order

stderr = Console(stderr=True)
CONTACTS = 67_000
"""A day of more than a million events."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.day", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--contacts", type=int, default=CONTACTS, help="how many come (%(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    journal = commands.add_parser("journal", help="write the day into a data directory")
    journal.add_argument("data_dir", type=Path)
    fairness = commands.add_parser("fairness", help="tables of waits, by channel and hour, for each order")
    fairness.add_argument("--out", type=Path, help="a file for the tables (Markdown); else they are printed")
    given = parser.parse_args()
    try:
        if given.command == "journal":
            write_day(given.data_dir, given.seed, given.contacts)
        else:
            compare(given.seed, given.contacts, given.out)
    except CordboardError as error:
        sys.exit(f"{given.command}: {error}")


def write_day(data_dir: Path, seed: int, contacts: int) -> None:
    with _bar() as bar:
        line = bar.add_task("writing the day", total=DAY_MS)
        day = asyncio.run(write(data_dir, seed, contacts, lambda done, total: bar.update(line, completed=done, total=total)))
    print(f"{data_dir}: {say(day)}")


def compare(seed: int, contacts: int, out: Path | None) -> None:
    found: dict[Order, dict[str, Waits]] = {}
    with _bar() as bar:
        for order in ORDERS:
            line, day = bar.add_task(f"a day of {order}", total=DAY_MS), Day(seed, contacts, order)
            for turn in day.turns():
                bar.update(line, completed=turn.at_ms - BEGINS_MS)
            bar.update(line, completed=DAY_MS)
            found[order] = waits(day)
            print(f"{order}: {say(day)}", file=sys.stderr)
    if out is None:
        print(tables(found), end="")
    else:
        out.write_text(tables(found), encoding="utf-8")


def say(day: Day) -> str:
    seen, agents = day.world.seen, len(day.workers)
    return f"{day.commits} commits, {seen.events} events, {agents} agents, {len(seen.queued)} contacts, {len(seen.ended)} ended"


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=stderr, disable=not stderr.is_terminal)


if __name__ == "__main__":
    main()

"""`make bench-pipeline`: the durable pipeline, latency and replay, beside their peers on the same server and in the same run.
And how long nobody leads.

Prints tables; writes benchmarks/pipeline.json and a plot.

`python -m tests.benchmarks.pipeline engine replay` measures these parts alone, and writes nothing.
"""

import sys
import tempfile
import time
from pathlib import Path

import uvloop
from rich.console import Console

from cordboard.cli.process import collect_rarely
from tests.benchmarks import board_stream, failover, latency, plots, replay, throughput
from tests.benchmarks.engine import running
from tests.benchmarks.rows import QUICK, ROOT, ROUNDS, Row, commit, machine, save, show

OUTPUT = ROOT / "benchmarks"


async def engine_rows(directory: Path) -> list[Row]:
    """What one running engine can take, and how long its answers take at shares of that."""
    async with running(directory) as engine:
        found, capacity = await throughput.rows(engine)
        return [*found, *await latency.load_rows(engine, capacity)]


PARTS = {
    "engine": engine_rows,
    "desk": latency.desk_rows,
    "boards": board_stream.rows,
    "replay": replay.rows,
    "failover": failover.rows,
}


def main(wanted: list[str]) -> int:
    console = Console(width=None if sys.stdout.isatty() else 180)
    console.print(f"{machine()}; commit {commit()}; {ROUNDS} rounds{', quick' if QUICK else ''}: min / median / max")
    rows: list[Row] = []
    collect_rarely()  # as every role does: the gateway's end is this process
    with tempfile.TemporaryDirectory(prefix="cordboard-bench-") as name:
        for what, measure in PARTS.items():
            if not wanted or what in wanted:
                begin = time.perf_counter()
                rows.extend(uvloop.run(measure(Path(name) / what)))
                console.print(f"[dim]{what}: {time.perf_counter() - begin:.1f} s[/]")
    show(rows, console)
    if not wanted:
        save(rows, OUTPUT / "pipeline.json")
        plots.save("pipeline", rows, [latency.plot(rows)], OUTPUT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

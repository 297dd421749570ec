"""`python -m tests.overload`: find out what the engine takes, offer three times that, and look what becomes of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from cordboard.codec import decode_commit
from tests.benchmarks.report import rank
from tests.overload.doors import FormDoor, ServiceDoor
from tests.overload.judge import MIB, Report, missing
from tests.overload.load import Load, Phase
from tests.overload.site import Running, running

SHARES = (0.5, 1.0, 2.0, 3.0)
WORKERS = 64
WARM_S, MEASURE_S = 2.0, 5.0
RATE_MAX = 5_000.0
"""Offers a second at most, so that a run is bounded in number too."""
ANSWERED_S = 120.0
"""After the last phase: everybody has been answered by then, or has lost patience."""
CONSUMED_S = 60.0
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


async def measured(directory: Path, seconds: float, seed: int) -> Report:
    """A whole run."""
    dice = random.Random(seed)
    async with running(directory) as site:
        looking = asyncio.create_task(site.look())
        form, service = FormDoor(site.http, dice), ServiceDoor(site.grpc, dice)
        load = Load([form.offer, service.offer], service.end)
        try:
            site.phase = "warm"
            await load.at_once(Phase("warm", seconds=WARM_S), WORKERS)
            site.phase = "capacity"
            capacity = await load.at_once(Phase("capacity", seconds=min(MEASURE_S, seconds)), WORKERS)
            console.print(f"takes {capacity:,.0f} contacts a second from {WORKERS} senders who wait for each other")
            phases = [Phase(f"{share:g}x", min(RATE_MAX, share * capacity), seconds) for share in SHARES]
            phases.append(Phase("0.5x again", phases[0].rate, max(2 * seconds, 6.0)))
            async with asyncio.timeout(sum(phase.seconds for phase in phases) + ANSWERED_S), asyncio.TaskGroup() as group:
                for phase in phases:
                    site.phase = phase.name
                    console.print(f"{phase.name}: {phase.rate:,.0f} a second for {phase.seconds:.0f} s")
                    await load.in_time(phase, group)
            await _consumed(site)
            lost = await missing(site.log, load.acknowledged)
        finally:
            form.close()
            await service.close()
            looking.cancel()
            await asyncio.wait([looking])
        if not looking.cancelled():
            looking.result()  # raises what it ended by
        return Report(capacity, phases, len(load.acknowledged), len(lost), dict(load.ends), site.peaks, site.gone())


async def _consumed(site: Running) -> None:
    """Returns once the journal says that nothing waits in the inbox."""
    async with asyncio.timeout(CONSUMED_S):
        while True:
            last = await site.log.last_inbox_seq()
            consumed = decode_commit((await site.log.read_commit(await site.log.last_journal_seq())).data).consumed
            if consumed.inbox_seq >= last:
                return
            await asyncio.sleep(0.1)


def say(report: Report) -> None:
    """Tables for people."""
    load = Table(title="open loop, by offered load", title_justify="left", header_style="cyan")
    for column in ("phase", "offered/s", "offered", "accepted", "refused", "unknown", "p50 ms", "p99 ms", "refusal p99 ms"):
        load.add_column(column, justify="left" if column == "phase" else "right")
    for phase in report.phases:
        took = [seconds for _, seconds in phase.taken]
        cells = [
            f"{phase.rate:,.0f}",
            f"{phase.offered:,}",
            *(f"{phase.told[word]:,}" for word in ("accepted", "refused", "unknown")),
        ]
        load.add_row(phase.name, *cells, _ms(took, 50), _ms(took, 99), _ms(phase.turned_away, 99))
    console.print(load)
    memory = Table(title="memory, MiB at most", title_justify="left", header_style="cyan")
    names = list(report.peaks[report.phases[0].name])
    for column in ("phase", *names):
        memory.add_column(column, justify="left" if column == "phase" else "right")
    for phase in report.phases:
        memory.add_row(phase.name, *(f"{report.peaks[phase.name].get(name, 0) // MIB:,}" for name in names))
    console.print(memory)
    for phase in report.phases:
        if phase.reasons:
            console.print(f"{phase.name}: " + ", ".join(f"{reason} {count:,}" for reason, count in phase.reasons.most_common()))
    console.print("ends: " + ", ".join(f"{said} {count:,}" for said, count in sorted(report.ends.items())))
    for finding in report.findings():
        console.print(f"[bold red]finding:[/] {finding}")


def last_line(report: Report) -> str:
    told = {word: sum(phase.told[word] for phase in report.phases) for word in ("refused", "unknown", "untyped")}
    recovered = report.recovered_s
    return (
        f"capacity={report.capacity:.0f}/s acknowledged={report.acknowledged} lost={report.lost} refused={told['refused']} "
        f"unknown={told['unknown']} untyped={told['untyped']} growth_mib={max(report.growth.values()) // MIB} "
        f"recovered_s={'never' if recovered is None else f'{recovered:.1f}'} findings={len(report.findings())}"
    )


def as_json(report: Report) -> dict[str, object]:
    """For programs."""
    phases = [
        {
            "phase": phase.name,
            "rate": phase.rate,
            "offered": phase.offered,
            "told": dict(phase.told),
            "reasons": dict(phase.reasons),
            "p50_ms": rank([s for _, s in phase.taken], 50) * 1e3 if phase.taken else None,
            "p99_ms": rank([s for _, s in phase.taken], 99) * 1e3 if phase.taken else None,
            "memory_mib": {name: held // MIB for name, held in report.peaks[phase.name].items()},
        }
        for phase in report.phases
    ]
    return {
        "capacity": report.capacity, "acknowledged": report.acknowledged, "lost": report.lost, "ends": report.ends,
        "recovered_s": report.recovered_s, "phases": phases, "findings": report.findings(),
    }  # fmt: skip


def _ms(values: Sequence[float], percent: float) -> str:
    return f"{rank(values, percent) * 1e3:,.1f}" if values else "-"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make overload")
    parser.add_argument("--seconds", type=float, default=8.0, help="of one phase; the last one has twice that")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the report there")
    options = parser.parse_args()
    if not 0.5 <= options.seconds <= 120:
        parser.error("--seconds must be 0.5..120")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="cordboard-overload-") as directory:
        report = uvloop.run(measured(Path(directory), options.seconds, options.seed))
    say(report)
    if options.json is not None:
        options.json.write_text(json.dumps(as_json(report), indent=1) + "\n")
    print(last_line(report))
    return 1 if report.findings() else 0


if __name__ == "__main__":
    sys.exit(main())

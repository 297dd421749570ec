"""One variant from beginning to end: simulated, verified, counted."""

import asyncio
import time
from collections.abc import Callable
from multiprocessing.queues import Queue

import msgspec

from cordboard.log.memory import MemoryLog
from cordboard.router.verify import verify
from tests.day.journal import write_into
from tests.day.site import SITE
from tests.week.figures import Figures, figures
from tests.week.site import Variant
from tests.week.week import Week

Progress = Callable[[int, int], None]
"""So much of so much; first of the simulation, then of the verification."""
MIB = 1 << 20


class Size(msgspec.Struct, frozen=True):
    """Who comes, and who works."""

    seed: int
    contacts: int
    agents: int


async def run(size: Size, variant: Variant, progress: Progress | None = None) -> Figures:
    """Simulate the week into a log in memory, let `verify` decide all of it again, and count."""
    began_s = time.process_time()
    log = MemoryLog(SITE)
    week = Week(size.seed, variant, size.contacts, size.agents, log.inbox_id)
    half = _halves(progress)
    await write_into(log, week, half(0))
    report = await verify(log, progress=half(1))
    findings = report.divergence_count + report.violation_count + (report.lost or 0)
    return figures(
        week, findings=findings, peak_memory_mib=report.peak_memory_bytes // MIB, cpu_s=time.process_time() - began_s
    )  # fmt: skip


def run_apart(size: Size, variant: Variant, told: "Queue[tuple[Variant, float]] | None" = None) -> Figures:
    """The same in a process of its own. `told`: how far it is, 0 to 1."""

    def tell(done: int, total: int) -> None:
        if told is not None:
            told.put((variant, done / total))

    return asyncio.run(run(size, variant, tell))


def _halves(progress: Progress | None) -> Callable[[int], Progress | None]:
    """Both halves of one progress."""

    def half(number: int) -> Progress | None:
        if progress is None:
            return None
        return lambda done, total: progress(number * total + done, 2 * total)

    return half

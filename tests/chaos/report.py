"""What a chaos run found, for people and for programs. The last line has a fixed form, for whoever greps."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from typing import Any

import msgspec

from tests.chaos.nemesis import Struck

AFTER_MS = 10_000
"""So long after the cluster is whole again a silence still counts for the fault before it, unless the next one comes sooner."""


class Row(msgspec.Struct, frozen=True):
    """One kind of fault. Times in ms: the longest silence during each, smallest, median and largest of them.

    `nobody_acked`: no publisher at all heard an acknowledgement. `one_waited`: the publisher that waited longest.
    `nothing_decided`: the journal did not grow. `healing`: from the end of the fault until every copy was current again.
    """

    kind: str
    times: int
    nobody_acked: tuple[int, int, int]
    one_waited: tuple[int, int, int]
    nothing_decided: tuple[int, int, int]
    healing: tuple[int, int, int]
    never_well: int


class Report(msgspec.Struct, kw_only=True):
    """`unasked`: processes that ended by themselves, and how often."""

    seed: int
    seconds: float
    faults: int
    acknowledged: int
    commits: int
    lost: list[str]
    doubled: list[str]
    violations: list[str]
    rows: list[Row]
    skipped: dict[str, str]
    unasked: dict[str, int]
    struck: list[dict[str, Any]]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.violations)

    @property
    def last_line(self) -> str:
        return (
            f"faults={self.faults} acknowledged={self.acknowledged} lost={len(self.lost)} doubled={len(self.doubled)}"
            f" violations={len(self.violations)}"
        )


def rows(struck: Sequence[Struck], acks: dict[str, list[int]], decided: list[int]) -> list[Row]:
    """`acks`: when each publisher heard acknowledgements; `decided`: when commits were stored. Unix ms, any order.

    A fault that was untried has no row, but its time is its own.
    """
    everybody = sorted(at for times in acks.values() for at in times)
    each = [sorted(times) for times in acks.values() if times]
    growth = sorted(decided)
    ends = [fault.began_ms for fault in struck[1:]]
    spans = [_span(fault, end) for fault, end in itertools.zip_longest(struck, ends)]
    found = []
    tried = [(fault, span) for fault, span in zip(struck, spans, strict=True) if fault.untried is None]
    for kind in dict.fromkeys(fault.kind for fault, _ in tried):
        faults = [fault for fault, _ in tried if fault.kind == kind]
        windows = [span for fault, span in tried if fault.kind == kind]
        found.append(
            Row(
                kind,
                len(faults),
                _spread([silence(everybody, *window) for window in windows]),
                _spread([max((silence(times, *window) for times in each), default=0) for window in windows]),
                _spread([silence(growth, *window) for window in windows]),
                _spread([fault.well_ms - fault.healed_ms for fault in faults if fault.well_ms is not None]),
                sum(fault.well_ms is None for fault in faults),
            )
        )
    return found


def silence(times: Sequence[int], begin: int, end: int) -> int:
    """The longest pause between two of `times` (ascending), as much of it as lies between `begin` and `end`."""
    pauses = [min(after, end) - max(before, begin) for before, after in itertools.pairwise(times)]
    return max(0, max(pauses, default=0))


def text(report: Report) -> str:
    """The table of faults, what was skipped and found, and the last line."""
    lines = [
        "| fault | times | nobody got an ack, s | one publisher, s | nothing decided, s | until all copies were current, s |",
        "|---|---|---|---|---|---|",
    ]
    for row in report.rows:
        spreads = (row.nobody_acked, row.one_waited, row.nothing_decided, row.healing)
        cells = " | ".join("/".join(f"{each / 1000:.1f}" for each in spread) for spread in spreads)
        never = f" ({row.never_well}× not within the limit)" if row.never_well else ""
        lines.append(f"| {row.kind} | {row.times} | {cells}{never} |")
    lines += [f"skipped: {kind}: {why}" for kind, why in report.skipped.items()]
    lines += [f"ended by itself and was started again: {name}, {count}×" for name, count in report.unasked.items()]
    for what, sentences in (("lost", report.lost), ("doubled", report.doubled), ("violation", report.violations)):
        lines += [f"{what}: {sentence}" for sentence in sentences[:20]]
    return "\n".join([*lines, f"seed={report.seed} commits={report.commits}", report.last_line])


def _span(fault: Struck, next_ms: int | None) -> tuple[int, int]:
    end = (fault.well_ms or fault.healed_ms) + AFTER_MS
    return fault.began_ms, end if next_ms is None else min(end, next_ms)


def _spread(values: Sequence[int]) -> tuple[int, int, int]:
    return (min(values), int(statistics.median(values)), max(values)) if values else (0, 0, 0)

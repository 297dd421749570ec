"""How benchmarks speak: machine, commit, N, min-median-max, and the ratio against a peer measured in the same run."""

import math
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path


def header() -> str:
    """One line naming the machine and the commit."""
    root = Path(__file__).parent.parent.parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False).stdout.strip()

    commit, dirty = git("rev-parse", "--short", "HEAD"), git("status", "--porcelain")
    return (
        f"machine: {platform.machine()} {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; commit: {commit or 'none'}{'+changes' if dirty else ''}"
    )


def spread(values: Sequence[float]) -> str:
    """min / median / max."""
    return f"{min(values):,.2f} / {statistics.median(values):,.2f} / {max(values):,.2f}"


def ratios(ours: Sequence[float], peer: Sequence[float]) -> list[float]:
    """Round by round: the machine is noisy, but both sides of a round saw the same noise."""
    return [own / other for own, other in zip(ours, peer, strict=True)]


def rank(values: Sequence[float], percent: float) -> float:
    """Percentile by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]

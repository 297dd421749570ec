"""How figures are said, and how they are ranked."""

import math
import statistics
from collections.abc import Sequence


def spread(values: Sequence[float]) -> str:
    """min / median / max."""
    return f"{min(values):,.2f} / {statistics.median(values):,.2f} / {max(values):,.2f}"


def rank(values: Sequence[float], percent: float) -> float:
    """Percentile by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]

"""The vault's wall clock: it stamps rows and ages pending ones. Nothing that routes ever sees it."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


def quarter(at_ms: int) -> str:
    """The calendar quarter (UTC), such as `2026-Q4`."""
    date = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{date.year}-Q{(date.month + 2) // 3}"

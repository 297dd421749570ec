"""Waits counted in fixed buckets: percentiles of any number of values in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable

_EXACT_BITS = 5
_STEPS = 16
"""Buckets an octave: a percentile is at most 1/16 above the true value."""


def _bucket(value: int) -> int:
    shift = max(0, value.bit_length() - _EXACT_BITS)
    return _STEPS * shift + (value >> shift)


def _upper(bucket: int) -> int:
    """The greatest value of a bucket."""
    shift = max(0, bucket // _STEPS - 1)
    return ((bucket - _STEPS * shift + 1) << shift) - 1


class Histogram:
    """Counts of non-negative integers. Exact below 32, then 16 buckets for every doubling: under 800 buckets for any instant."""

    __slots__ = ("_counts", "count", "max", "total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total = 0
        self.max = 0

    def add(self, value: int) -> None:
        bucket = _bucket(value)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.count += 1
        self.total += value
        if value > self.max:
            self.max = value

    def merge(self, other: Histogram) -> None:
        for bucket, count in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + count
        self.count += other.count
        self.total += other.total
        self.max = max(self.max, other.max)

    def percentiles(self, percents: Iterable[int]) -> list[int | None]:
        """By nearest rank, rounded up to the end of the bucket (never above the greatest value seen); None without values."""
        wanted = [(max(1, -(-percent * self.count // 100)), place) for place, percent in enumerate(percents)]
        found: list[int | None] = [None] * len(wanted)
        if self.count == 0:
            return found
        wanted.sort(reverse=True)
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            while wanted and wanted[-1][0] <= seen:
                found[wanted.pop()[1]] = min(_upper(bucket), self.max)
        return found

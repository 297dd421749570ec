"""The counts of one channel of one queue, and the rows they make."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence

from cordboard.projections.histogram import Histogram
from cordboard.projections.openings import Opening
from cordboard.projections.rows import QueueRow


class Tally:
    """What happened on one channel of one queue.

    `waiting`: contacts without a connected agent, oldest first, and since when. `early`: those who are promised a call and stand
    in the queue before it is due. An agent may have them, and nobody waits.
    """

    __slots__ = (
        "early", "engaged", "handle_ms", "handled", "in_target", "last_served", "offering", "outcomes", "parked", "reserved",
        "short_abandoned", "slas_at_risk", "slas_broken", "slas_met", "visits", "waiting", "waits", "wrapping",
    )  # fmt: skip

    def __init__(self) -> None:
        # A plain dict is slow to find its first key once many were removed there; this one is not.
        self.waiting: OrderedDict[bytes, int] = OrderedDict()
        self.early: set[bytes] = set()
        self.offering = 0
        self.engaged = 0
        self.wrapping = 0
        self.parked = 0
        self.reserved = 0
        self.visits = 0
        self.outcomes: Counter[str] = Counter()
        self.in_target = 0
        self.short_abandoned = 0
        self.slas_at_risk = 0
        self.slas_met = 0
        self.slas_broken = 0
        self.waits = Histogram()
        self.handled = 0
        self.handle_ms = 0
        self.last_served = (0, 0)
        """(journal position, wait in ms) of the last visit that was answered."""

    def end_visit(self, seq: int, outcome: str, wait_ms: int, target_ms: int, short_abandon_ms: int) -> None:
        self.outcomes[outcome] += 1
        if outcome == "answered":
            self.waits.add(wait_ms)
            self.in_target += wait_ms <= target_ms
            self.last_served = (seq, wait_ms)
        elif outcome == "abandoned":
            self.short_abandoned += wait_ms < short_abandon_ms


def expected_base_ms(waiting: int, members: int, last_wait_ms: int, handled: int, handle_ms: int) -> int | None:
    """max(wait of the last served, those ahead x AHT / members), rounded up; None if nobody works."""
    if members == 0:
        return None
    aht_ms = handle_ms // handled if handled else 0
    return max(last_wait_ms, -(-waiting * aht_ms // members))


def queue_row(
    queue: str | None,
    channel: str | None,
    tallies: Sequence[Tally],
    *,
    seq: int,
    members: int,
    members_ready: int,
    goal_percent: int | None,
    opening: Opening | None,
    occupancy_permille: int | None,
) -> QueueRow:
    """One row over the tallies together."""
    waits = _merged(tally.waits for tally in tallies)
    outcomes: Counter[str] = Counter()
    for tally in tallies:
        outcomes.update(tally.outcomes)
    waiting = sum(len(tally.waiting) for tally in tallies)
    early = sum(len(tally.early) for tally in tallies)
    handled = sum(tally.handled for tally in tallies)
    handle_ms = sum(tally.handle_ms for tally in tallies)
    last_wait_ms = max((tally.last_served for tally in tallies), default=(0, 0))[1]
    p50, p90, p99 = waits.percentiles((50, 90, 99))
    return QueueRow(
        queue=queue,
        channel=channel,
        seq=seq,
        waiting=waiting + early,
        offering=sum(tally.offering for tally in tallies),
        engaged=sum(tally.engaged for tally in tallies),
        wrapping=sum(tally.wrapping for tally in tallies),
        parked=sum(tally.parked for tally in tallies),
        reserved=sum(tally.reserved for tally in tallies),
        mode=None if opening is None else opening.mode,
        close_at_ms=None if opening is None else opening.close_at_ms,
        oldest_since_ms=min((next(iter(tally.waiting.values())) for tally in tallies if tally.waiting), default=None),
        visits=sum(tally.visits for tally in tallies),
        answered=outcomes["answered"],
        answered_in_target=sum(tally.in_target for tally in tallies),
        abandoned=outcomes["abandoned"],
        short_abandoned=sum(tally.short_abandoned for tally in tallies),
        abandoned_after_transfer=outcomes["abandoned_after_transfer"],
        flowed_out=outcomes["flowed_out"],
        requeued=outcomes["requeued"],
        closed=outcomes["closed"],
        slas_at_risk=sum(tally.slas_at_risk for tally in tallies),
        slas_met=sum(tally.slas_met for tally in tallies),
        slas_broken=sum(tally.slas_broken for tally in tallies),
        handled=handled,
        answered_wait_ms=waits.total,
        asa_ms=waits.total // waits.count if waits.count else None,
        aht_ms=handle_ms // handled if handled else None,
        wait_p50_ms=p50,
        wait_p90_ms=p90,
        wait_p99_ms=p99,
        wait_max_ms=waits.max,
        members=members,
        members_ready=members_ready,
        expected_base_ms=expected_base_ms(waiting, members_ready, last_wait_ms, handled, handle_ms),
        service_level_percent=goal_percent,
        occupancy_permille=occupancy_permille,
    )


def _merged(histograms: Iterable[Histogram]) -> Histogram:
    merged = Histogram()
    for histogram in histograms:
        merged.merge(histogram)
    return merged

"""What goes wrong, and when: drawn from a seed. The same seed gives the same faults in the same order; who leads when one strikes,
and so whom it hits, is the cluster's."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CLUSTER = (
    "kill the leader",
    "kill a follower",
    "kill all servers",
    "pause the leader",
    "pause a follower",
    "leader steps down",
    "partition: leader, cut",
    "partition: leader, silent",
    "partition: follower, silent",
    "partition: one way",
    "leader unreachable for all",
    "slow links",
    "disk full",
    "corrupt block",
    "disk wiped",
    "two empty disks, the third away",
)
"""One at a time: two of three servers must be sound for anything to be acknowledged."""
PROCESSES = (
    "kill a router",
    "kill all routers",
    "pause a router",
    "kill a source",
    "kill the desk",
    "kill the gateway",
    "kill the projector",
    "kill the API",
    "kill PostgreSQL",
    "pause PostgreSQL",
    "cut PostgreSQL's connections",
)
"""Also in the middle of one of the above."""
ARCHIVE = ("kill the archiver", "archive away", "archive full")
"""What may befall the journal's second copy; also in the middle of a fault of the cluster. Nobody else may feel any of it."""
BEYOND = ("corrupt blocks on two servers", "two disks wiped, the third behind")
"""More than a cluster of three can bear: not promised, drawn only when asked for, to show what is lost then."""
ALL = CLUSTER + PROCESSES + ARCHIVE
Span = tuple[float, float]
HOLD_S: Span = (2.0, 8.0)
WAIT_S: Span = (0.5, 2.5)
COMPANION = 0.4
"""How often a fault of the cluster has one of the processes for company."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Strikes `wait_s` after everything is well again, lasts `hold_s`. `pick` (0 to 1) chooses where there is a choice."""

    kind: str
    wait_s: float
    hold_s: float
    pick: float
    companion: str | None = None


def faults(seed: int, kinds: Sequence[str] = ALL, hold_s: Span = HOLD_S, wait_s: Span = WAIT_S) -> Iterator[Fault]:
    """For ever. Every kind comes once before any comes again."""
    chance = random.Random(seed)
    companions = [kind for kind in PROCESSES + ARCHIVE if kind in kinds]
    while True:
        deck = list(kinds)
        chance.shuffle(deck)
        for kind in deck:
            wait, hold, pick, company, which = (chance.random() for _ in range(5))
            companion = None
            if kind in CLUSTER and companions and company < COMPANION:
                companion = companions[int(which * len(companions))]
            yield Fault(kind, _between(wait_s, wait), _between(hold_s, hold), pick, companion)


def _between(bounds: Span, share: float) -> float:
    low, high = bounds
    return round(low + share * (high - low), 2)

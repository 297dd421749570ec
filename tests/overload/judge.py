"""What the figures say: percentiles by phase, when the latency was back, what was lost, and whether all of it is as promised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events.commit import INPUT_TAG
from cordboard.events.fact import ContactArrived
from cordboard.events.verdict import Accepted
from cordboard.log import SiteLog
from tests.benchmarks.report import rank
from tests.overload.load import Phase

WINDOW_S = 0.5
STEADY = 3
"""So many windows in a row must be back to normal."""
TWICE = 2.0
MIB = 1024 * 1024
GROWTH_MAX = 256 * MIB
"""How much more a process may hold under overload than after half load: the buffers of docs/overload.md, full, and what an
allocator keeps of them."""
SERVER_GROWTH_MAX = 512 * MIB
"""The same of nats-server, which keeps the newest blocks of its streams in memory."""


def recovered_s(taken: Iterable[tuple[float, float]], normal_s: float, seconds: float) -> float | None:
    """When, counted from the phase's beginning, the median latency of the windows by due time was at most twice `normal_s` and
    stayed so for STEADY windows. None: it did not."""
    windows: list[list[float]] = [[] for _ in range(max(1, int(seconds / WINDOW_S)))]
    for due, took in taken:
        if (number := int(due / WINDOW_S)) < len(windows):
            windows[number].append(took)
    steady = 0
    for number, window in enumerate(windows):
        steady = steady + 1 if window and rank(window, 50) <= TWICE * normal_s else 0
        if steady == STEADY:
            return (number + 1 - STEADY) * WINDOW_S
    return None


def growth(peaks: dict[str, dict[str, int]], base: str, later: Sequence[str]) -> dict[str, int]:
    """Bytes that each process held more at most in the `later` phases than in phase `base`."""
    return {name: max(0, *(peaks[phase].get(name, 0) - held for phase in later)) for name, held in peaks[base].items()}


async def missing(log: SiteLog, acknowledged: set[str]) -> set[str]:
    """Of these contacts, those of whom the journal, up to its end, does not say that they arrived."""
    left = {bytes.fromhex(contact) for contact in acknowledged}
    last = await log.last_journal_seq()
    async with aclosing(log.follow_journal(1)) as batches:
        async for batch in batches:
            for stored in batch:
                for entry in codec.decode_commit(stored.data).entries:
                    if entry.tag == INPUT_TAG and entry.contact in left:
                        given = codec.decode_input(entry)
                        try:
                            fact = codec.decode_fact(given.fact)
                        except InvalidInput:
                            continue
                        if isinstance(given.verdict, Accepted) and isinstance(fact, ContactArrived):
                            left.discard(entry.contact)
            if batch[-1].seq >= last:
                break
    return {contact.hex() for contact in left}


@dataclass
class Report:
    """Everything that is printed and judged."""

    capacity: float
    phases: list[Phase]
    acknowledged: int
    lost: int
    ends: dict[str, int]
    peaks: dict[str, dict[str, int]]
    ended_by_itself: list[str] = field(default_factory=list)
    """Processes that were gone when all had been answered."""

    @property
    def normal_s(self) -> float:
        """The median latency at half load."""
        return rank([took for _, took in self.phases[0].taken], 50)

    @property
    def recovered_s(self) -> float | None:
        last = self.phases[-1]
        return recovered_s(last.taken, self.normal_s, last.seconds)

    @property
    def growth(self) -> dict[str, int]:
        return growth(self.peaks, self.phases[0].name, [phase.name for phase in self.phases[1:]])

    def findings(self) -> list[str]:
        """What is not as promised."""
        found = [f"{self.lost} contacts were acknowledged and are not in the journal"] if self.lost else []
        for phase in self.phases:
            untyped = {reason: count for reason, count in phase.reasons.items() if reason.startswith("untyped")}
            found += [f"{phase.name}: {count} times {reason}" for reason, count in untyped.items()]
        turned_away = {said: count for said, count in self.ends.items() if said.startswith(("refused", "untyped"))}
        found += [f"an end was {said}, {count} times" for said, count in turned_away.items()]
        for name, grown in self.growth.items():
            if grown > (SERVER_GROWTH_MAX if name == "nats-server" else GROWTH_MAX):
                found.append(f"{name} grew by {grown // MIB} MiB")
        found += [f"{name} ended by itself" for name in self.ended_by_itself]
        if self.recovered_s is None:
            found.append(f"at half load again the latency did not come back to twice {self.normal_s * 1e3:.1f} ms")
        return found

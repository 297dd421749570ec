"""The seeded workload that every contender of the core's benchmark gets: agents with skills, contacts that need some, who frees.

Profiles: `zipf200` (about 150 requirement sets, a few of them frequent, as in a contact centre), `hard` (the same without
contacts that anybody may serve), `wide` (every contact a requirement set of its own). No set is one that nobody could serve:
each is drawn from what some agent can do. Freed agents are drawn in proportion to demand: first a contact as it might
arrive, then one of those who could serve it. Else contacts that few can serve would gather at the head of the line, most looks
would find nothing, and nothing would be measured.
"""

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

Profile = Literal["zipf200", "hard", "wide"]
Needs = tuple[tuple[int, int], ...]
"""A requirement set: (skill, least level), by skill."""

SKILLS = 64
LEVELS = 10
AGENT_SKILLS = 8
REQUIREMENTS = 3
SETS_DRAWN = 200
KEPT_OF_A_THOUSAND = 5
"""A set is kept if so many of the first thousand agents could serve it."""
ANYBODY_RANK = 3
"""Contacts whom anybody may serve are the fourth in frequency."""
SPAN_MS = 600_000
"""The contacts that wait at the start came within this time."""
STEP_MS = 60_000
"""What one step of priority is worth."""
LEAVES_EVERY = 8
"""So many operations bring one contact that leaves by itself."""
NOBODY = 0xFFFF_FFFF
"""In a decision: nothing was found."""


@dataclass(frozen=True)
class Size:
    """What to generate. `operations` are those after the start."""

    agents: int
    waiting: int
    operations: int
    profile: Profile = "zipf200"
    seed: int = 1


@dataclass
class Workload:
    """Agents and contacts by number. The contacts after the first `size.waiting` arrive one by one, in order."""

    size: Size
    agents: list[dict[int, int]]
    sets: list[Needs]
    needs: "array[int]"
    """Of each contact: the number of its requirement set."""
    orders: "array[int]"
    """Of each contact: its place in the line; equal ones in the order of their numbers."""
    priorities: "array[int]"
    freed: "array[int]"
    """Who frees, one an operation."""
    leaving: "array[int]"
    """Who leaves, one an operation: so many arrivals ago it came (0: nobody). Perhaps it waits no longer."""
    idle: "array[int]"
    """For the idle pool: who is idle at the start, longest first. All others are busy, in the order of their numbers."""

    def save(self, path: Path) -> None:
        """As 64-bit integers, each list after its length: what the contenders in Rust read."""
        numbers = array("q", [len(self.agents)])
        for skills in self.agents:
            numbers.extend(listed(skills.items()))
        numbers.append(len(self.sets))
        for needs in self.sets:
            numbers.extend(listed(needs))
        numbers.append(self.size.waiting)
        for column in (self.needs, self.orders, self.freed, self.leaving, self.idle):
            numbers.append(len(column))
            numbers.extend(column)
        path.write_bytes(numbers.tobytes())


def listed(pairs: Iterable[tuple[int, int]]) -> list[int]:
    flat = [number for pair in pairs for number in pair]
    return [len(flat) // 2, *flat]


def suits(skills: dict[int, int], needs: Needs) -> bool:
    return all(skills.get(skill, 0) >= level for skill, level in needs)


def generate(size: Size) -> Workload:
    """The same workload on every machine for the same size."""
    # A string seeds through SHA-512, whatever PYTHONHASHSEED is.
    drawing = Drawing(Random(f"cordboard {size.seed}"), size)
    work = Workload(size, drawing.agents, drawing.sets, *(array("q") for _ in range(6)))
    # Each operation lets at most one contact in for whom it serves, and one for whom it sees leave.
    total = size.waiting + size.operations + size.operations // LEAVES_EVERY + 1
    gap_ms = max(1, SPAN_MS // max(1, size.waiting))
    for number in range(total):
        needs, _ = drawing.contact()
        priority = drawing.random.randint(1, LEVELS)
        work.needs.append(needs)
        work.priorities.append(priority)
        work.orders.append(number * gap_ms - priority * STEP_MS)
    for number in range(size.operations):
        work.freed.append(drawing.contact(new=False)[1])
        leaves = size.waiting and number % LEAVES_EVERY == 0
        work.leaving.append(drawing.random.randint(1, size.waiting) if leaves else 0)
    idle = list(range(size.agents))
    drawing.random.shuffle(idle)
    work.idle.extend(idle[: size.agents // 2])
    return work


class Drawing:
    """Draws agents, requirement sets and contacts, in a fixed order."""

    def __init__(self, random: Random, size: Size) -> None:
        self.random, self.size = random, size
        popularity = [1 / (rank + 3) for rank in range(SKILLS)]
        self.agents = [self._agent(popularity) for _ in range(size.agents)]
        self.sets: list[Needs] = []
        self._known: dict[Needs, int] = {}
        self._source: list[int] = []
        self._eligible: list[list[int]] = []
        self._shares: list[float] = []
        if size.profile != "wide":
            self._draw_sets()

    def contact(self, *, new: bool = True) -> tuple[int, int]:
        """The requirement set of a contact as it might arrive, and an agent who could serve it."""
        if self.size.profile == "wide":
            number = self._set_of_its_own() if new else self.random.randrange(len(self.sets))
            return number, self._source[number]
        number = self.random.choices(range(len(self.sets)), cum_weights=self._shares)[0]
        return number, self.random.choice(self._eligible[number])

    def _agent(self, popularity: Sequence[float]) -> dict[int, int]:
        count = self.random.randint(1, AGENT_SKILLS)
        skills = sorted(set(self.random.choices(range(SKILLS), popularity, k=count)))
        return {skill: self.random.randint(1, LEVELS) for skill in skills}

    def _needs_of(self, agent: int, count: int) -> Needs:
        """Something this agent can do."""
        able = self.agents[agent]
        picked = sorted(self.random.sample(sorted(able), min(count, len(able))))
        return tuple((skill, max(1, able[skill] - self.random.randrange(4))) for skill in picked)

    def _draw_sets(self) -> None:
        first = self.agents[:1_000]
        enough = max(1, len(first) * KEPT_OF_A_THOUSAND // 1_000)
        found: list[Needs] = []
        while len(found) < SETS_DRAWN * 3 // 4:
            needs = self._needs_of(self.random.randrange(len(first)), self.random.choices((1, 2, 3), (45, 40, 15))[0])
            if needs not in found and sum(suits(skills, needs) for skills in first) >= enough:
                found.append(needs)
        self.random.shuffle(found)
        if self.size.profile != "hard":
            found.insert(ANYBODY_RANK, ())
        self.sets = found
        self._eligible = [[n for n, skills in enumerate(self.agents) if suits(skills, needs)] for needs in found]
        share = 0.0
        for rank in range(len(found)):
            share += 1 / (rank + 1)
            self._shares.append(share)

    def _set_of_its_own(self) -> int:
        while True:
            agent = self.random.randrange(len(self.agents))
            needs = self._needs_of(agent, self.random.randint(1, REQUIREMENTS))
            if needs not in self._known:
                self._known[needs] = len(self.sets)
                self.sets.append(needs)
                self._source.append(agent)
                return len(self.sets) - 1


def fnv(numbers: Iterable[int]) -> str:
    """FNV-1a over 32-bit numbers: short, and the same in every language."""
    digest = 0xCBF2_9CE4_8422_2325
    for number in numbers:
        for shift in (0, 8, 16, 24):
            digest = ((digest ^ (number >> shift & 0xFF)) * 0x100_0000_01B3) & 0xFFFF_FFFF_FFFF_FFFF
    return f"{digest:016x}"


def digest(data: Iterable[bytes]) -> str:
    """What a sequence of commits comes to, for people."""
    whole = hashlib.sha256()
    for part in data:
        whole.update(part)
    return whole.hexdigest()[:16]

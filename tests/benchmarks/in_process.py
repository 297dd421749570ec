"""The league in process: nothing is durable, nothing passes a socket. Times are processor time of the thread that works."""

import contextlib
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.contenders import Contender, InPython, InRust, Rounds, Turn, take_turns
from tests.benchmarks.peers.class_heaps import Backlog, IdlePool
from tests.benchmarks.plots import Plot
from tests.benchmarks.rows import QUICK, ROUNDS, Row
from tests.benchmarks.workload import Profile, Size, Workload, generate

OPERATIONS = 10_000 if QUICK else 40_000
WIDE_OPERATIONS = 2_000
EACH = 5_000


@dataclass(frozen=True)
class Course:
    """A workload, and what is done with it."""

    kind: str
    work: Workload
    path: Path
    operations: int

    def core(self) -> InRust:
        return InRust("core", "core", self.kind, self.path)

    def walk(self) -> InRust:
        return InRust("key-order walk", "btree_walk", self.kind, self.path)

    def bare(self) -> InRust:
        """What the Python peer does, in Rust: how far any index could be ahead of it on this machine."""
        return InRust("bare class heaps in Rust", "class_heaps", self.kind, self.path)

    def python(self) -> InPython:
        return InPython("Python class heaps", Backlog(self.work) if self.kind == "backlog" else IdlePool(self.work))


class Courses:
    """Each made once, in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: dict[tuple[str, int, int, Profile], Course] = {}

    def backlog(self, agents: int, waiting: int, profile: Profile = "zipf200") -> Course:
        return self._course("backlog", agents, waiting, profile)

    def idle(self, agents: int) -> Course:
        return self._course("idle", agents, 0, "zipf200")

    def _course(self, kind: str, agents: int, waiting: int, profile: Profile) -> Course:
        key = (kind, agents, waiting, profile)
        if key not in self._made:
            operations = WIDE_OPERATIONS if profile == "wide" else OPERATIONS
            work = generate(Size(agents, waiting, operations * (ROUNDS + 1) + EACH, profile))
            path = self._directory / "-".join(map(str, key))
            work.save(path)
            self._made[key] = Course(kind, work, path, operations)
        return self._made[key]


@contextlib.contextmanager
def closing(*contenders: Contender) -> Iterator[None]:
    try:
        yield
    finally:
        for contender in contenders:
            if isinstance(contender, InRust):
                contender.close()


def index_rows(courses: Courses) -> list[Row]:
    """The matching index alone, beside class heaps in Python, the same heaps in Rust, and a walk in key order."""
    course = courses.backlog(10_000, 10_000)
    core, python, bare, walk = course.core(), course.python(), course.bare(), course.walk()
    with closing(core, python, bare, walk):
        rounds = take_turns([core, python, bare, walk], ROUNDS, course.operations)
        latency = "/".join(map(str, core.percentiles(EACH)))
    void = rounds.disagreement()
    said = (
        f"decisions/s: {', '.join(f'{name} {statistics.median(rounds.rates(name)):,.0f}' for name in rounds.turns)}; core "
        f"p50/p99/p99.9 {latency} ns; {len(course.work.sets)} sets; hit rate {rounds.hit_rate():.3f}; decisions {rounds.digests()}"
    )
    return [
        Row("index_vs_python", "in process", rounds.ratios("core", python.name), said, void),
        Row(
            "bare_heaps_vs_python",
            "in process",
            rounds.ratios(bare.name, python.name),
            "the peer's own heaps in Rust, the same rounds",
            void,
        ),
        Row("index_vs_bare_heaps", "in process", rounds.ratios("core", bare.name), "the same rounds", void),
        Row("index_vs_btree_walk", "in process", rounds.ratios("core", walk.name), "the same rounds", void),
    ]


def growth_rows(courses: Courses) -> list[Row]:
    """What a decision costs when everything is larger, for each of what it cost before."""
    few, many = courses.backlog(10_000, 10_000), courses.backlog(10_000, 100_000)
    alike, wide = courses.backlog(10_000, 75_000), courses.backlog(10_000, 75_000, "wide")
    small, large = courses.idle(2_000), courses.idle(20_000)
    return [
        growth("growth_waiting", few, many, "10 k → 100 k waiting"),
        growth("growth_agents", small, large, "1 k → 10 k idle agents"),
        growth("growth_requirements", alike, wide, f"{len(alike.work.sets)} → {len(set(wide.work.needs[:75_000])):,} sets waiting"),
    ]


def growth(name: str, before: Course, after: Course, what: str) -> Row:
    sides = {"before": before, "after": after}
    contenders = {label: course.core() for label, course in sides.items()}
    turns: dict[str, list[Turn]] = {label: [] for label in sides}
    with closing(*contenders.values()):
        for _ in range(ROUNDS + 1):
            for label, course in sides.items():
                turns[label].append(contenders[label].run(course.operations))
        latencies = {label: "/".join(map(str, contenders[label].percentiles(EACH))) for label in sides}
    void = ", ".join(f"the peer decided otherwise {label}" for label in sides if not agreed(sides[label], turns[label]))
    costs = {label: [turn.seconds / sides[label].operations for turn in turns[label][1:]] for label in sides}
    values = tuple(late / early for early, late in zip(costs["before"], costs["after"], strict=True))
    said = " → ".join(f"{statistics.median(costs[label]) * 1e9:,.0f} ns (p50/p99/p99.9 {latencies[label]})" for label in sides)
    hits = min(turn.hits / sides[label].operations for label in sides for turn in turns[label])
    digests = ", ".join(f"{label} {turns[label][-1].digest}" for label in sides)
    return Row(name, "in process", values, f"{what}: {said}; hit rate ≥ {hits:.3f}; decisions {digests}", void)


def agreed(course: Course, turns: Sequence[Turn]) -> bool:
    """Another contender finds the same in the first two rounds."""
    # Class heaps in Python are no match for thousands of classes: the walk is.
    peer: Contender = course.walk() if course.work.size.profile == "wide" else course.python()
    with closing(peer):
        return all(peer.run(course.operations).digest == turn.digest for turn in turns[:2])


def cost_plot(courses: Courses) -> Plot:
    """What a decision costs each contender as the backlog grows."""
    plot = Plot("core-waiting", "Cost of a decision by contacts waiting, 10 k agents (ns of processor time)", "contacts waiting")
    for waiting in (1_000, 10_000, 100_000):
        course = courses.backlog(10_000, waiting)
        contenders: list[Contender] = [course.core(), course.walk(), course.python()]
        with closing(*contenders):
            rounds: Rounds = take_turns(contenders, 1, course.operations)
        for name in rounds.turns:
            plot.add(name, waiting, rounds.costs(name)[0] * 1e9)
    return plot

"""Contenders that take turns: each does so many operations when told, and says how long that took and whom it found."""

import contextlib
import functools
import gc
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from tests.benchmarks.rows import ROOT
from tests.benchmarks.workload import NOBODY, fnv


@dataclass(frozen=True)
class Turn:
    """`seconds` of processor time, what it found as a hash, and how often it found anybody."""

    seconds: float
    digest: str
    hits: int


class Contender(Protocol):
    name: str

    def run(self, operations: int) -> Turn: ...


class Course(Protocol):
    """A Python peer: does operations and says whom it found."""

    def run(self, operations: int) -> list[int]: ...


class InPython:
    """A peer in this process. Its garbage collector rests: nothing here is garbage."""

    def __init__(self, name: str, course: Course) -> None:
        self.name, self._course = name, course

    def run(self, operations: int) -> Turn:
        with quiet():
            begin = time.thread_time()
            found = self._course.run(operations)
            seconds = time.thread_time() - begin
        return Turn(seconds, fnv(found), sum(each != NOBODY for each in found))


class InRust:
    """A contender of rust/core/benches/contest.rs, in a process of its own."""

    def __init__(self, name: str, contender: str, course: str, workload: Path) -> None:
        self.name = name
        command = [str(program("contest")), contender, course, str(workload)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._answer()

    def run(self, operations: int) -> Turn:
        nanoseconds, digest, hits = self._ask(f"run {operations}").split()
        return Turn(int(nanoseconds) / 1e9, digest, int(hits))

    def give(self, state_hash: bytes) -> None:
        """For the commit that carries one next: to a contender that is spared the work."""
        self._ask(f"give {state_hash.hex()}")

    def percentiles(self, operations: int) -> tuple[int, ...]:
        """p50, p99 and p99.9 of one operation in ns of wall time, the clock's own included."""
        return tuple(map(int, self._ask(f"each {operations}").split()))

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, order: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(order + "\n")
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with {self._process.wait()}")
        return line.strip()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass(frozen=True)
class Rounds:
    """What contenders did turn by turn, on the same operations."""

    turns: dict[str, list[Turn]]
    operations: int

    def rates(self, name: str) -> list[float]:
        return [self.operations / turn.seconds for turn in self.turns[name]]

    def ratios(self, ours: str, peer: str) -> tuple[float, ...]:
        """How many times as fast, round by round: both sides of a round saw the same noise."""
        return tuple(own / other for own, other in zip(self.rates(ours), self.rates(peer), strict=True))

    def costs(self, name: str) -> list[float]:
        """Seconds an operation."""
        return [turn.seconds / self.operations for turn in self.turns[name]]

    def disagreement(self) -> str:
        """Who found others than the first contender did; empty if nobody."""
        first, *others = self.turns
        digests = {name: [turn.digest for turn in turns] for name, turns in self.turns.items()}
        return ", ".join(f"{name} decided otherwise than {first}" for name in others if digests[name] != digests[first])

    def digests(self) -> str:
        """Of the last round's decisions, each contender's own."""
        return ", ".join(f"{name} {turns[-1].digest}" for name, turns in self.turns.items())

    def hit_rate(self) -> float:
        turns = next(iter(self.turns.values()))
        return sum(turn.hits for turn in turns) / (self.operations * len(turns))


def take_turns(contenders: Sequence[Contender], rounds: int, operations: int) -> Rounds:
    """One round to warm up, which must agree as well; then `rounds`, in turn."""
    turns: dict[str, list[Turn]] = {contender.name: [] for contender in contenders}
    for number in range(rounds + 1):
        for contender in contenders:
            turn = contender.run(operations)
            if number:
                turns[contender.name].append(turn)
    return Rounds(turns, operations)


@functools.cache
def program(name: str) -> Path:
    """A benchmark of rust/core, built."""
    command = ["cargo", "bench", "--locked", "--quiet", "--no-run", "--package", "cordboard-core", "--features", "bench"]
    built = subprocess.run(
        [*command, "--bench", name, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    lines = [msgspec.json.decode(line) for line in built.splitlines()]
    found = [line["executable"] for line in lines if line.get("executable") and line["target"]["name"] == name]
    return Path(found[-1])

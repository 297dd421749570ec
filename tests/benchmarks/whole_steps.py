"""The whole step through PyO3: frames in, commits out, beside the Python twin; how well it matches, and what its state weighs."""

import contextlib
import statistics
import subprocess
import time
from pathlib import Path

from cordboard import codec
from cordboard._core import Router, commit_hash
from tests.benchmarks.contenders import InRust, program, quiet
from tests.benchmarks.peers.twin import Frame, Twin
from tests.benchmarks.rows import QUICK, ROUNDS, Row
from tests.benchmarks.steps import POLICY, SITE, START_MS, Recording, Roll, record
from tests.benchmarks.workload import Size, digest, fnv

INBOX = bytes(range(16))
FACTS_A_FRAME = 64
OPERATIONS = 2_000 if QUICK else 16_000
"""A round: four facts and some odd ones each. At full length each round has the commits that carry the hash of the state."""
SINGLE_OPERATIONS = 500 if QUICK else 3_000
MIB = 1024 * 1024
QUALITY_SIZE = 2_000 if QUICK else 10_000
HELD = Size(3_000, 20_000, 0) if QUICK else Size(15_000, 100_000, 0)
STATE_HASH_EVERY = 1_000
OFFER_MADE = 13

Turns = list[tuple[Frame, int]]


class Ours:
    """A router that took over and is set up."""

    def __init__(self, recording: Recording) -> None:
        self.router = Router(SITE)
        self.taken_over = self.router.take_over(INBOX, START_MS)
        self.setup = [self.router.step([frame], at_ms)[0] for frame, at_ms in recording.setup]

    def run(self, turns: Turns) -> tuple[float, list[bytes]]:
        step = self.router.step
        with quiet():
            begin = time.thread_time()
            commits = [step([frame], at_ms)[0] for frame, at_ms in turns]
            seconds = time.thread_time() - begin
        return seconds, commits

    def latency(self, turns: Turns) -> str:
        """p50, p99 and p99.9 of a step, in µs of wall time."""
        times = []
        with quiet():
            for frame, at_ms in turns:
                begin = time.perf_counter_ns()
                self.router.step([frame], at_ms)
                times.append(time.perf_counter_ns() - begin)
        times.sort()
        return "/".join(f"{times[-(-len(times) * share // 1000) - 1] / 1000:,.0f}" for share in (500, 990, 999))


def state_hashes(commits: list[bytes], seq: int) -> list[bytes | None]:
    """Of commits from `seq` on."""
    return [
        codec.decode_commit(commit).state_hash if (seq + n) % STATE_HASH_EVERY == 0 else None for n, commit in enumerate(commits)
    ]


def run_twin(twin: Twin, turns: Turns, expected: list[bytes], seq: int) -> tuple[float, bool]:
    """Seconds, and whether every commit equals ours. The hash of the state, which the twin is spared, is taken from there."""
    given = state_hashes(expected, seq)
    step = twin.step
    with quiet():
        begin = time.thread_time()
        commits = [step([frame], at_ms, state_hash)[0] for (frame, at_ms), state_hash in zip(turns, given, strict=True)]
        seconds = time.thread_time() - begin
    return seconds, commits == expected


class Bare:
    """What the Python twin does, in Rust and without what a router needs besides: how far any step could be ahead of it here."""

    def __init__(self, recording: Recording, directory: Path) -> None:
        path = directory / "steps"
        # It sets itself up when told, as everything else.
        Recording(recording.size, measured=[*recording.setup, *recording.measured]).save(path)
        self._contender = InRust("bare steps in Rust", "bare", "steps", path)

    def run(self, expected: list[bytes], seq: int) -> tuple[float, bool]:
        """Seconds, and whether every commit equals ours."""
        for state_hash in filter(None, state_hashes(expected, seq)):
            self._contender.give(state_hash)
        turn = self._contender.run(len(expected))
        # Each commit's hash stands in the next one: a part of each is enough.
        parts = [int.from_bytes(commit_hash(commit)[:4], "little") for commit in expected]
        return turn.seconds, turn.digest == fnv(parts)

    def close(self) -> None:
        self._contender.close()


def step_rows_beside(name: str, size: Size, facts_a_frame: int, directory: Path) -> list[Row]:
    """The core's step, and the bare one, each for what the twin needs; and the core's for what the bare one needs."""
    recording = record(size, Router(SITE).take_over(INBOX, START_MS), facts_a_frame)
    with contextlib.closing(Bare(recording, directory)) as bare:
        return alternate(name, recording, bare)


def alternate(name: str, recording: Recording, bare: Bare) -> list[Row]:
    ours, twin = Ours(recording), Twin(Router(SITE).take_over(INBOX, START_MS))
    size = recording.size
    same = run_twin(twin, recording.setup, ours.setup, 2)[1]
    bare_same = bare.run(ours.setup, 2)[1]
    slices = len(recording.measured) // (ROUNDS + 2)
    facts = recording.facts / len(recording.measured)
    costs: list[tuple[float, float, float]] = []
    seen = ""
    for number in range(ROUNDS + 1):
        turns = recording.measured[number * slices : (number + 1) * slices]
        seq = ours.router.position().seq + 1
        seconds, commits = ours.run(turns)
        peer_seconds, equal = run_twin(twin, turns, commits, seq)
        bare_seconds, bare_equal = bare.run(commits, seq)
        same, bare_same = same and equal, bare_same and bare_equal
        if number:
            costs.append((seconds / slices / facts, peer_seconds / slices / facts, bare_seconds / slices / facts))
        seen = digest(commits)
    latency = ours.latency(recording.measured[(ROUNDS + 1) * slices :])
    violations = ours.router.check()
    void = "" if same else "the twin's commits differ from ours"
    if violations:
        void = f"the router contradicts itself: {violations[0]}"
    bare_void = void if bare_same else "the commits of the bare step differ from ours"
    own, peer, least = (statistics.median(side) * 1e9 for side in zip(*costs, strict=True))
    said = (
        f"{size.agents:,} agents, {size.waiting:,} waiting, {facts:.0f} facts a frame: {own:,.0f} ns a fact, twin {peer:,.0f}; "
        f"p50/p99/p99.9 a step {latency} µs; offers per end {recording.offers / recording.ends:.2f}; last commits {seen}"
    )
    floor = f"the twin's own rules in Rust, without PyO3, the same rounds: {least:,.0f} ns a fact"
    behind = tuple(bare / mine for mine, _, bare in costs)
    return [
        Row(name, "in process", tuple(theirs / mine for mine, theirs, _ in costs), said, void),
        Row(f"bare_{name}", "in process", tuple(theirs / bare for _, theirs, bare in costs), floor, bare_void),
        Row(name.replace("python", "bare"), "in process", behind, "the same rounds", bare_void),
    ]


def step_rows(directory: Path) -> list[Row]:
    return [
        *step_rows_beside("step_vs_python", Size(10_000, 10_000, OPERATIONS * (ROUNDS + 2)), FACTS_A_FRAME, directory),
        *step_rows_beside("step_vs_python_single_facts", Size(1_000, 1_000, SINGLE_OPERATIONS * (ROUNDS + 2)), 1, directory),
    ]


def held_rows(directory: Path) -> list[Row]:
    """A large site: what it weighs, and what a step costs there."""
    held = held_recording()
    return [growth_step_row(held), memory_row(held, directory)]


def growth_step_row(held: Recording) -> Row:
    """The same for the whole step, with ten times as many waiting."""
    operations = OPERATIONS // 4
    few = record(
        Size(HELD.agents, HELD.waiting // 10, operations * (ROUNDS + 1)), Router(SITE).take_over(INBOX, START_MS), FACTS_A_FRAME
    )
    sides = [(Ours(recording), recording) for recording in (few, held)]
    costs: list[list[float]] = [[], []]
    for number in range(ROUNDS + 1):
        for side, (ours, recording) in zip(costs, sides, strict=True):
            slices = len(recording.measured) // (ROUNDS + 1)
            seconds, _ = ours.run(recording.measured[number * slices : (number + 1) * slices])
            side.append(seconds / slices / recording.facts * len(recording.measured))
    values = tuple(late / early for early, late in zip(costs[0][1:], costs[1][1:], strict=True))
    small, large = (statistics.median(side[1:]) * 1e9 for side in costs)
    said = (
        f"whole steps, {HELD.agents:,} agents, {HELD.waiting // 10:,} → {HELD.waiting:,} waiting: "
        f"{small:,.0f} → {large:,.0f} ns a fact"
    )
    return Row("growth_waiting_step", "in process", values, said)


def held_recording() -> Recording:
    """The site whose memory is weighed, and some work on it."""
    size = Size(HELD.agents, HELD.waiting, OPERATIONS // 4 * (ROUNDS + 1))
    return record(size, Router(SITE).take_over(INBOX, START_MS), FACTS_A_FRAME)


def memory_row(held: Recording, directory: Path) -> Row:
    """What the router holds on the heap after the set-up, less what a router holds that knows as many ids and nothing else."""
    path = directory / "held"
    Recording(held.size, setup=held.setup).save(path)
    facts = sum(len(codec.decode_frame(frame[2])) for frame, _ in held.setup)
    done = subprocess.run([str(program("memory")), str(path), str(facts)], check=True, stdout=subprocess.PIPE, text=True)
    whole, ids = map(int, done.stdout.split())
    said = (
        f"{HELD.agents:,} agents, all with a contact, {HELD.waiting:,} waiting; "
        f"{ids / MIB:,.0f} MiB of ids of {facts:,} facts apart"
    )
    return Row("memory_mib", "in process", ((whole - ids) / MIB,), said)


def quality_row() -> Row:
    """Matches of the engine, for each that a min-cost flow finds possible on the same snapshot; the worse of its two ways."""
    from tests.benchmarks.peers.min_cost_flow import most_matched

    values, said = [], []
    for seed in range(1, ROUNDS + 1):
        roll = Roll(Size(QUALITY_SIZE, QUALITY_SIZE, 0, seed=seed))
        possible = most_matched(roll.agents, roll.sets, roll.needs)
        agents_come = offers([roll.declared(), roll.arrivals(), roll.ready()])
        contacts_come = offers([roll.declared(), roll.ready(), roll.arrivals()])
        values.append(min(agents_come, contacts_come) / possible * 100)
        said.append(f"{agents_come:,} and {contacts_come:,} of {possible:,}")
    what = (
        f"{QUALITY_SIZE:,} agents, as many contacts, strategy {POLICY.queues[0].strategy}; matched as agents log in, as contacts "
        f"arrive: {said[0]}; {len(values)} seeds"
    )
    return Row("greedy_vs_optimum", "in process", tuple(values), what)


def offers(parts: list[list[bytes]]) -> int:
    router = Router(SITE)
    router.take_over(INBOX, START_MS)
    made = 0
    facts = [fact for part in parts for fact in part]
    for number, begin in enumerate(range(0, len(facts), FACTS_A_FRAME), 1):
        frame = codec.encode_frame(facts[begin : begin + FACTS_A_FRAME])
        for commit in router.step([(number, START_MS + number, frame)], START_MS + number):
            made += sum(entry.tag == OFFER_MADE for entry in codec.decode_commit(commit).entries)
    return made

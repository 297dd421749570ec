"""The peers of the core's benchmark decide what the core decides: else a comparison would say nothing. Small sizes, no clock."""

from pathlib import Path

import pytest

from cordboard import codec
from cordboard._core import Router
from tests.benchmarks.peers.class_heaps import Backlog, IdlePool
from tests.benchmarks.peers.twin import Twin
from tests.benchmarks.steps import SITE, START_MS, record
from tests.benchmarks.workload import NOBODY, Profile, Size, Workload, fnv, generate, suits

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
PROFILES: tuple[Profile, ...] = ("zipf200", "hard", "wide")


def naive_backlog(work: Workload) -> list[int]:
    """The same in the plainest way: look at everybody who waits."""
    waiting: dict[int, int] = {}
    arrived = work.size.waiting
    waiting.update((contact, work.orders[contact]) for contact in range(arrived))
    found: list[int] = []
    idle: list[int] = []

    def arrive() -> None:
        nonlocal arrived
        needs = work.sets[work.needs[arrived]]
        idle_one = next((agent for agent in idle if suits(work.agents[agent], needs)), None)
        if idle_one is None:
            waiting[arrived] = work.orders[arrived]
        else:
            idle.remove(idle_one)
        arrived += 1

    for operation, agent in enumerate(work.freed):
        if agent in idle:
            idle.remove(agent)
        able = [contact for contact in waiting if suits(work.agents[agent], work.sets[work.needs[contact]])]
        taken = min(able, key=lambda contact: (work.orders[contact], contact), default=NOBODY)
        found.append(taken)
        if taken == NOBODY:
            idle.append(agent)
        else:
            del waiting[taken]
            arrive()
        left = work.leaving[operation] and waiting.pop(arrived - work.leaving[operation], None)
        if left is not None and work.leaving[operation]:
            arrive()
    return found


@pytest.mark.parametrize("profile", PROFILES)
def test_class_heaps_find_whom_a_full_search_finds(profile: Profile) -> None:
    work = generate(Size(agents=60, waiting=120, operations=400, profile=profile))
    found = Backlog(work).run(400)
    assert fnv(found) == fnv(naive_backlog(work))
    assert sum(contact != NOBODY for contact in found) > 300, "a workload in which nobody is found measures nothing"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_idle_pool_gives_the_longest_idle(profile: Profile) -> None:
    work = generate(Size(agents=60, waiting=0, operations=400, profile=profile))
    idle, busy = list(work.idle), [agent for agent in range(60) if agent not in set(work.idle)]
    found = []
    for contact in range(400):
        needs = work.sets[work.needs[contact]]
        agent = next((agent for agent in idle if suits(work.agents[agent], needs)), NOBODY)
        found.append(agent)
        if agent != NOBODY:
            idle.remove(agent)
            busy.append(agent)
            idle.append(busy.pop(0))
    assert IdlePool(work).run(400) == found


def told(commit: bytes) -> list[object]:
    """What stands in a commit, as far as a person can compare it."""
    decoded = codec.decode_commit(commit)
    entries = [codec.decode_event(entry) if entry.tag else codec.decode_input(entry) for entry in decoded.entries]
    return [*entries, *(getattr(decoded, name) for name in decoded.__struct_fields__ if name != "entries")]


@pytest.mark.parametrize("facts_a_frame", [1, 64])
@pytest.mark.parametrize("profile", PROFILES)
def test_the_twin_writes_the_commits_of_the_core(profile: Profile, facts_a_frame: int) -> None:
    router = Router(SITE)
    taken_over = router.take_over(bytes(range(16)), START_MS)
    recording = record(Size(agents=60, waiting=120, operations=300, profile=profile), taken_over, facts_a_frame)
    twin = Twin(taken_over)
    for frame, at_ms in [*recording.setup, *recording.measured]:
        commits = router.step([frame], at_ms)
        given = codec.decode_commit(commits[0]).state_hash
        written = twin.step([frame], at_ms, given)
        if written != commits:
            assert list(map(told, written)) == list(map(told, commits))
            raise AssertionError("the same words, but other bytes")
    assert router.check() == []
    assert recording.offers > 200


def test_the_workload_never_changes(tmp_path: Path) -> None:
    """The contenders in Rust are tested on this file: see rust/core/tests/contest.rs."""
    small = BENCHMARKS / "small.workload"
    generate(Size(agents=60, waiting=120, operations=400)).save(tmp_path / "work")
    assert (tmp_path / "work").read_bytes() == small.read_bytes()


def test_the_steps_that_contenders_in_rust_are_tested_on_are_said_in_the_words_of_today(tmp_path: Path) -> None:
    """A word that has grown since would be found by `make bench-core` only: save what this records as small.steps."""
    size = Size(agents=60, waiting=120, operations=400)
    record(size, Router(SITE).take_over(bytes(range(16)), START_MS)).save(tmp_path / "steps")
    assert (tmp_path / "steps").read_bytes() == (BENCHMARKS / "small.steps").read_bytes()


def test_the_decisions_are_those_that_the_contenders_in_rust_are_tested_on() -> None:
    expected = dict(line.split() for line in (BENCHMARKS / "small.decisions").read_text().splitlines())
    size = Size(agents=60, waiting=120, operations=400)
    assert fnv(Backlog(generate(size)).run(400)) == expected["backlog"]
    assert fnv(IdlePool(generate(size)).run(400)) == expected["idle"]

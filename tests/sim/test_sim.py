"""Some dozens of simulated sites, and everything done to them that a seed can think of: no promise is broken. A seed is a run."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from functools import cache

import pytest

from tests.sim.mutants import gives_a_frame_a_new_id_each_time
from tests.sim.run import Result, simulate

SEEDS = 40
CHUNK = 20
STANDING = (3, 17)
SCRIPT = "from tests.sim.run import simulate; print(*(simulate(seed).digest for seed in ({})))"


@cache
def ran(seed: int) -> Result:
    """Once for all who only look at it."""
    return simulate(seed)


@pytest.mark.parametrize("first", range(1, SEEDS, CHUNK))
def test_no_promise_is_broken(first: int) -> None:
    for seed in range(first, first + CHUNK):
        result = ran(seed)
        assert not result.broken, "\n".join([f"seed {seed}", *result.transcript, *result.broken])
        assert result.counts["commits"] > 10 and result.counts["acknowledged"] > 5, "an idle site proves nothing"


def test_all_kinds_of_trouble_happen() -> None:
    """What is promised to be borne has happened, in a dozen seeds."""
    counts, done = set(), []
    for seed in range(1, 13):
        result = ran(seed)
        counts |= {name for name, count in result.counts.items() if count}
        done += result.transcript
    assert {"lost messages", "lost answers", "late", "lost consumers", "repeats", "take-overs"} <= counts
    for what in ("is killed at a step of its own", "is killed at once", "is paused", "goes on", "loses its connection",
                 "is damaged", "forgets the ids", "the clock of", "leads in epoch 3", "is killed with all routers",
                 "is told to stop", "has stopped", "the server's clock"):  # fmt: skip
        assert any(what in line for line in done), what


def digests(hash_seed: str, *seeds: int) -> list[str]:
    """Of runs in a process of their own, in the order given."""
    script = SCRIPT.format(", ".join(map(str, seeds)))
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return ran.stdout.split()


def test_a_seed_is_one_run_whatever_ran_before_and_however_sets_are_ordered() -> None:
    here = [simulate(seed).digest for seed in STANDING]
    assert len(set(here)) == len(STANDING)
    assert digests("0", *STANDING) == here
    assert digests("4711", *reversed(STANDING)) == here[::-1]


def test_chance_is_given_back() -> None:
    simulate(1)
    assert os.urandom(16) != os.urandom(16)
    random.seed(1)
    first = random.random()
    simulate(1)
    random.seed(1)
    assert random.random() == first


def test_a_frame_that_the_stream_stores_twice_is_harmless() -> None:
    """Beyond the stream's own memory of ids only the core knows a fact again."""
    twice = 0
    with gives_a_frame_a_new_id_each_time():
        for seed in range(1, 13):
            result = simulate(seed)
            assert not result.broken, "\n".join([f"seed {seed}", *result.transcript, *result.broken])
            twice += result.counts.get("lost answers", 0)
    assert twice

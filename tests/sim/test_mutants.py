"""The checker can fail: each engine with a fault of its own is found within the seeds that stand beside it."""

from __future__ import annotations

import pytest

from tests.sim.mutants import CAUGHT
from tests.sim.run import simulate


@pytest.mark.parametrize("name", CAUGHT)
def test_a_fault_is_found(name: str) -> None:
    mutant, first, within = CAUGHT[name]
    with mutant():
        found = next((result for seed in (first, *range(1, within + 1)) if (result := simulate(seed)).broken), None)
    assert found is not None, f"no finding in {within} seeds"
    assert found.transcript
    assert not simulate(found.seed).broken, "without the fault the same seed finds nothing"

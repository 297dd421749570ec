"""Long runs of the random histories: `python -m tests.property.long --minutes 24 --seed 1`.

Seeded days and Hypothesis' state machine take turns until the processor has spent so many minutes on them. Says which seeds, how
many histories and facts, which rules were met seldom or never, and what was found, with the seed that shows it again.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from tests.property.all_happenings import KINDS
from tests.property.rules import IMPOSSIBLE, Tally
from tests.property.test_histories import Day
from tests.property.test_router import Histories

DAYS_A_ROUND = 20
TURNS_A_DAY = 250
EXAMPLES_A_ROUND = 40
STEPS = 60
RARE_PERCENT = 2.0


def run(minutes: float, first: int, kinds: Sequence[str]) -> int:
    """How many findings there were."""
    tally, findings, seed, until = Tally(), 0, first, time.process_time() + 60 * minutes
    while time.process_time() < until:
        kind = kinds[seed % len(kinds)]
        for day in range(seed * 1_000, seed * 1_000 + DAYS_A_ROUND):
            findings += found(a_day, kind, day, tally)
            if time.process_time() >= until:
                break
        else:
            findings += found(examples, kind, seed, tally)
        seed += 1
    print(f"seeds {first} to {seed - 1}: {tally.histories} histories, {tally.facts} facts, {findings} findings")
    never = [rule for rule, share in tally.shares() if share == 0 and rule not in IMPOSSIBLE]
    print(f"rules met: {len(tally.met)}; never: {', '.join(never) or 'none'}")
    for rule, share in tally.shares():
        if 0 < share < RARE_PERCENT:
            print(f"{share:6.2f} % of histories: {rule}")
    return findings


def a_day(kind: str, seed: int, tally: Tally) -> None:
    day = Day(seed, kind)
    try:
        day.go(TURNS_A_DAY)
    finally:
        tally.add(day.pair)


def examples(of: str, seed: int, tally: Tally) -> None:
    class Counted(Histories):
        kind = KINDS[of]

        def teardown(self) -> None:
            super().teardown()
            if hasattr(self, "pair"):
                tally.add(self.pair)

    limits = settings(
        max_examples=EXAMPLES_A_ROUND, stateful_step_count=STEPS, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(seeded(seed)(Counted), settings=limits)


def found(histories: Callable[[str, int, Tally], None], kind: str, seed: int, tally: Tally) -> bool:
    try:
        histories(kind, seed, tally)
    except Exception:  # noqa: BLE001  whatever goes wrong in a history is a finding
        print(f"finding: {histories.__name__} of kind {kind}, seed {seed}")
        traceback.print_exc(limit=-1, file=sys.stdout)
        return True
    return False


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=24, help="processor time to spend")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=KINDS, help="of histories; without it they take turns")
    chosen = parser.parse_args()
    sys.exit(1 if run(chosen.minutes, chosen.seed, [chosen.kind] if chosen.kind else list(KINDS)) else 0)

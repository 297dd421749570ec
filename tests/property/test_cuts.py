"""Turns that are too large for one commit: the naive router knows no commits, so where a turn is cut must not matter."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.events import fact as f
from tests.property.pair import Pair
from tests.property.sites import site
from tests.property.test_histories import Day

DAYS = 10
TURNS = 120
CUT = 0.3
UNHEARD_MS = (0, 300, 900, 1_500)
"""Less than the silence that is forgiven."""
LONG_FACTS = 12
SKILLS = [f"{'skill-'.ljust(40, '-')}{number:04}" for number in range(1_000)]


class CutPair(Pair):
    """Every fact in a frame of its own: some are long."""

    def step(self, facts: Sequence[f.Fact], late_ms: int) -> list[bytes]:
        first, self.frames = self.frames + 1, self.frames + len(facts)
        frames = [(seq, self.now - late_ms, codec.encode_frame([codec.encode(fact)])) for seq, fact in enumerate(facts, first)]
        self.turns.append((frames, self.now))
        return self.router.step(frames, self.now)

    def long_facts(self) -> list[f.Fact]:
        """More bytes than a commit has room for: a policy that is refused, because it is not newer."""
        policy = codec.encode(replace(self.naive.policy, skills=[*self.naive.policy.skills, *SKILLS]))
        return [f.PolicyPublished(self.fact_id(), policy) for _ in range(LONG_FACTS)]


class CutDay(Day):
    """Now and then time passes and nobody wakes the core; then it hears at once of what happened meanwhile, and of too much."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.pair: CutPair = CutPair(site(self.dice))
        self.cuts = 0

    def turn(self) -> None:
        if self.random.random() < 1 - CUT:
            super().turn()
            return
        unheard_ms = self.random.choice(UNHEARD_MS)
        facts = [self.fact() for _ in range(self.random.choice([1, 2, 4]))]
        self.said += facts
        self.pair.now += unheard_ms
        at = self.random.randrange(len(facts) + 1)
        known = len(self.pair.commits)
        late_ms = self.random.choice([0, unheard_ms, unheard_ms // 2])
        self.pair.happen(*facts[:at], *self.pair.long_facts(), *facts[at:], late_ms=late_ms)
        self.cuts += sum(codec.decode_commit(commit).continued for commit in self.pair.commits[known:])


@pytest.mark.parametrize("seed", range(DAYS))
def test_a_day_of_cut_turns(seed: int) -> None:
    day = CutDay(seed)
    day.go(TURNS)
    assert day.cuts > TURNS * CUT / 2

"""The core alone, through PyO3: `step` on a site with agents and waiting contacts. Volatile, in process: no log, no socket."""

import itertools
from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from cordboard import codec
from cordboard._core import Router
from cordboard.events import fact as facts
from cordboard.events.bounds import AgentChannel, Membership
from cordboard.policy import load
from tests.benchmarks.engine import SITE, WEBSHOP

AGENTS, WAITING, FACTS = 200, 5_000, 64
START_MS = 1_800_000_000_000


class Busy:
    """A site whose agents are all at work, so that a backlog stands; each turn queues and cancels contacts."""

    def __init__(self) -> None:
        self.router = Router(SITE)
        self.router.take_over(bytes(16), START_MS)
        self._numbers = itertools.count(1)
        self._frames = itertools.count(1)
        self._oldest = self._contacts()
        self._newest = self._contacts()
        self.step([facts.PolicyPublished(self._id(), load(WEBSHOP).compiled(1))])
        for number in range(AGENTS):
            agent = number.to_bytes(16, "big")
            declared = facts.AgentDeclared(self._id(), agent, [], [Membership("orders")], [AgentChannel("task")])
            self.step([declared, facts.PresenceRequested(self._id(), agent, "ready")])
        for _ in range((AGENTS + WAITING) // FACTS):
            self.step([self._arrival() for _ in range(FACTS)])

    def turn(self) -> list[bytes]:
        """One frame: half arrivals, half ends of the oldest."""
        half = FACTS // 2
        ended = [facts.ContactEndRequested(self._id(), next(self._oldest)) for _ in range(half)]
        return [codec.encode(fact) for fact in [*(self._arrival() for _ in range(half)), *ended]]

    def step(self, wanted: list[facts.Fact]) -> None:
        self.step_encoded([codec.encode(fact) for fact in wanted])

    def step_encoded(self, encoded: list[bytes]) -> list[bytes]:
        return self.router.step([(next(self._frames), START_MS, codec.encode_frame(encoded))], START_MS)

    def _arrival(self) -> facts.ContactArrived:
        return facts.ContactArrived(self._id(), next(self._newest), "task", "orders")

    def _id(self) -> bytes:
        return next(self._numbers).to_bytes(16, "big")

    @staticmethod
    def _contacts() -> Iterator[bytes]:
        return (b"contact!" + number.to_bytes(8, "big") for number in itertools.count())


@pytest.mark.benchmark(group="core")
def test_step_of_64_facts(benchmark: BenchmarkFixture) -> None:
    site = Busy()

    def prepare() -> tuple[tuple[list[bytes]], dict[str, object]]:
        return (site.turn(),), {}

    benchmark.extra_info.update(agents=AGENTS, waiting=WAITING, facts=FACTS)
    commits = benchmark.pedantic(site.step_encoded, setup=prepare, rounds=400, warmup_rounds=20)
    assert len(commits) == 1
    assert site.router.check() == []

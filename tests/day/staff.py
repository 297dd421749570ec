"""What agents do besides contacts: shifts, breaks, outside calls, broken desks, coming back after misses."""

import random
from collections.abc import Callable, Iterable, Iterator

from cordboard.events import agent_events as events
from cordboard.events import fact as f
from tests.day.agenda import Agenda
from tests.day.ids import Ids
from tests.day.people import Shift, Worker
from tests.day.site import MINUTE, SECOND

Doings = Callable[[], Iterable[f.Fact]]


class Staff:
    """Plans every worker's shifts when it is made, and reacts to what the engine does to them."""

    def __init__(self, agenda: Agenda, ids: Ids, workers: list[Worker], begins_ms: int, lasts_ms: int, seed: int) -> None:
        self._agenda = agenda
        self._ids = ids
        self._workers = {worker.agent: worker for worker in workers}
        self._begins_ms = begins_ms
        self._lasts_ms = lasts_ms
        self._chance = random.Random(f"{seed}/staff")
        self.experts = [
            worker.agent for worker in workers if any(each.skill == "expert" and each.level > 5 for each in worker.skills)
        ]
        for worker in workers:
            self._plan(worker)

    def switched_off(self, agent: bytes, channel: str, at_ms: int) -> None:
        """Missed too often: a while later the agent looks at the screen again."""
        self._agenda.at(at_ms + 3 * MINUTE, lambda _: [f.ChannelSwitched(self._ids.fact(), agent, channel, True)])

    def presence_changed(self, agent: bytes, event: events.PresenceChanged) -> None:
        """Whom the engine sent away comes back, if still on duty."""
        if event.cause in ("declined", "missed", "technical"):
            back_ms = event.at_ms + self._chance.randrange(MINUTE, 3 * MINUTE)
            self._agenda.at(back_ms, lambda at_ms: self._ready(agent) if self._on_duty(agent, at_ms) else [])

    def _on_duty(self, agent: bytes, at_ms: int) -> bool:
        return any(shift.at_work(at_ms - self._begins_ms) for shift in self._workers[agent].shifts)

    def _plan(self, worker: Worker) -> None:
        self._later(SECOND, lambda: [self._declared(worker)])
        for shift in worker.shifts:
            self._plan_shift(worker, shift)

    def _plan_shift(self, worker: Worker, shift: Shift) -> None:
        self._later(max(MINUTE, shift.begins_ms), lambda: self._ready(worker.agent))
        for reason, from_ms, to_ms in shift.breaks:
            self._leave(worker.agent, from_ms, "not_ready", reason)
            self._later(to_ms, lambda: self._ready(worker.agent))
        self._leave(worker.agent, shift.ends_ms, "offline", None)
        self._plan_troubles(worker, shift)

    def _plan_troubles(self, worker: Worker, shift: Shift) -> None:
        """An outside call or two; the network fails some."""
        channel = worker.channels[0].channel
        for _ in range(self._chance.choice((0, 0, 1, 2))):
            from_ms = self._chance.randrange(shift.begins_ms, shift.ends_ms)
            work = self._ids.ref()
            self._later(from_ms, lambda work=work: [f.AgentBusyReported(self._ids.fact(), worker.agent, channel, work, True)])
            self._later(from_ms + self._chance.randrange(MINUTE, 5 * MINUTE),
                        lambda work=work: [f.AgentBusyReported(self._ids.fact(), worker.agent, channel, work, False)])  # fmt: skip
        if self._chance.random() < 0.3:
            from_ms = self._chance.randrange(shift.begins_ms, shift.ends_ms)
            self._later(from_ms, lambda: [f.DeskLost(self._ids.fact(), worker.agent)])
            self._later(from_ms + self._chance.randrange(10 * SECOND, 4 * MINUTE),
                        lambda: [f.DeskReturned(self._ids.fact(), worker.agent)])  # fmt: skip

    def _leave(self, agent: bytes, at_ms: int, presence: f.Presence, reason: str | None) -> None:
        """Known ten minutes ahead, so that nothing is offered that would run over."""
        self._later(at_ms - 10 * MINUTE, lambda: [f.AgentScheduled(self._ids.fact(), agent, self._begins_ms + at_ms)])
        self._later(at_ms, lambda: [f.PresenceRequested(self._ids.fact(), agent, presence, reason)])

    def _later(self, at_ms: int, facts: Doings) -> None:
        """At an instant of the time that is simulated, if it is one."""
        if 0 <= at_ms < self._lasts_ms:
            self._agenda.at(self._begins_ms + at_ms, lambda _: facts())

    def _ready(self, agent: bytes) -> Iterator[f.Fact]:
        yield f.PresenceRequested(self._ids.fact(), agent, "ready")

    def _declared(self, worker: Worker) -> f.Fact:
        return f.AgentDeclared(
            self._ids.fact(), worker.agent, list(worker.skills), list(worker.memberships), list(worker.channels), 100
        )

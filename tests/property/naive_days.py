"""The site's days, naively: what agents did today counts from zero when one begins."""

from cordboard.events import event as e
from tests.property.naive_record import Record
from tests.property.naive_timers import Timer, timer


class Days(Record):
    """`day_ms`: everything up to there has begun or never will."""

    def day_timers(self) -> list[Timer]:
        coming = [instant_ms for instant_ms in self.policy.days_ms if instant_ms > self.day_ms]
        return [timer(min(coming), "day", b"", self.day_turned)] if coming else []

    def day_turned(self) -> None:
        self.day_ms = self.moment
        self.record(e.DayTurned(at_ms=self.moment))
        for agent in self.agents:
            agent.started = agent.ready_ms = 0
            agent.ready_since_ms = None if agent.ready_since_ms is None else self.moment

"""What became of visits, by queue: the figures in which two courses of events are compared."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from cordboard import codec
from cordboard.events.commit import Entry
from cordboard.events.event import VisitEnded

VISIT_ENDED = VisitEnded.__struct_config__.tag


class Kpi(msgspec.Struct):
    """Visits of a queue that ended. `in_target`: answered within the target; waits in ms, of answered visits."""

    answered: int = 0
    abandoned: int = 0
    other: int = 0
    in_target: int = 0
    wait_total_ms: int = 0
    wait_max_ms: int = 0

    @property
    def mean_wait_ms(self) -> int | None:
        """None: nobody was answered."""
        return self.wait_total_ms // self.answered if self.answered else None

    @property
    def service_level(self) -> float | None:
        """Percent answered within the target, of those answered or abandoned; None: nobody was."""
        offered = self.answered + self.abandoned
        return 100 * self.in_target / offered if offered else None


class Kpis:
    """Folds events of visits that ended."""

    def __init__(self) -> None:
        self.queues: dict[str, Kpi] = defaultdict(Kpi)

    def fold(self, entry: Entry) -> None:
        """Other entries change nothing."""
        if entry.tag != VISIT_ENDED:
            return
        event = codec.decode_event(entry)
        if not isinstance(event, VisitEnded):
            return
        kpi = self.queues[event.queue]
        if event.outcome == "answered":
            kpi.answered += 1
            kpi.in_target += event.wait_ms <= event.target_ms
            kpi.wait_total_ms += event.wait_ms
            kpi.wait_max_ms = max(kpi.wait_max_ms, event.wait_ms)
        elif event.outcome in ("abandoned", "abandoned_after_transfer"):
            kpi.abandoned += 1
        else:
            kpi.other += 1

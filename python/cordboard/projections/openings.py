"""Which queues take new contacts: by the switch and by their calendars."""

from collections.abc import Container
from typing import NamedTuple

from cordboard.events.event import QueueHoursTurned, QueueModeSet
from cordboard.projections.rows import QueueState


class Opening(NamedTuple):
    """`mode`: by the switch; `closed_hours`: by the calendar. `close_at_ms`: when those who still wait are moved on."""

    mode: QueueState
    close_at_ms: int | None = None


class Openings:
    """Of all queues; one of which nothing was said is open."""

    def __init__(self) -> None:
        self._modes: dict[str, Opening] = {}
        self._hours: dict[str, Opening] = {}

    def keep(self, queues: Container[str], timed: Container[str]) -> None:
        """A new policy: it has these queues, and these of them have a calendar."""
        self._modes = {queue: opening for queue, opening in self._modes.items() if queue in queues}
        self._hours = {queue: opening for queue, opening in self._hours.items() if queue in timed}

    def mode_set(self, event: QueueModeSet) -> None:
        """The switch."""
        _put(self._modes, event.queue, None if event.mode == "open" else Opening(event.mode, event.close_at_ms))

    def hours_turned(self, event: QueueHoursTurned) -> None:
        """The calendar."""
        _put(self._hours, event.queue, None if event.open else Opening("closed_hours", event.close_at_ms))

    def of(self, queue: str) -> Opening:
        """The switch says more than the calendar."""
        return self._modes.get(queue) or self._hours.get(queue) or Opening("open")


def _put(openings: dict[str, Opening], queue: str, opening: Opening | None) -> None:
    if opening is None:
        openings.pop(queue, None)
    else:
        openings[queue] = opening

"""What became of the week, read from what the engine recorded."""

from collections import Counter

import msgspec

from cordboard.events import event as events
from cordboard.events.commit import Entry
from cordboard.events.fact import DoorState
from cordboard.events.promises import PromiseEnded, PromiseMade


class Stay(msgspec.Struct):
    """A contact since it first joined a queue; instants are Unix ms. `wait_ms`: until it was answered (None: it was not)."""

    channel: str
    queued_ms: int
    due_ms: int
    wait_ms: int | None = None
    left_ms: int | None = None
    """How long whoever was not answered stayed."""
    expected_ms: int | None = None
    """The 80th percentile of the wait that was expected when it joined; `said_ms` is that as it is told to people."""
    said_ms: int | None = None


class Promised(msgspec.Struct):
    """A call that was promised for `due_ms`, and is kept between `from_ms` and `until_ms`. `outcome` None: it has no end."""

    kind: str
    due_ms: int
    from_ms: int
    until_ms: int
    dialled_ms: int | None = None
    """When last."""
    connected_ms: int | None = None
    outcome: str | None = None
    reason: str | None = None


class Turned(msgspec.Struct):
    """A door as it was turned last."""

    state: DoorState
    held_until_ms: int


class Tally:
    """`promises` and `stays` by contact."""

    def __init__(self, costs: dict[str, int]) -> None:
        """`costs`: what a contact of each channel takes of an agent, in percent."""
        self.promises: dict[bytes, Promised] = {}
        self.stays: dict[bytes, Stay] = {}
        self.declined: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        self.doors: Counter[tuple[str, str]] = Counter()
        """How often an entry point turned to a state."""
        self.turned_back: Counter[str] = Counter()
        """Customers who wanted to come in by a channel, saw how its door stands, and did not."""
        self.at_risk = 0
        self.under_dwell = 0
        """Turns before the least time was over that the engine had no right to."""
        self.work: Counter[str] = Counter()
        """Time of agents by channel, in hundredths of a millisecond: as much of it as each contact takes."""
        self._costs = costs
        self._since: dict[tuple[bytes | None, bytes | None], tuple[int, int]] = {}
        """When an agent was engaged with a contact, or began to wrap up, and what that takes."""
        self._door: dict[str, Turned] = {}

    def queued(self, contact: bytes, channel: str, event: events.ContactQueued) -> None:
        if contact not in self.stays and contact not in self.promises:
            self.stays[contact] = Stay(channel, event.at_ms, event.queued_at_ms + event.target_ms)

    def expected(self, contact: bytes, event: events.WaitExpected) -> None:
        if (stay := self.stays.get(contact)) is not None and stay.said_ms is None:
            stay.expected_ms, stay.said_ms = event.p80_ms, event.said_ms

    def answered(self, contact: bytes, event: events.ContactAnswered) -> None:
        if (stay := self.stays.get(contact)) is not None and stay.wait_ms is None:
            stay.wait_ms = event.at_ms - stay.queued_ms

    def ended(self, contact: bytes, at_ms: int) -> None:
        if (stay := self.stays.get(contact)) is not None and stay.wait_ms is None:
            stay.left_ms = at_ms - stay.queued_ms

    def engaged(self, entry: Entry, at_ms: int) -> None:
        self._since[entry.contact, entry.agent] = at_ms, self._costs[str(entry.channel)]

    def disengaged(self, entry: Entry, event: events.EngagementEnded) -> None:
        self.wrapped(entry, event.at_ms)
        if event.wrap_until_ms is not None:
            self._since[entry.contact, entry.agent] = event.at_ms, event.wrap_cost

    def wrapped(self, entry: Entry, at_ms: int) -> None:
        since_ms, cost = self._since.pop((entry.contact, entry.agent), (at_ms, 0))
        self.work[str(entry.channel)] += (at_ms - since_ms) * cost

    def made(self, contact: bytes, event: PromiseMade) -> None:
        self.promises[contact] = Promised(event.kind, event.due_ms, event.from_ms, event.until_ms)

    def connected(self, contact: bytes, at_ms: int) -> None:
        if (promise := self.promises.get(contact)) is not None and promise.connected_ms is None:
            promise.connected_ms = at_ms

    def settled(self, contact: bytes, event: PromiseEnded) -> None:
        promise = self.promises[contact]
        assert promise.outcome is None, "a promise ends once"
        promise.outcome, promise.reason = event.outcome, event.reason

    def turned(self, event: events.DoorTurned) -> None:
        """What nobody could be served behind may be shut at any time; everything else waits for the least time."""
        last = self._door.get(event.entry_point)
        if last is None or last.state != event.state:
            self.doors[event.entry_point, event.state] += 1
            unforced = event.cause in (None, "expected_wait")
            self.under_dwell += last is not None and unforced and event.at_ms < last.held_until_ms
        self._door[event.entry_point] = Turned(event.state, event.held_until_ms)

    def door(self, name: str) -> DoorState | None:
        """How it stands; None: nothing was said of it."""
        found = self._door.get(name)
        return found.state if found is not None else None

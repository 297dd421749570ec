"""Load ≤ capacity for every agent at every point of the journal, except by a recorded excess; no offer while over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from cordboard.events import event as words
from cordboard.events.commit import Entry


class Room:
    """What an agent may take, and what they have."""

    __slots__ = ("capacity", "counts", "load", "maxima", "over", "ready")

    def __init__(self) -> None:
        self.capacity = 0
        self.maxima: dict[str, int] = {}
        self.load = 0
        self.counts: Counter[str] = Counter()
        self.ready = False
        self.over = False
        """An excess was recorded and lasts."""

    def exceeded(self) -> bool:
        return self.load > self.capacity or any(count > self.maxima.get(channel, 0) for channel, count in self.counts.items())


class Loads:
    """Folds what changes loads and capacities. `whole`: begun at the journal's first commit, so that every agent is known."""

    def __init__(self, report: Callable[[str], None], whole: bool) -> None:
        self._report = report
        self._whole = whole
        self._rooms: dict[bytes, Room] = {}
        self._costs: dict[tuple[bytes, int], tuple[bytes, str, int]] = {}
        self._redeclared: set[bytes] = set()
        self._folds: dict[int, Callable[[Entry, Any], None]] = {
            13: self._offer_made,
            15: self._over,
            16: self._over,
            17: self._over,
            18: self._over,
            22: self._engagement_ended,
            23: self._over,
            30: self._agent_registered,
            31: self._agent_removed,
            32: self._presence_changed,
            34: self._over_capacity_recorded,
        }

    def fold(self, entry: Entry, event: words.Event) -> None:
        if (fold := self._folds.get(entry.tag)) is not None:
            fold(entry, event)

    def _offer_made(self, entry: Entry, event: words.OfferMade) -> None:
        agent, contact, channel = entry.agent or b"", entry.contact or b"", entry.channel or ""
        room = self._rooms.get(agent)
        if room is None:
            if self._whole:
                self._report(f"an offer to agent {agent.hex()}, who is not declared")
            return
        if room.exceeded():
            self._report(f"an offer to agent {agent.hex()} while over capacity")
        room.load += event.cost
        room.counts[channel] += 1
        self._costs[contact, event.attempt] = (agent, channel, event.cost)
        if not room.ready and self._whole:
            self._report(f"an offer to agent {agent.hex()}, who is not ready")
        if room.exceeded():
            self._report(f"agent {agent.hex()} is offered more than the capacity: load {room.load} of {room.capacity}")

    def _engagement_ended(self, entry: Entry, event: words.EngagementEnded) -> None:
        taken = self._costs.get((entry.contact or b"", event.attempt))
        if event.wrap_until_ms is None:
            self._over(entry, event)
        elif taken is not None:
            agent, channel, cost = taken
            self._rooms[agent].load += event.wrap_cost - cost
            self._costs[entry.contact or b"", event.attempt] = (agent, channel, event.wrap_cost)

    def _over(
        self,
        entry: Entry,
        event: words.OfferDeclined
        | words.OfferExpired
        | words.OfferRevoked
        | words.ConnectExpired
        | words.EngagementEnded
        | words.WrapUpEnded,
    ) -> None:
        taken = self._costs.pop((entry.contact or b"", event.attempt), None)
        if taken is not None:
            agent, channel, cost = taken
            room = self._rooms[agent]
            room.load -= cost
            room.counts[channel] -= 1
            if room.over and not room.exceeded():
                room.over = False

    def _agent_registered(self, entry: Entry, event: words.AgentRegistered) -> None:
        room = self._rooms.setdefault(entry.agent or b"", Room())
        room.capacity = event.capacity
        room.maxima = {channel.channel: channel.max_concurrent or 0 for channel in event.channels}
        # An excess that lasts over several declarations needs no second record.
        room.over = room.over and room.exceeded()
        self._redeclared.add(entry.agent or b"")

    def _agent_removed(self, entry: Entry, _event: words.AgentRemoved) -> None:
        room = self._rooms.get(entry.agent or b"")
        if room is not None and (room.load or any(room.counts.values())):
            self._report(f"agent {(entry.agent or b'').hex()} is removed with work")
        self._rooms.pop(entry.agent or b"", None)

    def _presence_changed(self, entry: Entry, event: words.PresenceChanged) -> None:
        room = self._rooms.get(entry.agent or b"")
        if room is not None:
            room.ready = event.effective == "ready" and event.requested == "ready"

    def _over_capacity_recorded(self, entry: Entry, _event: words.OverCapacityRecorded) -> None:
        room = self._rooms.get(entry.agent or b"")
        if room is not None:
            room.over = True

    def settle(self) -> None:
        """After a commit: whom a new declaration left over capacity must have it on record."""
        for agent in self._redeclared:
            room = self._rooms.get(agent)
            if room is not None and room.exceeded() and not room.over:
                self._report(f"agent {agent.hex()} is over capacity, and it is not recorded")
        self._redeclared.clear()

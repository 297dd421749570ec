"""Load ≤ capacity for every agent at every point of the journal, except by a recorded excess; no routed offer while over.

Work from outside counts; what is dormant costs its share and stands outside the channel's maximum, its wrap-up included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Taken:
    """What one offer, or what became of it, takes of its agent."""

    agent: bytes
    channel: str
    cost: int
    counts: bool = True
    """It counts for the channel's maximum."""


class Loads:
    """Folds what changes loads and capacities. `whole`: begun at the journal's first commit, so that every agent is known."""

    def __init__(self, report: Callable[[str], None], whole: bool) -> None:
        self._report = report
        self._whole = whole
        self._rooms: dict[bytes, Room] = {}
        self._taken: dict[tuple[bytes, int], Taken] = {}
        self._touched: set[bytes] = set()
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
            46: self._over,
            50: self._outside_work_changed,
            66: self._dormant,
            67: self._revived,
            75: self._over,
        }

    def fold(self, entry: Entry, event: words.Event) -> None:
        if (fold := self._folds.get(entry.tag)) is not None:
            fold(entry, event)

    def _offer_made(self, entry: Entry, event: words.OfferMade) -> None:
        """Who is offered something directly, or instead of something else, may get too much: then it is recorded."""
        agent, channel = entry.agent or b"", entry.channel or ""
        room = self._rooms.get(agent)
        if room is None:
            if self._whole:
                self._report(f"an offer to agent {agent.hex()}, who is not declared")
            return
        routed = event.cause != "direct"
        if room.exceeded() and routed:
            self._report(f"an offer to agent {agent.hex()} while over capacity")
        if not room.ready and self._whole:
            self._report(f"an offer to agent {agent.hex()}, who is not ready")
        self._take((entry.contact or b"", event.attempt), Taken(agent, channel, event.cost))
        if room.exceeded() and routed and not event.interrupts:
            self._report(f"agent {agent.hex()} is offered more than the capacity: load {room.load} of {room.capacity}")
            self._touched.discard(agent)

    def _engagement_ended(self, entry: Entry, event: words.EngagementEnded) -> None:
        offer = (entry.contact or b"", event.attempt)
        if event.wrap_until_ms is None:
            self._release(offer)
        elif (taken := self._release(offer)) is not None:
            self._take(offer, replace(taken, cost=event.wrap_cost))

    def _over(
        self,
        entry: Entry,
        event: words.OfferDeclined
        | words.OfferExpired
        | words.OfferRevoked
        | words.ConnectExpired
        | words.ConnectFailed
        | words.AttemptRecorded
        | words.WrapUpEnded,
    ) -> None:
        self._release((entry.contact or b"", event.attempt))

    def _dormant(self, entry: Entry, event: words.ContactDormant) -> None:
        offer = (entry.contact or b"", event.attempt)
        if (taken := self._release(offer)) is not None:
            self._take(offer, replace(taken, cost=event.cost, counts=False))

    def _revived(self, entry: Entry, event: words.ContactRevived) -> None:
        offer = (entry.contact or b"", event.attempt)
        if (taken := self._release(offer)) is not None:
            self._take(offer, replace(taken, cost=event.cost, counts=True))

    def _outside_work_changed(self, entry: Entry, event: words.OutsideWorkChanged) -> None:
        # Known by its own id, which no contact has.
        work = (event.work, 0)
        if event.busy:
            self._take(work, Taken(entry.agent or b"", entry.channel or "", event.cost))
        else:
            self._release(work)

    def _take(self, what: tuple[bytes, int], taken: Taken) -> None:
        room = self._rooms.get(taken.agent)
        if room is not None:
            room.load += taken.cost
            room.counts[taken.channel] += taken.counts
            self._taken[what] = taken
            self._touched.add(taken.agent)

    def _release(self, what: tuple[bytes, int]) -> Taken | None:
        """What it took; None if that is not known."""
        taken = self._taken.pop(what, None)
        if taken is not None:
            room = self._rooms[taken.agent]
            room.load -= taken.cost
            room.counts[taken.channel] -= taken.counts
            self._touched.add(taken.agent)
        return taken

    def _agent_registered(self, entry: Entry, event: words.AgentRegistered) -> None:
        room = self._rooms.setdefault(entry.agent or b"", Room())
        room.capacity = event.capacity
        room.maxima = {channel.channel: channel.max_concurrent or 0 for channel in event.channels}
        self._touched.add(entry.agent or b"")

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
        """After a commit: who is over capacity has it on record, and the record lasts as long as that."""
        for agent in self._touched:
            room = self._rooms.get(agent)
            if room is not None and room.exceeded() and not room.over:
                self._report(f"agent {agent.hex()} is over capacity ({room.load} of {room.capacity}), and it is not recorded")
            if room is not None:
                room.over = room.over and room.exceeded()
        self._touched.clear()

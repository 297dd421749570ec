"""The agents' side of the boards: presence, load by channel, who is ready for which queue, occupancy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from cordboard.events import event as words
from cordboard.events.commit import Entry
from cordboard.events.fact import Presence
from cordboard.projections.about import agent_of, channel_of
from cordboard.projections.accrual import NEVER_MS, Occupancy
from cordboard.projections.marks import Marks
from cordboard.projections.rows import AgentRow, ChannelLoad

GONE_MAX = 65_536
"""Removed agents that watchers are still told of."""
Door = tuple[str | None, str | None]
"""A (queue, channel) that agents are ready for; (queue, None) any channel of the queue, (None, channel) that channel anywhere."""


class Work:
    """An offer and what became of it: one agent's work on one contact."""

    __slots__ = ("agent", "channel", "cost", "counted", "phase", "queue", "talk_ms", "turned_ms")

    def __init__(self, agent: bytes, queue: str, channel: str, cost: int) -> None:
        self.agent = agent
        self.queue = queue
        self.channel = channel
        self.cost = cost
        self.phase = "offered"
        self.turned_ms = 0
        """When the phase `engaged` or `wrapping` began."""
        self.talk_ms = 0
        self.counted = False
        """By its queue: the work of a contact's primary, not that of its sides."""


class Agent:
    """One agent as folded so far."""

    def __init__(self) -> None:
        self.requested: Presence = "offline"
        self.requested_reason: str | None = None
        self.effective: Presence = "offline"
        self.effective_reason: str | None = None
        self.since_ms = 0
        self.idle_since_ms = 0
        self.queues: tuple[str, ...] = ()
        self.maxima: dict[str, int] = {}
        self.off: set[str] = set()
        self.capacity = 0
        self.loads: Counter[str] = Counter()
        self.phases: Counter[tuple[str, str]] = Counter()
        """Contacts at work by (channel, phase)."""
        self.handled = 0
        self.occupancy = Occupancy()
        self.work_rate = 0
        self.ready_rate = 0
        self.desk = True
        """Nobody is offered anything while the desk is lost."""
        self.leaves_ms: int | None = None
        self.reserved_for: bytes | None = None
        self.outside: dict[bytes, tuple[str, int]] = {}
        """Work from elsewhere: its channel and cost."""
        self.posts: frozenset[Door] = frozenset()
        """What this agent is declared for."""
        self.doors: frozenset[Door] = frozenset()
        """What this agent is ready for now."""
        self.kept: AgentRow | None = None
        """The row as it was read last, until something of it changes."""
        self.kept_until_ms = 0
        """When time alone changes it: the occupancy becomes another."""

    def declared_posts(self) -> frozenset[Door]:
        return self._doors([channel for channel, maximum in self.maxima.items() if maximum > 0])

    def open_doors(self) -> frozenset[Door]:
        if self.effective != "ready" or self.requested != "ready" or not self.desk:
            return frozenset()
        return self._doors([channel for channel, maximum in self.maxima.items() if maximum > 0 and channel not in self.off])

    def _doors(self, on: list[str]) -> frozenset[Door]:
        if not on or not self.queues:
            return frozenset()
        doors: set[Door] = {(None, channel) for channel in on}
        for queue in self.queues:
            doors.add((queue, None))
            doors.update((queue, channel) for channel in on)
        return frozenset(doors)

    def channel(self, channel: str) -> ChannelLoad:
        return ChannelLoad(
            channel=channel,
            on=channel not in self.off,
            offered=self.phases[channel, "offered"],
            connecting=self.phases[channel, "connecting"],
            engaged=self.phases[channel, "engaged"],
            wrapping=self.phases[channel, "wrapping"],
            load=self.loads[channel],
            max_concurrent=self.maxima.get(channel, 0),
        )


class Staff:
    """All agents. `ready` and `members` count by door; `changed` collects doors whose count changed, until the reader clears it.

    Rows are kept until something that stands in them changes. Whoever changes an agent must `touch` them.
    """

    def __init__(self) -> None:
        self.forgotten = 0
        """Agents removed at or before this position are forgotten: `changed_since` an older one may miss them."""
        self._marks: Marks[bytes] = Marks()
        self._gone: dict[bytes, None] = {}
        self._slots: dict[bytes, int] | None = None
        """Where the row of each agent stands, by id; None: there are other agents since."""
        self._rows: tuple[AgentRow, ...] = ()
        """All rows as they were read last."""
        self._rows_until_ms = 0
        """When time alone changes the first of them."""
        self._stale: set[bytes] = set()
        """Agents who have changed since."""
        self.agents: dict[bytes, Agent] = {}
        self.ready: Counter[Door] = Counter()
        self.members: Counter[Door] = Counter()
        self.queues: defaultdict[str, Occupancy] = defaultdict(Occupancy)
        self.site = Occupancy()
        self.changed: set[Door] = set()
        self.agents_ready = 0
        self.absences: Counter[str] = Counter()
        """Agents who are not ready, by reason."""
        self.parked: Counter[bytes] = Counter()
        """Parked contacts by owner, who may be gone by now."""
        self.declarations = 0
        """How often somebody was declared or left: who serves what may have changed."""
        self._folds: dict[int, Callable[[bytes, Entry, Any], None]] = {
            30: self._registered,
            31: self._removed,
            32: self._presence_changed,
            33: self._channel_switch_set,
            49: self._schedule_set,
            50: self._outside_work_changed,
            51: self._desk_lost,
            52: self._desk_returned,
        }
        """Events that are about an agent and nothing else."""

    # Reading

    def rows(self, at_ms: int) -> tuple[AgentRow, ...]:
        """A row for every agent, by id; the same tuple until one of them changes. Instants only grow."""
        if self._slots is None:
            self._slots = {agent: slot for slot, agent in enumerate(sorted(self.agents))}
            self._rows_until_ms = 0
        if at_ms >= self._rows_until_ms:
            self._rows = tuple(self.row(agent, at_ms) for agent in self._slots)
            self._rows_until_ms = min((known.kept_until_ms for known in self.agents.values()), default=NEVER_MS)
        elif self._stale:
            rows = list(self._rows)
            for agent in self._stale:
                rows[self._slots[agent]] = self.row(agent, at_ms)
                self._rows_until_ms = min(self._rows_until_ms, self.agents[agent].kept_until_ms)
            self._rows = tuple(rows)
        self._stale.clear()
        return self._rows

    def changed_since(self, seq: int, at_ms: int) -> Iterator[AgentRow]:
        """Rows of those who changed after position `seq`. Who was removed comes as a row that is `gone`."""
        return (self.row(agent, at_ms) for agent in self._marks.since(seq))

    def serving(self) -> dict[str, frozenset[bytes]]:
        """Who is declared for each queue, on whatever channel."""
        found: defaultdict[str, set[bytes]] = defaultdict(set)
        for agent, known in self.agents.items():
            for queue, channel in known.posts:
                if queue is not None and channel is None:
                    found[queue].add(agent)
        return {queue: frozenset(agents) for queue, agents in found.items()}

    def agent(self, agent: bytes) -> Agent:
        known = self.agents.get(agent)
        if known is None:
            known = self.agents[agent] = Agent()
            self._slots = None
        return known

    # Folding

    def fold(self, entry: Entry, event: Any, seq: int) -> None:
        """An event of `_folds`, of the commit at `seq`."""
        agent = agent_of(entry)
        self._folds[entry.tag](agent, entry, event)
        self.touch(agent, seq)
        if agent in self._gone:
            self._forget_oldest()

    def touch(self, agent: bytes, seq: int) -> None:
        """Something of the agent's row changed."""
        self._marks.touch(agent, seq)
        if (known := self.agents.get(agent)) is not None:
            known.kept = None
            self._stale.add(agent)

    def _forget_oldest(self) -> None:
        if len(self._gone) > GONE_MAX:
            oldest = next(iter(self._gone))
            del self._gone[oldest]
            self.forgotten = self._marks.seq(oldest)
            self._marks.drop(oldest)

    def _registered(self, agent: bytes, _entry: Entry, event: words.AgentRegistered) -> None:
        self._gone.pop(agent, None)
        self.declarations += 1
        known = self.agent(agent)
        self._rate(known, event.at_ms, -known.work_rate, -known.ready_rate)
        work_rate, ready_rate = known.work_rate, event.capacity if known.effective == "ready" else 0
        known.work_rate = known.ready_rate = 0
        known.queues = tuple(membership.queue for membership in event.memberships)
        known.maxima = {channel.channel: channel.max_concurrent or 0 for channel in event.channels}
        known.off &= known.maxima.keys()  # declared for a channel again, an agent has it on
        known.capacity = event.capacity
        self._rate(known, event.at_ms, work_rate, ready_rate)
        known.work_rate, known.ready_rate = work_rate, ready_rate
        self._post(known, known.declared_posts())
        self._doors(known)

    def _removed(self, agent: bytes, _entry: Entry, event: words.AgentRemoved) -> None:
        self._gone[agent] = None
        self.declarations += 1
        known = self.agents.pop(agent, None)
        self._slots = None
        if known is not None:
            self._rate(known, event.at_ms, -known.work_rate, -known.ready_rate)
            self.agents_ready -= known.effective == "ready"
            self._count_absence(known, -1)
            known.effective = "offline"
            self._post(known, frozenset())
            self._doors(known)

    def _presence_changed(self, agent: bytes, _entry: Entry, event: words.PresenceChanged) -> None:
        known = self.agent(agent)
        if (known.effective, known.effective_reason) != (event.effective, event.effective_reason):
            known.since_ms = event.at_ms
        self.agents_ready += (event.effective == "ready") - (known.effective == "ready")
        self._count_absence(known, -1)
        left = known.effective == "ready" != event.effective
        came_late = event.effective == "ready" != known.effective and event.at_ms >= (known.leaves_ms or 0)
        if left or came_late:
            known.leaves_ms = None
        known.requested, known.requested_reason = event.requested, event.requested_reason
        known.effective, known.effective_reason = event.effective, event.effective_reason
        self._count_absence(known, 1)
        known.idle_since_ms = event.idle_since_ms
        ready_rate = known.capacity if event.effective == "ready" else 0
        self._rate(known, event.at_ms, 0, ready_rate - known.ready_rate)
        known.ready_rate = ready_rate
        self._doors(known)

    def _channel_switch_set(self, agent: bytes, entry: Entry, event: words.ChannelSwitchSet) -> None:
        known, channel = self.agent(agent), channel_of(entry)
        if event.on:
            known.off.discard(channel)
        else:
            known.off.add(channel)
        self._doors(known)

    def take(self, work: Work) -> None:
        """An offer reserves the agent."""
        known = self.agent(work.agent)
        known.loads[work.channel] += work.cost
        known.phases[work.channel, work.phase] += 1

    def turn(self, work: Work, phase: str, at_ms: int, cost: int | None = None) -> None:
        """The work goes on as `phase`, at a new cost if one is given."""
        known = self.agent(work.agent)
        before = work.cost if work.phase in ("engaged", "wrapping") else 0
        known.phases[work.channel, work.phase] -= 1
        known.phases[work.channel, phase] += 1
        if cost is not None:
            known.loads[work.channel] += cost - work.cost
            work.cost = cost
        work.phase = phase
        work.turned_ms = at_ms
        after = work.cost if phase in ("engaged", "wrapping") else 0
        self._rate(known, at_ms, after - before, 0)
        known.work_rate += after - before

    def recost(self, work: Work, cost: int, at_ms: int) -> None:
        """The engagement goes on at another cost."""
        known = self.agent(work.agent)
        known.loads[work.channel] += cost - work.cost
        self._rate(known, at_ms, cost - work.cost, 0)
        known.work_rate += cost - work.cost
        work.cost = cost

    def _schedule_set(self, agent: bytes, _entry: Entry, event: words.AgentScheduleSet) -> None:
        self.agent(agent).leaves_ms = event.leaves_ms

    def _outside_work_changed(self, agent: bytes, entry: Entry, event: words.OutsideWorkChanged) -> None:
        """Work from elsewhere began, or is over."""
        known, channel = self.agent(agent), channel_of(entry)
        if event.busy:
            known.outside[event.work] = channel, event.cost
            by = event.cost
        else:
            _, cost = known.outside.pop(event.work, (channel, 0))
            by = -cost
        known.loads[channel] += by
        self._rate(known, event.at_ms, by, 0)
        known.work_rate += by
        if not event.busy and known.work_rate == 0:
            known.idle_since_ms = max(known.idle_since_ms, event.at_ms)

    def _desk_lost(self, agent: bytes, _entry: Entry, _event: words.DeskLossRecorded) -> None:
        self._desk(agent, there=False)

    def _desk_returned(self, agent: bytes, _entry: Entry, _event: words.DeskReturnRecorded) -> None:
        self._desk(agent, there=True)

    def _desk(self, agent: bytes, *, there: bool) -> None:
        known = self.agent(agent)
        known.desk = there
        self._doors(known)

    def _count_absence(self, known: Agent, by: int) -> None:
        if known.effective == "not_ready":
            self.absences[known.effective_reason or ""] += by

    def release(self, work: Work, at_ms: int) -> None:
        """The work is over; the agent is free of it."""
        known = self.agent(work.agent)
        known.loads[work.channel] -= work.cost
        known.phases[work.channel, work.phase] -= 1
        if work.phase in ("engaged", "wrapping"):
            known.handled += 1
            self._rate(known, at_ms, -work.cost, 0)
            known.work_rate -= work.cost
            if known.work_rate == 0:
                known.idle_since_ms = max(known.idle_since_ms, at_ms)

    # Rows

    def row(self, agent: bytes, at_ms: int) -> AgentRow:
        known = self.agents.get(agent)
        if known is None:
            return AgentRow(agent=agent, seq=self._marks.seq(agent), gone=True)
        return known.kept if known.kept is not None and at_ms < known.kept_until_ms else self._renewed(agent, known, at_ms)

    def _renewed(self, agent: bytes, known: Agent, at_ms: int) -> AgentRow:
        """The row as it is now, kept from now on."""
        occupancy_permille = known.occupancy.permille(at_ms)
        known.kept_until_ms = known.occupancy.holds_until_ms(at_ms)
        if known.kept is None or known.kept.occupancy_permille != occupancy_permille:
            known.kept = self._row(agent, known, occupancy_permille)
        return known.kept

    def _row(self, agent: bytes, known: Agent, occupancy_permille: int | None) -> AgentRow:
        busy = {channel for (channel, _), count in known.phases.items() if count}
        return AgentRow(
            agent=agent,
            seq=self._marks.seq(agent),
            requested=known.requested,
            requested_reason=known.requested_reason,
            effective=known.effective,
            effective_reason=known.effective_reason,
            since_ms=known.since_ms,
            idle_since_ms=known.idle_since_ms,
            queues=known.queues,
            channels=tuple(known.channel(channel) for channel in sorted({*known.maxima, *busy})),
            load=known.loads.total(),
            capacity=known.capacity,
            parked=self.parked[agent],
            outside=len(known.outside),
            desk_lost=not known.desk,
            leaves_ms=known.leaves_ms,
            reserved_for=known.reserved_for,
            handled=known.handled,
            occupancy_permille=occupancy_permille,
        )

    # Shared steps

    def _rate(self, known: Agent, at_ms: int, work: int, ready: int) -> None:
        if work or ready:
            known.occupancy.change(at_ms, work, ready)
            self.site.change(at_ms, work, ready)
            for queue in known.queues:
                self.queues[queue].change(at_ms, work, ready)

    def _post(self, known: Agent, posts: frozenset[Door]) -> None:
        """What the agent is declared for from now on."""
        self.members.subtract(known.posts - posts)
        self.members.update(posts - known.posts)
        self.changed |= known.posts ^ posts
        known.posts = posts

    def _doors(self, known: Agent) -> None:
        doors = known.open_doors()
        for door in known.doors - doors:
            self.ready[door] -= 1
        for door in doors - known.doors:
            self.ready[door] += 1
        self.changed |= known.doors ^ doors
        known.doors = doors

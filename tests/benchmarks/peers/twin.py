"""The whole step in Python: frames in, commits out, byte for byte those of the core.

It knows the rules that the workload needs, and no others: one queue, one channel, agents of one contact each, everybody
accepts and is connected at once. Facts outside of that are an error, not a wrong answer. It remembers fact ids and ended
contacts, checks every fact against the state, keeps deadlines, and explains its offers, as the core does.

Tuned: lean decoding (see `lean`), plain tuples instead of structs on the way out, class heaps inside, one record a contact.
"""

import hashlib
import heapq
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from blake3 import blake3

from cordboard import codec
from cordboard.events import event as events
from cordboard.events.policy import Policy
from tests.benchmarks.peers.lean import LEAN, decode_fact, decode_frame

MEMORY_MS = 15 * 60_000
MEMORY_MAX = 1_000_000
ABLE_MAX = 100
"""So many agents, or more."""
ACCEPTED = (0,)
QUEUED, OFFERED, CONNECTING, ENGAGED = range(4)
SEQ_BITS = 40
SEQ_MASK = (1 << SEQ_BITS) - 1
EMPTY = 1 << 160

Frame = tuple[int, int, bytes]
encode = msgspec.msgpack.Encoder().encode


def tail(word: type[msgspec.Struct], after: str) -> tuple[Any, ...]:
    """What stands behind the field `after` of an event as long as its rules are not used: defaults."""
    fields = msgspec.structs.fields(word)
    place = [field.name for field in fields].index(after) + 1
    return tuple(field.default if field.default is not msgspec.NODEFAULT else field.default_factory() for field in fields[place:])


QUEUED_TAIL = tail(events.ContactQueued, "wishes")
OFFER_TAIL = tail(events.OfferMade, "why")
ACCEPTED_TAIL = tail(events.OfferAccepted, "connect_by_ms")
STARTED_TAIL = tail(events.EngagementStarted, "queue")
ANSWERED_TAIL = tail(events.ContactAnswered, "wait_ms")
VISIT_TAIL = tail(events.VisitEnded, "target_ms")
ENDED_TAIL = tail(events.EngagementEnded, "wrap_cost")
GONE_TAIL = tail(events.ContactEnded, "successor")
REGISTERED_TAIL = tail(events.AgentRegistered, "capacity")
PRESENCE_TAIL = tail(events.PresenceChanged, "cause")
ADOPTED_TAIL = tail(events.PolicyAdopted, "policy")


class Contact:
    """A live contact."""

    __slots__ = ("agent", "attempt", "deadline_ms", "entered_ms", "id", "key", "number", "phase", "queued_ms", "target_ms")

    def __init__(self, contact: bytes, number: int, key: tuple[int, int, int], entered_ms: int, target_ms: int) -> None:
        self.id, self.number, self.key, self.entered_ms, self.target_ms = contact, number, key, entered_ms, target_ms
        self.phase, self.attempt, self.deadline_ms = QUEUED, 0, 0
        self.agent: Agent | None = None


class Agent:
    """A declared agent."""

    __slots__ = ("id", "idle", "idle_since_ms", "ready", "served", "skills")

    def __init__(self, agent: bytes) -> None:
        self.id = agent
        self.skills: dict[str, int] = {}
        self.served: list[int] = []
        """The classes it may serve."""
        self.ready, self.idle, self.idle_since_ms = False, False, 0


class Twin:
    """One site's router, from the commit of its take-over on."""

    def __init__(self, taken_over: bytes) -> None:
        first = codec.decode_commit(taken_over)
        self._header = (first.v, first.site, first.epoch)
        self._level, self._seq, self._inbox = first.level, first.seq, first.consumed.inbox_id
        self._hash = blake3(taken_over).digest()
        self._policy: Policy | None = None
        self._fact_ms = self._at_ms = self._t_ms = 0
        self._facts: dict[bytes, tuple[int, int, int]] = {}
        """When a fact id was decided, in which commit, as which entry."""
        self._gone: dict[bytes, int] = {}
        self._contacts: dict[bytes, Contact] = {}
        self._agents: dict[bytes, Agent] = {}
        self._arrivals: list[Contact | None] = [None]
        """By the last part of the key."""
        self._classes: dict[Any, int] = {}
        self._needs: list[list[Any]] = []
        self._heaps: list[list[int]] = []
        self._heads: list[int] = []
        self._pools: list[list[tuple[int, bytes]]] = []
        self._able: list[int] = []
        """By class: how many idle agents could serve it."""
        self._offers: deque[tuple[int, Contact]] = deque()
        self._connects: deque[tuple[int, Contact]] = deque()
        """Deadlines; each kind has one length of time, so they stand in order."""
        self._entries: list[tuple[Any, ...]] = []
        self.made: list[tuple[bytes, bytes]] = []
        """Offers of the last step: agent and contact."""
        self._carry_out: dict[type, Callable[[Any, tuple[int, int, int], bytes], None]] = {
            LEAN["ContactArrived"]: self._arrive,
            LEAN["OfferAnswered"]: self._answer,
            LEAN["ContactConnected"]: self._connect,
            LEAN["EngagementEndRequested"]: self._end,
            LEAN["AgentDeclared"]: self._declare,
            LEAN["PresenceRequested"]: self._set_presence,
            LEAN["PolicyPublished"]: self._adopt,
        }

    def step(self, frames: Sequence[Frame], at_ms: int, state_hash: bytes | None = None) -> list[bytes]:
        """As `Router.step`. The hash of the whole state, due on some commits, is given: this twin is spared the work."""
        entries = self._entries = []
        self.made = []
        self._at_ms = at_ms
        facts, carry_out = self._facts, self._carry_out
        inbox_seq = index = 0
        for inbox_seq, stored_ms, data in frames:
            self._t_ms = self._fact_ms = min(max(stored_ms, self._fact_ms), at_ms)
            self._nothing_is_due(self._t_ms)
            for index, raw in enumerate(decode_frame(data)):
                fact = decode_fact(raw)
                place = (inbox_seq, index, stored_ms)
                first = facts.get(fact.fact_id)
                if first is not None and first[0] + MEMORY_MS > at_ms:
                    self._repeat(fact, place, raw, first)
                else:
                    facts[fact.fact_id] = (at_ms, self._seq + 1, len(entries))
                    carry_out[type(fact)](fact, place, raw)
        self._nothing_is_due(at_ms)
        self._forget(at_ms)
        return [self._seal((self._inbox, inbox_seq, index + 1), state_hash)]

    def _seal(self, consumed: tuple[bytes, int, int], state_hash: bytes | None) -> bytes:
        self._seq += 1
        version = self._policy.version if self._policy else 0
        commit = encode(
            (
                *self._header, self._seq, self._level, version, self._at_ms, self._hash, consumed, False, self._entries,
                state_hash,
            )
        )  # fmt: skip
        self._hash = blake3(commit).digest()
        return commit

    def _forget(self, at_ms: int) -> None:
        for memory in (self._facts, self._gone):
            while memory and (len(memory) > MEMORY_MAX or _since(next(iter(memory.values()))) + MEMORY_MS <= at_ms):
                del memory[next(iter(memory))]

    def _nothing_is_due(self, at_ms: int) -> None:
        """Deadlines of contacts that have moved on are dropped; the workload lets no other pass."""
        for line, phase in ((self._offers, OFFERED), (self._connects, CONNECTING)):
            while line and (line[0][1].phase != phase or line[0][1].deadline_ms != line[0][0]):
                line.popleft()
            if line and line[0][0] <= at_ms:
                raise NotImplementedError("the twin lets no offer expire")

    def _input(
        self, place: tuple[int, int, int], raw: bytes, contact: bytes | None, agent: bytes | None, channel: str | None,
        verdict: tuple[Any, ...] = ACCEPTED,
    ) -> int:  # fmt: skip
        entries = self._entries
        cause = len(entries)
        entries.append((0, contact, agent, channel, cause, encode((*place, raw, verdict))))
        return cause

    def _repeat(self, fact: Any, place: tuple[int, int, int], raw: bytes, first: tuple[int, int, int]) -> None:
        contact, agent = getattr(fact, "contact", None), getattr(fact, "agent", None)
        channel = getattr(fact, "channel", None) or (self._channel if contact in self._contacts else None)
        self._input(place, raw, contact, agent, channel, (2, first[1], first[2]))

    def _refuse(self, fact: Any, place: tuple[int, int, int], raw: bytes) -> None:
        reason = "contact_gone" if fact.contact in self._gone else "unknown_contact"
        self._input(place, raw, fact.contact, fact.agent, None, (1, reason))

    def _adopt(self, fact: Any, place: tuple[int, int, int], raw: bytes) -> None:
        policy = self._policy = codec.decode_policy(fact.policy)
        ((self._queue,), (self._profile,)) = policy.queues, policy.channels
        self._channel = self._profile.name
        self._target_ms = self._queue.targets_ms.get(self._channel, self._queue.target_ms)
        self._skills = set(policy.skills)
        cause = self._input(place, raw, None, None, None)
        event = (5, self._t_ms, policy.version, hashlib.sha256(fact.policy).digest(), fact.policy, *ADOPTED_TAIL)
        self._entries.append((5, None, None, None, cause, encode(event)))

    def _declare(self, fact: Any, place: tuple[int, int, int], raw: bytes) -> None:
        (membership,), (channel,) = fact.memberships, fact.channels
        assert self._policy and fact.agent not in self._agents and fact.capacity is None
        assert (membership.queue, membership.rank, channel.channel) == (self._queue.name, 0, self._channel)
        agent = self._agents[fact.agent] = Agent(fact.agent)
        agent.skills = {skill.skill: skill.level for skill in fact.skills}
        assert agent.skills.keys() <= self._skills
        agent.served = [number for number, needs in enumerate(self._needs) if suits(agent.skills, needs)]
        cause = self._input(place, raw, None, fact.agent, None)
        channels = [(self._channel, self._profile.cost, self._profile.max_concurrent)]
        event = (30, self._t_ms, fact.skills, fact.memberships, channels, self._policy.capacity, *REGISTERED_TAIL)
        self._entries.append((30, None, fact.agent, None, cause, encode(event)))

    def _set_presence(self, fact: Any, place: tuple[int, int, int], raw: bytes) -> None:
        agent = self._agents[fact.agent]
        assert fact.presence == "ready" and not agent.ready
        agent.ready, agent.idle_since_ms = True, self._t_ms
        cause = self._input(place, raw, None, fact.agent, None)
        event = (32, self._t_ms, "ready", None, "ready", None, self._t_ms, "requested", *PRESENCE_TAIL)
        self._entries.append((32, None, fact.agent, None, cause, encode(event)))
        self._fill(agent, cause)

    def _arrive(self, fact: Any, place: tuple[int, int, int], raw: bytes) -> None:
        assert fact.queue == self._queue.name and fact.channel == self._channel and fact.contact not in self._contacts
        policy, t_ms, target_ms = self._policy, self._t_ms, self._target_ms
        assert policy
        number = self._class_of(fact.requirements)
        seq = len(self._arrivals)
        klass, order_ms = self._profile.klass, t_ms + target_ms - fact.priority * policy.age_credit_ms
        key = (klass, order_ms, seq)
        contact = self._contacts[fact.contact] = Contact(fact.contact, number, key, t_ms, target_ms)
        self._arrivals.append(contact)
        cause = self._input(place, raw, fact.contact, None, fact.channel)
        needs = self._needs[number]
        body = encode(
            (
                10, t_ms, 1, fact.queue, key, t_ms, target_ms, needs, fact.priority, None, (), 0, None, None, None, needs,
                *QUEUED_TAIL,
            )
        )  # fmt: skip
        self._entries.append((10, fact.contact, None, fact.channel, cause, body))
        heap = self._heaps[number]
        heapq.heappush(heap, (klass << 120 | order_ms + (1 << 60) << SEQ_BITS | seq))
        self._heads[number] = heap[0]
        if self._able[number]:
            self._look(contact, cause)

    def _answer(self, fact: Any, place: tuple[int, int, int], raw: bytes) -> None:
        contact = self._contacts.get(fact.contact)
        if contact is None:
            return self._refuse(fact, place, raw)
        assert contact.phase == OFFERED and contact.attempt == fact.attempt and fact.accepted
        assert contact.agent and contact.agent.id == fact.agent
        cause = self._input(place, raw, fact.contact, fact.agent, self._channel)
        contact.phase, contact.deadline_ms = CONNECTING, self._at_ms + self._profile.connect_ms
        self._connects.append((contact.deadline_ms, contact))
        body = encode((14, self._t_ms, fact.attempt, contact.deadline_ms, *ACCEPTED_TAIL))
        self._entries.append((14, fact.contact, fact.agent, self._channel, cause, body))
        return None

    def _connect(self, fact: Any, place: tuple[int, int, int], raw: bytes) -> None:
        contact = self._contacts.get(fact.contact)
        if contact is None:
            return self._refuse(fact, place, raw)
        assert contact.phase == CONNECTING and contact.attempt == fact.attempt
        assert contact.agent and contact.agent.id == fact.agent
        channel, entries, t_ms, queue = self._channel, self._entries, self._t_ms, self._queue.name
        cause = self._input(place, raw, fact.contact, fact.agent, channel)
        contact.phase = ENGAGED
        wait_ms = t_ms - contact.entered_ms
        bodies = (
            (19, t_ms, fact.attempt, queue, *STARTED_TAIL),
            (20, t_ms, fact.attempt, wait_ms, *ANSWERED_TAIL),
            (12, t_ms, 1, queue, "answered", contact.entered_ms, wait_ms, contact.target_ms, *VISIT_TAIL),
        )
        for body in bodies:
            entries.append((body[0], fact.contact, fact.agent, channel, cause, encode(body)))
        return None

    def _end(self, fact: Any, place: tuple[int, int, int], raw: bytes) -> None:
        contact = self._contacts.get(fact.contact)
        if contact is None:
            return self._refuse(fact, place, raw)
        agent = contact.agent
        assert contact.phase == ENGAGED and agent and agent.id == fact.agent and fact.disposition is fact.note is None
        channel, entries, t_ms = self._channel, self._entries, self._t_ms
        cause = self._input(place, raw, fact.contact, fact.agent, channel)
        ended = encode((22, t_ms, contact.attempt, "agent", None, None, None, 0, *ENDED_TAIL))
        entries.append((22, fact.contact, fact.agent, channel, cause, ended))
        entries.append((11, fact.contact, fact.agent, channel, cause, encode((11, t_ms, "completed", "engaged", None, *GONE_TAIL))))
        del self._contacts[fact.contact]
        self._gone[fact.contact] = self._at_ms
        agent.idle_since_ms = t_ms
        self._fill(agent, cause)
        return None

    def _class_of(self, requirements: list[Any]) -> int:
        known = tuple([(need.skill, need.level, need.hard) for need in requirements])
        number = self._classes.get(known)
        if number is None:
            assert all(need.skill in self._skills for need in requirements)
            number = self._classes[known] = len(self._needs)
            self._needs.append(requirements)
            self._heaps.append([])
            self._heads.append(EMPTY)
            idle = []
            for agent in self._agents.values():
                if suits(agent.skills, requirements):
                    agent.served.append(number)
                    if agent.idle:
                        idle.append((agent.idle_since_ms, agent.id))
            heapq.heapify(idle)
            self._pools.append(idle)
            self._able.append(len(idle))
        return number

    def _fill(self, agent: Agent, cause: int) -> None:
        """The agent is free: the first in line, or the pool."""
        served, heads = agent.served, self._heads
        if served:
            number = min(served, key=heads.__getitem__)
            first = heads[number]
            if first != EMPTY:
                heap = self._heaps[number]
                heapq.heappop(heap)
                heads[number] = heap[0] if heap else EMPTY
                contact = self._arrivals[first & SEQ_MASK]
                assert contact
                self._offer(contact, agent, cause, ("agent", self._able[number] + 1, *self._next_contact(served, contact.key)))
                return
        agent.idle = True
        for number in served:
            heapq.heappush(self._pools[number], (agent.idle_since_ms, agent.id))
            self._able[number] += 1

    def _look(self, contact: Contact, cause: int) -> None:
        """Somebody idle can serve the contact that has just arrived: the one who is idle for longest."""
        number = contact.number
        pool, heap = self._pools[number], self._heaps[number]
        while True:
            since_ms, agent_id = heapq.heappop(pool)
            agent = self._agents[agent_id]
            if agent.idle and agent.idle_since_ms == since_ms:
                break
        agent.idle, able = False, self._able[number]
        for served in agent.served:
            self._able[served] -= 1
        # Whoever waited before could not be served, so nobody stands before it in its class.
        heapq.heappop(heap)
        self._heads[number] = heap[0] if heap else EMPTY
        self._offer(contact, agent, cause, ("contact", able, *self._next_agent(pool, since_ms)))

    def _next_contact(self, served: list[int], key: tuple[int, int, int]) -> tuple[bytes | None, str]:
        """Whom the agent would have taken next, and what decided against it."""
        first = self._heads[min(served, key=self._heads.__getitem__)]
        if first == EMPTY:
            return None, "only"
        other = self._arrivals[first & SEQ_MASK]
        assert other
        differs = "class" if other.key[0] != key[0] else "due" if other.key[1] != key[1] else "arrival"
        return other.id, differs

    def _next_agent(self, pool: list[tuple[int, bytes]], since_ms: int) -> tuple[bytes | None, str]:
        """Who would have been next for the contact, and what decided against them."""
        while pool:
            other_ms, agent_id = pool[0]
            agent = self._agents[agent_id]
            if agent.idle and agent.idle_since_ms == other_ms:
                return agent_id, "agent_id" if other_ms == since_ms else "idle"
            heapq.heappop(pool)
        return None, "only"

    def _offer(self, contact: Contact, agent: Agent, cause: int, why: tuple[str, int, bytes | None, str]) -> None:
        at_ms, (looked, able, runner_up, decided) = self._at_ms, why
        contact.phase, contact.agent = OFFERED, agent
        contact.attempt += 1
        contact.deadline_ms = at_ms + self._profile.offer_ttl_ms
        self._offers.append((contact.deadline_ms, contact))
        self._arrivals[contact.key[2]] = None
        body = encode(
            (
                13, at_ms, contact.attempt, self._queue.name, contact.deadline_ms, self._profile.cost, 0, "routed",
                at_ms - contact.entered_ms, contact.key,
                (looked, self._queue.strategy, min(able, ABLE_MAX), 0, runner_up, decided), *OFFER_TAIL,
            )
        )  # fmt: skip
        self._entries.append((13, contact.id, agent.id, self._channel, cause, body))
        self.made.append((agent.id, contact.id))


def suits(skills: dict[str, int], requirements: list[Any]) -> bool:
    return all(skills.get(need.skill, 0) >= need.level for need in requirements)


def _since(remembered: int | tuple[int, int, int]) -> int:
    return remembered if isinstance(remembered, int) else remembered[0]

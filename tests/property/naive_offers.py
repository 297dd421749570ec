"""Offers, naively: made (one, a group, or directly) and accepted."""

from abc import ABC, abstractmethod
from typing import Any

from cordboard.events import event as e
from tests.property.naive_ends import Ends
from tests.property.naive_state import Agent, Contact, Work
from tests.property.naive_why import Reasons

WORK_MAX = 500


class Offers(Reasons, Ends, ABC):
    """An agent is reserved for a contact."""

    def offer(self, contact: Contact, agent: Agent, looked: Any) -> None:
        """Routing chose this agent. Where the queue broadcasts, the next best are asked at the same time."""
        preferred = self.prefers(contact) and agent.id in contact.preferred
        profile = self.profile(contact.channel)
        alone = preferred or profile.answer == "auto" or contact.promise is not None
        most = 1 if alone else self.queue(contact.queue).broadcast
        others = [other for other in self.agents_for(contact) if other is not agent][: most - 1]
        first = agent if looked == "agent" else None
        whys = [self.why(contact, agent, looked), *(self.why(contact, other, "contact", first) for other in others)]
        for each, why in zip([agent, *others], whys, strict=True):
            self.make(contact, each, "preferred" if preferred else "routed", profile.offer_ttl_ms, why=why)

    def make(
        self, contact: Contact, agent: Agent, cause: Any, ttl_ms: int,
        *, why: e.Why | None = None, direct: e.Direct | None = None, role: Any = "primary",
    ) -> None:  # fmt: skip
        own, rank = agent.profile(contact.channel), self.rank(agent, contact)
        assert own is not None and own.cost is not None
        interrupts = direct is None and not self.has_room(agent, contact.channel, interrupting=False)
        agent.over_recorded &= self.over_capacity(agent)
        contact.attempts.append((agent.id, "made"))
        attempt, expires_ms = len(contact.attempts), self.at_ms + ttl_ms
        work = Work(contact.id, agent.id, attempt, contact.channel, contact.queue, own.cost, "offered", expires_ms)
        work.role, work.direct, work.interrupts, work.full_cost = role, direct is not None, interrupts, own.cost
        self.release(contact, "offered", self.at_ms)
        made = e.OfferMade(at_ms=self.at_ms, attempt=attempt, queue=contact.queue, expires_ms=expires_ms, cost=own.cost,
            rank=0 if rank is None else rank, cause=cause, wait_ms=self.at_ms - contact.entered_ms if role == "primary" else 0,
            key=contact.key, why=why, direct=direct, role=role, interrupts=interrupts,
        )  # fmt: skip
        self.record(made, contact.id, agent.id)
        work.klass = contact.key.klass
        self.works.append(work)
        if cause == "routed":
            self.cursors[contact.queue] = agent.id
        if role == "primary":
            contact.state = "offered"
            contact.back = contact.back if direct is not None and direct.reason == "transfer" else None
        if direct is not None or interrupts:
            self.over_limits(agent, "interrupted" if interrupts else "direct", self.at_ms)
        if self.is_accepted_at_once(contact):
            self.accept(work, contact, agent, self.at_ms)

    def is_accepted_at_once(self, contact: Contact) -> bool:
        """By the channel, or since the customer of a promise is dialled first: not once its window is over."""
        promise = contact.promise
        if promise is not None and self.at_ms >= promise.until_ms:
            return False
        return self.profile(contact.channel).answer == "auto" or (promise is not None and promise.mode == "customer_first")

    def connect_by(self, contact: Contact) -> int:
        """A customer is dialled no longer than they can be reached."""
        promise, callbacks = contact.promise, self.queue(contact.queue).callbacks
        if promise is None or callbacks is None:
            return self.at_ms + self.profile(contact.channel).connect_ms
        over_ms = [each.until_ms for each in promise.hours if each.from_ms <= promise.due_ms <= each.until_ms][:1]
        return min([self.at_ms + callbacks.dial_ms, *(max(each, self.at_ms + 1) for each in over_ms)])

    def over_limits(self, agent: Agent, cause: Any, at_ms: int) -> None:
        """More than the agent should have: that goes on record, once."""
        if self.over_capacity(agent) and not agent.over_recorded:
            agent.over_recorded = True
            over = e.OverCapacityRecorded(at_ms=at_ms, cause=cause, load=self.load(agent), capacity=agent.capacity)
            self.record(over, None, agent.id)

    # Accepted

    def accept(self, work: Work, contact: Contact, agent: Agent, at_ms: int) -> None:
        """The first of a group gets it; the others stay reserved until the connection stands."""
        agent.declines = 0
        agent.missed[work.channel] = 0
        self.fate(contact, work, "accepted")
        for sibling in self.siblings(work):
            sibling.state, sibling.until_ms = "held", None
        work.state, work.until_ms = "connecting", self.connect_by(contact)
        if work.role == "primary":
            contact.state, contact.back = "connecting", None
            self.choices.pop(contact.id, None)
        accepted = e.OfferAccepted(at_ms=at_ms, attempt=work.attempt, connect_by_ms=work.until_ms)
        self.record(accepted, contact.id, agent.id)
        if work.interrupts and self.over_capacity(agent):
            self.interrupt(work, agent)

    def interrupt(self, work: Work, agent: Agent) -> None:
        """What gives way is put aside; at once the sides' agents look for work, then this one."""
        before = self.newcomers, self.looking, self.losers, self.helpers
        self.newcomers, self.looking, self.losers, self.helpers = [], [], [], []
        for each in sorted(self.interruptible(agent, work.channel), key=lambda each: (each.contact, each.attempt)):
            contact, _ = self.parties(each)
            self.put_aside(each, contact, "interrupted", self.at_ms + self.policy.owner_ms)
        free, losers, self.helpers = [*self.helpers, agent], self.losers, []
        for who in free:
            self.looking, self.losers = [who], [loser for loser in losers if loser is who]
            self.all_look()
        self.newcomers, self.looking, self.losers, self.helpers = before

    @abstractmethod
    def all_look(self) -> None:
        """Everybody who has been noted looks now (naive_looks, which builds on this)."""

    # Direct

    def direct_hindrance(self, contact: Contact, agent: Agent) -> str | None:
        """Why this agent cannot be given the contact directly. Order, membership, skills, exclusions, limits are not asked."""
        if not agent.ready or agent.desk_lost_ms is not None:
            return "agent_not_ready"
        if agent.profile(contact.channel) is None or contact.channel in agent.off:
            return "channel_not_enabled"
        return None if self.has_hands(agent) else "no_room"

    def has_hands(self, agent: Agent) -> bool:
        return sum(1 for work in self.works if work.agent == agent.id) < WORK_MAX

    def give(self, contact: Contact, agent: Agent, by: bytes | None, reason: Any) -> None:
        """Directly, without a choice."""
        ttl_ms = self.policy.transfer_ms if reason in ("transfer", "returned") else self.profile(contact.channel).offer_ttl_ms
        role = reason if reason in ("consult", "conference") else "primary"
        self.make(contact, agent, "direct", ttl_ms, direct=e.Direct(by, reason), role=role)

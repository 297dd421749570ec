"""Reservations, naively: an agent kept free for a contact that needs more room than anybody has."""

from typing import Any

from cordboard.events import event as e
from tests.property.naive_matching import order
from tests.property.naive_record import Record
from tests.property.naive_state import Agent, Contact


class Reservations(Record):
    """Who is kept for whom, and how that ends."""

    def drains(self, contact: Contact) -> bool:
        """It waits long enough to have somebody reserved."""
        due = contact.state == "queued" and contact.drain_at_ms is not None and self.at_ms >= contact.drain_at_ms
        return due and contact.reserved is None

    def marked(self, contact: Contact) -> bool:
        """Something happened that may make a reservation possible."""
        return (
            contact.id in self.looked_in_vain
            or any(queue in self.queues_released for queue in (contact.queue, *contact.added))
            or any(self.rank(agent, contact) is not None for agent in self.agents_changed)
        )

    def reserve(self) -> None:
        """At the end of everything: whoever of the marked drains, in the order of queue and key."""
        drained = [contact for contact in self.contacts if self.drains(contact) and self.marked(contact)]
        for contact in sorted(drained, key=lambda each: (each.queue, order(each))):
            agent = self.agent_to_reserve(contact)
            if agent is not None:
                contact.reserved = agent.id
                self.record(e.AgentReserved(at_ms=self.moment), contact.id, agent.id)

    def agent_to_reserve(self, contact: Contact) -> Agent | None:
        """The eligible one with least to finish, if the queue may have another reservation."""
        queue, percent = self.own_queue(contact), self.may_be_kept_percent(contact)
        ready = sum(1 for agent in self.agents if agent.ready and agent.rank(queue.name) is not None)
        alike = [each for each in self.contacts if each.queue == queue.name and (each.promise is None) == (contact.promise is None)]
        if sum(1 for each in alike if each.reserved is not None) >= -(-percent * ready // 100):
            return None
        able = [agent for agent in self.agents if self.reservation_of(agent) is None and self.eligible(agent, contact)]
        return min(able, key=lambda agent: (self.load(agent), agent.id), default=None)

    def may_be_kept_percent(self, contact: Contact) -> int:
        """Of the ready members, for contacts such as this; 0: nobody is."""
        queue = self.own_queue(contact)
        if contact.promise is None:
            return queue.drain_percent if queue.drain_after_ms > 0 else 0
        return queue.callbacks.holdback_percent if queue.callbacks is not None and queue.callbacks.holdback_ms > 0 else 0

    def eligible(self, agent: Agent, contact: Contact) -> bool:
        """Nothing but other work keeps the agent from it, and an idle agent would have the room."""
        if set(self.hindrances(contact, agent)) - {"over_capacity", "no_room", "reserved"}:
            return False
        own = agent.profile(contact.channel)
        assert own is not None and own.cost is not None and own.max_concurrent is not None
        return own.cost <= agent.capacity and own.max_concurrent >= 1

    # Released

    def reservation_of(self, agent: Agent) -> Contact | None:
        return next((contact for contact in self.contacts if contact.reserved == agent.id), None)

    def release(self, contact: Contact, reason: Any, at_ms: int | None = None) -> None:
        if contact.reserved is None:
            return
        agent = self.known_agent(contact.reserved)
        contact.reserved = None
        self.record(e.AgentReleased(at_ms=self.moment if at_ms is None else at_ms, reason=reason), contact.id, agent.id)
        self.released.append(agent)
        self.agents_changed.append(agent)
        self.queues_released.append(contact.queues[-1])

    def release_agent(self, agent: Agent, reason: Any) -> None:
        contact = self.reservation_of(agent)
        if contact is not None:
            self.release(contact, reason)

    def release_if_not_eligible(self, agent: Agent) -> None:
        contact = self.reservation_of(agent)
        if contact is not None and not self.eligible(agent, contact):
            self.release(contact, "not_eligible")

    # Loss

    def lose(self, agent: Agent) -> None:
        """The agent serves less than before."""
        self.losers.append(agent)

    def concerned(self, contact: Contact, losers: list[Agent]) -> bool:
        """Somebody's loss may be this contact's chance."""
        if any(opens_ms > self.at_ms for opens_ms in contact.opens_ms):
            return True
        running = [each.agent for each in contact.exclusions if each.reoffer_ms <= self.at_ms < each.until_ms]
        return any(loser.id in contact.preferred or any(agent != loser.id for agent in running) for loser in losers)

"""Who may be offered what, by full scans over everything: docs/routing.md, "Matching", sentence by sentence."""

from cordboard.events.policy import Policy
from tests.property.naive_state import Agent, Contact, Exclusion, Work


class Matching:
    """The state and the questions that matching asks of it."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.agents: list[Agent] = []
        self.contacts: list[Contact] = []
        self.works: list[Work] = []
        self.at_ms = 0
        """The time of the turn."""

    def agent(self, ref: bytes) -> Agent | None:
        return next((agent for agent in self.agents if agent.id == ref), None)

    def contact(self, ref: bytes) -> Contact | None:
        return next((contact for contact in self.contacts if contact.id == ref), None)

    def work(self, contact: bytes, agent: bytes, *states: str) -> Work | None:
        found = [work for work in self.works if (work.contact, work.agent) == (contact, agent) and work.state in states]
        return found[0] if found else None

    def load(self, agent: Agent) -> int:
        return sum(work.cost for work in self.works if work.agent == agent.id)

    def count(self, agent: Agent, channel: str) -> int:
        return sum(1 for work in self.works if work.agent == agent.id and work.channel == channel)

    def over_capacity(self, agent: Agent) -> bool:
        if self.load(agent) > agent.capacity:
            return True
        channels = {work.channel for work in self.works if work.agent == agent.id}
        return any(self.count(agent, each) > limit for each in channels if (limit := maximum(agent, each)) is not None)

    def could_serve(self, agent: Agent, contact: Contact) -> bool:
        """Declared for it: member, skilled, the channel listed, and not the one who sent the contact here."""
        return (
            agent.rank(contact.queue) is not None
            and agent.profile(contact.channel) is not None
            and all(agent.level(need.skill) >= need.level for need in contact.requirements)
            and contact.sender != agent.id
        )

    def eligible_present(self, agent: Agent, contact: Contact) -> bool:
        return self.could_serve(agent, contact) and agent.present and contact.channel not in agent.off

    def excluded(self, contact: Contact, agent: Agent) -> bool:
        exclusion = self.exclusion(contact, agent)
        if exclusion is None:
            return False
        if self.at_ms < exclusion.reoffer_ms:
            return True
        return any(
            self.eligible_present(other, contact) and self.exclusion(contact, other) is None
            for other in self.agents
            if other is not agent
        )

    def exclusion(self, contact: Contact, agent: Agent) -> Exclusion | None:
        return next((each for each in contact.exclusions if each.agent == agent.id and self.at_ms < each.until_ms), None)

    def has_room(self, agent: Agent, channel: str) -> bool:
        profile = agent.profile(channel)
        assert profile is not None and profile.cost is not None and profile.max_concurrent is not None
        return (
            self.load(agent) + profile.cost <= agent.capacity
            and self.count(agent, channel) < profile.max_concurrent
            and not self.over_capacity(agent)
        )

    def may(self, contact: Contact, agent: Agent) -> bool:
        """Every condition of an offer, the contact's preference last."""
        return (
            contact.state == "queued"
            and self.eligible_present(agent, contact)
            and not self.excluded(contact, agent)
            and self.has_room(agent, contact.channel)
            and (not self.waits_for_preferred(contact) or agent.id in contact.preferred)
        )

    def prefers(self, contact: Contact) -> bool:
        return contact.prefer_until_ms is not None and self.at_ms < contact.prefer_until_ms

    def waits_for_preferred(self, contact: Contact) -> bool:
        """The preference runs, and one of the preferred could serve the contact: logged in, not excluded; perhaps busy."""
        if not self.prefers(contact):
            return False
        preferred = [agent for agent in self.agents if agent.id in contact.preferred]
        return any(
            self.could_serve(agent, contact)
            and contact.channel not in agent.off
            and "offline" not in (agent.effective[0], agent.requested[0])
            and not self.excluded(contact, agent)
            for agent in preferred
        )

    def agent_for(self, contact: Contact) -> Agent | None:
        """Preferred agents in their order, then the least by (rank, load > 0, idle since, id)."""
        able = [agent for agent in self.agents if self.may(contact, agent)]
        if self.prefers(contact):
            for ref in contact.preferred:
                for agent in able:
                    if agent.id == ref:
                        return agent
        return min(
            able, key=lambda agent: (agent.rank(contact.queue), self.load(agent) > 0, agent.idle_since_ms, agent.id), default=None
        )

    def contact_for(self, agent: Agent) -> Contact | None:
        """The least by (rank of the membership, key), or by the key alone."""
        able = [contact for contact in self.contacts if self.may(contact, agent)]
        if self.policy.freed_agent == "key":
            return min(able, key=order, default=None)
        return min(able, key=lambda contact: (agent.rank(contact.queue), order(contact)), default=None)


def order(contact: Contact) -> tuple[int, int, int]:
    return (contact.key.klass, contact.key.order_ms, contact.key.seq)


def maximum(agent: Agent, channel: str) -> int | None:
    profile = agent.profile(channel)
    return 0 if profile is None else profile.max_concurrent

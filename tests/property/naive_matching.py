"""Who may be offered what, by full scans over everything: docs/routing.md, "Matching", sentence by sentence."""

from collections.abc import Iterator

from cordboard.events.policy import ChannelProfile, Policy, QueuePolicy
from tests.property.naive_state import Agent, Contact, Exclusion, Work

EMERGENCY = 0
"""The class that goes before everything else."""


class Matching:
    """The state and the questions that matching asks of it."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.agents: list[Agent] = []
        self.contacts: list[Contact] = []
        self.works: list[Work] = []
        self.cursors: dict[str, bytes] = {}
        """Of every queue: who got its last routed offer."""
        self.at_ms = 0
        """The time of the turn."""

    def agent(self, ref: bytes) -> Agent | None:
        return next((agent for agent in self.agents if agent.id == ref), None)

    def contact(self, ref: bytes) -> Contact | None:
        return next((contact for contact in self.contacts if contact.id == ref), None)

    def work(self, contact: bytes, agent: bytes, *states: str) -> Work | None:
        found = [work for work in self.works if (work.contact, work.agent) == (contact, agent) and work.state in states]
        return found[0] if found else None

    def own_profile(self, contact: Contact) -> ChannelProfile:
        return next(profile for profile in self.policy.channels if profile.name == contact.channel)

    def own_queue(self, contact: Contact) -> QueuePolicy:
        return next(queue for queue in self.policy.queues if queue.name == contact.queue)

    # Room

    def load(self, agent: Agent) -> int:
        """What the agent's work costs, and what came from elsewhere."""
        here = sum(work.cost for work in self.works if work.agent == agent.id)
        return here + sum(outside.cost for outside in agent.outside)

    def count(self, agent: Agent, channel: str) -> int:
        """Of the channel's work; what is dormant does not count."""
        here = sum(1 for work in self.works if (work.agent, work.channel, work.dormant) == (agent.id, channel, False))
        return here + sum(1 for outside in agent.outside if outside.channel == channel)

    def over_capacity(self, agent: Agent) -> bool:
        if self.load(agent) > agent.capacity:
            return True
        channels = {work.channel for work in self.works if work.agent == agent.id} | {each.channel for each in agent.outside}
        return any(self.count(agent, each) > limit for each in channels if (limit := maximum(agent, each)) is not None)

    def has_room(self, agent: Agent, channel: str, *, interrupting: bool = True) -> bool:
        """Room with everything counted; or else without what the channel may interrupt."""
        profile = agent.profile(channel)
        assert profile is not None and profile.cost is not None and profile.max_concurrent is not None
        least = sum(work.cost for work in self.interruptible(agent, channel)) if interrupting else 0
        fits = self.load(agent) - least + profile.cost <= agent.capacity
        return fits and self.count(agent, channel) < profile.max_concurrent

    def interruptible(self, agent: Agent, channel: str) -> list[Work]:
        """What gives way to this channel: primary engagements that interrupt nothing themselves."""
        yielding = [each.name for each in self.policy.channels if each.presence != "live" and channel in each.interruptible_by]
        return [
            work
            for work in self.works
            if (work.agent, work.state, work.role, work.interrupts) == (agent.id, "engaged", "primary", False)
            and work.channel in yielding
            and work.channel != channel
        ]

    # Who could

    def rank(self, agent: Agent, contact: Contact) -> int | None:
        """The least rank over the queues the contact waits in; None: no member."""
        ranks = [agent.rank(queue) for queue in (contact.queue, *contact.added)]
        return min((rank for rank in ranks if rank is not None), default=None)

    def skilled(self, agent: Agent, contact: Contact) -> bool:
        return all(agent.level(need.skill) >= need.level for need in contact.requirements)

    def could_serve(self, agent: Agent, contact: Contact) -> bool:
        """Declared for it: member, skilled, the channel listed, and not the one who sent the contact here."""
        return (
            self.rank(agent, contact) is not None
            and agent.profile(contact.channel) is not None
            and self.skilled(agent, contact)
            and contact.sender != agent.id
        )

    def present(self, agent: Agent, contact: Contact) -> bool:
        """A member who is there, ready, skilled and on the channel; whatever the load, exclusions, or who sent it."""
        return (
            self.rank(agent, contact) is not None
            and agent.ready
            and agent.desk_lost_ms is None
            and agent.profile(contact.channel) is not None
            and contact.channel not in agent.off
            and self.skilled(agent, contact)
        )

    def excluded(self, contact: Contact, agent: Agent) -> bool:
        exclusion = self.exclusion(contact, agent)
        if exclusion is None:
            return False
        if self.at_ms < exclusion.reoffer_ms:
            return True
        return any(
            self.present(other, contact) and contact.sender != other.id and self.exclusion(contact, other) is None
            for other in self.agents
            if other is not agent
        )

    def exclusion(self, contact: Contact, agent: Agent) -> Exclusion | None:
        return next((each for each in contact.exclusions if each.agent == agent.id and self.at_ms < each.until_ms), None)

    def leaves_soon(self, agent: Agent, contact: Contact) -> bool:
        before_ms = self.own_profile(contact).last_offer_before_ms
        return before_ms > 0 and agent.leaves_ms is not None and self.at_ms >= agent.leaves_ms - before_ms

    def rank_closed(self, agent: Agent, contact: Contact) -> bool:
        """The contact is too young for this rank, and somebody of a lower one is there; not for whom it prefers."""
        rank = self.rank(agent, contact)
        if self.prefers(contact) and agent.id in contact.preferred:
            return False
        if rank is None or not contact.opens_ms or self.at_ms >= contact.opens_ms[min(rank, len(contact.opens_ms) - 1)]:
            return False
        return any(self.rank(other, contact) < rank for other in self.agents if self.present(other, contact))  # type: ignore[operator]

    def reserved_elsewhere(self, agent: Agent, contact: Contact) -> bool:
        """An emergency waits for no reservation but that of another one."""
        others = [other for other in self.contacts if other.reserved == agent.id and other is not contact]
        return any(contact.key.klass != EMERGENCY or other.key.klass == EMERGENCY for other in others)

    def prefers(self, contact: Contact) -> bool:
        return contact.prefer_until_ms is not None and self.at_ms < contact.prefer_until_ms

    def waits_for_preferred(self, contact: Contact) -> bool:
        """The preference runs, and one of the preferred could serve the contact: logged in, not excluded; perhaps busy.

        Whoever parked it has to be ready, too.
        """
        if not self.prefers(contact):
            return False
        preferred = [agent for agent in self.agents if agent.id in contact.preferred]
        return any(
            self.could_serve(agent, contact)
            and contact.channel not in agent.off
            and "offline" not in (agent.effective[0], agent.requested[0])
            and (agent.ready or not contact.returned)
            and agent.desk_lost_ms is None
            and not self.excluded(contact, agent)
            for agent in preferred
        )

    def hindrance(self, contact: Contact, agent: Agent) -> str | None:
        """The first thing that forbids an offer of the contact to the agent."""
        return next(self.hindrances(contact, agent), None)

    def hindrances(self, contact: Contact, agent: Agent) -> Iterator[str]:
        """Everything that forbids it; no questions about a channel that is none of the agent's."""
        if self.rank(agent, contact) is None:
            yield "not_member"
        if contact.sender == agent.id:
            yield "sender"
        if not agent.ready:
            yield "absent"
        if agent.desk_lost_ms is not None:
            yield "desk_lost"
        if agent.profile(contact.channel) is None:
            yield "channel_not_enabled"
            return
        if contact.channel in agent.off:
            yield "channel_off"
        if not self.skilled(agent, contact):
            yield "skill"
        if self.excluded(contact, agent):
            yield "excluded"
        if self.leaves_soon(agent, contact):
            yield "leaving"
        if self.over_capacity(agent):
            yield "over_capacity"
        if not self.has_room(agent, contact.channel):
            yield "no_room"
        if self.reserved_elsewhere(agent, contact):
            yield "reserved"
        if self.rank_closed(agent, contact):
            yield "rank_closed"
        if self.waits_for_preferred(contact) and agent.id not in contact.preferred:
            yield "preference"

    def may(self, contact: Contact, agent: Agent) -> bool:
        return contact.state == "queued" and self.hindrance(contact, agent) is None

    # Who is next

    def standing(self, contact: Contact, agent: Agent) -> tuple[int, bool, int, int, bytes]:
        """What agents are compared by: rank, any load, the queue's strategy, idle since (0 if skipped), id."""
        strategy, rank = self.own_queue(contact).strategy, self.rank(agent, contact)
        assert rank is not None
        idle = 0 if strategy == "round_robin" else agent.idle_since_ms
        return rank, self.load(agent) > 0, self.worth(strategy, contact, agent), idle, agent.id

    def worth(self, strategy: str, contact: Contact, agent: Agent) -> int:
        """The strategy's number, least first."""
        if strategy == "least_loaded":
            return self.load(agent)
        if strategy == "best_skilled":
            return -sum(agent.level(need.skill) for need in contact.requirements)
        if strategy == "least_skilled_fit":
            return sum(agent.level(need.skill) - need.level for need in contact.requirements)
        if strategy == "round_robin":
            return 0 if agent.id > self.cursors.get(contact.queue, b"") else 1
        if strategy == "fewest_today":
            return agent.started * 3_600_000 // max(self.ready_today_ms(agent), 60_000)
        return 0

    def ready_today_ms(self, agent: Agent) -> int:
        return self.ready_today_ms_at(agent, self.at_ms)

    def ready_today_ms_at(self, agent: Agent, when_ms: int) -> int:
        return agent.ready_ms + (0 if agent.ready_since_ms is None else max(0, when_ms - agent.ready_since_ms))

    def agents_for(self, contact: Contact) -> list[Agent]:
        """Preferred agents in their order, then the others by their standing."""
        able = [agent for agent in self.agents if self.may(contact, agent)]
        able.sort(key=lambda agent: self.standing(contact, agent))
        if self.prefers(contact):
            first = [agent for ref in contact.preferred for agent in able if agent.id == ref]
            able = [*first, *(agent for agent in able if agent not in first)]
        return able

    def contacts_for(self, agent: Agent, besides: Contact | None = None) -> list[Contact]:
        """The one the agent is reserved for, a promised call for which somebody is held (each behind the emergencies
        that stand before it), one that a floor asks for; then by (rank, key), or by the key alone."""
        able = [contact for contact in self.contacts if contact is not besides and self.may(contact, agent)]
        able.sort(key=lambda contact: (0 if self.policy.freed_agent == "key" else self.rank(agent, contact), order(contact)))
        first = self.kept_for(agent, able)
        if first and first[0].key.klass != EMERGENCY:
            first = [*(contact for contact in able[: able.index(first[0])] if contact.key.klass == EMERGENCY), *first]
        if not first and not self.is_reserved(agent):
            first = [contact for contact in able if self.floor_asks(agent, contact)][:1]
        return [*first, *(contact for contact in able if contact not in first)]

    def kept_for(self, agent: Agent, able: list[Contact]) -> list[Contact]:
        """The one, if any, that the agent is to take before others."""
        if self.is_reserved(agent):
            return [contact for contact in able if contact.reserved == agent.id]
        return sorted((contact for contact in able if self.is_held_here(agent, contact)), key=order)[:1]

    def is_reserved(self, agent: Agent) -> bool:
        return any(contact.reserved == agent.id for contact in self.contacts)

    def is_held_here(self, agent: Agent, contact: Contact) -> bool:
        """Somebody is held for a call that is promised in one of the agent's queues: whoever is free first makes it."""
        return contact.promise is not None and contact.reserved is not None and agent.rank(contact.queue) is not None

    def floor_asks(self, agent: Agent, contact: Contact) -> bool:
        """It waits in its own queue, the agent's, with fewer members on its class than the floor there."""
        if agent.rank(contact.queue) is None:
            return False
        floors = [floor for floor in self.own_queue(contact).floors if floor.klass == contact.key.klass]
        return any(self.members_on(contact.queue, floor.klass) < floor.members for floor in floors)

    def members_on(self, queue: str, klass: int) -> int:
        working = {work.agent for work in self.works if (work.queue, work.klass) == (queue, klass)}
        return sum(1 for agent in self.agents if agent.id in working and agent.rank(queue) is not None)


def order(contact: Contact) -> tuple[int, int, int]:
    return (contact.key.klass, contact.key.order_ms, contact.key.seq)


def maximum(agent: Agent, channel: str) -> int | None:
    profile = agent.profile(channel)
    return 0 if profile is None else profile.max_concurrent

"""Facts about agents, naively."""

from cordboard.events import event as e
from cordboard.events import fact as f
from cordboard.events.bounds import AgentChannel
from tests.property.naive_looks import Looks
from tests.property.naive_releases import OFFERED
from tests.property.naive_state import ACCEPTED, Agent


class AgentFacts(Looks):
    """Declarations, presence, channel switches."""

    def on_AgentDeclared(self, fact: f.AgentDeclared) -> None:
        for membership in fact.memberships:
            self.queue(membership.queue)
        for each in fact.channels:
            self.profile(each.channel)
        self.know_skills([skill.skill for skill in fact.skills])
        agent = self.agent(fact.agent)
        if agent is None:
            self.agents.append(agent := Agent(fact.agent))
        self.lose(agent)
        agent.skills = list(fact.skills)
        agent.memberships = list(fact.memberships)
        agent.channels = [self.filled(each) for each in fact.channels]
        agent.off = {channel: why for channel, why in agent.off.items() if agent.profile(channel) is not None}
        agent.missed = {channel: missed for channel, missed in agent.missed.items() if agent.profile(channel) is not None}
        agent.capacity = self.policy.capacity if fact.capacity is None else fact.capacity
        declared = e.AgentRegistered(
            at_ms=self.moment, skills=agent.skills, memberships=agent.memberships, channels=agent.channels, capacity=agent.capacity
        )
        self.record(declared, None, agent.id)
        self.release_if_not_eligible(agent)
        self.agents_changed.append(agent)
        for work in [work for work in self.works if work.agent == agent.id and work.state in OFFERED]:
            contact, _ = self.parties(work)
            kept = agent.profile(work.channel) is not None if work.direct else self.could_serve(agent, contact)
            if not kept:
                self.revoke(work, contact, "not_eligible")
        if self.over_capacity(agent) and not agent.over_recorded:
            agent.over_recorded = True
            over = e.OverCapacityRecorded(at_ms=self.moment, cause="redeclared", load=self.load(agent), capacity=agent.capacity)
            self.record(over, None, agent.id)
        self.looking.append(agent)

    def filled(self, channel: AgentChannel) -> AgentChannel:
        profile = self.profile(channel.channel)
        return AgentChannel(
            channel.channel,
            profile.cost if channel.cost is None else channel.cost,
            profile.max_concurrent if channel.max_concurrent is None else channel.max_concurrent,
        )

    def on_AgentRetired(self, fact: f.AgentRetired) -> None:
        agent = self.known_agent(fact.agent)
        if agent.outside or any(work.agent == agent.id for work in self.works):
            self.refuse("agent_busy")
        self.release_agent(agent, "agent_gone")
        self.released.clear()
        self.agents.remove(agent)
        self.lose(agent)
        self.record(e.AgentRemoved(at_ms=self.moment), None, agent.id)

    def on_PresenceRequested(self, fact: f.PresenceRequested) -> None:
        agent = self.known_agent(fact.agent)
        self.know_reason(fact.reason)
        self.ask_for(agent, (fact.presence, fact.reason), "requested")

    def ask_for(self, agent: Agent, wanted: tuple[str, str | None], cause: str) -> None:
        if wanted[0] == "ready" != agent.requested[0]:
            agent.leg_failures = 0
        if (agent.requested, agent.effective) != (wanted, wanted):
            before = agent.requested
            agent.requested = wanted
            pending = agent.outside or any(work.agent == agent.id and work.state in ACCEPTED for work in self.works)
            if not (pending and before == wanted):
                self.take_effect(agent, cause)
        if wanted[0] == "ready":
            for channel in [channel for channel, why in agent.off.items() if why == "missed"]:
                del agent.off[channel]
                self.record(e.ChannelSwitchSet(at_ms=self.moment, on=True, cause="returned"), None, agent.id)
                self.release_if_not_eligible(agent)
                self.agents_changed.append(agent)
        else:
            self.revoke_offers(agent, "agent_not_ready")
        self.looking.append(agent)

    def on_ChannelSwitched(self, fact: f.ChannelSwitched) -> None:
        agent = self.known_agent(fact.agent)
        self.profile(fact.channel)
        if agent.profile(fact.channel) is None:
            self.refuse("channel_not_enabled")
        if fact.on != (fact.channel in agent.off) and agent.off.get(fact.channel) != "missed":
            return
        agent.missed[fact.channel] = 0
        self.record(e.ChannelSwitchSet(at_ms=self.moment, on=fact.on, cause="requested"), None, agent.id)
        if fact.on:
            del agent.off[fact.channel]
            self.release_if_not_eligible(agent)
            self.agents_changed.append(agent)
            self.looking.append(agent)
        else:
            agent.off[fact.channel] = "requested"
            self.release_if_not_eligible(agent)
            self.lose(agent)
            self.revoke_offers(agent, "channel_off", fact.channel)

"""What keeps agents from contacts, naively: planned absence, work from elsewhere, a lost desk."""

from functools import partial

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_agents import AgentFacts
from tests.property.naive_engagements import Engagements
from tests.property.naive_matching import order
from tests.property.naive_state import Agent, Outside, Work
from tests.property.naive_timers import Timer, timer

OUTSIDE_MAX = 100


class Absence(Engagements, AgentFacts):
    """The agent is not quite there."""

    def on_AgentScheduled(self, fact: f.AgentScheduled) -> None:
        agent = self.known_agent(fact.agent)
        if agent.leaves_ms != fact.leaves_ms:
            agent.leaves_ms = fact.leaves_ms
            self.record(e.AgentScheduleSet(at_ms=self.moment, leaves_ms=fact.leaves_ms), None, agent.id)
            self.release_if_not_eligible(agent)
            self.agents_changed.append(agent)
        self.looking.append(agent)

    # Work from elsewhere

    def on_AgentBusyReported(self, fact: f.AgentBusyReported) -> None:
        agent = self.known_agent(fact.agent)
        known = [outside for outside in agent.outside if outside.work == fact.work]
        if not fact.busy:
            self.outside_over(agent, known[0] if known else self.refuse("unknown_work"))
            return
        self.profile(fact.channel)
        profile = agent.profile(fact.channel)
        if profile is None:
            self.refuse("channel_not_enabled")
        if known:
            return
        if len(agent.outside) >= OUTSIDE_MAX:
            self.refuse("no_room")
        assert profile.cost is not None
        agent.outside.append(Outside(fact.work, fact.channel, profile.cost))
        begun = e.OutsideWorkChanged(at_ms=self.moment, work=fact.work, busy=True, cost=profile.cost)
        self.record(begun, None, agent.id)
        self.over_limits(agent, "outside_work", self.moment)

    def outside_over(self, agent: Agent, outside: Outside) -> None:
        agent.outside.remove(outside)
        over = e.OutsideWorkChanged(at_ms=self.moment, work=outside.work, busy=False, cost=outside.cost)
        self.record(over, None, agent.id)
        self.freed(agent, connected=True)

    # Sent away

    def on_PresenceForced(self, fact: f.PresenceForced) -> None:
        agent = self.known_agent(fact.agent)
        self.know_reason(fact.reason)
        self.ask_for(agent, (fact.presence, fact.reason if fact.presence == "not_ready" else None), "forced")
        if fact.presence == "not_ready":
            return
        self.all_look()
        wrapping = [work for work in self.works if (work.agent, work.state) == (agent.id, "wrapping")]
        for work in sorted(wrapping, key=lambda work: (work.contact, work.attempt)):
            self.wrapped_up(work, "forced")
        self.take_away(agent, self.waiting_for_desk(agent, *(profile.name for profile in self.policy.channels)))
        self.looking.append(agent)

    # Desk

    def on_DeskLost(self, fact: f.DeskLost) -> None:
        agent = self.known_agent(fact.agent)
        if agent.desk_lost_ms is not None:
            return
        agent.desk_lost_ms = self.moment
        working = {work.channel for work in self.works if work.agent == agent.id}
        channels = sorted(working | {each.channel for each in agent.channels})
        agent.desk_dues = [
            e.DeskDue(channel, self.at_ms + self.profile(channel).desk_lost_ms)
            for channel in channels
            if self.profile(channel).presence != "live"
        ]
        self.record(e.DeskLossRecorded(at_ms=self.moment, due=agent.desk_dues), None, agent.id)
        self.release_agent(agent, "agent_gone")
        self.lose(agent)
        self.revoke_offers(agent, "desk_lost")
        self.looking.append(agent)

    def on_DeskReturned(self, fact: f.DeskReturned) -> None:
        agent = self.known_agent(fact.agent)
        if agent.desk_lost_ms is None:
            return
        agent.desk_lost_ms, agent.desk_dues = None, []
        self.record(e.DeskReturnRecorded(at_ms=self.moment), None, agent.id)
        self.agents_changed.append(agent)
        for contact in self.put_aside_by(agent, "desk_lost"):
            self.bring_back(contact, "desk_returned")
            self.newcomers.remove(contact)
            self.look(contact)
            self.lead_on(contact)
        self.looking.append(agent)

    def desk_timers(self) -> list[Timer]:
        """They live only while there is something to take away."""
        return [
            timer(due.at_ms, "desk_lost", agent.id, partial(self.desk_given_up, agent))
            for agent in self.agents
            for due in agent.desk_dues
            if self.waiting_for_desk(agent, due.channel)
        ]

    def waiting_for_desk(self, agent: Agent, *channels: str) -> list[Work]:
        states = ("connecting", "engaged")
        works = [work for work in self.works if work.agent == agent.id and work.state in states and work.channel in channels]
        return [work for work in works if self.profile(work.channel).presence != "live"]

    def desk_given_up(self, agent: Agent) -> None:
        due = [each.channel for each in agent.desk_dues if each.at_ms <= self.moment]
        self.take_away(agent, self.waiting_for_desk(agent, *due))

    def take_away(self, agent: Agent, works: list[Work]) -> None:
        """Session contacts go to somebody else, async ones are put aside for the agent; each looks before the next is taken."""
        self.kept_back = agent
        for work in sorted(works, key=lambda work: (order(self.parties(work)[0]), work.attempt)):
            contact, _ = self.parties(work)
            if work.state == "connecting":
                self.revoke(work, contact, "desk_lost")
                if contact.promise is not None:
                    self.who_came_in(contact.promise)
            elif work.role != "primary":
                self.engagement_ended(work, "desk_lost")
            elif self.profile(work.channel).presence == "async":
                self.put_aside(work, contact, "desk_lost", self.at_ms + self.policy.owner_ms)
            else:
                self.primary_ended(work, contact, "desk_lost")
                if not contact.answered:
                    self.visit_ended(contact, "requeued")
                self.wait_for_anyone(contact)
                contact.fell_back = True
            self.looking = [who for who in self.looking if who is not contact]
            self.newcomers = [each for each in self.newcomers if each is not contact]
            self.look_again(contact)
        self.kept_back = None
        self.leave_if_done(agent)

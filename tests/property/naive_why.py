"""Why this agent and this contact, naively: what an offer says about the choice."""

from typing import Any

from cordboard.events import event as e
from tests.property.naive_matching import order
from tests.property.naive_state import Agent, Contact
from tests.property.naive_visits import Visits

ABLE_MAX = 100


class Reasons(Visits):
    """Reasons of an offer, as its event gives them."""

    def why(self, contact: Contact, agent: Agent, looked: Any, first: Agent | None = None) -> e.Why:
        """`first`: the agent who looked, and whose choice has others asked, too."""
        if self.prefers(contact) and agent.id in contact.preferred:
            runner_up, decided = None, "preferred"
        elif looked == "contact":
            runner_up, decided = self.next_agent(contact, agent, first)
        else:
            runner_up, decided = self.next_contact(agent, contact)
        strategy = self.queue(contact.queue).strategy
        return e.Why(looked, strategy, self.able(contact), contact.step, runner_up, decided)  # type: ignore[arg-type]

    def able(self, contact: Contact) -> int:
        """Agents who are there for it, within their limits and with room."""
        able = [
            agent
            for agent in self.agents
            if self.present(agent, contact) and not self.over_capacity(agent) and self.has_room(agent, contact.channel)
        ]
        return min(ABLE_MAX, len(able))

    def next_agent(self, contact: Contact, agent: Agent, first: Agent | None) -> tuple[bytes | None, str]:
        """Who would have got it instead, and the first thing in which the two differ."""
        others = [each for each in self.agents_for(contact) if each is not first]
        later = [each for each in others if self.standing(contact, each) > self.standing(contact, agent)]
        if not later:
            return None, "only"
        pair = zip(self.standing(contact, agent), self.standing(contact, later[0]), strict=True)
        differs = [ours != theirs for ours, theirs in pair]
        return later[0].id, ("rank", "load", "strategy", "idle", "agent_id")[differs.index(True)]

    def next_contact(self, agent: Agent, contact: Contact) -> tuple[bytes | None, str]:
        """What the agent would have taken instead, and the first thing in which the two differ."""
        if contact.reserved == agent.id or (self.is_held_here(agent, contact) and not self.is_reserved(agent)):
            return None, "reserved"
        others = self.contacts_for(agent, besides=contact)
        if self.floor_asks(agent, contact) and not self.is_reserved(agent) and not self.kept_for(agent, others):
            return others[0].id if others else None, "floor"
        if not others:
            return None, "only"
        other = others[0]
        if self.policy.freed_agent == "rank_then_key" and self.rank(agent, contact) != self.rank(agent, other):
            return other.id, "rank"
        differs = [ours != theirs for ours, theirs in zip(order(contact), order(other), strict=True)]
        return other.id, ("class", "due", "arrival")[differs.index(True)]

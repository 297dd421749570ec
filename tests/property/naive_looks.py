"""Who looks for whom when something has happened, naively, and in which order."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from tests.property.naive_matching import order
from tests.property.naive_offers import Offers
from tests.property.naive_record import Line
from tests.property.naive_state import Agent, Contact


class Looks(Offers, ABC):
    """Every fact and every timer is finished with all it causes."""

    def told(self, act: Callable[[], None]) -> list[Line]:
        """What an act and all it causes recorded."""
        self.lines, self.looking, self.newcomers, self.losers, self.came, self.again = [], [], [], [], [], []
        self.released, self.looked_in_vain, self.agents_changed, self.queues_released = [], [], [], []
        for agent in self.agents:
            agent.over_recorded &= self.over_capacity(agent)
        doors = self.what_doors_ask()
        act()
        self.all_look()
        self.looking, self.helpers = [*self.helpers], []
        self.all_look()
        while self.released:
            self.settle(self.released.pop(0))
        self.settle_comings()
        while self.released:
            self.settle(self.released.pop(0))
        self.reserve()
        self.promote()
        self.turn_doors(doors)
        return self.lines

    @abstractmethod
    def what_doors_ask(self) -> dict[str, str]:
        """Everything about their queues."""

    @abstractmethod
    def turn_doors(self, before: dict[str, str]) -> None:
        """Those about whose queues something is other than before (naive_doors)."""

    @abstractmethod
    def lead_on(self, contact: Contact) -> None:
        """Should nobody come where it waits (naive_next_steps)."""

    @abstractmethod
    def settle_comings(self) -> None:
        """What is promised to those who were answered, or are gone (naive_comings)."""

    def all_look(self) -> None:
        """Who entered a queue, then who was freed, then everybody who may gain by it, if somebody serves less than before."""
        while self.newcomers or self.looking or self.losers:
            newcomers, looking, losers = self.newcomers, self.looking, self.losers
            self.newcomers, self.looking, self.losers = [], [], []
            looking += [loser for loser in losers if loser in self.agents and loser not in looking]
            for contact in newcomers:
                self.look(contact)
                self.lead_on(contact)
            for who in looking:
                if isinstance(who, Agent):
                    self.settle(who)
                elif not losers:
                    self.look_again(who)
            for contact in sorted(self.contacts, key=order) if losers else []:
                if contact in looking or self.concerned(contact, losers):
                    self.look_again(contact)
            for contact in self.again if losers else []:
                self.look_again(contact)
            self.again = []

    def settle(self, agent: Agent) -> None:
        """First what was put aside for work that is over now; then new work, while there is room."""
        if not any(work.agent == agent.id and work.interrupts for work in self.works):
            for contact in self.put_aside_by(agent, "interrupted"):
                self.bring_back(contact, "interrupter_over")
                self.newcomers.remove(contact)
                self.look(contact)
                self.lead_on(contact)
        while able := self.contacts_for(agent):
            self.offer(able[0], agent, "agent")

    def put_aside_by(self, agent: Agent, kind: str) -> list[Contact]:
        """What the agent owns that is parked so, in key order."""
        aside = [each for each in self.contacts if (each.owner, each.state, each.parked_kind) == (agent.id, "parked", kind)]
        return sorted(aside, key=order)

    def look(self, contact: Contact) -> None:
        for agent in self.agents_for(contact)[:1]:
            self.offer(contact, agent, "contact")
        if contact.state == "queued":
            self.looked_in_vain.append(contact.id)

    def goes_on(self, contact: Contact) -> None:
        """Its connect is over: it looks before its agent settles, whose pending presence perhaps takes effect only then."""
        self.looking = [who for who in self.looking if who is not contact]
        self.look_again(contact)

    def look_again(self, contact: Contact) -> None:
        """An offer has ended. Who sent the contact gets it back, once; else it looks."""
        if contact.state == "queued":
            self.looks_or_goes_back(contact)
        self.lead_on(contact)

    def looks_or_goes_back(self, contact: Contact) -> None:
        back = None if contact.back is None else self.agent(contact.back)
        contact.back = None
        if back is not None and self.direct_hindrance(contact, back) is None:
            self.give(contact, back, None, "returned")
        else:
            self.look(contact)

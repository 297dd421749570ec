"""Who looks for whom when something has happened, naively, and in which order."""

from collections.abc import Callable

from tests.property.naive_matching import order
from tests.property.naive_offers import Offers
from tests.property.naive_record import Line
from tests.property.naive_state import Agent, Contact


class Looks(Offers):
    """Every fact and every timer is finished with all it causes."""

    def told(self, act: Callable[[], None]) -> list[Line]:
        """What an act and all it causes recorded."""
        self.lines, self.looking, self.newcomers, self.lost = [], [], [], False
        for agent in self.agents:
            agent.over_recorded &= self.over_capacity(agent)
        act()
        self.all_look()
        return self.lines

    def all_look(self) -> None:
        """Who entered a queue, then who was freed, then everybody, if somebody serves less than before."""
        while self.newcomers or self.looking or self.lost:
            newcomers, looking, lost = self.newcomers, self.looking, self.lost
            self.newcomers, self.looking, self.lost = [], [], False
            for contact in newcomers:
                self.look(contact)
            for who in looking:
                if isinstance(who, Agent):
                    self.settle(who)
                elif not lost:
                    self.look_again(who)
            if lost:
                # An exclusion or a preference can also end because another agent left: all look, in key order.
                for contact in sorted(self.contacts, key=order):
                    self.look_again(contact)

    def settle(self, agent: Agent) -> None:
        """First what was put aside for work that is over now; then new work, while there is room."""
        if not any(work.agent == agent.id and work.interrupts for work in self.works):
            aside = [
                each for each in self.contacts if (each.owner, each.state, each.parked_kind) == (agent.id, "parked", "interrupted")
            ]
            for contact in sorted(aside, key=order):
                self.bring_back(contact, "interrupter_over")
                self.newcomers.remove(contact)
                self.look(contact)
        while able := self.contacts_for(agent):
            self.offer(able[0], agent, "agent")

    def look(self, contact: Contact) -> None:
        for agent in self.agents_for(contact)[:1]:
            self.offer(contact, agent, "contact")

    def look_again(self, contact: Contact) -> None:
        """An offer has ended. Who sent the contact gets it back, once; else it looks."""
        if contact.state != "queued":
            return
        back = None if contact.back is None else self.agent(contact.back)
        contact.back = None
        if back is not None and self.direct_hindrance(contact, back) is None:
            self.give(contact, back, None, "returned")
        else:
            self.look(contact)

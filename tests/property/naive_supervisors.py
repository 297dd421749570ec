"""What supervisors and services do, naively: pick, requeue, another priority."""

from abc import ABC, abstractmethod

from cordboard.events import fact as f
from tests.property.naive_engagements import Engagements


class Supervisors(Engagements, ABC):
    """Acts from above; who and why stand in the facts."""

    def on_PickRequested(self, fact: f.PickRequested) -> None:
        agent, contact = self.known_agent(fact.agent), self.live(fact.contact)
        if contact.state != "queued":
            self.refuse("not_queued")
        if (hindrance := self.direct_hindrance(contact, agent)) is not None:
            self.refuse(hindrance)
        self.know_reason(fact.reason)
        self.give(contact, agent, fact.by, "pick")

    def on_RequeueRequested(self, fact: f.RequeueRequested) -> None:
        contact = self.live(fact.contact)
        if contact.promise is not None:
            self.refuse("contact_promised")
        if contact.state == "queued":
            self.refuse("already_queued")
        shut = self.is_now(contact.channel) and self.closing_is_over(contact.queue)
        if shut and not self.leads_on(contact.entry_point):
            self.refuse(f"queue_{self.deserted(contact.queue)}")
        self.know_reason(fact.reason)
        if contact.state == "parked":
            self.park_over(contact, "service")
        else:
            self.let_go(contact, "requeued", "requeued")
            if not contact.answered:
                self.visit_ended(contact, "requeued")
        self.wait_for_anyone(contact)
        contact.fell_back = True

    @abstractmethod
    def leads_on(self, entry_point: str | None) -> bool:
        """Its customers can do something else where nobody comes (naive_next_steps)."""

    def on_PriorityRequested(self, fact: f.PriorityRequested) -> None:
        contact = self.live(fact.contact)
        self.know_reason(fact.reason)
        if fact.priority != contact.priority:
            self.reprioritise(contact, fact.priority, "requested")

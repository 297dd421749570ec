"""Facts about contacts, naively."""

from abc import ABC

from cordboard.events import fact as f
from cordboard.events.policy import QueuePolicy
from tests.property.naive_arrivals import Arrivals
from tests.property.naive_state import Agent, Contact, Work
from tests.property.naive_supervisors import Supervisors


class ContactFacts(Supervisors, Arrivals, ABC):
    """Arrivals, transfers, ends."""

    def known(self, ref: bytes) -> bool:
        return self.is_gone(ref) or ref in self.promises or self.contact(ref) is not None

    def on_ContactAbandoned(self, fact: f.ContactAbandoned) -> None:
        contact = self.live(fact.contact)
        if self.profile(contact.channel).presence == "async" or contact.promise is not None:
            self.refuse("no_abandon")
        left = "abandoned_after_transfer" if contact.answered_before else "abandoned"
        if contact.state == "parked":
            self.park_over(contact, "customer", left)
            ever = contact.answered or contact.answered_before
            self.contact_ended(contact, "completed" if ever else "abandoned", "parked")
            return
        state = contact.state
        self.let_go(contact, "customer", "contact_gone")
        if contact.answered:
            self.contact_ended(contact, "completed", state)
            return
        self.visit_ended(contact, left)
        self.contact_ended(contact, "abandoned", state)

    def on_ContactEndRequested(self, fact: f.ContactEndRequested) -> None:
        contact = self.live(fact.contact)
        if contact.promise is not None:
            self.cancel(contact.promise, fact.reason)
            return
        if contact.state == "parked":
            self.park_over(contact, "service", "closed")
            self.contact_ended(contact, fact.reason, "parked")
            return
        state = contact.state
        self.let_go(contact, "service", "contact_gone")
        if not contact.answered:
            self.visit_ended(contact, "closed")
        self.contact_ended(contact, fact.reason, state)

    # Transfers

    def on_TransferRequested(self, fact: f.TransferRequested) -> None:
        self.queue(fact.queue)
        self.know_skills([need.skill for need in fact.requirements or []])
        contact = self.live(fact.contact)
        if contact.promise is not None:
            self.refuse("contact_promised")
        work = self.primary(contact)
        if fact.agent is not None:
            self.engaged(contact, fact.agent)
        if contact.state not in ("engaged", "parked") and contact.queue == fact.queue and fact.to_agent is None:
            self.refuse("same_queue")
        queue, too_often = self.transfer_queue(contact, fact)
        to_agent = None if too_often else self.receiver(contact, work, fact.to_agent)
        cause = self.deserted(queue.name) if to_agent is None and self.is_now(contact.channel) else None
        if cause is not None and (cause == "unstaffed" or not self.leads_on(contact.entry_point)):
            self.refuse(f"queue_{cause}")
        self.know_reason(fact.reason)
        self.let_go(contact, "transfer", "transferred")
        if contact.state == "parked":
            self.park_over(contact, "transfer")
        elif not contact.answered:
            self.visit_ended(contact, "requeued")
        wishes = contact.wishes if fact.requirements is None else fact.requirements
        contact.requirements, contact.wishes = self.requirements_in(contact, queue.name, wishes), wishes
        self.move(contact, queue, fact, None if work is None else work.agent, to_agent)

    def transfer_queue(self, contact: Contact, fact: f.TransferRequested) -> tuple[QueuePolicy, bool]:
        """The queue asked for, or the supervisors', after too many transfers (even if that is the one asked for).

        What a supervisor moves goes where it is sent.
        """
        limit, supervisors = self.policy.max_transfers, self.policy.supervisor_queue
        if not 0 < limit <= contact.transfers or fact.by is not None:
            return self.queue(fact.queue), False
        if supervisors is None or contact.queue == supervisors:
            self.refuse("transfer_limit")
        return self.queue(supervisors), True

    def receiver(self, contact: Contact, work: Work | None, ref: bytes | None) -> Agent | None:
        if ref is None:
            return None
        if work is not None and work.agent == ref:
            self.refuse("same_agent")
        agent = self.known_agent(ref)
        hindrance = self.direct_hindrance(contact, agent)
        return agent if hindrance is None else self.refuse(hindrance)

    def move(self, contact: Contact, queue: QueuePolicy, fact: f.TransferRequested, had: bytes | None, to: Agent | None) -> None:
        """The next visit; to an agent, that agent is offered it at once."""
        contact.visit += 1
        contact.transfers += 1
        contact.queue = queue.name
        contact.preferred = []
        asked = fact.agent if fact.by is None else None
        contact.back = None if to is None else asked
        self.enter(contact, None if to is not None and asked is not None else had)
        contact.fell_back = to is None
        if to is not None:
            self.newcomers.remove(contact)
            self.give(contact, to, fact.by or fact.agent, "transfer")

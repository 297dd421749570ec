"""Facts about contacts, naively."""

from typing import Any

from cordboard.events import fact as f
from cordboard.events.bounds import Key
from cordboard.events.policy import QueuePolicy
from tests.property.naive_engagements import Engagements
from tests.property.naive_state import Contact, Work
from tests.property.naive_visits import merged


class ContactFacts(Engagements):
    """Arrivals, transfers, ends."""

    def known(self, ref: bytes) -> bool:
        return ref in self.ended or self.contact(ref) is not None

    def checked_arrival(self, fact: f.ContactArrived) -> QueuePolicy:
        queue = self.queue(fact.queue)
        self.know_skills([need.skill for need in fact.requirements])
        if fact.topic is not None and fact.topic not in [topic.name for topic in self.policy.topics]:
            self.refuse("unknown_topic")
        if fact.entry_point is not None and fact.entry_point not in [each.name for each in self.policy.entry_points]:
            self.refuse("unknown_entry_point")
        return queue

    def arrive(self, fact: f.ContactArrived) -> None:
        queue, profile = self.checked_arrival(fact), self.profile(fact.channel)
        self.arrivals += 1
        contact = Contact(
            id=fact.contact, channel=fact.channel, queue=fact.queue, wishes=list(fact.requirements),
            requirements=merged(fact.requirements, queue.requirements),
            priority=fact.priority, customer=fact.customer, preferred=list(fact.preferred), entry_point=fact.entry_point,
            topic=fact.topic, key=Key(profile.klass, 0, self.arrivals), entered_ms=self.moment, target_ms=0, prefer_until_ms=None,
            case=fact.case or fact.contact, named_case=fact.case, rule=fact.rule, language=fact.language, accepts=fact.accepts,
        )  # fmt: skip
        self.contacts.append(contact)
        self.enter(contact, None)
        if fact.message is not None:
            self.say(contact, fact.message, fact.author)

    def running(self, contact: Contact) -> Work | None:
        """The contact's offer, connection or engagement."""
        return next((work for work in self.works if work.contact == contact.id and work.state != "wrapping"), None)

    def let_go(self, contact: Contact, by: Any) -> str:
        """The contact leaves whoever has it; its state before."""
        state, work = contact.state, self.running(contact)
        if work is not None and state == "engaged":
            self.engagement_ended(work, by, None, None)
        elif work is not None:
            self.revoke(work, contact, "contact_gone")
        return state

    def on_ContactAbandoned(self, fact: f.ContactAbandoned) -> None:
        contact = self.live(fact.contact)
        if self.profile(contact.channel).presence == "async":
            self.refuse("no_abandon")
        if contact.state == "parked":
            self.park_over(contact, "customer")
            ever = contact.answered or contact.answered_before
            self.contact_ended(contact, "completed" if ever else "abandoned", "parked")
            return
        state = self.let_go(contact, "customer")
        if contact.answered:
            self.contact_ended(contact, "completed", state)
            return
        self.visit_ended(contact, "abandoned_after_transfer" if contact.answered_before else "abandoned")
        self.contact_ended(contact, "abandoned", state)

    def on_ContactEndRequested(self, fact: f.ContactEndRequested) -> None:
        contact = self.live(fact.contact)
        if contact.state == "parked":
            self.park_over(contact, "service")
            self.contact_ended(contact, fact.reason, "parked")
            return
        state = self.let_go(contact, "service")
        if not contact.answered:
            self.visit_ended(contact, "closed")
        self.contact_ended(contact, fact.reason, state)

    def on_TransferRequested(self, fact: f.TransferRequested) -> None:
        contact = self.live(fact.contact)
        queue = self.queue(fact.queue)
        self.know_skills([need.skill for need in fact.requirements or []])
        work = self.running(contact)
        if fact.agent is not None and (work is None or work.state != "engaged" or work.agent != fact.agent):
            self.refuse("not_engaged")
        if contact.state not in ("engaged", "parked") and contact.queue == fact.queue:
            self.refuse("same_queue")
        sender = None
        if work is not None and work.state == "engaged":
            sender = work.agent
            self.engagement_ended(work, "transfer", None, None)
        elif work is not None:
            self.revoke(work, contact, "transferred")
        if contact.state == "parked":
            self.park_over(contact, "transfer")
        elif not contact.answered:
            self.visit_ended(contact, "requeued")
        contact.visit += 1
        contact.queue = fact.queue
        contact.wishes = contact.wishes if fact.requirements is None else fact.requirements
        contact.requirements = merged(contact.wishes, queue.requirements)
        contact.preferred = []
        self.enter(contact, sender)

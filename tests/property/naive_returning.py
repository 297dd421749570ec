"""What is remembered of customers, naively: the place of one who left, the matters of one who comes again."""

from cordboard.events.bounds import Key
from tests.property.naive_promotion import Promotion
from tests.property.naive_state import Contact, Matter, Place


class Returning(Promotion):
    """Until its time is over, or the customer is erased."""

    def keep_place(self, contact: Contact, reason: str) -> int | None:
        """A customer who left has the place kept, without what the plan gave, which comes anew."""
        resume_ms = self.profile(contact.channel).resume_ms
        if contact.customer is None or resume_ms == 0 or reason not in ("abandoned", "failed"):
            return None
        given = sum(step.raise_priority for step in self.queue(contact.queue).plan[: contact.step])
        priority = max(0, contact.priority - given)
        own = self.own_class(contact)
        key = Key(own.klass, self.moved(contact, priority).order_ms, own.seq)
        self.places[contact.customer, contact.channel] = Place(
            contact.id, contact.queue, key, contact.queued_at_ms, contact.target_ms, priority, self.at_ms + resume_ms
        )
        return self.at_ms + resume_ms

    def known_matter(self, contact: Contact) -> Matter | None:
        if contact.customer is None or contact.topic is None:
            return None
        matter = self.matters.get((contact.customer, contact.topic))
        return None if matter is None or matter.until_ms <= self.at_ms else matter

    def helped(self, contact: Contact, agent: bytes) -> None:
        """An engagement started: should the customer come again about this, this agent is asked first."""
        if (matter := self.known_matter(contact)) is not None:
            matter.agent = agent

    def forget(self, customer: bytes) -> None:
        self.places = {whose: place for whose, place in self.places.items() if whose[0] != customer}
        self.matters = {whose: matter for whose, matter in self.matters.items() if whose[0] != customer}

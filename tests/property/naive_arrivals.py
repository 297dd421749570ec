"""Arrivals, naively: who is let in where, who waits already, who comes back."""

from abc import ABC, abstractmethod
from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from cordboard.events.bounds import Key
from cordboard.events.policy import QueuePolicy
from tests.property.naive_comings import Comings
from tests.property.naive_plan import PRIORITY_MAX
from tests.property.naive_state import Contact, Matter, Place, Promise
from tests.property.naive_waiting import WAITING, merged

PREFERRED_MAX = 8
COUNTED_MAX = 100


class Arrivals(Comings, ABC):
    """A contact begins, or joins one that waits."""

    def checked_arrival(self, fact: f.ContactArrived) -> QueuePolicy:
        queue = self.queue(fact.queue)
        self.know_skills([need.skill for need in fact.requirements])
        if fact.topic is not None and fact.topic not in [topic.name for topic in self.policy.topics]:
            self.refuse("unknown_topic")
        if fact.entry_point is not None and fact.entry_point not in [each.name for each in self.policy.entry_points]:
            self.refuse("unknown_entry_point")
        return queue

    def arrive(self, fact: f.ContactArrived) -> None:
        """No contact that lives goes on with this one, by its case."""
        twin = self.waits_already(fact) if fact.case in (None, fact.contact) else None
        joins = self.profile(fact.channel).join_waiting
        if twin is not None and twin.channel == fact.channel and joins and twin.promise is None:
            if fact.message is not None:
                self.say(twin, fact.message, fact.author)
            return
        asked = self.checked_arrival(fact).name
        name = self.admitting(asked, fact.channel, fact.ticket)
        if name is not None:
            self.begin(fact, name, twin)
        elif self.leads_on(fact.entry_point):
            self.turned_away(fact, self.no_admission(asked, fact.channel))
        else:
            self.refuse(f"queue_{self.no_admission(asked, fact.channel)}")

    @abstractmethod
    def leads_on(self, entry_point: str | None) -> bool:
        """There is something else to do for whoever is turned away there (naive_next_steps)."""

    @abstractmethod
    def turned_away(self, fact: f.ContactArrived, cause: Any) -> None:
        """They are offered that (naive_next_steps)."""

    def begin(
        self, fact: f.ContactArrived, name: str, twin: Contact | None, *, counts: bool = True, owed_first: bool = False
    ) -> None:
        """In the queue that takes it. `twin`: as whom its customer waits already. `counts`: whoever comes, comes for a matter."""
        contact = self.newborn(fact, name)
        contact.owed_first = owed_first
        if name != fact.queue:
            cause = self.no_admission(fact.queue, fact.channel)
            diverted = e.ContactDiverted(at_ms=self.moment, queue=fact.queue, to=name, cause=cause)  # type: ignore[arg-type]
            self.record(diverted, contact.id)
        promise = self.promised_about(fact, name)
        held = self.waits_for(promise)
        self.go_on_with(contact, held)
        place, repeats = self.place_of(contact), 0
        if place is None and fact.topic is not None and counts:
            repeats = self.matter_of(contact)
        if any(fact.segment in sla.segments for sla in self.policy.slas):
            contact.segment = fact.segment
            self.record(e.ContactSegmented(self.moment, fact.segment), contact.id)  # type: ignore[arg-type]
        self.contacts.append(contact)
        if place is None:
            self.enter(contact, None)
        else:
            self.arrivals -= 1  # it has the number of the one before
            self.resume(contact, place, held)
        contact.fell_back = fact.ticket
        if promise is not None:
            self.record(e.ContactLinked(at_ms=self.moment, other=promise.contact, cause="promised"), contact.id)
        if twin is not None and (promise is None or promise.contact != twin.id):
            self.record(e.ContactLinked(at_ms=self.moment, other=twin.id, cause="waiting"), contact.id)
        if place is not None:
            self.record(e.ContactLinked(at_ms=self.moment, other=place.contact, cause="resumed"), contact.id)
        if held is not None:
            self.hold(held, contact)
        if promise is not None:
            self.hold_others(contact)
        if repeats:
            assert fact.topic is not None
            self.record(e.MatterRepeated(at_ms=self.moment, count=repeats, topic=fact.topic), contact.id)
        if fact.message is not None:
            self.say(contact, fact.message, fact.author)

    def admitting(self, asked: str, channel: str, ticket: bool) -> str | None:
        """The queue that takes it: the one it asks for, or one further along; None: nobody does."""
        cause = self.no_admission(asked, channel) if self.is_now(channel) else None
        if cause is None or (ticket and cause != "emergency"):
            return asked
        return self.way_out(asked, channel)

    def newborn(self, fact: f.ContactArrived, queue: str) -> Contact:
        self.arrivals += 1
        return Contact(
            id=fact.contact, channel=fact.channel, queue=queue, wishes=list(fact.requirements),
            requirements=merged(fact.requirements, self.queue(queue).requirements),
            priority=fact.priority, customer=fact.customer, preferred=list(fact.preferred), entry_point=fact.entry_point,
            topic=fact.topic, key=Key(self.profile(fact.channel).klass, 0, self.arrivals), entered_ms=self.moment, target_ms=0,
            prefer_until_ms=None, case=fact.case or fact.contact, named_case=fact.case, rule=fact.rule, language=fact.language,
            accepts=fact.accepts,
        )  # fmt: skip

    # The same customer

    def waits_already(self, fact: f.ContactArrived) -> Contact | None:
        """The customer's oldest contact that waits: on this channel if that joins them, else on any."""
        waiting = [each for each in self.contacts if each.customer == fact.customer and each.state in WAITING]
        if fact.customer is None or not waiting:
            return None
        same = [
            each
            for each in waiting
            if each.channel == fact.channel and self.profile(fact.channel).join_waiting and each.promise is None
        ]
        return min(same or waiting, key=lambda each: each.key.seq)

    def place_of(self, contact: Contact) -> Place | None:
        if contact.customer is None:
            return None
        place = self.places.get((contact.customer, contact.channel))
        if place is None or place.queue != contact.queue or self.at_ms >= place.until_ms:
            return None
        return self.places.pop((contact.customer, contact.channel))

    def resume(self, contact: Contact, place: Place, promise: Promise | None) -> None:
        contact.state, contact.entered_ms = "queued", self.moment
        contact.key, contact.target_ms, contact.priority = place.key, place.target_ms, place.priority
        if promise is not None and self.returning(promise) == "merge":
            priority = max(place.priority, self.now_of(promise)[0])
            contact.key, contact.priority = self.moved(contact, priority), priority
        contact.prefer_until_ms = self.at_ms + self.policy.prefer_ms if contact.preferred else None
        contact.resumes = place.contact
        self.queued(contact, place.queued_at_ms, None)
        contact.resumes = None

    # The same matter

    def matter_of(self, contact: Contact) -> int:
        """Counts the arrival; how often the customer came for this, if that is too often."""
        if self.policy.repeat_count == 0 or contact.customer is None or contact.topic is None:
            return 0
        before = self.known_matter(contact) or Matter()
        earlier = [came_ms for came_ms in before.arrivals if came_ms + self.policy.repeat_ms > self.at_ms]
        arrivals, until_ms = [*earlier[1 - COUNTED_MAX :], self.moment], self.moment + self.policy.repeat_ms
        self.matters[contact.customer, contact.topic] = Matter(arrivals, until_ms, before.agent if earlier else None)
        count = len(arrivals)
        contact.matter = (count, until_ms)
        if count < self.policy.repeat_count:
            return 0
        contact.priority = min(contact.priority + self.policy.repeat_priority, PRIORITY_MAX)
        if before.agent is not None and self.agent(before.agent) is not None:
            others = [ref for ref in contact.preferred if ref != before.agent]
            contact.preferred = [before.agent, *others][:PREFERRED_MAX]
        return count

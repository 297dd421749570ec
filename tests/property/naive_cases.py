"""Cases, parked contacts, reclassification and outside effects, naively."""

from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_contacts import ContactFacts
from tests.property.naive_state import Contact, Effect


class CaseFacts(ContactFacts):
    """What written channels add: a matter outlives its contacts, and answers go outside."""

    def on_ContactArrived(self, fact: f.ContactArrived) -> None:
        self.profile(fact.channel)
        if self.known(fact.contact):
            self.checked_arrival(fact)
            self.refuse("contact_exists")
        if fact.case is None or fact.case == fact.contact:
            self.arrive(fact)
            return
        living = [each for each in self.contacts if (each.case, each.channel) == (fact.case, fact.channel) and each.promise is None]
        if living:
            self.join(max(living, key=lambda each: each.key.seq), fact)
        elif fact.reopens:
            self.arrive(fact)
        elif fact.message is not None:
            self.record(e.MessageAttached(at_ms=self.moment, message=fact.message, author=fact.author), fact.case)

    def join(self, contact: Contact, fact: f.ContactArrived) -> None:
        """The message is for a contact that lives."""
        if contact.state == "parked" and not fact.reopens:
            if fact.message is not None:
                attached = e.MessageAttached(at_ms=self.moment, message=fact.message, author=fact.author)
                self.record(attached, contact.id, contact.owner)
            return
        if fact.message is not None:
            self.say(contact, fact.message, fact.author)
        if contact.state == "parked":
            self.bring_back(contact, "customer" if fact.author == "customer" else "service")

    # Parked

    def on_ParkRequested(self, fact: f.ParkRequested) -> None:
        contact = self.live(fact.contact)
        work = self.engaged(contact, fact.agent)
        if self.profile(contact.channel).presence == "live":
            self.refuse("no_parking")
        if sum(1 for each in self.contacts if each.state == "parked" and each.owner == fact.agent) >= self.policy.max_parked:
            self.refuse("park_limit")
        self.put_aside(work, contact, fact.kind, self.moment + fact.for_ms, fact.note)

    def on_ParkEndRequested(self, fact: f.ParkEndRequested) -> None:
        contact = self.live(fact.contact)
        if contact.state != "parked" or fact.agent not in (None, contact.owner):
            self.refuse("not_parked")
        self.bring_back(contact, "service" if fact.agent is None else "agent")

    def park_expired(self, contact: Contact) -> None:
        self.bring_back(contact, "deadline")

    # Topics

    def on_ReclassificationRequested(self, fact: f.ReclassificationRequested) -> None:
        contact = self.live(fact.contact)
        work = self.primary(contact)
        engaged = None if work is None else work.agent
        if fact.agent is not None and fact.agent != engaged:
            self.refuse("not_engaged")
        if fact.topic not in [topic.name for topic in self.policy.topics]:
            self.refuse("unknown_topic")
        if fact.topic != contact.topic:
            self.record(e.ContactReclassified(at_ms=self.moment, topic=fact.topic, previous=contact.topic), contact.id, engaged)
            contact.topic = fact.topic

    # Effects

    def effect(self, seq: int, entry: int) -> Effect:
        found = [effect for effect in self.effects if effect.place == (seq, entry)]
        return found[0] if found else self.refuse("unknown_effect")

    def on_EffectDone(self, fact: f.EffectDone) -> None:
        self.effect_over(self.effect(fact.seq, fact.entry), "done")

    def on_EffectFailed(self, fact: f.EffectFailed) -> None:
        effect = self.effect(fact.seq, fact.entry)
        if effect.failed:
            self.refuse("unknown_effect")
        effect.failed = True
        self.ended_effect(effect, "failed", fact.reason)

    def on_EffectRetryRequested(self, fact: f.EffectRetryRequested) -> None:
        effect = self.failed_effect(fact.seq, fact.entry)
        effect.failed = False
        effect.round += 1
        again = e.EffectRetried(at_ms=self.moment, effect_seq=effect.number, effect_entry=0, round=effect.round)
        self.record(again, effect.contact, effect.agent)
        if effect.is_dial and all(promise.dial is not effect for promise in self.promises.values()):
            self.effect_over(effect, "discarded")

    def on_EffectDiscardRequested(self, fact: f.EffectDiscardRequested) -> None:
        self.effect_over(self.failed_effect(fact.seq, fact.entry), "discarded")

    def failed_effect(self, seq: int, entry: int) -> Effect:
        effect = self.effect(seq, entry)
        return effect if effect.failed else self.refuse("effect_open")

    def effect_over(self, effect: Effect, outcome: Any) -> None:
        self.effects.remove(effect)
        self.ended_effect(effect, outcome, None)

    def ended_effect(self, effect: Effect, outcome: Any, reason: Any) -> None:
        ended = e.EffectEnded(at_ms=self.moment, effect_seq=effect.number, effect_entry=0, outcome=outcome, reason=reason)
        self.record(ended, effect.contact, effect.agent)

    # Customers

    def on_CustomerErasureRequested(self, fact: f.CustomerErasureRequested) -> None:
        for promise in sorted(self.promises.values(), key=lambda each: each.contact):
            if promise.customer == fact.customer:
                self.cancel(promise)
        for contact in self.contacts:
            if contact.customer == fact.customer:
                contact.customer = None
        for choice in self.choices.values():
            choice.customer = None if choice.customer == fact.customer else choice.customer
        self.forget(fact.customer)
        self.record(e.CustomerErased(at_ms=self.moment, customer=fact.customer))

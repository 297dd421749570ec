"""Next steps, naively: what customers are offered whom nobody can help, what they take, and what follows."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec.structs import replace

from cordboard.events import event as e
from cordboard.events import fact as f
from cordboard.events.policy import NextStep
from tests.property.naive_places import Places
from tests.property.naive_slas import begins_case
from tests.property.naive_state import Contact
from tests.property.naive_timers import Timer, timer
from tests.property.naive_waiting import WAITING

CHOOSING_MAX = 10_000


@dataclass(slots=True)
class Choice:
    """Open until it is taken, or not needed any more."""

    contact: bytes
    channel: str
    offer: e.NextStepOffered
    customer: bytes | None


class NextSteps(Places):
    """Whoever is turned away is no contact: all that is known of them stands in their offer."""

    def next_steps(self, entry_point: str | None) -> list[NextStep]:
        return next((each.next_steps for each in self.policy.entry_points if each.name == entry_point), [])

    def leads_on(self, entry_point: str | None) -> bool:
        return bool(self.next_steps(entry_point))

    def chooses(self, contact: Contact) -> bool:
        """And has nothing else to wait for."""
        choice = self.choices.get(contact.id)
        return choice is not None and choice.offer.cause != "threshold"

    # Offered

    def turned_away(self, fact: f.ContactArrived, cause: Any) -> None:
        self.offer_steps(fact.contact, fact.channel, e.NextStepOffered(
            self.moment, fact.queue, cause, [], 0, fact.requirements, fact.priority, fact.customer, fact.preferred,
            fact.entry_point, fact.topic, fact.case, fact.rule, fact.language, fact.accepts, fact.segment,
        ))  # fmt: skip

    def waits_in_vain(self, contact: Contact, cause: Any) -> bool:
        """Nothing to offer: no."""
        return self.offer_steps(contact.id, contact.channel, e.NextStepOffered(
            self.moment, contact.queue, cause, [], 0, contact.wishes, contact.priority, contact.customer, contact.preferred,
            contact.entry_point, contact.topic, contact.named_case, contact.rule, contact.language, contact.accepts,
            contact.segment,
        ))  # fmt: skip

    def offer_steps(self, ref: bytes, channel: str, known: e.NextStepOffered) -> bool:
        crowded = len(self.choices) >= CHOOSING_MAX
        steps = [
            step
            for step in self.next_steps(known.entry_point)
            if (step.kind == "message" and known.cause != "threshold")
            or (step.kind != "message" and not crowded and self.is_possible(step, known.queue, channel))
        ]
        if not steps:
            return False
        entry_point = next(each for each in self.policy.entry_points if each.name == known.entry_point)
        offer = replace(known, choices=steps, until_ms=self.at_ms + max(1, entry_point.choose_ms))
        self.choices[ref] = Choice(ref, channel, offer, known.customer)
        self.record(offer, ref)
        if steps[0].kind == "message":
            self.told_and_over(ref, "time")
        return True

    def is_possible(self, step: NextStep, asked: str, channel: str) -> bool:
        queue = str(step.queue)
        if step.kind == "callback":
            return any(self.has_room_in(queue, slot, None) for slot in self.still_open(queue))
        return step.kind != "queue" or (queue != asked and self.takes_somebody_new(queue, channel))

    def takes_somebody_new(self, queue: str, channel: str) -> bool:
        return not self.is_now(channel) or self.no_admission(queue, channel) is None

    def lead_on(self, contact: Contact) -> None:
        """It has come to wait, or is back, where those who waited were moved on: so is it, unless somebody is asked just now."""
        fell_back, contact.fell_back = contact.fell_back, False
        waits = contact.state in ("queued", "offered") and self.is_now(contact.channel) and contact.promise is None
        if not (fell_back and waits and self.closing_is_over(contact.queue)) or self.chooses(contact):
            return
        to = self.way_out(contact.queue, contact.channel) if contact.state == "queued" else None
        if to is not None:
            self.divert(contact, to, "closing")
            self.newcomers.remove(contact)
            self.look(contact)
        elif not self.waits_in_vain(contact, "closing") and contact.state == "queued" and not contact.ever_answered:
            self.turn_away(contact)

    # Taken

    def on_NextStepChosen(self, fact: f.NextStepChosen) -> None:
        choice = self.choices.get(fact.contact)
        if choice is None:
            self.live(fact.contact)
            self.refuse("no_next_step")
        found = [step for step in choice.offer.choices if (step.kind, step.to) == (fact.kind, fact.to)]
        if not found:
            self.refuse("next_step_not_offered")
        if self.known(fact.successor):
            self.refuse("contact_exists")
        take = {"callback": self.called_back, "queue": self.elsewhere, "message": self.is_told}.get(fact.kind, self.left_behind)
        take(fact, choice, found[0])

    def is_told(self, fact: f.NextStepChosen, choice: Choice, step: NextStep) -> None:
        self.told_and_over(choice.contact, "customer")

    def told_and_over(self, ref: bytes, by: Any) -> None:
        self.step_taken(ref, NextStep("message"), by, None)
        contact = self.contact(ref)
        if contact is not None:
            self.turn_away(contact)

    def step_taken(self, ref: bytes, step: NextStep, by: Any, successor: bytes | None) -> None:
        del self.choices[ref]
        if self.contact(ref) is None:
            self.ended[ref] = self.at_ms
        self.record(e.NextStepTaken(self.moment, step.kind, step.to, by, successor), ref)

    def called_back(self, fact: f.NextStepChosen, choice: Choice, step: NextStep) -> None:
        """As if it had been asked for. What cannot be had leaves the choice open."""
        known, contact = self.known_now(choice), self.contact(choice.contact)
        wish = f.CallbackRequested(
            fact.fact_id, fact.successor, str(step.channel), str(step.queue), fact.wish_ms, known.requirements, known.priority,
            fact.customer or choice.customer, known.preferred, known.entry_point, known.topic, known.case or choice.contact,
            known.rule, known.language, known.accepts, exact=fact.exact, hours=fact.hours, address=fact.address,
            waiting=None if contact is None else contact.id,
        )  # fmt: skip
        self.on_CallbackRequested(wish)
        if fact.successor in self.promises:
            self.taken_before(choice, step, fact.successor)

    def taken_before(self, choice: Choice, step: NextStep, successor: bytes) -> None:
        """Of a contact that has flowed out into it, nothing is left to choose."""
        self.choices[choice.contact] = choice
        self.step_taken(choice.contact, step, "customer", successor)

    def known_now(self, choice: Choice) -> e.NextStepOffered:
        """Of a contact that waits, what it is by now."""
        contact = self.contact(choice.contact)
        if contact is None:
            return choice.offer
        return replace(
            choice.offer, requirements=contact.wishes, priority=contact.priority, preferred=contact.preferred, topic=contact.topic
        )

    def elsewhere(self, fact: f.NextStepChosen, choice: Choice, step: NextStep) -> None:
        """A place in another queue. Who waits keeps their waits there, and is no other contact."""
        there = str(step.queue)
        if there not in [queue.name for queue in self.policy.queues] or not self.takes_somebody_new(there, choice.channel):
            self.refuse("next_step_unavailable")
        contact = self.contact(choice.contact)
        if contact is None:
            self.follows(fact, choice, step, choice.channel, choice.offer.entry_point)
            return
        self.step_taken(contact.id, step, "customer", contact.id)
        if fact.message is not None:
            self.say(contact, fact.message, "customer")
        self.divert(contact, there, choice.offer.cause)

    def left_behind(self, fact: f.NextStepChosen, choice: Choice, step: NextStep) -> None:
        if step.queue not in [queue.name for queue in self.policy.queues]:
            self.refuse("next_step_unavailable")
        self.follows(fact, choice, step, str(step.channel), step.to)

    def follows(self, fact: f.NextStepChosen, choice: Choice, step: NextStep, channel: str, entry_point: str | None) -> None:
        known, contact = self.known_now(choice), self.contact(choice.contact)
        self.step_taken(choice.contact, step, "customer", fact.successor)
        successor = f.ContactArrived(
            fact.fact_id, fact.successor, channel, str(step.queue), known.requirements, known.priority,
            fact.customer or choice.customer, known.preferred, entry_point, known.topic, known.case or choice.contact,
            fact.message, rule=known.rule, language=known.language, accepts=known.accepts, segment=known.segment,
        )  # fmt: skip
        twin, owed_first = self.waits_besides(successor.customer, contact), self.first_is_owed(choice)
        self.begin(successor, successor.queue, twin, counts=contact is None, owed_first=owed_first)
        if contact is not None:
            self.all_look()
            self.flow_out(contact, fact.successor)

    def first_is_owed(self, choice: Choice) -> bool:
        """As to one who begins a case."""
        contact = self.contact(choice.contact)
        if contact is None:
            return choice.offer.case in (None, choice.contact)
        return begins_case(contact) and not contact.ever_answered

    def waits_besides(self, customer: bytes | None, but: Contact | None) -> Contact | None:
        """As whom they waited first of all."""
        own = [each for each in self.contacts if each.customer == customer and each.state in WAITING and each is not but]
        return min(own, key=lambda each: each.key.seq) if customer is not None and own else None

    # Not taken

    def choice_timers(self) -> list[Timer]:
        return [
            timer(each.offer.until_ms, "next_step", each.contact, partial(self.not_chosen, each)) for each in self.choices.values()
        ]

    def not_chosen(self, choice: Choice) -> None:
        """Who may still be served waits on."""
        queue = choice.offer.queue
        if self.contact(choice.contact) is not None and not self.closing_is_over(queue):
            self.step_taken(choice.contact, NextStep("queue", queue), "time", choice.contact)
        else:
            self.told_and_over(choice.contact, "time")

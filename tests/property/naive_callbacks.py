"""Facts about promised calls, naively."""

from abc import ABC, abstractmethod
from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from cordboard.events.promises import Hours
from tests.property.naive_case_clocks import case_of
from tests.property.naive_cases import CaseFacts
from tests.property.naive_state import Contact, Promise

Wish = f.CallbackRequested | f.CallbackRescheduled
PROMISES_MAX = 50
"""To one customer at a time."""
PLAN_AHEAD_MS = 400 * 24 * 3_600_000


class Callbacks(CaseFacts, ABC):
    """Wishes, moves, plans, and what became of calls."""

    def on_CallbackRequested(self, fact: f.CallbackRequested) -> None:
        self.queue(fact.queue)
        self.profile(fact.channel)
        self.know_skills([need.skill for need in fact.requirements])
        if fact.topic is not None and fact.topic not in [topic.name for topic in self.policy.topics]:
            self.refuse("unknown_topic")
        if fact.entry_point is not None and fact.entry_point not in [each.name for each in self.policy.entry_points]:
            self.refuse("unknown_entry_point")
        self.check_hours(fact.hours)
        if self.known(fact.contact):
            self.refuse("contact_exists")
        waiting = None if fact.waiting is None else self.contact(fact.waiting)
        if len(self.promises_to(fact.customer or (waiting.customer if waiting else None))) >= PROMISES_MAX:
            self.refuse("too_many_promises")
        if fact.waiting is not None:
            waiting = self.who_flows_out(fact.waiting)
        if fact.kind == "hold_place":
            self.place_wished_for(fact, waiting)
            return
        slot = self.find(fact.queue, fact.wish_ms, fact.exact, fact.hours, None)
        if isinstance(slot, str):
            self.declined(fact.contact, fact.queue, fact, slot, fact.hours)
            return
        promise = self.wished_for(fact) if waiting is None else self.inheriting(self.wished_for(fact), waiting)
        self.slot_promised(promise, slot, fact.waiting, None)
        if waiting is not None:
            self.flow_out(waiting, promise.contact)

    @abstractmethod
    def place_wished_for(self, fact: f.CallbackRequested, waiting: Contact | None) -> None:
        """Who waits wants to keep the place (naive_places)."""

    def wished_for(self, fact: f.CallbackRequested) -> Promise:
        return Promise(
            contact=fact.contact, channel=fact.channel, queue=fact.queue, mode=fact.mode or self.grid(fact.queue).mode,
            made_ms=self.moment, requirements=fact.requirements, priority=fact.priority, customer=fact.customer,
            preferred=fact.preferred, entry_point=fact.entry_point, topic=fact.topic, case=fact.case, rule=fact.rule,
            language=fact.language, accepts=fact.accepts, address=fact.address, hours=fact.hours,
        )  # fmt: skip

    def inheriting(self, promise: Promise, waiting: Contact) -> Promise:
        """What the wish leaves out is as it was with who flows out into it."""
        promise.requirements = promise.requirements or waiting.wishes
        promise.priority = max(promise.priority, waiting.priority)
        promise.customer = promise.customer or waiting.customer
        promise.preferred = promise.preferred or waiting.preferred
        promise.entry_point = promise.entry_point or waiting.entry_point
        promise.topic, promise.case = promise.topic or waiting.topic, promise.case or waiting.case
        promise.rule, promise.language = promise.rule or waiting.rule, promise.language or waiting.language
        promise.accepts = promise.accepts or waiting.accepts
        return promise

    def check_hours(self, hours: list[Hours]) -> None:
        if any(each.until_ms <= each.from_ms for each in hours):
            self.refuse("hours_invalid")

    def who_flows_out(self, ref: bytes) -> Contact:
        contact = self.live(ref)
        if contact.state not in ("queued", "offered") or contact.promise is not None:
            self.refuse("not_waiting")
        return contact

    def flow_out(self, contact: Contact, into: bytes) -> None:
        state = contact.state
        self.revoke_all(contact, "contact_gone")
        self.visit_ended(contact, "flowed_out")
        self.contact_ended(contact, "flowed_out", state, into)

    def declined(self, contact: bytes, queue: str, wish: Wish, reason: Any, hours: list[Hours], near_ms: int | None = None) -> None:
        """`near_ms`: when the turn of who keeps a place would come, whatever is wished."""
        near = self.wished(queue, wish.wish_ms, wish.exact) if near_ms is None else self.wished(queue, near_ms, exact=True)
        slots = self.alternatives(queue, near, hours) if reason != "no_callbacks" else []
        said = e.CallbackDeclined(at_ms=self.moment, queue=queue, wish_ms=wish.wish_ms, reason=reason, alternatives=slots)
        self.record(said, contact)

    def slot_promised(self, promise: Promise, slot: int, waiting: bytes | None, replaces: bytes | None) -> None:
        policy = self.grid(promise.queue)
        promise.slot_ms, promise.due_ms = policy.slot_ms, slot * policy.slot_ms
        self.set_window(promise)
        self.promise_made(promise, waiting, replaces)

    def promise_made(self, promise: Promise, waiting: bytes | None, replaces: bytes | None) -> None:
        self.promises[promise.contact] = promise
        made = e.PromiseMade(
            at_ms=self.moment, queue=promise.queue, kind="scheduled" if promise.key is None else "hold_place",
            mode=promise.mode, due_ms=promise.due_ms, from_ms=promise.from_ms,  # type: ignore[arg-type]
            until_ms=promise.until_ms, slot_ms=promise.slot_ms, key=promise.key,
            requirements=promise.requirements, priority=promise.priority, customer=promise.customer, preferred=promise.preferred,
            entry_point=promise.entry_point, topic=promise.topic, case=promise.case, rule=promise.rule,
            language=promise.language, accepts=promise.accepts, hours=promise.hours, address=promise.address, waiting=waiting,
            replaces=replaces,
        )  # fmt: skip
        self.record(made, promise.contact)
        if promise.key is not None:
            self.case_goes_on(case_of(promise))

    def set_window(self, promise: Promise) -> None:
        """Cut to the stretches that hold what was said, and not before now."""
        policy, due_ms = self.grid(promise.queue), promise.due_ms
        from_ms, until_ms = due_ms - policy.early_ms, due_ms + policy.late_ms
        openings = self.calendar(promise.queue).openings
        stretches = [(each.from_ms, each.until_ms) for each in promise.hours]
        for some in (stretches, openings or []):
            for begin_ms, end_ms in some:
                if begin_ms <= due_ms < end_ms:
                    from_ms, until_ms = max(from_ms, begin_ms), min(until_ms, end_ms)
        promise.from_ms = promise.next_ms = max(from_ms, self.at_ms + 1)
        promise.until_ms = until_ms

    def on_CallbackRescheduled(self, fact: f.CallbackRescheduled) -> None:
        promise = self.promised(fact.contact)
        hours = promise.hours if fact.hours is None else fact.hours
        self.check_hours(hours)
        if self.known(fact.successor):
            self.refuse("contact_exists")
        slot = why = self.find(promise.queue, fact.wish_ms, fact.exact, hours, None)
        if isinstance(slot, str):
            slot = self.find(promise.queue, fact.wish_ms, fact.exact, hours, promise)
        if isinstance(slot, str):
            self.declined(promise.contact, promise.queue, fact, why, hours)
            return
        self.moves_to(promise, self.like(promise, fact.successor, hours), slot)

    def like(self, promise: Promise, ref: bytes, hours: list[Hours]) -> Promise:
        """Another one instead of it."""
        contact = self.contact(promise.contact)
        topic = promise.topic if contact is None else contact.topic
        return Promise(
            contact=ref, channel=promise.channel, queue=promise.queue, mode=promise.mode, made_ms=self.moment,
            requirements=promise.requirements, priority=promise.priority, customer=promise.customer,
            preferred=promise.preferred, entry_point=promise.entry_point, topic=topic,
            case=promise.case or promise.contact, rule=promise.rule, language=promise.language, accepts=promise.accepts,
            address=promise.address, hours=hours,
        )  # fmt: skip

    def moves_to(self, promise: Promise, successor: Promise, slot: int) -> None:
        contact = self.contact(promise.contact)
        self.slot_promised(successor, slot, None, promise.contact)
        here, state = self.waits_as(promise), "scheduled" if contact is None else contact.state
        if contact is not None:
            self.revoke_all(contact, "contact_gone")
            self.visit_ended(contact, "flowed_out")
        self.gone(promise, contact, "flowed_out", state, successor.contact)
        self.promise_ended(promise, "rescheduled", None, successor.contact)
        self.case_left(case_of(promise), promise.contact, promise.queue, "flowed_out")
        if here is not None:
            self.hold(successor, here)

    def promised(self, ref: bytes) -> Promise:
        """What has not been kept, and is not being kept just now."""
        if self.is_gone(ref):
            self.refuse("contact_gone")
        contact = self.contact(ref)
        if contact is None and ref not in self.promises:
            self.refuse("unknown_contact")
        if ref not in self.promises:
            self.refuse("not_promised")
        if contact is not None and contact.state == "connecting":
            self.refuse("callback_in_progress")
        return self.promises[ref]

    def on_CallbackCancelled(self, fact: f.CallbackCancelled) -> None:
        promise = self.promised(fact.contact)
        self.know_reason(fact.reason)
        self.cancel(promise)

    def on_AttemptReported(self, fact: f.AttemptReported) -> None:
        agent, contact = self.known_agent(fact.agent), self.live(fact.contact)
        work = self.work(contact.id, agent.id, "connecting")
        if work is None or work.attempt != fact.attempt:
            self.refuse("not_connecting")
        if contact.promise is None:
            self.refuse("not_promised")
        self.attempt_over(work, contact, fact.outcome, fact.ring_ms)

    # Plans

    def on_CapacityPlanned(self, fact: f.CapacityPlanned) -> None:
        self.queue(fact.queue)
        policy = self.callbacks(fact.queue)
        if policy is None:
            self.refuse("no_callbacks")
        if fact.slot_ms != policy.slot_ms or fact.from_ms % fact.slot_ms or not fact.capacities:
            self.refuse("slot_mismatch")
        if fact.from_ms > self.at_ms + PLAN_AHEAD_MS:
            self.refuse("plan_too_far")
        first = fact.from_ms // fact.slot_ms
        plan = self.plans.setdefault(fact.queue, {})
        for slot, capacity in enumerate(fact.capacities, first):
            if slot >= self.moment // fact.slot_ms:
                plan[slot] = capacity
        self.record(e.CapacitySet(self.moment, fact.queue, fact.from_ms, fact.slot_ms, fact.capacities))
        self.note_risks(fact.queue, range(first, first + len(fact.capacities)))

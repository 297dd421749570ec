"""Facts about contacts, naively."""

from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from cordboard.events.bounds import Key, Requirement
from cordboard.events.policy import QueuePolicy
from tests.property.naive_record import Record
from tests.property.naive_state import Agent, Contact, Effect, Work

STRICT_STEP_MS = 10_000_000_000_000
ATTEMPTS_REMEMBERED = 8


class ContactFacts(Record):
    """Arrivals, answers, messages, ends."""

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
            case=fact.case or fact.contact, named_case=fact.case, rule=fact.rule, language=fact.language,
        )  # fmt: skip
        self.contacts.append(contact)
        self.enter(contact, None)
        if fact.message is not None:
            self.say(contact, fact.message, fact.author)

    def enter(self, contact: Contact, sender: bytes | None) -> None:
        """A visit begins, with all earlier waits counted in."""
        queue = self.queue(contact.queue)
        queued_at_ms = self.moment - contact.waits_ms
        step_ms = STRICT_STEP_MS if self.policy.order == "strict" else self.policy.age_credit_ms
        contact.state, contact.sender, contact.entered_ms = "queued", sender, self.moment
        contact.target_ms = queue.targets_ms.get(contact.channel, queue.target_ms)
        contact.key = Key(contact.key.klass, queued_at_ms + contact.target_ms - contact.priority * step_ms, contact.key.seq)
        contact.prefer_until_ms = self.at_ms + self.policy.prefer_ms if contact.preferred else None
        self.queued(contact, queued_at_ms, sender)

    def queued(self, contact: Contact, queued_at_ms: int, sender: bytes | None) -> None:
        """The record of a visit's beginning."""
        contact.answered_before |= contact.answered
        contact.answered = False
        entered = e.ContactQueued(
            at_ms=self.moment, visit=contact.visit, queue=contact.queue, key=contact.key, queued_at_ms=queued_at_ms,
            target_ms=contact.target_ms, requirements=contact.requirements, priority=contact.priority, customer=contact.customer,
            preferred=contact.preferred, prefer_until_ms=contact.prefer_until_ms or 0, excluded=sender,
            entry_point=contact.entry_point, topic=contact.topic, wishes=contact.wishes, case=contact.named_case,
            rule=contact.rule, language=contact.language,
        )  # fmt: skip
        self.record(entered, contact.id)
        self.newcomer = contact

    def park_over(self, contact: Contact, by: Any) -> None:
        self.record(e.ParkEnded(at_ms=self.moment, by=by), contact.id, contact.owner)

    def bring_back(self, contact: Contact, by: Any) -> None:
        """A new visit with the old key; the owner first."""
        self.park_over(contact, by)
        owner = next((agent for agent in self.agents if agent.id == contact.owner), None)
        contact.visit += 1
        contact.requirements = merged(contact.wishes, self.queue(contact.queue).requirements)
        contact.preferred = [] if owner is None else [owner.id]
        contact.state, contact.sender, contact.entered_ms = "queued", None, self.moment
        contact.prefer_until_ms = None if owner is None else self.at_ms + self.policy.owner_ms
        self.queued(contact, self.moment - contact.waits_ms, None)

    def say(self, contact: Contact, message: bytes, author: Any) -> int:
        contact.messages += 1
        said = e.MessageRelayed(at_ms=self.moment, message=message, author=author, ordinal=contact.messages)
        self.record(said, contact.id)
        return contact.messages

    def visit_ended(self, contact: Contact, outcome: Any) -> None:
        wait_ms = max(0, self.moment - contact.entered_ms)
        ended = e.VisitEnded(
            at_ms=self.moment, visit=contact.visit, queue=contact.queue, outcome=outcome, entered_ms=contact.entered_ms,
            wait_ms=wait_ms, target_ms=contact.target_ms,
        )  # fmt: skip
        self.record(ended, contact.id)
        contact.waits_ms += wait_ms

    def contact_ended(self, contact: Contact, reason: Any, state: Any) -> None:
        self.contacts.remove(contact)
        self.looking = [who for who in self.looking if who is not contact]
        self.ended.add(contact.id)
        self.record(e.ContactEnded(at_ms=self.moment, reason=reason, state=state, successor=None), contact.id)

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

    # Offers and engagements

    def attempted(self, contact: Contact, attempt: int, agent: bytes) -> str:
        """What became of the attempt that was made to this agent."""
        if attempt > len(contact.attempts):
            self.refuse("no_such_offer")
        if attempt <= len(contact.attempts) - ATTEMPTS_REMEMBERED:
            self.refuse("expired")
        offered, fate = contact.attempts[attempt - 1]
        return fate if offered == agent else self.refuse("no_such_offer")

    def on_OfferAnswered(self, fact: f.OfferAnswered) -> None:
        agent, contact = self.known_agent(fact.agent), self.live(fact.contact)
        fate = self.attempted(contact, fact.attempt, agent.id)
        if fate != "made":
            self.refuse("already_accepted" if fate == "accepted" else fate)
        if fact.reason is not None and fact.reason not in [reason.name for reason in self.policy.reasons]:
            self.refuse("unknown_reason")
        work = self.work(contact.id, agent.id, "offered")
        assert work is not None
        if fact.accepted:
            self.accept(work, contact, agent)
        else:
            self.decline(work, contact, agent, fact.reason)

    def accept(self, work: Work, contact: Contact, agent: Agent) -> None:
        agent.declines = 0
        agent.missed[work.channel] = 0
        self.fate(contact, work, "accepted")
        work.state = contact.state = "connecting"
        work.until_ms = self.at_ms + self.profile(work.channel).connect_ms
        accepted = e.OfferAccepted(at_ms=self.moment, attempt=work.attempt, connect_by_ms=work.until_ms)
        self.record(accepted, contact.id, agent.id)

    def decline(self, work: Work, contact: Contact, agent: Agent, reason: str | None) -> None:
        agent.declines += 1
        until, reoffer = self.exclude(contact, agent, self.policy.decline_cooldown_ms, self.policy.reoffer_min_ms)
        declined = e.OfferDeclined(
            at_ms=self.moment, attempt=work.attempt, reason=reason, excluded_until_ms=until, reoffer_from_ms=reoffer,
            declines=agent.declines,
        )  # fmt: skip
        self.record(declined, contact.id, agent.id)
        self.requeue(work, contact, "declined")
        if agent.declines >= self.policy.declines_limit:
            agent.declines = 0
            self.send_away(agent, "declined")
        self.looking.append(agent)

    def on_ContactConnected(self, fact: f.ContactConnected) -> None:
        agent, contact = self.known_agent(fact.agent), self.live(fact.contact)
        work = self.work(contact.id, agent.id, "connecting")
        if work is None or work.attempt != fact.attempt:
            self.refuse("not_connecting")
        work.state = contact.state = "engaged"
        work.until_ms = None
        self.record(e.EngagementStarted(at_ms=self.moment, attempt=work.attempt, queue=work.queue), contact.id, agent.id)
        if self.profile(work.channel).answered_on == "connected":
            self.answer(contact, work)

    def answer(self, contact: Contact, work: Work) -> None:
        contact.answered = True
        wait_ms = max(0, self.moment - contact.entered_ms)
        self.record(e.ContactAnswered(at_ms=self.moment, attempt=work.attempt, wait_ms=wait_ms), contact.id, work.agent)
        self.visit_ended(contact, "answered")

    def on_MessagePosted(self, fact: f.MessagePosted) -> None:
        contact = self.live(fact.contact)
        work = None
        if fact.author == "agent":
            work = None if fact.agent is None else self.work(contact.id, fact.agent, "engaged")
            if work is None:
                self.refuse("not_engaged")
        ordinal = self.say(contact, fact.message, fact.author)
        if fact.author == "customer" and contact.state == "parked":
            self.bring_back(contact, "customer")
        if work is None:
            return
        reply = self.profile(work.channel).reply
        if reply != "live":
            self.effects.append(Effect(contact.id, work.agent))
            asked = e.EffectRequested(at_ms=self.moment, kind=reply, message=fact.message, ordinal=ordinal)
            self.record(asked, contact.id, work.agent)
        if not contact.answered and self.profile(work.channel).answered_on == "first_message":
            self.answer(contact, work)

    def on_EngagementEndRequested(self, fact: f.EngagementEndRequested) -> None:
        contact = self.live(fact.contact)
        work = self.work(contact.id, fact.agent, "engaged")
        if work is None:
            self.refuse("not_engaged")
        self.know_disposition(fact.disposition)
        self.engagement_ended(work, "agent", fact.disposition, fact.note)
        if not contact.answered:
            self.visit_ended(contact, "closed")
        self.contact_ended(contact, "completed", "engaged")

    def know_disposition(self, disposition: str | None) -> None:
        if disposition is not None and disposition not in self.policy.dispositions:
            self.refuse("unknown_disposition")

    def engagement_ended(self, work: Work, by: Any, disposition: str | None, note: bytes | None) -> None:
        """Wrap-up follows, if the channel has one; it may outlast the contact."""
        agent, profile = self.agent(work.agent), self.profile(work.channel)
        assert agent is not None
        work.until_ms, work.wrap_started_ms = None, self.moment
        if profile.wrap_up_ms:
            work.state = "wrapping"
            work.until_ms = self.at_ms + profile.wrap_up_ms
            work.cost = -(-work.cost * profile.wrap_up_cost_percent // 100)
        else:
            self.works.remove(work)
        ended = e.EngagementEnded(
            at_ms=self.moment, attempt=work.attempt, by=by, disposition=disposition, note=note, wrap_until_ms=work.until_ms,
            wrap_cost=work.cost if work.until_ms is not None else 0,
        )  # fmt: skip
        self.record(ended, work.contact, agent.id)
        self.freed(agent, connected=True)

    def wrapping(self, ref: bytes, agent: bytes) -> Work:
        return self.work(ref, agent, "wrapping") or self.refuse("not_wrapping")

    def on_WrapUpEndRequested(self, fact: f.WrapUpEndRequested) -> None:
        work = self.wrapping(fact.contact, fact.agent)
        self.know_disposition(fact.disposition)
        self.works.remove(work)
        over = e.WrapUpEnded(at_ms=self.moment, attempt=work.attempt, by="agent", disposition=fact.disposition, note=fact.note)
        self.record(over, work.contact, work.agent)
        self.freed(self.known_agent(work.agent), connected=True)

    def on_WrapUpExtensionRequested(self, fact: f.WrapUpExtensionRequested) -> None:
        work = self.wrapping(fact.contact, fact.agent)
        assert work.until_ms is not None
        if work.until_ms + fact.extra_ms > work.wrap_started_ms + self.profile(work.channel).wrap_up_max_ms:
            self.refuse("extension_limit")
        work.until_ms += fact.extra_ms
        self.record(e.WrapUpExtended(at_ms=self.moment, attempt=work.attempt, until_ms=work.until_ms), work.contact, work.agent)


def merged(own: list[Requirement], queue: list[Requirement]) -> list[Requirement]:
    """Both lists' skills, each once: the higher level wins, hard wins."""
    needs: dict[str, Requirement] = {}
    for need in [*own, *queue]:
        had = needs.get(need.skill, need)
        needs[need.skill] = Requirement(need.skill, max(need.level, had.level), need.hard or had.hard)
    return list(needs.values())

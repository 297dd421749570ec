"""Engagements, naively: connection, messages, ends, wrap-up."""

from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_offers import Offers
from tests.property.naive_state import Contact, Effect, Work


class Engagements(Offers):
    """What an agent and a customer do together, and the work after it."""

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

    def say(self, contact: Contact, message: bytes, author: Any) -> int:
        contact.messages += 1
        said = e.MessageRelayed(at_ms=self.moment, message=message, author=author, ordinal=contact.messages)
        self.record(said, contact.id)
        return contact.messages

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

    def wrap_up_expired(self, work: Work) -> None:
        agent = self.agent(work.agent)
        assert agent is not None
        self.works.remove(work)
        over = e.WrapUpEnded(at_ms=self.moment, attempt=work.attempt, by="deadline", disposition=None, note=None)
        self.record(over, work.contact, agent.id)
        self.freed(agent, connected=True)

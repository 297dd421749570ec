"""Engagements, naively: connection, messages, ends, wrap-up."""

from abc import ABC, abstractmethod
from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_sides import Sides
from tests.property.naive_state import Contact, Work


class Engagements(Sides, ABC):
    """What an agent and a customer do together, and the work after it."""

    def on_ContactConnected(self, fact: f.ContactConnected) -> None:
        work, contact, agent = self.connecting(fact)
        work.state, work.until_ms = "engaged", None
        self.note_begun(work)
        agent.leg_failures = 0
        agent.started += 1
        if work.role == "primary":
            contact.state = "engaged"
            self.owed_from_now(contact, work)
            self.helped(contact, agent.id)
        started = e.EngagementStarted(at_ms=self.moment, attempt=work.attempt, queue=work.queue, role=work.role,
            silence=self.due_silence(contact) if work.role == "primary" else None,
        )  # fmt: skip
        self.record(started, contact.id, agent.id)
        if work.role == "primary":
            for sibling in self.siblings(work):
                self.revoke(sibling, contact, "taken")
            if self.profile(work.channel).answered_on == "connected":
                self.answer(contact, work)
            self.connected_in_time(contact)
        if self.profile(work.channel).interruptible_by:
            self.looking.append(agent)

    def answer(self, contact: Contact, work: Work) -> None:
        self.came_or_went(contact, "answered")
        self.note_served(contact)
        contact.answered = True
        wait_ms = max(0, self.moment - contact.entered_ms)
        self.note_answer(contact, wait_ms)
        self.record(e.ContactAnswered(at_ms=self.moment, attempt=work.attempt, wait_ms=wait_ms), contact.id, work.agent)
        self.clocks_met(contact, "answer", "first_response")
        self.visit_ended(contact, "answered")

    @abstractmethod
    def note_served(self, contact: Contact) -> None:
        """Who dials its customer need not do so again (naive_comings)."""

    @abstractmethod
    def connected_in_time(self, contact: Contact) -> None:
        """What was promised is kept (naive_promises)."""

    # Messages

    def on_MessagePosted(self, fact: f.MessagePosted) -> None:
        contact = self.live(fact.contact)
        work = None
        if fact.author == "agent":
            work = self.speaker(contact, fact.agent)
        ordinal = self.say(contact, fact.message, fact.author)
        if fact.author == "customer" and contact.state == "parked":
            self.bring_back(contact, "customer")
        if work is None:
            return
        reply = self.profile(work.channel).reply
        if reply != "live":
            self.ask_for_effect(contact.id, work.agent)
            asked = e.EffectRequested(at_ms=self.moment, kind=reply, message=fact.message, ordinal=ordinal)
            self.record(asked, contact.id, work.agent)
        if not contact.answered and self.profile(work.channel).answered_on == "first_message":
            self.answer(contact, work)

    def speaker(self, contact: Contact, agent: bytes | None) -> Work:
        """Who may write to the customer: the primary agent, and whoever is in the conference."""
        work = None if agent is None else self.work(contact.id, agent, "engaged")
        return work if work is not None and work.role != "consult" else self.refuse("not_engaged")

    def say(self, contact: Contact, message: bytes, author: Any) -> int:
        self.revive(contact, author)
        contact.messages += 1
        self.spoken(contact, author)
        said = e.MessageRelayed(
            at_ms=self.moment,
            message=message,
            author=author,
            ordinal=contact.messages,
            silence=self.due_silence(contact),
        )
        self.record(said, contact.id)
        if author == "agent":
            self.reply(contact)
        elif author == "customer":
            self.question(contact)
        return contact.messages

    # Ends

    def on_EngagementEndRequested(self, fact: f.EngagementEndRequested) -> None:
        contact = self.live(fact.contact)
        work = None if fact.agent is None else self.work(contact.id, fact.agent, "engaged")
        if work is None:
            self.refuse("not_engaged")
        self.know_disposition(fact.disposition)
        conference = [side for side in self.sides(contact, "engaged") if side.role == "conference"]
        if work.role != "primary":
            self.engagement_ended(work, "agent", fact.disposition, fact.note)
        elif conference:
            self.succeed(work, conference[0], contact, "agent", fact.disposition, fact.note)
        else:
            self.primary_ended(work, contact, "agent", fact.disposition, fact.note)
            if not contact.answered:
                self.visit_ended(contact, "closed")
            self.contact_ended(contact, "completed", "engaged")

    def know_disposition(self, disposition: str | None) -> None:
        if disposition is not None and disposition not in self.policy.dispositions:
            self.refuse("unknown_disposition")

    # Wrap-up

    def wrapping(self, ref: bytes, agent: bytes) -> Work:
        self.known_agent(agent)
        return self.work(ref, agent, "wrapping") or self.refuse("not_wrapping")

    def on_WrapUpEndRequested(self, fact: f.WrapUpEndRequested) -> None:
        work = self.wrapping(fact.contact, fact.agent)
        self.know_disposition(fact.disposition)
        self.wrapped_up(work, "agent", fact.disposition, fact.note)

    def wrap_up_expired(self, work: Work) -> None:
        self.wrapped_up(work, "deadline")

    def wrapped_up(self, work: Work, by: Any, disposition: str | None = None, note: bytes | None = None) -> None:
        self.works.remove(work)
        self.note_spent(work, self.known_agent(work.agent), work.wrap_started_ms, work.cost, over=True)
        over = e.WrapUpEnded(at_ms=self.moment, attempt=work.attempt, by=by, disposition=disposition, note=note)
        self.record(over, work.contact, work.agent)
        self.freed(self.known_agent(work.agent), connected=True)

    def on_WrapUpExtensionRequested(self, fact: f.WrapUpExtensionRequested) -> None:
        work = self.wrapping(fact.contact, fact.agent)
        assert work.until_ms is not None
        if work.until_ms + fact.extra_ms > work.wrap_started_ms + self.profile(work.channel).wrap_up_max_ms:
            self.refuse("extension_limit")
        work.until_ms += fact.extra_ms
        self.record(e.WrapUpExtended(at_ms=self.moment, attempt=work.attempt, until_ms=work.until_ms), work.contact, work.agent)

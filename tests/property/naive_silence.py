"""Silence and hold, naively: who owes the next word, since when, and what happens if it is not said."""

from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_answers import Answers
from tests.property.naive_state import Contact, Work


class Silence(Answers):
    """On written channels somebody always owes a word."""

    def engaged(self, contact: Contact, agent: bytes | None) -> Work:
        """The contact's primary engagement, if it is this agent's."""
        work = self.primary(contact)
        return work if work is not None and work.agent == agent else self.refuse("not_engaged")

    # Words

    def owed_from_now(self, contact: Contact, work: Work) -> None:
        """Another agent begins: who owes the word then, and since now."""
        contact.owes = "agent" if contact.unanswered else "customer"
        self.owed(contact, work)

    def owed(self, contact: Contact, work: Work) -> None:
        contact.owed_since_ms = self.at_ms
        contact.silence = self.next_silence(contact, work, ("dormant", "alert", "end", "requeue"))

    def next_silence(self, contact: Contact, work: Work, steps: tuple[str, ...]) -> tuple[int, str] | None:
        """The first of the steps that the channel has, for who owes the word."""
        profile = self.profile(work.channel)
        if profile.presence == "live" or contact.held_since_ms is not None:
            return None
        if contact.owes == "customer":
            early, late, names = profile.idle_ms, profile.idle_end_ms, ("dormant", "end")
        else:
            early, late, names = profile.silence_alert_ms, profile.silence_requeue_ms, ("alert", "requeue")
        if early and (not late or early < late) and names[0] in steps and not (names[0] == "dormant" and work.dormant):
            return contact.owed_since_ms + early, names[0]
        return (contact.owed_since_ms + late, names[1]) if late else None

    def due_silence(self, contact: Contact) -> Any:
        if contact.silence is None:
            return None
        at_ms, step = contact.silence
        return e.SilenceDue(at_ms, step)  # type: ignore[arg-type]

    def spoken(self, contact: Contact, author: Any) -> None:
        """A message of the customer or an agent; the system's are nobody's."""
        if author == "system":
            return
        contact.unanswered = author == "customer"
        work = self.primary(contact)
        owes = "agent" if author == "customer" else "customer"
        if work is not None and (contact.owes != owes or author == "agent"):
            contact.owes = owes
            self.owed(contact, work)

    def revive(self, contact: Contact, author: Any) -> None:
        """A word wakes a dormant engagement, at its full cost."""
        work = self.primary(contact)
        if work is not None and work.dormant and author != "system":
            _, agent = self.parties(work)
            work.dormant, work.cost = False, work.full_cost
            self.record(e.ContactRevived(at_ms=self.moment, attempt=work.attempt, cost=work.cost), contact.id, work.agent)
            self.came_or_went(contact, "back")
            self.over_limits(agent, "revived", self.moment)

    # Deadlines

    def silence_over(self, contact: Contact) -> None:
        work = self.primary(contact)
        assert work is not None and contact.silence is not None
        _, step = contact.silence
        contact.silence = None
        {"dormant": self.sleeps, "end": self.customer_silent, "alert": self.alerted, "requeue": self.agent_silent}[step](
            contact, work
        )

    def sleeps(self, contact: Contact, work: Work) -> None:
        profile = self.profile(work.channel)
        work.dormant, work.cost = True, -(-work.cost * profile.dormant_percent // 100)
        end_at_ms = max(contact.owed_since_ms + profile.idle_end_ms, self.moment) if profile.idle_end_ms else None
        contact.silence = None if end_at_ms is None else (end_at_ms, "end")
        dormant = e.ContactDormant(at_ms=self.moment, attempt=work.attempt, cost=work.cost, end_at_ms=end_at_ms)
        self.record(dormant, contact.id, work.agent)
        self.came_or_went(contact, "away")
        self.looking.append(self.known_agent(work.agent))

    def customer_silent(self, contact: Contact, _: Work) -> None:
        self.let_go(contact, "customer", "contact_gone")
        if not contact.answered:
            self.visit_ended(contact, "closed")
        self.contact_ended(contact, "customer_silent", "engaged")

    def alerted(self, contact: Contact, work: Work) -> None:
        profile = self.profile(work.channel)
        requeue_at_ms = max(contact.owed_since_ms + profile.silence_requeue_ms, self.moment) if profile.silence_requeue_ms else None
        contact.silence = None if requeue_at_ms is None else (requeue_at_ms, "requeue")
        noticed = e.AgentSilenceNoticed(
            at_ms=self.moment, attempt=work.attempt, since_ms=contact.owed_since_ms, requeue_at_ms=requeue_at_ms
        )
        self.record(noticed, contact.id, work.agent)

    def agent_silent(self, contact: Contact, work: Work) -> None:
        self.let_go(contact, "agent_silent", "contact_gone")
        if not contact.answered:
            self.visit_ended(contact, "requeued")
        others = [other for other in self.agents if other.id != work.agent and self.present(other, contact)]
        apart = any(self.exclusion(contact, other) is None for other in others)
        self.wait_for_anyone(contact, sender=work.agent if apart else None)
        contact.fell_back = True

    # Hold

    def on_HoldRequested(self, fact: f.HoldRequested) -> None:
        contact = self.live(fact.contact)
        work = self.engaged(contact, fact.agent)
        since = contact.held_since_ms
        if fact.held and since is None:
            contact.held_since_ms, contact.silence = self.moment, None
            self.record(e.EngagementHeld(at_ms=self.moment, attempt=work.attempt), contact.id, work.agent)
        elif not fact.held and since is not None:
            contact.held_since_ms = None
            self.owed(contact, work)
            resumed = e.EngagementResumed(
                at_ms=self.moment,
                attempt=work.attempt,
                held_ms=self.moment - since,
                silence=self.due_silence(contact),
            )
            self.record(resumed, contact.id, work.agent)

"""What becomes of offers, naively: answers, deadlines, connections that fail."""

from abc import ABC, abstractmethod
from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_looks import Looks
from tests.property.naive_state import FORGOTTEN, Agent, Contact, Promise, Work

ATTEMPTS_REMEMBERED = 8
LEG_FAILURES_LIMIT = 2


class Answers(Looks, ABC):
    """From the offer to the connection, or back to the queue."""

    @abstractmethod
    def attempt_over(self, work: Work, contact: Contact, outcome: Any, ring_ms: int, *, nobody_rang: bool = False) -> None:
        """A call that was promised reached nobody (naive_promises)."""

    @abstractmethod
    def who_came_in(self, promise: Promise) -> None:
        """Nobody is dialled for whoever is here by now (naive_comings)."""

    @abstractmethod
    def hang_up(self, promise: Promise, outcome: Any) -> None:
        """The customer is dialled no more (naive_promises)."""

    def attempted(self, contact: Contact, attempt: int, agent: bytes) -> str:
        """What became of the attempt that was made to this agent."""
        if attempt > len(contact.attempts):
            self.refuse("no_such_offer")
        open_ones = {work.attempt for work in self.works if work.contact == contact.id and work.state != "wrapping"}
        ended = [each for each in range(1, len(contact.attempts) + 1) if each not in open_ones]
        if attempt in ended[:-ATTEMPTS_REMEMBERED]:
            self.refuse("expired")
        offered, fate = contact.attempts[attempt - 1]
        return fate if offered in (agent, FORGOTTEN) else self.refuse("no_such_offer")

    def on_OfferAnswered(self, fact: f.OfferAnswered) -> None:
        agent, contact = self.known_agent(fact.agent), self.live(fact.contact)
        fate = self.attempted(contact, fact.attempt, agent.id)
        if fate != "made":
            self.refuse("already_accepted" if fate == "accepted" else fate)
        work = next(each for each in self.works if (each.contact, each.attempt) == (contact.id, fact.attempt))
        if work.state == "held":
            self.refuse("already_accepted")
        self.know_reason(fact.reason)
        if fact.accepted and contact.promise is not None and self.at_ms >= contact.promise.until_ms:
            self.refuse("expired")
        if fact.accepted:
            self.accept(work, contact, agent, self.moment)
        else:
            self.decline(work, contact, agent, fact.reason)

    def decline(self, work: Work, contact: Contact, agent: Agent, reason: str | None) -> None:
        agent.declines += 1
        until, reoffer = self.exclude(contact, agent, self.policy.decline_cooldown_ms, self.policy.reoffer_min_ms)
        declined = e.OfferDeclined(
            at_ms=self.moment, attempt=work.attempt, reason=reason, excluded_until_ms=until, reoffer_from_ms=reoffer,
            declines=agent.declines,
        )  # fmt: skip
        self.record(declined, contact.id, agent.id)
        self.requeue(work, contact, "declined")
        self.again.append(contact)
        if agent.declines >= self.policy.declines_limit:
            agent.declines = 0
            self.send_away(agent, "declined")
        self.looking.append(agent)

    def offer_expired(self, work: Work) -> None:
        contact, agent = self.parties(work)
        agent.missed[work.channel] = missed = agent.missed.get(work.channel, 0) + 1
        until, reoffer = self.exclude(contact, agent, self.policy.decline_cooldown_ms, self.policy.reoffer_min_ms)
        gone = e.OfferExpired(
            at_ms=self.moment, attempt=work.attempt, excluded_until_ms=until, reoffer_from_ms=reoffer, missed=missed
        )
        self.record(gone, contact.id, agent.id)
        self.requeue(work, contact, "expired")
        self.again.append(contact)
        profile = self.profile(work.channel)
        if missed >= profile.missed_limit:
            agent.missed[work.channel] = 0
            if profile.on_missed == "not_ready":
                agent.missed = {}
                self.send_away(agent, "missed")
            else:
                agent.off[work.channel] = "missed"
                self.lose(agent)
                self.record(e.ChannelSwitchSet(at_ms=self.moment, on=False, cause="missed"), None, agent.id)
                self.release_if_not_eligible(agent)
                self.revoke_offers(agent, "channel_off", work.channel)
        self.looking.append(agent)

    # Connections

    def connecting(self, fact: f.ContactConnected | f.ConnectionFailed) -> tuple[Work, Contact, Agent]:
        agent, contact = self.known_agent(fact.agent), self.live(fact.contact)
        work = self.work(contact.id, agent.id, "connecting")
        if work is None or work.attempt != fact.attempt:
            self.refuse("not_connecting")
        return work, contact, agent

    def connect_expired(self, work: Work) -> None:
        contact, agent = self.parties(work)
        if contact.promise is not None and work.role == "primary":
            self.attempt_over(work, contact, "unknown", 0)
            return
        retry_ms = self.policy.connect_retry_ms
        until, reoffer = self.exclude(contact, agent, retry_ms, retry_ms)
        gone = e.ConnectExpired(at_ms=self.moment, attempt=work.attempt, excluded_until_ms=until, reoffer_from_ms=reoffer,
            siblings_until_ms=self.siblings_until(work),
        )  # fmt: skip
        self.record(gone, contact.id, agent.id)
        self.requeue(work, contact, "expired")
        self.goes_on(contact)
        self.freed(agent)

    def on_ConnectionFailed(self, fact: f.ConnectionFailed) -> None:
        work, contact, agent = self.connecting(fact)
        if contact.promise is not None and fact.leg == "customer_leg":
            self.attempt_over(work, contact, "no_answer", max(0, self.moment - contact.promise.accepted_ms))
            return
        if contact.promise is not None and fact.leg == "platform":
            self.attempt_over(work, contact, "unknown", 0, nobody_rang=True)
            return
        gone = fact.leg == "customer_leg" and self.profile(work.channel).presence == "live" and work.role == "primary"
        siblings = self.siblings(work) if gone else []
        for sibling in siblings:
            self.revoke(sibling, contact, "contact_gone")
        late, self.looking = self.looking, []
        agent.leg_failures += fact.leg == "agent_leg"
        until, reoffer = self.exclude(contact, agent, self.policy.connect_retry_ms, self.policy.connect_retry_ms)
        failed = e.ConnectFailed(
            at_ms=self.moment, attempt=work.attempt, leg=fact.leg, excluded_until_ms=until, reoffer_from_ms=reoffer,
            failures=agent.leg_failures, siblings_until_ms=self.siblings_until(work),
        )  # fmt: skip
        self.record(failed, contact.id, agent.id)
        self.requeue(work, contact, "expired")
        if contact.promise is not None:
            self.hang_up(contact.promise, "discarded")
            self.who_came_in(contact.promise)
        if gone:
            self.visit_ended(contact, "abandoned_after_transfer" if contact.answered_before else "abandoned")
            self.contact_ended(contact, "abandoned", "connecting")
        if fact.leg == "agent_leg" and agent.leg_failures >= LEG_FAILURES_LIMIT and agent.requested != ("not_ready", "technical"):
            agent.leg_failures = 0
            self.again.append(contact)
            self.send_away(agent, "technical")
        elif not gone:
            self.goes_on(contact)
        self.freed(agent)
        self.looking += late

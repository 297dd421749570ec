"""Offers, naively: made, answered, expired, revoked, and what that does to the agent."""

from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_state import ACCEPTED, CONNECTED, Agent, Contact, Exclusion, Work
from tests.property.naive_visits import Visits

ATTEMPTS_REMEMBERED = 8


class Offers(Visits):
    """From the choice of an agent to the connection, or back to the queue."""

    def offer(self, contact: Contact, agent: Agent) -> None:
        own, profile, rank = agent.profile(contact.channel), self.profile(contact.channel), self.rank(agent, contact)
        assert own is not None and own.cost is not None and rank is not None
        preferred = self.prefers(contact) and agent.id in contact.preferred
        expires_ms = self.at_ms + profile.offer_ttl_ms
        contact.attempts.append((agent.id, "made"))
        contact.state = "offered"
        attempt = len(contact.attempts)
        work = Work(contact.id, agent.id, attempt, contact.channel, contact.queue, own.cost, "offered", expires_ms)
        work.klass = contact.key.klass
        self.works.append(work)
        if not preferred:
            self.cursors[contact.queue] = agent.id
        made = e.OfferMade(
            at_ms=self.at_ms, attempt=attempt, queue=contact.queue, expires_ms=expires_ms, cost=own.cost, rank=rank,
            cause="preferred" if preferred else "routed", wait_ms=self.at_ms - contact.entered_ms, key=contact.key,
        )  # fmt: skip
        self.record(made, contact.id, agent.id)

    def exclude(self, contact: Contact, agent: Agent, for_ms: int, reoffer_ms: int) -> tuple[int, int]:
        contact.exclusions = [each for each in contact.exclusions if each.agent != agent.id]
        exclusion = Exclusion(agent.id, self.at_ms + for_ms, self.at_ms + reoffer_ms)
        contact.exclusions.append(exclusion)
        return exclusion.until_ms, exclusion.reoffer_ms

    def fate(self, contact: Contact, work: Work, fate: str) -> None:
        contact.attempts[work.attempt - 1] = (work.agent, fate)

    def requeue(self, work: Work, contact: Contact, fate: str) -> None:
        """The offer is over without an engagement: the contact waits again, with its key."""
        self.works.remove(work)
        self.fate(contact, work, fate)
        contact.state = "queued"
        self.looking.append(contact)

    def revoke(self, work: Work, contact: Contact, reason: Any) -> None:
        self.record(e.OfferRevoked(at_ms=self.moment, attempt=work.attempt, reason=reason), contact.id, work.agent)
        agent = self.agent(work.agent)
        assert agent is not None
        self.requeue(work, contact, "revoked")
        self.freed(agent)

    def revoke_offers(self, agent: Agent, reason: str, channel: str | None = None) -> None:
        for work in [work for work in self.works if work.agent == agent.id and work.state == "offered"]:
            if channel in (None, work.channel):
                contact, _ = self.parties(work)
                self.revoke(work, contact, reason)

    # Answers

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

    # Deadlines

    def offer_expired(self, work: Work) -> None:
        contact, agent = self.parties(work)
        agent.missed[work.channel] = missed = agent.missed.get(work.channel, 0) + 1
        until, reoffer = self.exclude(contact, agent, self.policy.decline_cooldown_ms, self.policy.reoffer_min_ms)
        gone = e.OfferExpired(
            at_ms=self.moment, attempt=work.attempt, excluded_until_ms=until, reoffer_from_ms=reoffer, missed=missed
        )
        self.record(gone, contact.id, agent.id)
        self.requeue(work, contact, "expired")
        profile = self.profile(work.channel)
        if missed >= profile.missed_limit:
            agent.missed[work.channel] = 0
            if profile.on_missed == "not_ready":
                agent.missed = {}
                self.send_away(agent, "missed")
            else:
                agent.off[work.channel] = "missed"
                self.lost = True
                self.record(e.ChannelSwitchSet(at_ms=self.moment, on=False, cause="missed"), None, agent.id)
                self.revoke_offers(agent, "channel_off", work.channel)
        self.looking.append(agent)

    def connect_expired(self, work: Work) -> None:
        contact, agent = self.parties(work)
        retry_ms = self.policy.connect_retry_ms
        until, reoffer = self.exclude(contact, agent, retry_ms, retry_ms)
        gone = e.ConnectExpired(at_ms=self.moment, attempt=work.attempt, excluded_until_ms=until, reoffer_from_ms=reoffer)
        self.record(gone, contact.id, agent.id)
        self.requeue(work, contact, "expired")
        self.freed(agent)

    # Agents

    def freed(self, agent: Agent, *, connected: bool = False) -> None:
        """Some work of the agent is over (`connected`: an engagement or wrap-up)."""
        states = [work.state for work in self.works if work.agent == agent.id]
        if connected and not any(state in CONNECTED for state in states):
            agent.idle_since_ms = self.moment
        if agent.requested != agent.effective and not any(state in ACCEPTED for state in states):
            self.take_effect(agent, "load_ended")
        self.looking.append(agent)

    def take_effect(self, agent: Agent, cause: Any) -> None:
        """What was requested is so, at once or after the work; the change is recorded either way."""
        self.lost = True
        working = any(work.agent == agent.id and work.state in ACCEPTED for work in self.works)
        if agent.requested[0] == "ready":
            if agent.effective[0] != "ready":
                fresh = agent.left_ready_ms is None or self.moment - agent.left_ready_ms > self.policy.toggle_grace_ms
                agent.idle_since_ms = self.moment if fresh else agent.idle_since_ms
            agent.effective = agent.requested
        elif not working:
            if agent.effective[0] == "ready":
                agent.left_ready_ms = self.moment
            agent.effective = agent.requested
        changed = e.PresenceChanged(
            at_ms=self.moment, requested=agent.requested[0], requested_reason=agent.requested[1],  # type: ignore[arg-type]
            effective=agent.effective[0], effective_reason=agent.effective[1],  # type: ignore[arg-type]
            idle_since_ms=agent.idle_since_ms, cause=cause,
        )  # fmt: skip
        self.record(changed, None, agent.id)

    def send_away(self, agent: Agent, reason: str) -> None:
        """Too many declines or misses: not ready, and the other offers are revoked."""
        agent.requested = ("not_ready", reason)
        self.take_effect(agent, reason)
        self.revoke_offers(agent, "agent_not_ready")

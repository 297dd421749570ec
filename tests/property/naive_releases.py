"""How agents and contacts are let go again, naively: offers that end, work that is over."""

from typing import Any

from cordboard.events import event as e
from tests.property.naive_state import ACCEPTED, CONNECTED, Agent, Contact, Exclusion, Work
from tests.property.naive_visits import Visits

OFFERED = ("offered", "held")


class Releases(Visits):
    """A contact waits again, an agent is free again."""

    # Groups

    def siblings(self, work: Work) -> list[Work]:
        """The other offers of its group; a side has none."""
        return [
            each
            for each in self.works
            if each.contact == work.contact and each.role == work.role == "primary" and each is not work and each.state in OFFERED
        ]

    def siblings_until(self, work: Work) -> int | None:
        """How long the siblings have again once the accepted offer is over, if there are any."""
        return self.at_ms + self.profile(work.channel).offer_ttl_ms if self.siblings(work) else None

    # Over

    def exclude(self, contact: Contact, agent: Agent, for_ms: int, reoffer_ms: int) -> tuple[int, int]:
        contact.exclusions = [each for each in contact.exclusions if each.agent != agent.id]
        exclusion = Exclusion(agent.id, self.at_ms + for_ms, self.at_ms + reoffer_ms)
        contact.exclusions.append(exclusion)
        return exclusion.until_ms, exclusion.reoffer_ms

    def fate(self, contact: Contact, work: Work, fate: str) -> None:
        contact.attempts[work.attempt - 1] = (work.agent, fate)

    def requeue(self, work: Work, contact: Contact, fate: str) -> None:
        """The offer is over without an engagement: the contact waits again, with its key, unless a sibling lives."""
        self.works.remove(work)
        self.fate(contact, work, fate)
        if work.role != "primary" or contact.state == "engaged":
            return
        others = self.siblings(work)
        for sibling in others:
            if sibling.state == "held" and work.state == "connecting":
                sibling.state, sibling.until_ms = "offered", self.at_ms + self.profile(work.channel).offer_ttl_ms
        if not any((each.contact, each.role, each.state) == (contact.id, "primary", "connecting") for each in self.works):
            contact.state = "offered" if others else "queued"
            contact.fell_back = True
            if not others:
                self.queued_again(contact)
                self.looking.append(contact)

    def revoke(self, work: Work, contact: Contact, reason: Any) -> None:
        """Only this one: a sibling may live on."""
        until_ms = self.siblings_until(work) if (work.state, reason) == ("connecting", "desk_lost") else None
        revoked = e.OfferRevoked(at_ms=self.moment, attempt=work.attempt, reason=reason, siblings_until_ms=until_ms)
        self.record(revoked, contact.id, work.agent)
        agent = self.agent(work.agent)
        assert agent is not None
        dialled = contact.promise is not None and work.state == "connecting"
        self.requeue(work, contact, "revoked")
        if dialled:
            self.hang_up(contact.promise, "discarded")
        self.freed(agent)

    def revoke_all(self, contact: Contact, reason: Any) -> None:
        """The contact is no longer for those who were asked."""
        for work in [each for each in self.works if (each.contact, each.role) == (contact.id, "primary")]:
            if work.state in (*OFFERED, "connecting"):
                self.revoke(work, contact, reason)

    def revoke_offers(self, agent: Agent, reason: str, channel: str | None = None) -> None:
        for work in [work for work in self.works if work.agent == agent.id and work.state in OFFERED]:
            if channel in (None, work.channel):
                contact, _ = self.parties(work)
                self.revoke(work, contact, reason)

    # Agents

    def freed(self, agent: Agent, *, connected: bool = False) -> None:
        """Some work of the agent is over (`connected`: an engagement or wrap-up)."""
        states = [work.state for work in self.works if work.agent == agent.id]
        if connected and not agent.outside and not any(state in CONNECTED for state in states):
            agent.idle_since_ms = self.moment
        if agent is not self.kept_back:
            self.leave_if_done(agent)
        self.looking.append(agent)

    def leave_if_done(self, agent: Agent) -> None:
        """What was requested takes effect once there is no work left."""
        states = [work.state for work in self.works if work.agent == agent.id]
        if agent.requested != agent.effective and not agent.outside and not any(state in ACCEPTED for state in states):
            self.take_effect(agent, "load_ended")

    def take_effect(self, agent: Agent, cause: Any) -> None:
        """What was requested is so, at once or after the work; the change is recorded either way."""
        was = agent.effective[0]
        working = any(work.agent == agent.id and work.state in ACCEPTED for work in self.works) or agent.outside
        if agent.requested[0] == "ready":
            if was != "ready":
                fresh = agent.left_ready_ms is None or self.moment - agent.left_ready_ms > self.policy.toggle_grace_ms
                agent.idle_since_ms = self.moment if fresh else agent.idle_since_ms
            agent.effective = agent.requested
        else:
            self.lose(agent)
            if not working:
                agent.left_ready_ms = self.moment if was == "ready" else agent.left_ready_ms
                agent.effective = agent.requested
        self.time_ready(agent, was)
        changed = e.PresenceChanged(
            at_ms=self.moment, requested=agent.requested[0], requested_reason=agent.requested[1],  # type: ignore[arg-type]
            effective=agent.effective[0], effective_reason=agent.effective[1],  # type: ignore[arg-type]
            idle_since_ms=agent.idle_since_ms, cause=cause,
        )  # fmt: skip
        self.record(changed, None, agent.id)
        if not agent.ready:
            self.release_agent(agent, "agent_gone")
        else:
            self.agents_changed.append(agent)

    def time_ready(self, agent: Agent, was: str) -> None:
        """Today's time ready counts on, or ends; with it ends what was planned."""
        now = agent.effective[0]
        if was == "ready" != now:
            agent.ready_ms = self.ready_today_ms_at(agent, self.moment)
            agent.ready_since_ms = agent.leaves_ms = None
        elif was != "ready" == now:
            agent.ready_since_ms = self.moment
            if agent.leaves_ms is not None and self.moment >= agent.leaves_ms:
                agent.leaves_ms = None

    def send_away(self, agent: Agent, reason: str) -> None:
        """Too many declines, misses or failures: not ready, and the other offers are revoked."""
        agent.requested = ("not_ready", reason)
        self.take_effect(agent, reason)
        self.revoke_offers(agent, "agent_not_ready")

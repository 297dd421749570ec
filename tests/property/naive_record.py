"""What acts of the naive router share: recording, taking and giving back an agent's room."""

from typing import Any, NoReturn

from cordboard.events import event as e
from cordboard.events.policy import ChannelProfile, Policy, QueuePolicy
from tests.property.naive_matching import Matching
from tests.property.naive_state import ACCEPTED, CONNECTED, Agent, Contact, Effect, Exclusion, Work

Line = tuple[bytes | None, bytes | None, Any]
"""Contact, agent and event."""


CONTACTS_OWN = (e.ContactQueued, e.ContactEnded, e.VisitEnded, e.MessageRelayed)
"""Events of the contact alone: which agent their entry names beside it is not compared."""


class Refusal(Exception):
    """Why a fact does not stand."""


class Record(Matching):
    """The state with a record of what happened to it."""

    def __init__(self, policy: Policy, at_ms: int) -> None:
        super().__init__(policy)
        self.at_ms = self.t = self.moment = at_ms
        """`t` is the newest fact's time, `moment` that of the fact or timer at hand."""
        self.arrivals = 0
        self.ended: set[bytes] = set()
        self.effects: list[Effect] = []
        self.seen: dict[bytes, int] = {}
        self.lines: list[Line] = []
        self.looking: list[Agent | Contact] = []
        self.newcomer: Contact | None = None
        """Who entered a queue."""
        self.lost = False
        """Some agent serves less than before."""

    def record(self, event: Any, contact: bytes | None = None, agent: bytes | None = None) -> None:
        about = None if isinstance(event, CONTACTS_OWN) else agent
        self.lines.append((contact, about, event))

    def refuse(self, reason: str) -> NoReturn:
        raise Refusal(reason)

    def profile(self, channel: str) -> ChannelProfile:
        found = [profile for profile in self.policy.channels if profile.name == channel]
        return found[0] if found else self.refuse("unknown_channel")

    def queue(self, name: str) -> QueuePolicy:
        found = [queue for queue in self.policy.queues if queue.name == name]
        return found[0] if found else self.refuse("unknown_queue")

    def know_skills(self, skills: list[str]) -> None:
        if any(skill not in self.policy.skills for skill in skills):
            self.refuse("unknown_skill")

    def known_agent(self, ref: bytes) -> Agent:
        return self.agent(ref) or self.refuse("unknown_agent")

    def live(self, ref: bytes) -> Contact:
        if ref in self.ended:
            self.refuse("contact_gone")
        return self.contact(ref) or self.refuse("unknown_contact")

    def parties(self, work: Work) -> tuple[Contact, Agent]:
        contact, agent = self.contact(work.contact), self.agent(work.agent)
        assert contact is not None and agent is not None
        return contact, agent

    # Offers

    def offer(self, contact: Contact, agent: Agent) -> None:
        own, profile, rank = agent.profile(contact.channel), self.profile(contact.channel), agent.rank(contact.queue)
        assert own is not None and own.cost is not None and rank is not None
        preferred = self.prefers(contact) and agent.id in contact.preferred
        expires_ms = self.at_ms + profile.offer_ttl_ms
        contact.attempts.append((agent.id, "made"))
        contact.state = "offered"
        attempt = len(contact.attempts)
        self.works.append(Work(contact.id, agent.id, attempt, contact.channel, contact.queue, own.cost, "offered", expires_ms))
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

"""Ends of engagements, naively: the wrap-up that follows, the sides that end with them, contacts put aside."""

from typing import Any

from cordboard.events import event as e
from tests.property.naive_releases import Releases
from tests.property.naive_state import Agent, Contact, Work

NO_WRAP_UP = ("parked", "desk_lost", "agent_silent")


class Ends(Releases):
    """An agent and a contact part."""

    def engagement_ended(self, work: Work, by: Any, disposition: str | None = None, note: bytes | None = None) -> None:
        """Wrap-up follows, if the channel has one and the customer was there; it may outlast the contact."""
        contact, agent = self.parties(work)
        profile = self.profile(work.channel)
        if work.role == "primary":
            contact.held_since_ms = contact.silence = None
        work.until_ms, work.wrap_started_ms = None, self.moment
        wraps = bool(profile.wrap_up_ms and by not in NO_WRAP_UP and work.role != "consult")
        if work.paced_ms is not None:
            self.note_spent(work, agent, work.paced_ms, work.full_cost, over=not wraps)
        if wraps:
            work.state = "wrapping"
            work.until_ms = self.at_ms + profile.wrap_up_ms
            work.cost = -(-work.cost * profile.wrap_up_cost_percent // 100)
        else:
            self.works.remove(work)
        ended = e.EngagementEnded(
            at_ms=self.moment, attempt=work.attempt, by=by, disposition=disposition, note=note, wrap_until_ms=work.until_ms,
            wrap_cost=work.cost if work.until_ms is not None else 0, role=work.role,  # type: ignore[arg-type]
        )  # fmt: skip
        self.record(ended, work.contact, agent.id)
        self.freed(agent, connected=True)

    def sides(self, contact: Contact, *states: str) -> list[Work]:
        """Consults and conferences, the oldest first."""
        found = [work for work in self.works if work.contact == contact.id and work.role != "primary" and work.state != "wrapping"]
        return sorted((work for work in found if not states or work.state in states), key=lambda work: work.attempt)

    def sides_over(self, contact: Contact) -> list[Agent]:
        """Without a primary there is no side. Their agents, who look for work after the primary's."""
        over = self.sides(contact)
        for side in over:
            if side.state == "engaged":
                self.engagement_ended(side, "side_over")
            else:
                self.revoke(side, contact, "side_over")
            self.looking.pop()
        return [self.known_agent(side.agent) for side in over]

    def primary_ended(
        self, work: Work, contact: Contact, by: Any, disposition: str | None = None, note: bytes | None = None
    ) -> None:
        """And the sides just before it."""
        helpers = self.sides_over(contact)
        self.engagement_ended(work, by, disposition, note)
        self.helpers += helpers

    def let_go(self, contact: Contact, by: Any, revoked: Any) -> None:
        """The contact leaves whoever has it."""
        work = self.primary(contact)
        if work is None:
            self.revoke_all(contact, revoked)
        else:
            self.primary_ended(work, contact, by)

    def primary(self, contact: Contact) -> Work | None:
        """Who is engaged with the customer."""
        found = [work for work in self.works if (work.contact, work.role, work.state) == (contact.id, "primary", "engaged")]
        return found[0] if found else None

    def put_aside(self, work: Work, contact: Contact, kind: Any, until_ms: int, note: bytes | None = None) -> None:
        """The contact is parked, and the work's agent is its owner."""
        self.primary_ended(work, contact, "desk_lost" if kind == "desk_lost" else "parked")
        contact.waits_parked = kind == "interrupted" and not contact.answered
        if not contact.answered and not contact.waits_parked:
            self.visit_ended(contact, "requeued")
        contact.state, contact.owner = "parked", work.agent
        contact.parked_kind, contact.parked_until_ms = kind, max(until_ms, self.at_ms + 1)
        parked = e.ContactParked(at_ms=self.moment, kind=kind, until_ms=contact.parked_until_ms, note=note)
        self.record(parked, contact.id, work.agent)
        if kind in ("customer", "third_party"):
            self.clocks_stand(contact)
            self.case_may_stand(contact.case)
        self.came_or_went(contact, "parked")

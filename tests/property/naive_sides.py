"""Sides, naively: agents whom the primary asked for help, and who becomes primary."""

from typing import Any

from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_silence import Silence
from tests.property.naive_state import Contact, Work

SIDES_MAX = 4


class Sides(Silence):
    """A contact has one primary; the others are sides."""

    def on_ConsultRequested(self, fact: f.ConsultRequested) -> None:
        contact = self.live(fact.contact)
        self.engaged(contact, fact.agent)
        agent = self.known_agent(fact.to_agent)
        if agent.id == fact.agent:
            self.refuse("same_agent")
        hindrance = self.direct_hindrance(contact, agent)
        if hindrance not in (None, "no_room"):
            self.refuse(hindrance)
        if any(side.agent == agent.id for side in self.sides(contact)):
            self.refuse("already_asked")
        if len(self.sides(contact)) >= SIDES_MAX:
            self.refuse("side_limit")
        if hindrance is not None:
            self.refuse(hindrance)
        self.give(contact, agent, fact.agent, fact.role)

    def on_RoleRequested(self, fact: f.RoleRequested) -> None:
        contact = self.live(fact.contact)
        primary = self.engaged(contact, fact.agent)
        found = [side for side in self.sides(contact, "engaged") if side.agent == fact.other]
        if not found:
            self.refuse("no_side")
        side = found[0]
        if fact.role == "primary":
            self.succeed(primary, side, contact, "transfer", None, None)
        elif side.role != "conference":
            side.role = "conference"
            changed = e.RoleChanged(at_ms=self.moment, attempt=side.attempt, role="conference", silence=None)
            self.record(changed, contact.id, side.agent)

    def succeed(self, primary: Work, side: Work, contact: Contact, by: Any, disposition: str | None, note: bytes | None) -> None:
        """The contact goes on with another primary; the word is owed from now on."""
        self.engagement_ended(primary, by, disposition, note)
        side.role = "primary"
        self.owed_from_now(contact, side)
        changed = e.RoleChanged(at_ms=self.moment, attempt=side.attempt, role="primary", silence=self.due_silence(contact))
        self.record(changed, contact.id, side.agent)
        # Behind the old primary, and whoever gains by it if that one leaves.
        self.helpers.append(self.known_agent(side.agent))

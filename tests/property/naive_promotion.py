"""Promotion, naively: deferrable work that comes near its due time is queued among live contacts."""

from functools import partial

from cordboard.events import event as e
from cordboard.events.bounds import Key
from cordboard.events.policy import QueuePolicy
from tests.property.naive_matching import order
from tests.property.naive_state import Contact
from tests.property.naive_timers import Timer, timer
from tests.property.naive_waiting import WAITING, Waiting


class Promotion(Waiting):
    """It comes last in everything that happens."""

    def promotion_timers(self) -> list[Timer]:
        """They only see to it that something happens at the instant."""
        return [
            timer(contact.promote_at_ms, "promote", contact.id, partial(self.promotion_due, contact))
            for contact in self.contacts
            if contact.state == "queued" and contact.promote_at_ms is not None and not contact.promotable
        ]

    def promotion_due(self, contact: Contact) -> None:
        contact.promotable = True

    def promote(self) -> None:
        """Every queue promotes while there is room."""
        for queue in sorted(self.policy.queues, key=lambda queue: queue.name):
            if queue.promote_before_ms > 0:
                self.promote_in(queue)

    def promote_in(self, queue: QueuePolicy) -> None:
        members = sum(1 for agent in self.agents if agent.ready and agent.rank(queue.name) is not None)
        own = [contact for contact in self.contacts if contact.queue == queue.name]
        promoted = sum(1 for each in own if each.promoted_from is not None and each.state in (*WAITING, "engaged"))
        room = max(0, -(-queue.promoted_percent * members // 100) - promoted)
        for contact in sorted(filter(self.near_due, own), key=order)[:room]:
            contact.promoted_from = contact.key.klass
            contact.key = Key(1, contact.key.order_ms, contact.key.seq)
            self.record(e.ContactPromoted(at_ms=self.moment, key=contact.key), contact.id)

    def near_due(self, contact: Contact) -> bool:
        """Its instant has come: by now, or in a turn that was told of later things (also while the contact did not wait)."""
        reached_ms = max(self.moment, self.committed_ms)
        near = contact.promote_at_ms is not None and (contact.promotable or contact.promote_at_ms <= reached_ms)
        return near and contact.state == "queued" and contact.promoted_from is None

"""A new policy, naively: adopted as a whole, and everybody who waits looks again."""

import hashlib

from cordboard import codec
from cordboard.events import event as e
from cordboard.events import fact as f
from tests.property.naive_matching import order
from tests.property.naive_slots import Slots
from tests.property.naive_state import Contact, Work


class Policies(Slots):
    """Histories publish policies with the same channels."""

    def on_PolicyPublished(self, fact: f.PolicyPublished) -> None:
        policy = codec.decode_policy(fact.policy)
        if policy.supervisor_queue not in (None, *(queue.name for queue in policy.queues)):
            self.refuse("policy_invalid")
        if policy.version <= self.policy.version:
            self.refuse("policy_stale")
        queues, channels = {queue.name for queue in policy.queues}, {channel.name for channel in policy.channels}
        used: list[Contact | Work] = [*self.contacts, *self.works]
        if any(each.queue not in queues or each.channel not in channels for each in used):
            self.refuse("policy_in_use")
        promising = {queue.name for queue in policy.queues if queue.callbacks is not None}
        if any(each.queue not in promising or each.channel not in channels for each in self.promises.values()):
            self.refuse("policy_in_use")
        before, self.policy = self.policy, policy
        self.cursors = {queue: agent for queue, agent in self.cursors.items() if queue in queues}
        self.modes = {queue: mode for queue, mode in self.modes.items() if queue in queues}
        self.day_ms = max(self.day_ms, self.moment - 1)
        digest = hashlib.sha256(fact.policy).digest()
        self.record(e.PolicyAdopted(at_ms=self.moment, version=policy.version, digest=digest, policy=fact.policy))
        self.forget_paces()
        self.adopt_doors()
        self.adopt_hours()
        self.adopt_slots(before)
        for contact in self.contacts:
            self.forget_instants(contact)
        for agent in sorted(self.agents, key=lambda agent: agent.id):
            kept_for = self.reservation_of(agent)
            if kept_for is not None and self.may_be_kept_percent(kept_for) == 0:
                self.release(kept_for, "not_eligible")
            self.release_if_not_eligible(agent)
        waiting = sorted((contact for contact in self.contacts if contact.state == "queued"), key=order)
        for contact in waiting:
            self.look(contact)
        if waiting:
            self.record(e.SweepAdvanced(at_ms=self.at_ms, after=None))

    def forget_instants(self, contact: Contact) -> None:
        """Those for which the policy has nothing any more."""
        queue = self.own_queue(contact)
        if contact.step >= len(queue.plan):
            contact.step_at_ms = None
        if contact.threshold >= len(queue.thresholds):
            contact.threshold_at_ms = None
        if queue.promote_before_ms == 0:
            contact.promote_at_ms = None

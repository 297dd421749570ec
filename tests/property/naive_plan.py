"""What age does to a contact that waits, naively: steps of the plan, thresholds, promotion."""

from abc import ABC, abstractmethod
from copy import copy
from functools import partial
from typing import Any

from cordboard.events import event as e
from cordboard.events.bounds import Requirement
from cordboard.events.policy import PlanStep
from tests.property.naive_looks import Looks
from tests.property.naive_state import Contact
from tests.property.naive_timers import Timer, timer
from tests.property.naive_waiting import WAITING, merged

PRIORITY_MAX = 100
QUEUES_ADDED_MAX = 4


class Plans(Looks, ABC):
    """Nothing here asks an agent for anything; it all comes with time."""

    def plan_timers(self) -> list[Timer]:
        found: list[Timer] = []
        for contact in self.contacts:
            if contact.state == "queued" and contact.step_at_ms is not None:
                found.append(timer(contact.step_at_ms, "step", contact.id, partial(self.step_due, contact)))
            if contact.state in WAITING and contact.threshold_at_ms is not None:
                found.append(timer(contact.threshold_at_ms, "threshold", contact.id, partial(self.threshold_due, contact)))
        return found

    # Plan

    def step_due(self, contact: Contact) -> None:
        """One step; and if nobody who is there could serve what is left, at once those up to one after which somebody can."""
        self.relax(contact, skipped=False)
        self.look(contact)
        for _ in range(self.steps_to_help(contact)):
            if contact.state == "queued":
                self.relax(contact, skipped=True)
                self.look(contact)

    def steps_to_help(self, contact: Contact) -> int:
        """None if somebody is there already, or none of the steps would help."""
        tried, steps = copy(contact), self.queue(contact.queue).plan[contact.step :]
        for taken in range(len(steps) + 1):
            if self.anybody_present(tried):
                return taken
            for step in steps[taken : taken + 1]:
                tried.requirements = relaxed(tried.requirements, step, tried.accepts)
                tried.added = widened(tried, step)
        return 0

    def anybody_present(self, contact: Contact) -> bool:
        return any(self.present(agent, contact) for agent in self.agents)

    def relax(self, contact: Contact, *, skipped: bool) -> None:
        step = self.queue(contact.queue).plan[contact.step]
        contact.wishes = relaxed(merged(contact.wishes, []), step, contact.accepts)
        contact.requirements = relaxed(contact.requirements, step, contact.accepts)
        contact.added = widened(contact, step)
        priority = min(contact.priority + step.raise_priority, PRIORITY_MAX)
        contact.key, contact.priority = self.moved(contact, priority), priority
        if step.release_preference:
            contact.prefer_until_ms = None
        contact.step += 1
        contact.step_at_ms = self.step_at(contact)
        event = e.ContactRelaxed(
            at_ms=self.moment, step=contact.step, wishes=contact.wishes, requirements=contact.requirements, queues=contact.added,
            priority=contact.priority, key=contact.key, prefer_until_ms=contact.prefer_until_ms or 0,
            next_at_ms=contact.step_at_ms, skipped=skipped,
        )  # fmt: skip
        self.record(event, contact.id)

    # Thresholds

    def threshold_due(self, contact: Contact) -> None:
        _, threshold = self.thresholds(contact)[contact.threshold]
        contact.threshold += 1
        contact.threshold_at_ms = self.threshold_at(contact)
        reached = e.ThresholdReached(
            at_ms=self.moment, name=threshold.name, threshold=contact.threshold, next_at_ms=contact.threshold_at_ms,
            action=threshold.action, group=threshold.group,
        )  # fmt: skip
        self.record(reached, contact.id)
        if threshold.action == "raise_priority" and contact.priority < PRIORITY_MAX:
            self.reprioritise(contact, min(contact.priority + threshold.raise_priority, PRIORITY_MAX), "threshold")
        if threshold.action == "overflow" and threshold.queue is not None and threshold.queue not in contact.queues:
            to = self.takes_over(threshold.queue, contact.channel)
            if to is not None and to not in contact.queues:
                self.divert(contact, to, "threshold")

        waits = contact.state in ("queued", "offered") and contact.promise is None
        if threshold.action == "next_steps" and waits and not self.chooses(contact):
            self.waits_in_vain(contact, "threshold")

    @abstractmethod
    def waits_in_vain(self, contact: Contact, cause: Any) -> bool:
        """Its customer may choose something else, if there is anything (naive_next_steps)."""

    @abstractmethod
    def chooses(self, contact: Contact) -> bool:
        """It has nothing else to wait for (naive_next_steps)."""

    @abstractmethod
    def takes_over(self, named: str, channel: str) -> str | None:
        """Where an overflow to that queue leads (naive_queues, which builds on this)."""

    def divert(self, contact: Contact, to: str, cause: Any) -> None:
        """To another queue: as after a transfer by a service, with nobody excluded."""
        self.revoke_all(contact, "transferred")
        self.record(e.ContactDiverted(at_ms=self.moment, queue=contact.queue, to=to, cause=cause), contact.id)
        self.visit_ended(contact, "flowed_out")
        contact.visit += 1
        contact.requirements = self.requirements_in(contact, to, contact.wishes)
        contact.queue, contact.preferred, contact.back = to, [], None
        self.enter(contact, None)


def widened(contact: Contact, step: PlanStep) -> list[str]:
    """The queues that it waits in besides its own after the step."""
    added = contact.added
    for queue in step.queues:
        if queue not in (contact.queue, *added) and len(added) < QUEUES_ADDED_MAX:
            added = [*added, queue]
    return added


def relaxed(needs: list[Requirement], step: PlanStep, accepts: list[str]) -> list[Requirement]:
    """The soft ones lowered, dropped, replaced."""
    for low in step.lower:
        needs = [Requirement(need.skill, min(need.level, low.level), False) if soft(need, low.skill) else need for need in needs]
    needs = [need for need in needs if need.hard or need.skill not in step.drop]
    for change in step.replace:
        if change.language is None or change.language in accepts:
            needs = replaced(needs, change.skill, change.by)
    return needs


def soft(need: Requirement, skill: str) -> bool:
    return not need.hard and need.skill == skill


def replaced(needs: list[Requirement], skill: str, by: Requirement) -> list[Requirement]:
    """The soft requirement of the skill becomes the other, or joins it where it is required already."""
    if not any(soft(need, skill) for need in needs):
        return needs
    others = [need for need in needs if need.skill != skill]
    if any(need.skill == by.skill for need in others):
        return [
            Requirement(need.skill, max(need.level, by.level), need.hard) if need.skill == by.skill else need for need in others
        ]
    return [Requirement(by.skill, by.level, False) if need.skill == skill else need for need in needs]

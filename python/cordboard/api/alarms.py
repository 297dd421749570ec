"""Which clocks of SLAs somebody is told of: those of a group, and at a desk those of the contacts in hand."""

from collections.abc import Collection
from heapq import nsmallest

from cordboard.api.site import Site
from cordboard.errors import NotFound
from cordboard.policy.problems import did_you_mean
from cordboard.projections.slas import Key, SlaClock

STANDING_MAX = 500
"""Clocks in one snapshot of a desk."""


def endangered(clock: SlaClock) -> bool:
    """It is, or was, in danger: what groups are told of."""
    return clock.warned or clock.state == "broken"


async def refuse_unknown_groups(site: Site, groups: Collection[str]) -> None:
    """Who listens for a group that is none would wait for ever. Raises NotFound (`unknown_group`)."""
    if not groups or _groups(site).issuperset(groups):
        return
    # Perhaps a policy that names it was published elsewhere a moment ago.
    await site.catch_up()
    known = _groups(site)
    for group in groups:
        if group not in known:
            near = did_you_mean(group, sorted(known))
            said = f"no SLA of the policy tells a group {group!r}, nor has a clock one of that name"
            raise NotFound(f"{said}: {near}" if near else said, reason="unknown_group")


def _groups(site: Site) -> set[str]:
    """Those that the policy names, and those of clocks that were started under another one."""
    policy = site.declared.policy
    named = {sla.escalate for sla in policy.slas} if policy is not None else set()
    return {group for group in named | {clock.group for clock in site.slas.all()} if group is not None}


class DeskAlarms:
    """What one desk is told of. A clock that it was told of it follows to its end."""

    def __init__(self, site: Site, agent: bytes, groups: Collection[str]) -> None:
        self._site = site
        self._agent = agent
        self._groups = frozenset(groups)
        self._told: set[Key] = set()

    def concerns(self, clock: SlaClock) -> bool:
        """Is the desk to be told that it has changed?"""
        if clock.key not in self._told and not (endangered(clock) and self._is_ours(clock)):
            return False
        (self._told.add if clock.lives else self._told.discard)(clock.key)
        return True

    def taken_up(self, contact: bytes) -> list[SlaClock]:
        """What the agent must know who has just got this contact, and has not heard yet."""
        return [clock for clock in self._site.slas.of_contact(contact) if clock.key not in self._told and self.concerns(clock)]

    def standing(self) -> list[SlaClock]:
        """Those that live, due first."""
        self._told.clear()
        ours = (clock for clock in self._site.slas.live() if endangered(clock) and self._is_ours(clock))
        return [clock for clock in nsmallest(STANDING_MAX, ours, key=lambda clock: clock.place) if self.concerns(clock)]

    def _is_ours(self, clock: SlaClock) -> bool:
        if clock.group in self._groups:
            return True
        if any(agent == self._agent and work.state != "offered" for agent, work in self._site.desks.in_hand(clock.contact)):
            return True
        live = self._site.desks.contact(clock.contact)
        return live is not None and (live.agent, live.state) == (self._agent, "parked")

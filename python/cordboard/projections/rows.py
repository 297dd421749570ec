"""What boards show: one frozen row a queue, a channel of a queue, an agent, and the site.

Times are Unix ms of the journal, durations ms, shares per mille (integers; None where nothing was counted yet).
A wait that still runs stands as the instant it began, so a row is true at any later `now_ms` without a new one.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from cordboard.events.fact import Presence

QueueState = Literal["open", "closed", "emergency", "closed_hours"]
"""Whether a queue takes new contacts: by its switch, and if that is open by its calendar."""


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """A queue (`channel` None), one channel of it, or a channel over all queues (`queue` None).

    Visits by outcome since the journal began; `short_abandoned` is part of `abandoned`. `waiting` counts every contact whom no
    agent is connected to yet; `offering` of them are offered or connecting. `members_ready` may take its work now.
    """

    queue: str | None
    channel: str | None
    seq: int
    waiting: int
    offering: int
    engaged: int
    wrapping: int
    parked: int
    """Put aside by their owners: they neither wait nor cost anything, and come back as a new visit."""
    members: int
    """Agents who serve it, there or not."""
    reserved: int
    """Agents kept free for contacts that need more room than anybody has."""
    mode: QueueState | None
    """Whether it takes new contacts; None where the row is of no queue as a whole."""
    close_at_ms: int | None
    """When those who still wait in a closed queue are moved on or ended."""
    oldest_since_ms: int | None
    visits: int
    answered: int
    answered_in_target: int
    abandoned: int
    short_abandoned: int
    abandoned_after_transfer: int
    flowed_out: int
    requeued: int
    closed: int
    slas_at_risk: int
    """Clocks of SLA promises that are at risk and run; `slas_met` and `slas_broken` ended so while their contact was here."""
    slas_met: int
    slas_broken: int
    handled: int
    answered_wait_ms: int
    """Sum of the waits of answered visits."""
    asa_ms: int | None
    aht_ms: int | None
    wait_p50_ms: int | None
    wait_p90_ms: int | None
    wait_p99_ms: int | None
    wait_max_ms: int
    members_ready: int
    expected_base_ms: int | None
    """The expected wait but for the head's own (None: nobody works it). Read `expected_wait_ms(now_ms)`."""
    service_level_percent: int | None
    """The goal that the policy sets."""
    occupancy_permille: int | None
    """Of the queue's members, all their work counted: capacity-weighted work time / capacity x ready time."""

    @property
    def offered(self) -> int:
        """Visits that count: answered, abandoned or flowed out."""
        return self.answered + self.abandoned + self.abandoned_after_transfer + self.flowed_out

    @property
    def service_level_permille(self) -> int | None:
        """Answered within the target / offered."""
        return permille(self.answered_in_target, self.offered)

    @property
    def service_level_net_permille(self) -> int | None:
        """The same with short abandons left out of the denominator."""
        return permille(self.answered_in_target, self.offered - self.short_abandoned)

    @property
    def abandon_permille(self) -> int | None:
        """Abandoned / offered."""
        return permille(self.abandoned + self.abandoned_after_transfer, self.offered)

    def longest_wait_ms(self, now_ms: int) -> int:
        """How long the contact has waited that waits longest; 0 if none waits."""
        return 0 if self.oldest_since_ms is None else max(0, now_ms - self.oldest_since_ms)

    def expected_wait_ms(self, now_ms: int) -> int | None:
        """What a contact arriving now may expect; None is unknown, because no member is ready."""
        return None if self.expected_base_ms is None else max(self.expected_base_ms, self.longest_wait_ms(now_ms))


class ChannelLoad(msgspec.Struct, frozen=True):
    """An agent on one channel: contacts at work by phase, the units they cost together, and the maximum as declared."""

    channel: str
    on: bool
    offered: int
    connecting: int
    engaged: int
    wrapping: int
    load: int
    max_concurrent: int

    @property
    def count(self) -> int:
        """All work; never more than `max_concurrent` but for a recorded excess."""
        return self.offered + self.connecting + self.engaged + self.wrapping


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An agent. Requested and effective presence differ while work delays the change. `gone`: no longer part of the site."""

    agent: bytes
    seq: int
    requested: Presence = "offline"
    requested_reason: str | None = None
    effective: Presence = "offline"
    effective_reason: str | None = None
    since_ms: int = 0
    """Since when the effective presence holds."""
    idle_since_ms: int = 0
    queues: tuple[str, ...] = ()
    channels: tuple[ChannelLoad, ...] = ()
    load: int = 0
    capacity: int = 0
    parked: int = 0
    """Contacts the agent owns that are put aside; no part of the load."""
    outside: int = 0
    """Pieces of work from elsewhere; their cost is part of the load."""
    desk_lost: bool = False
    leaves_ms: int | None = None
    """When the agent is known to leave."""
    reserved_for: bytes | None = None
    """The contact that the agent is kept free for."""
    handled: int = 0
    occupancy_permille: int | None = None
    """Engaged and wrap-up time, each weighted with its cost / ready time weighted with capacity."""
    gone: bool = False


class SiteRow(msgspec.Struct, frozen=True, kw_only=True):
    """The whole site at journal position `seq`, `at_ms` being the time of that commit."""

    seq: int
    at_ms: int
    policy_version: int
    contacts: int
    ended: dict[str, int]
    """Ended contacts by reason."""
    agents: int
    agents_ready: int
    absences: dict[str, int]
    """Agents who are not ready, by reason; `""` for none."""
    occupancy_permille: int | None
    parked: int
    days_left: int | None
    """Days that the policy still knows the beginning of; None: it counts none."""
    effects_open: int
    """Outside effects (mails, webhook calls) that are still being tried."""
    effects_failed: int
    """Dead letters: failed for good, neither retried nor discarded yet."""

    @property
    def open(self) -> int:
        """Contacts that have not ended."""
        return self.contacts - sum(self.ended.values())


def permille(part: int, whole: int) -> int | None:
    """part / whole in thousandths, rounded to the nearest; None if there is no whole."""
    return None if whole <= 0 else (2000 * part + whole) // (2 * whole)

"""A site's policy at the pace of a demo."""

from msgspec.structs import replace

from cordboard.events.policy import Availability, CallbackPolicy, ChannelProfile, EntryPoint, Policy, QueuePolicy, SlaPolicy

TARGET_MS = 4_000
WRITTEN_TARGET_MS = 10_000
SLOT_MS = 60_000
"""The shortest there is. A promise is kept from a whole slot before its time, so that a demo of seconds sees it through."""


def hastened(policy: Policy) -> Policy:
    """The same policy, but what takes minutes in a contact centre takes seconds here."""

    def channel(profile: ChannelProfile) -> ChannelProfile:
        return replace(profile, offer_ttl_ms=4_000, connect_ms=3_000, wrap_up_ms=2_000, wrap_up_max_ms=6_000)

    def queue(rules: QueuePolicy) -> QueuePolicy:
        targets = dict.fromkeys(rules.targets_ms, WRITTEN_TARGET_MS)
        hasty = replace(rules, target_ms=TARGET_MS, targets_ms=targets, short_abandon_ms=1_000)
        return hasty if rules.callbacks is None else replace(hasty, callbacks=_soon(rules.callbacks))

    return replace(
        policy,
        channels=[channel(profile) for profile in policy.channels],
        queues=[queue(rules) for rules in policy.queues],
        entry_points=[_door(door) for door in policy.entry_points],
        slas=[_sla(sla) for sla in policy.slas],
        prefer_ms=2_000,
        owner_ms=2_000,
        decline_cooldown_ms=5_000,
        reoffer_min_ms=1_000,
        toggle_grace_ms=1_000,
    )


def _soon(callbacks: CallbackPolicy) -> CallbackPolicy:
    """Promised for a minute, dialled for seconds. A slot holds three times as much as in the policy."""
    return replace(
        callbacks,
        slot_ms=SLOT_MS,
        capacity=3 * callbacks.capacity,
        early_ms=SLOT_MS,
        late_ms=30_000,
        attempts=2,
        retry_ms=2_000,
        dial_ms=4_000,
        ring_min_ms=1_000,
        holdback_ms=10_000,
        holdback_percent=20,
    )


def _door(door: EntryPoint) -> EntryPoint:
    if door.availability is None:
        return door
    shown: Availability = replace(door.availability, open_below_ms=4_000, min_open_ms=6_000, min_closed_ms=4_000)
    return replace(door, availability=shown)


def _sla(sla: SlaPolicy) -> SlaPolicy:
    return replace(sla, target_ms=TARGET_MS if sla.measure == "answer" else WRITTEN_TARGET_MS)


def answered_at(policy: Policy, receiver: str) -> Policy:
    """The same policy, whose webhooks' answers go to `receiver`."""
    return replace(policy, webhooks=[replace(webhook, reply_url=receiver) for webhook in policy.webhooks])

"""A site's policy at the pace of a demo."""

from msgspec.structs import replace

from cordboard.events.policy import ChannelProfile, Policy, QueuePolicy

TARGET_MS = 4_000
WRITTEN_TARGET_MS = 10_000


def hastened(policy: Policy) -> Policy:
    """The same policy, but what takes minutes in a contact centre takes seconds here."""

    def channel(profile: ChannelProfile) -> ChannelProfile:
        return replace(profile, offer_ttl_ms=4_000, connect_ms=3_000, wrap_up_ms=2_000, wrap_up_max_ms=6_000)

    def queue(rules: QueuePolicy) -> QueuePolicy:
        targets = dict.fromkeys(rules.targets_ms, WRITTEN_TARGET_MS)
        return replace(rules, target_ms=TARGET_MS, targets_ms=targets, short_abandon_ms=1_000)

    return replace(
        policy,
        channels=[channel(profile) for profile in policy.channels],
        queues=[queue(rules) for rules in policy.queues],
        prefer_ms=2_000,
        owner_ms=2_000,
        decline_cooldown_ms=5_000,
        reoffer_min_ms=1_000,
        toggle_grace_ms=1_000,
    )


def answered_at(policy: Policy, receiver: str) -> Policy:
    """The same policy, whose webhooks' answers go to `receiver`."""
    return replace(policy, webhooks=[replace(webhook, reply_url=receiver) for webhook in policy.webhooks])

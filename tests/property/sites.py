"""Random policies: the settings of every rule, switched on often enough that histories meet it and off often enough to miss it."""

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from cordboard.events.bounds import Requirement
from cordboard.events.policy import ChannelProfile, EntryPoint, Policy, QueuePolicy, Reason, Topic

if TYPE_CHECKING:
    from tests.property.happenings import Choices

QUEUES, SKILLS, CHANNELS = ("orders", "invoices"), ("nl", "plants"), ("chat", "voice", "task", "mail")
TOPICS = ("billing", "plants")


def plain(order: Any, freed_agent: Any, on_missed: Any) -> Policy:
    """Short limits, so that a short history meets them."""
    return Policy(
        version=1, site="default", skills=list(SKILLS), reasons=[Reason("lunch", "meal")], dispositions=["solved"],
        order=order, freed_agent=freed_agent, prefer_ms=3_000, decline_cooldown_ms=6_000, reoffer_min_ms=2_000, declines_limit=2,
        connect_retry_ms=1_500, toggle_grace_ms=2_000, age_credit_ms=2_500, max_parked=2, owner_ms=2_500,
        topics=[Topic(name=topic) for topic in TOPICS], entry_points=[EntryPoint(name="post", channel="mail")],
        channels=[
            ChannelProfile(name="chat", presence="session", klass=2, answered_on="first_message", offer_ttl_ms=4_000,
                           connect_ms=3_000, wrap_up_ms=2_000, wrap_up_max_ms=5_000, wrap_up_cost_percent=50, cost=25,
                           max_concurrent=3, on_missed=on_missed),
            ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected", offer_ttl_ms=3_000,
                           connect_ms=2_000, wrap_up_ms=3_000, cost=100, on_missed="not_ready", missed_limit=1),
            ChannelProfile(name="task", presence="async", klass=3, answered_on="first_message", cost=50, max_concurrent=2),
            ChannelProfile(name="mail", presence="async", klass=3, answered_on="first_message", cost=20, max_concurrent=3,
                           wrap_up_ms=1_000, reply="mail"),
        ],
        queues=[
            QueuePolicy(name="orders", target_ms=6_000, targets_ms={"task": 60_000}),
            QueuePolicy(name="invoices", target_ms=12_000, requirements=[Requirement("nl", 3)]),
        ],
    )  # fmt: skip


def site(choices: "Choices") -> Policy:
    """A policy with some of the rules at work."""
    policy = plain(
        choices.pick(["urgency", "strict"]), choices.pick(["rank_then_key", "key"]), choices.pick(["switch_off", "not_ready"])
    )
    return replace(
        policy,
        channels=[of_channel(choices, channel) for channel in policy.channels],
        queues=[of_queue(choices, queue) for queue in policy.queues],
    )


def of_channel(choices: "Choices", channel: ChannelProfile) -> ChannelProfile:
    return channel


def of_queue(choices: "Choices", queue: QueuePolicy) -> QueuePolicy:
    return queue

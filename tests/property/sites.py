"""Random policies: the settings of every rule, switched on often enough that histories meet it and off often enough to miss it."""

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from cordboard.events.bounds import Requirement
from cordboard.events.policy import (
    ChannelProfile,
    EntryPoint,
    Floor,
    PlanStep,
    Policy,
    QueuePolicy,
    Reason,
    Replacement,
    Threshold,
    Topic,
)

if TYPE_CHECKING:
    from tests.property.happenings import Choices

QUEUES, SKILLS, CHANNELS = ("orders", "invoices"), ("nl", "plants"), ("chat", "voice", "task", "mail")
TOPICS = ("billing", "plants")
RETURNS = "returns"
"""A queue that not every policy has."""


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
    queues = [*policy.queues, QueuePolicy(name=RETURNS, target_ms=9_000)] if choices.chance(40) else policy.queues
    return replace(
        policy,
        repeat_count=choices.pick([0, 2, 3]), repeat_ms=choices.pick([1_000, 8_000, 60_000]), repeat_priority=choices.pick([1, 5]),
        max_transfers=choices.pick([0, 0, 1, 2]), supervisor_queue=choices.pick([None, QUEUES[1]]),
        transfer_ms=choices.pick([1_000, 3_000]),
        owner_ms=choices.pick([2_500, 2_500, 15_000]), days_ms=choices.pick([[], [*range(1_003_000, 1_400_000, 17_300)]]),
        channels=[of_channel(choices, channel) for channel in policy.channels],
        queues=[of_queue(choices, queue, [each.name for each in queues if each is not queue]) for queue in queues],
    )  # fmt: skip


def of_channel(choices: "Choices", channel: ChannelProfile) -> ChannelProfile:
    if choices.chance(15):
        channel = replace(channel, answer="auto")
    if channel.presence != "live" and choices.chance(40):
        channel = replace(channel, interruptible_by=choices.pick([["voice"], ["voice", "chat"], list(CHANNELS)]))
    if channel.presence != "live" and choices.chance(50):
        channel = replace(
            channel, idle_ms=choices.pick([0, 700, 1_500]), idle_end_ms=choices.pick([0, 1_500, 4_000]),
            dormant_percent=choices.pick([0, 30]), silence_alert_ms=choices.pick([0, 900]),
            silence_requeue_ms=choices.pick([0, 900, 3_000]),
        )  # fmt: skip
    channel = replace(
        channel,
        join_waiting=choices.chance(30),
        desk_lost_ms=choices.pick([800, 3_000]),
        resume_ms=choices.pick([0, 2_000, 20_000]),
    )
    if choices.chance(30):
        channel = replace(channel, last_offer_before_ms=choices.pick([500, 2_500]))
    if choices.chance(10):
        channel = replace(channel, klass=0)
    return channel


def of_queue(choices: "Choices", queue: QueuePolicy, others: list[str]) -> QueuePolicy:
    other = choices.pick(others)
    if choices.chance(30):
        queue = replace(queue, broadcast=choices.pick([2, 3]))
    strategies = ["longest_idle", "least_loaded", "best_skilled", "least_skilled_fit", "round_robin", "fewest_today"]
    queue = replace(queue, strategy=choices.pick(strategies))
    if choices.chance(40):
        queue = replace(queue, rank_delays_ms=choices.pick([[0, 1_500], [0, 900, 4_000], [1_000, 1_000, 2_000]]))
    if choices.chance(40):
        queue = replace(queue, plan=plan(choices, other))
    if choices.chance(40):
        queue = replace(queue, thresholds=thresholds(choices, other))
    if choices.chance(40):
        queue = replace(
            queue, promote_before_ms=choices.pick([3_000, 9_000, 100_000]), promoted_percent=choices.pick([20, 70, 100])
        )
    if choices.chance(40):
        floors = choices.pick([[(2, 1)], [(3, 1), (2, 1)], [(1, 2)]])
        queue = replace(queue, floors=[Floor(klass=klass, members=members) for klass, members in floors])
    if choices.chance(40):
        queue = replace(queue, drain_after_ms=choices.pick([500, 2_000]), drain_percent=choices.pick([10, 60, 100]))
    return doors(choices, queue, other)


def doors(choices: "Choices", queue: QueuePolicy, other: str) -> QueuePolicy:
    """Who is let in, and where the others go."""
    if choices.chance(50):
        queue = replace(queue, overflow=other)
    if choices.chance(30):
        queue = replace(queue, max_waiting=choices.pick([1, 3]))
    return replace(queue, admit_unstaffed=choices.chance(60), closing_grace_ms=choices.pick([0, 1_200, 5_000]))


def plan(choices: "Choices", other: str) -> list[PlanStep]:
    """One to three steps; anything may be among them."""
    after_ms, steps = 0, []
    for _ in range(choices.pick([1, 2, 3])):
        after_ms += choices.pick([300, 1_500, 4_000])
        steps.append(PlanStep(
            after_ms=after_ms,
            lower=choices.pick([[], [Requirement("nl", 2)], [Requirement("nl", 4), Requirement("plants", 3)]]),
            drop=choices.pick([[], [], ["plants"]]),
            replace=choices.pick([[], [Replacement(skill="plants", by=Requirement("nl", 6), language=choices.pick([None, "en"]))]]),
            queues=choices.pick([[], [other]]), raise_priority=choices.pick([0, 3]), release_preference=choices.chance(30),
        ))  # fmt: skip
    return steps


def thresholds(choices: "Choices", other: str) -> list[Threshold]:
    """Two or three, in no order."""
    actions = choices.pick([["raise_priority", "overflow"], ["notify", "raise_priority"], ["overflow", "offer_callback", "notify"]])
    found = []
    for number, action in enumerate(actions):
        wait_ms, percent = choices.pick([(500, None), (2_000, None), (6_000, None), (None, 30), (None, 110)])
        found.append(Threshold(
            name=f"t{number}", wait_ms=wait_ms, target_percent=percent, action=action,  # type: ignore[arg-type]
            raise_priority=5 if action == "raise_priority" else 0, queue=other if action == "overflow" else None,
            group="leads" if action == "notify" else None,
        ))  # fmt: skip
    return found

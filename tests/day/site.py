"""The site of the day, and the three orders in which it can serve what waits: each is a policy, nothing else differs."""

from typing import Literal

from msgspec.structs import replace

from cordboard.events.bounds import Requirement
from cordboard.events.policy import ChannelProfile, Floor, PlanStep, Policy, QueuePolicy, Reason, Replacement, Threshold, Topic

Order = Literal["cordboard", "strict", "age"]
ORDERS: tuple[Order, ...] = ("cordboard", "strict", "age")
SITE = "default"
CHANNELS = ("voice", "chat", "mail", "task")
LIVE_CHANNELS = ("voice", "chat")
QUEUE_OF = {"voice": "phone", "chat": "chat", "mail": "post", "task": "orders"}
EXPERTS = "experts"
LANGUAGES = ("nl", "en", "de")
PRODUCTS = ("electronics", "furniture", "garden")
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
TARGETS_MS = {"voice": 60 * SECOND, "chat": 90 * SECOND, "mail": 2 * HOUR, "task": 3 * HOUR}


def policy(order: Order, version: int, agents: int) -> Policy:
    """Version 1 opens the day, 2 is for the busy hours, 3 for the evening. `agents`: how many the site has, for its floors."""
    written = version if order == "cordboard" else 0
    ours = Policy(
        version=version, site=SITE, skills=[*LANGUAGES, *PRODUCTS, "expert"],
        reasons=[Reason("break", "break"), Reason("lunch", "meal"), Reason("busy", "personal")],
        dispositions=["solved", "no_answer"], topics=[Topic(name=product) for product in PRODUCTS],
        freed_agent="key", age_credit_ms=10 * SECOND, prefer_ms=20 * SECOND, owner_ms=10 * MINUTE,
        max_transfers=3, supervisor_queue=EXPERTS, repeat_count=3,
        channels=_channels(),
        queues=[
            _live("phone", "voice"), _session("chat", "chat", written, agents),
            _deferrable("post", "mail", written, agents), _deferrable("orders", "task", written, agents),
            QueuePolicy(name=EXPERTS, target_ms=2 * MINUTE, requirements=[Requirement("expert", 3)], strategy="least_skilled_fit",
                        rank_delays_ms=[0, 20 * SECOND], drain_after_ms=10 * SECOND),
        ],
    )  # fmt: skip
    if order == "strict":
        return replace(ours, order="strict")
    return by_age(ours) if order == "age" else ours


def by_age(ours: Policy) -> Policy:
    """First come, first served: one class, one target, priority worth nothing."""
    return replace(
        ours, age_credit_ms=0,
        channels=[replace(channel, klass=1) for channel in ours.channels],
        queues=[replace(queue, target_ms=HOUR) for queue in ours.queues],
    )  # fmt: skip


def _channels() -> list[ChannelProfile]:
    return [
        ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected", offer_ttl_ms=15 * SECOND,
                       connect_ms=10 * SECOND, wrap_up_ms=MINUTE, wrap_up_max_ms=3 * MINUTE, cost=100, on_missed="not_ready",
                       missed_limit=1, last_offer_before_ms=2 * MINUTE, resume_ms=5 * MINUTE),
        ChannelProfile(name="chat", presence="session", klass=2, answered_on="first_message", offer_ttl_ms=20 * SECOND,
                       connect_ms=15 * SECOND, wrap_up_ms=30 * SECOND, wrap_up_max_ms=2 * MINUTE, wrap_up_cost_percent=50,
                       cost=33, max_concurrent=3, last_offer_before_ms=MINUTE, join_waiting=True, resume_ms=5 * MINUTE,
                       idle_ms=3 * MINUTE, idle_end_ms=10 * MINUTE, silence_alert_ms=2 * MINUTE, silence_requeue_ms=8 * MINUTE),
        ChannelProfile(name="mail", presence="async", klass=3, answered_on="first_message", offer_ttl_ms=45 * SECOND,
                       connect_ms=30 * SECOND, wrap_up_ms=20 * SECOND, cost=100, reply="mail", missed_limit=3),
        ChannelProfile(name="task", presence="async", klass=3, answered_on="connected", offer_ttl_ms=45 * SECOND,
                       connect_ms=30 * SECOND, cost=100, answer="auto"),
    ]  # fmt: skip


def _live(name: str, channel: str) -> QueuePolicy:
    """Somebody waits: what the contact asks for is relaxed step by step, and a call finds room among the chats."""
    return QueuePolicy(
        name=name, target_ms=TARGETS_MS[channel], drain_after_ms=10 * SECOND if channel == "voice" else 0,
        plan=[
            PlanStep(after_ms=20 * SECOND, lower=[Requirement(product, 2) for product in PRODUCTS]),
            PlanStep(after_ms=45 * SECOND, drop=list(PRODUCTS), raise_priority=2),
            PlanStep(after_ms=90 * SECOND, release_preference=True,
                     replace=[Replacement(skill="de", by=Requirement("en", 4), language="en")]),
        ],
        thresholds=[
            Threshold(name="late", target_percent=100, action="notify", group="leads"),
            Threshold(name="very_late", wait_ms=3 * MINUTE, action="raise_priority", raise_priority=5),
        ],
    )  # fmt: skip


def _session(name: str, channel: str, written: int, agents: int) -> QueuePolicy:
    """Class 2 would wait for every call: unless it is promoted, too, and kept some agents."""
    queue = _live(name, channel)
    if not written:
        return queue
    return replace(queue, promote_before_ms=MINUTE, promoted_percent=25, floors=[Floor(klass=2, members=max(1, agents // 12))])


def _deferrable(name: str, channel: str, written: int, agents: int) -> QueuePolicy:
    """Some agents stay on it, and it is promoted as it comes near its due time; `written` 0: only its class speaks for it."""
    queue = QueuePolicy(
        name=name, target_ms=TARGETS_MS[channel], strategy="round_robin",
        plan=[PlanStep(after_ms=30 * MINUTE, drop=list(PRODUCTS))],
        thresholds=[Threshold(name="overdue", target_percent=100, action="notify", group="leads")],
    )  # fmt: skip
    if not written:
        return queue
    return replace(
        queue,
        promote_before_ms=HOUR,
        promoted_percent=12 if written == 2 else 10,
        floors=[Floor(klass=3, members=min(1_000, max(1, agents // (30 if channel == "mail" else 60))))],
    )

"""The site that is simulated: one policy, a few agents, and the sizes that keep a run short."""

from __future__ import annotations

from msgspec.structs import replace

from cordboard.events.bounds import AgentChannel, Membership, Requirement, Skill
from cordboard.events.fact import AgentDeclared
from cordboard.events.policy import ChannelProfile, EntryPoint, Policy, QueuePolicy, Rule, Topic

SITE = "default"
SECOND = 1_000
AGENTS = ("anna", "bram", "cleo")

POLICY = Policy(
    version=1,
    site=SITE,
    skills=["nl", "en"],
    dispositions=["solved"],
    channels=[
        ChannelProfile(
            name="chat", presence="session", klass=2, answered_on="first_message", offer_ttl_ms=4 * SECOND, connect_ms=4 * SECOND,
            wrap_up_ms=3 * SECOND, cost=33, max_concurrent=3, missed_limit=50, idle_ms=20 * SECOND, idle_end_ms=30 * SECOND,
        ),
        ChannelProfile(
            name="mail", presence="async", klass=3, answered_on="first_message", offer_ttl_ms=6 * SECOND, connect_ms=4 * SECOND,
            wrap_up_ms=2 * SECOND, cost=50, max_concurrent=2, missed_limit=50, reply="mail",
        ),
        ChannelProfile(name="task", presence="async", klass=3, answered_on="connected", cost=100, answer="auto", missed_limit=50),
    ],
    queues=[
        QueuePolicy(name="chat", target_ms=10 * SECOND),
        QueuePolicy(name="post", target_ms=60 * SECOND),
        QueuePolicy(name="orders", target_ms=90 * SECOND, requirements=[Requirement("en", 2)]),
    ],
    topics=[Topic(name="order", queue="orders")],
    entry_points=[EntryPoint(name="service", channel="mail", address="service@shop.example", queue="post")],
    rules=[Rule(name="urgent", keywords=["urgent"], priority=7)],
)  # fmt: skip


def another(version: int, *, without_post: bool) -> Policy:
    """The same site a little later. Without the queue of letters they go to the orders."""
    if not without_post:
        return replace(POLICY, version=version)
    return replace(
        POLICY,
        version=version,
        queues=[queue for queue in POLICY.queues if queue.name != "post"],
        entry_points=[replace(POLICY.entry_points[0], queue="orders")],
    )


def an_agent(name: str) -> bytes:
    return name.encode().ljust(16, b".")


def declared(name: str, fact_id: bytes) -> AgentDeclared:
    return AgentDeclared(
        fact_id,
        an_agent(name),
        [Skill("nl", 5), Skill("en", 3 if name != "bram" else 1)],
        [Membership("chat"), Membership("post"), Membership("orders")],
        [AgentChannel("chat"), AgentChannel("mail"), AgentChannel("task")],
    )

"""The site of a chaos run: queues, agents, one form; nothing waits long and everything ends by itself."""

from __future__ import annotations

import hashlib

from cordboard import codec
from cordboard.events import fact as facts
from cordboard.events.bounds import AgentChannel, Membership
from cordboard.events.policy import ChannelProfile, EntryPoint, Form, FormField, Policy, QueuePolicy

SITE = "chaos"
QUEUES = ("orders", "invoices")
AGENTS = 24
FORM = "question"
POLICY = Policy(
    version=1,
    site=SITE,
    skills=[],
    channels=[
        ChannelProfile(name="chat", presence="live", klass=1, answered_on="connected", on_missed="not_ready"),
        ChannelProfile(name="task", presence="async", klass=3, answered_on="connected", on_missed="not_ready"),
        ChannelProfile(name="form", presence="async", klass=3, answered_on="connected", on_missed="not_ready"),
    ],
    queues=[QueuePolicy(name=queue) for queue in QUEUES],
    entry_points=[EntryPoint(name=FORM, channel="form", queue="orders")],
    forms=[
        Form(
            name=FORM,
            fields=[
                FormField(name="mail", kind="email", required=True, role="email"),
                FormField(name="text", kind="long_text", required=True, max_length=2_000, role="text"),
            ],
            labels={"en": "Question"},
        )
    ],
)


def an_id(*parts: object) -> bytes:
    """16 bytes that follow from the parts: whoever says the same thing again, says the same fact."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()


def opening() -> list[facts.Fact]:
    """A policy and ready agents."""
    said: list[facts.Fact] = [facts.PolicyPublished(an_id("policy"), codec.encode(POLICY))]
    for number in range(AGENTS):
        agent = an_id("agent", number)
        channels = [AgentChannel("chat", 30, 3), AgentChannel("task", 50, 2), AgentChannel("form", 50, 2)]
        memberships = [Membership(queue, rank) for rank, queue in enumerate(QUEUES)]
        said.append(facts.AgentDeclared(an_id("declared", number), agent, [], memberships, channels))
        said.append(facts.PresenceRequested(an_id("ready", number), agent, "ready"))
    return said

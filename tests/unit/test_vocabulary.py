"""Words that the policy lacks never reach the log: the API refuses them as the router would, without writing anything."""

from __future__ import annotations

import pytest

from cordboard.api.vocabulary import Vocabulary
from cordboard.events import Fact
from cordboard.events import fact as facts
from cordboard.events.bounds import AgentChannel, Membership, Requirement, Skill
from cordboard.events.policy import ChannelProfile, EntryPoint, Policy, QueuePolicy, Reason, Topic
from cordboard.events.verdict import REFUSALS

ONE, TWO = b"1" * 16, b"2" * 16
POLICY = Policy(
    version=1,
    site="site",
    skills=["nl"],
    channels=[ChannelProfile(name="mail", presence="async", klass=3, answered_on="first_message")],
    queues=[QueuePolicy(name="orders")],
    reasons=[Reason(name="lunch", klass="meal")],
    dispositions=["solved"],
    topics=[Topic(name="late", queue="orders")],
    entry_points=[EntryPoint(name="door", channel="mail")],
)
STRANGE: list[tuple[Fact, str]] = [
    (facts.ContactArrived(ONE, TWO, "mail", "w.vogel"), "unknown_queue"),
    (facts.ContactArrived(ONE, TWO, "w.vogel", "orders"), "unknown_channel"),
    (facts.ContactArrived(ONE, TWO, "mail", "orders", [Requirement("w.vogel")]), "unknown_skill"),
    (facts.ContactArrived(ONE, TWO, "mail", "orders", topic="w.vogel"), "unknown_topic"),
    (facts.ContactArrived(ONE, TWO, "mail", "orders", entry_point="w.vogel"), "unknown_entry_point"),
    (facts.TransferRequested(ONE, TWO, "w.vogel"), "unknown_queue"),
    (facts.TransferRequested(ONE, TWO, "orders", None, [Requirement("w.vogel")]), "unknown_skill"),
    (facts.TransferRequested(ONE, TWO, "orders", reason="w.vogel"), "unknown_reason"),
    (facts.AgentDeclared(ONE, TWO, [Skill("w.vogel", 1)]), "unknown_skill"),
    (facts.AgentDeclared(ONE, TWO, [], [Membership("w.vogel")]), "unknown_queue"),
    (facts.AgentDeclared(ONE, TWO, [], [], [AgentChannel("w.vogel")]), "unknown_channel"),
    (facts.ChannelSwitched(ONE, TWO, "w.vogel", False), "unknown_channel"),
    (facts.PresenceRequested(ONE, TWO, "not_ready", "w.vogel"), "unknown_reason"),
    (facts.OfferAnswered(ONE, TWO, 1, ONE, False, "w.vogel"), "unknown_reason"),
    (facts.EngagementEndRequested(ONE, TWO, ONE, "w.vogel"), "unknown_disposition"),
    (facts.WrapUpEndRequested(ONE, TWO, ONE, "w.vogel"), "unknown_disposition"),
    (facts.ReclassificationRequested(ONE, TWO, "w.vogel"), "unknown_topic"),
    (facts.AgentBusyReported(ONE, TWO, "w.vogel", ONE, True), "unknown_channel"),
    (facts.QueueModeRequested(ONE, "w.vogel", "closed"), "unknown_queue"),
    (facts.QueueModeRequested(ONE, "orders", "closed", None, "w.vogel"), "unknown_reason"),
    (facts.BroadcastRequested(ONE, "w.vogel", TWO), "unknown_queue"),
    (facts.BroadcastRequested(ONE, "orders", TWO, None, "w.vogel"), "unknown_reason"),
    (facts.PickRequested(ONE, TWO, ONE, None, "w.vogel"), "unknown_reason"),
    (facts.CallbackRequested(ONE, TWO, "mail", "w.vogel", 1), "unknown_queue"),
    (facts.CallbackRequested(ONE, TWO, "w.vogel", "orders", 1), "unknown_channel"),
    (facts.CallbackRequested(ONE, TWO, "mail", "orders", 1, topic="w.vogel"), "unknown_topic"),
    (facts.CallbackCancelled(ONE, TWO, None, "w.vogel"), "unknown_reason"),
    (facts.CapacityPlanned(ONE, "w.vogel", 0, 900_000, [1]), "unknown_queue"),
    (facts.RequeueRequested(ONE, TWO, None, "w.vogel"), "unknown_reason"),
    (facts.PriorityRequested(ONE, TWO, 5, None, "w.vogel"), "unknown_reason"),
    (facts.PresenceForced(ONE, TWO, "offline", None, "w.vogel"), "unknown_reason"),
]
KNOWN: list[Fact] = [
    facts.ContactArrived(ONE, TWO, "mail", "orders", [Requirement("nl")], topic="late", entry_point="door"),
    facts.TransferRequested(ONE, TWO, "orders"),
    facts.AgentDeclared(ONE, TWO, [Skill("nl", 1)], [Membership("orders")], [AgentChannel("mail")]),
    facts.PresenceRequested(ONE, TWO, "ready"),
    facts.PresenceRequested(ONE, TWO, "not_ready", "lunch"),
    facts.EngagementEndRequested(ONE, TWO, ONE, "solved"),
    facts.ReclassificationRequested(ONE, TWO, "late"),
    facts.ContactAbandoned(ONE, TWO),
]


@pytest.mark.parametrize(("fact", "reason"), STRANGE)
def test_a_strange_word_is_refused_as_the_router_does(fact: Fact, reason: str) -> None:
    assert Vocabulary(POLICY).refusal(fact) == reason
    assert reason in REFUSALS
    assert Vocabulary().refusal(fact) == "no_policy"


@pytest.mark.parametrize("fact", KNOWN)
def test_known_words_and_none_pass(fact: Fact) -> None:
    assert Vocabulary(POLICY).refusal(fact) is None


def test_what_has_no_word_needs_no_policy() -> None:
    assert Vocabulary().refusal(facts.ContactAbandoned(ONE, TWO)) is None
    assert Vocabulary().refusal(facts.PresenceRequested(ONE, TWO, "ready")) is None

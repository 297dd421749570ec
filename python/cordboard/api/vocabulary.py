"""The words that the policy in force knows. Whatever else stands in a fact must not reach the log, where nothing can be erased:
the router refuses it, but keeps the fact that it refused. So it is refused here, with the router's own reason."""

from collections.abc import Iterable

from cordboard.events import Fact
from cordboard.events.fact import (
    AgentBusyReported,
    AgentDeclared,
    BroadcastRequested,
    ChannelSwitched,
    ContactArrived,
    EngagementEndRequested,
    OfferAnswered,
    PickRequested,
    PresenceForced,
    PresenceRequested,
    PriorityRequested,
    QuarantineEndRequested,
    QueueModeRequested,
    ReclassificationRequested,
    RequeueRequested,
    TransferRequested,
    WrapUpEndRequested,
)
from cordboard.events.policy import Policy
from cordboard.events.promises import CallbackCancelled, CallbackRequested, CapacityPlanned

NO_POLICY = "no_policy"


class Vocabulary:
    """Of one policy; None: there is none yet, and it knows no word."""

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = policy
        self._known: dict[str, frozenset[str]] = {}
        if policy is not None:
            self._known = {
                "channel": frozenset(channel.name for channel in policy.channels),
                "queue": frozenset(queue.name for queue in policy.queues),
                "skill": frozenset(policy.skills),
                "reason": frozenset(reason.name for reason in policy.reasons),
                "disposition": frozenset(policy.dispositions),
                "topic": frozenset(topic.name for topic in policy.topics),
                "entry_point": frozenset(door.name for door in policy.entry_points),
            }

    def refusal(self, fact: Fact) -> str | None:
        """The reason for which a fact is refused: `unknown_…`, or `no_policy`. None: it has no word that the policy lacks."""
        if self._policy is None:
            return NO_POLICY if any(True for _ in _words(fact)) else None
        return next((f"unknown_{kind}" for kind, word in _words(fact) if word not in self._known[kind]), None)


def _words(fact: Fact) -> Iterable[tuple[str, str]]:
    """Every word of the fact that somebody outside has chosen, with its kind, in the order in which the router looks at them."""
    match fact:
        case ContactArrived() | CallbackRequested():
            yield "queue", fact.queue
            yield "channel", fact.channel
            yield from (("skill", one.skill) for one in fact.requirements)
            yield from _if_said("topic", fact.topic)
            yield from _if_said("entry_point", fact.entry_point)
        case TransferRequested():
            yield "queue", fact.queue
            yield from (("skill", one.skill) for one in fact.requirements or ())
            yield from _if_said("reason", fact.reason)
        case AgentDeclared():
            yield from (("queue", one.queue) for one in fact.memberships)
            yield from (("channel", one.channel) for one in fact.channels)
            yield from (("skill", one.skill) for one in fact.skills)
        case ChannelSwitched() | AgentBusyReported():
            yield "channel", fact.channel
        case CapacityPlanned():
            yield "queue", fact.queue
        case CallbackCancelled():
            yield from _if_said("reason", fact.reason)
        case QueueModeRequested() | BroadcastRequested():
            yield "queue", fact.queue
            yield from _if_said("reason", fact.reason)
        case PresenceRequested() | OfferAnswered() | PickRequested() | RequeueRequested() | PriorityRequested() | PresenceForced():
            yield from _if_said("reason", fact.reason)
        case QuarantineEndRequested():
            yield from _if_said("reason", fact.reason)
        case EngagementEndRequested() | WrapUpEndRequested():
            yield from _if_said("disposition", fact.disposition)
        case ReclassificationRequested():
            yield "topic", fact.topic


def _if_said(kind: str, word: str | None) -> Iterable[tuple[str, str]]:
    return () if word is None else ((kind, word),)

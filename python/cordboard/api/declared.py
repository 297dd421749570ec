"""What was declared and is in force, folded from the journal: the policy, and every agent's registration."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from cordboard import codec
from cordboard.api.vocabulary import Vocabulary
from cordboard.errors import FactRefused, NotFound
from cordboard.events import Commit
from cordboard.events.bounds import Requirement
from cordboard.events.event import AgentRegistered, LevelAdopted, PolicyAdopted, RouterTookOver
from cordboard.events.policy import Monitoring, Policy
from cordboard.events.verdict import REFUSALS
from cordboard.policy.classify import Classifier
from cordboard.policy.language import warm

_TOOK_OVER = 1
_POLICY_ADOPTED = 5
_AGENT_REGISTERED = 30
_AGENT_REMOVED = 31
_LEVEL_ADOPTED = 70
_OURS = frozenset((_TOOK_OVER, _POLICY_ADOPTED, _AGENT_REGISTERED, _AGENT_REMOVED, _LEVEL_ADOPTED))


class Fit(NamedTuple):
    """A queue's members, and how many of them work on a contact's channel, would have room for it, and have the skills it needs."""

    members: int
    fit: int


class Declared:
    """A fold: attach `apply` to the feed, then ask."""

    def __init__(self) -> None:
        self.level = 0
        """Of the next commit; 0 before the first one."""
        self.leader: RouterTookOver | None = None
        """Who leads, by its take-over."""
        self._adopted: PolicyAdopted | None = None
        self._policy: Policy | None = None
        self._classifier: Classifier | None = None
        self.vocabulary = Vocabulary()
        self._monitoring = Monitoring()
        self.monitoring_since = 0
        """The position at which what is shown of single agents changed last."""
        self._changed = asyncio.Event()
        self._agents: dict[bytes, AgentRegistered] = {}

    def apply(self, seq: int, commit: Commit) -> None:
        """Fold the next commit."""
        self.level = commit.level
        for entry in commit.entries:
            if entry.tag not in _OURS:
                continue
            event = codec.decode_event(entry)
            if isinstance(event, LevelAdopted):
                self.level = event.level
            elif isinstance(event, RouterTookOver):
                self.leader = event
            elif isinstance(event, PolicyAdopted):
                self._adopted, self._policy, self._classifier = event, codec.decode_policy(event.policy), None
                self.vocabulary = Vocabulary(self._policy)
                if self._policy.monitoring != self._monitoring:
                    self._monitoring, self.monitoring_since = self._policy.monitoring, seq
                self._changed.set()
            elif entry.agent is not None:
                if isinstance(event, AgentRegistered):
                    self._agents[entry.agent] = event
                else:
                    self._agents.pop(entry.agent, None)

    @property
    def policy(self) -> Policy | None:
        """The policy in force."""
        return self._policy

    @property
    def version(self) -> int:
        """Its version; 0 if there is none."""
        return 0 if self._adopted is None else self._adopted.version

    def asks_for_segments(self) -> bool:
        """Some SLA is promised to customers of one segment only."""
        return self._policy is not None and any(sla.segments for sla in self._policy.slas)

    def adopted(self) -> PolicyAdopted:
        """The event that put it in force. Raises NotFound."""
        if self._adopted is None:
            raise NotFound("the site has no policy yet", reason="no_policy")
        return self._adopted

    def classifier(self) -> Classifier:
        """Its rules. Raises FactRefused if there is none."""
        if self._policy is None:
            raise FactRefused(REFUSALS["no_policy"], reason="no_policy")
        if self._classifier is None:
            self._classifier = Classifier(self._policy)
        return self._classifier

    async def keep_warm(self) -> None:
        """Load the language models of every policy beforehand, for ever: otherwise the first submission would wait for them."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await asyncio.to_thread(warm, self.classifier().languages)

    def registered(self, agent: bytes) -> AgentRegistered | None:
        """What the agent was declared with; None if it is no part of the site."""
        return self._agents.get(agent)

    def fit(self, queue: str, channel: str, needs: Sequence[Requirement]) -> Fit:
        """Who serves `queue`, by declaration alone: whatever they do now."""
        members = [event for event in self._agents.values() if any(one.queue == queue for one in event.memberships)]
        return Fit(len(members), sum(_is_fit(event, channel, needs) for event in members))

    def agents_after(self, agent: bytes | None, limit: int) -> list[tuple[bytes, AgentRegistered]]:
        """At most `limit` registered agents in the order of their ids, after `agent`."""
        later = sorted(ref for ref in self._agents if agent is None or ref > agent)
        return [(ref, self._agents[ref]) for ref in later[:limit]]


def _is_fit(event: AgentRegistered, channel: str, needs: Sequence[Requirement]) -> bool:
    levels = {one.skill: one.level for one in event.skills}
    works = any(one.channel == channel and one.max_concurrent != 0 and (one.cost or 0) <= event.capacity for one in event.channels)
    return works and all(levels.get(need.skill, 0) >= need.level for need in needs)

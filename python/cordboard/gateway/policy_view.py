"""The policy in force, folded from the journal: what the gateway may promise before it writes anything."""

from collections.abc import Mapping

from cordboard import codec
from cordboard.errors import InvalidInput, NotFound
from cordboard.events import Commit
from cordboard.events.bounds import Requirement
from cordboard.events.event import PolicyAdopted
from cordboard.events.policy import Policy

_POLICY_ADOPTED = 5
_LANGUAGE_LEVEL = 5
_WRITTEN = ".written"


class PolicyView:
    """A fold: `apply` every commit, then ask. `entry_points` leads from a name on a web site to a queue."""

    def __init__(self, channel: str, entry_points: Mapping[str, str] | None = None) -> None:
        self._channel = channel
        self._entry_points = dict(entry_points or {})
        self._policy: Policy | None = None
        self._queues: frozenset[str] = frozenset()
        self._skills: frozenset[str] = frozenset()

    @property
    def policy(self) -> Policy | None:
        return self._policy

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        for entry in commit.entries:
            if entry.tag == _POLICY_ADOPTED:
                event = codec.decode_event(entry)
                assert isinstance(event, PolicyAdopted)
                self._policy = codec.decode_policy(event.policy)
                self._queues = frozenset(queue.name for queue in self._policy.queues)
                self._skills = frozenset(self._policy.skills)

    def queue(self, queue: str | None, entry_point: str | None) -> str:
        """The queue a new chat goes to. Raises NotFound (`no_policy`, `unknown_channel`, `unknown_queue`,
        `unknown_entry_point`) or InvalidInput if neither is given."""
        policy = self._policy
        if policy is None:
            raise NotFound("the site has no policy yet", reason="no_policy")
        if all(profile.name != self._channel for profile in policy.channels):
            raise NotFound(f"the site has no channel {self._channel}", reason="unknown_channel")
        if entry_point is not None:
            # Checked even beside a queue: whatever stands in it goes into the journal, where nothing can be erased.
            if entry_point not in self._entry_points:
                raise NotFound(f"there is no entry point {entry_point}", reason="unknown_entry_point")
            queue = queue or self._entry_points[entry_point]
        if queue is None:
            raise InvalidInput("a start names its queue or its entry_point", reason="bad_message")
        if queue not in self._queues:
            raise NotFound(f"there is no queue {queue}", reason="unknown_queue")
        return queue

    def queues(self) -> list[str]:
        return sorted(self._queues)

    def languages(self) -> list[str]:
        """Those that somebody may be declared to write."""
        return sorted(skill.removesuffix(_WRITTEN) for skill in self._skills if skill.endswith(_WRITTEN))

    def requirements(self, language: str | None) -> list[Requirement]:
        """What a customer's language asks of the agent. Raises NotFound (`unknown_language`)."""
        if language is None:
            return []
        skill = language + _WRITTEN
        if skill not in self._skills:
            raise NotFound(f"nobody here is declared to write {language}", reason="unknown_language")
        return [Requirement(skill=skill, level=_LANGUAGE_LEVEL, hard=True)]

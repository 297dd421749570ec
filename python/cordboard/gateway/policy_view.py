"""The policy in force, folded from the journal: what the gateway may promise before it writes anything."""

import asyncio

from cordboard import codec
from cordboard.errors import NotFound
from cordboard.events import Commit
from cordboard.events.bounds import Requirement
from cordboard.events.event import PolicyAdopted
from cordboard.events.policy import EntryPoint, Form, Policy, Webhook
from cordboard.policy.classify import WRITTEN, WRITTEN_LEVEL, Classifier
from cordboard.policy.language import warm

_POLICY_ADOPTED = 5


class PolicyView:
    """A fold, shared by all channels: `apply` every commit, then ask."""

    def __init__(self) -> None:
        self._policy: Policy | None = None
        self._classifier: Classifier | None = None
        self._entry_points: dict[str, EntryPoint] = {}
        self._channels: frozenset[str] = frozenset()
        self._queues: frozenset[str] = frozenset()
        self._skills: frozenset[str] = frozenset()
        self._adopted = asyncio.Event()

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        for entry in commit.entries:
            if entry.tag == _POLICY_ADOPTED:
                event = codec.decode_event(entry)
                assert isinstance(event, PolicyAdopted)
                self.adopt(codec.decode_policy(event.policy))

    def adopt(self, policy: Policy) -> None:
        self._policy, self._classifier = policy, None
        self._entry_points = {entry_point.name: entry_point for entry_point in policy.entry_points}
        self._channels = frozenset(profile.name for profile in policy.channels)
        self._queues = frozenset(queue.name for queue in policy.queues)
        self._skills = frozenset(policy.skills)
        self._adopted.set()

    async def keep_warm(self) -> None:
        """Load the models of every policy's languages beforehand, for ever: otherwise the first letter would wait for them."""
        while True:
            await self._adopted.wait()
            self._adopted.clear()
            if self._policy is not None:
                await asyncio.to_thread(warm, self.classifier().languages)

    # -- the whole --------------------------------------------------------------------------------------------------------

    @property
    def policy(self) -> Policy | None:
        return self._policy

    def in_force(self) -> Policy:
        """Raises NotFound (`no_policy`)."""
        if self._policy is None:
            raise NotFound("the site has no policy yet", reason="no_policy")
        return self._policy

    def classifier(self) -> Classifier:
        """Made once a policy. Raises NotFound (`no_policy`)."""
        if self._classifier is None:
            self._classifier = Classifier(self.in_force())
        return self._classifier

    # -- its parts --------------------------------------------------------------------------------------------------------

    def entry_point(self, name: str, channel: str) -> EntryPoint:
        """A door of `channel`. Raises NotFound (`no_policy`, `unknown_channel`, `unknown_entry_point`)."""
        self.channel(channel)
        found = self._entry_points.get(name)
        if found is None or found.channel != channel:
            raise NotFound(f"there is no entry point {name}", reason="unknown_entry_point")
        return found

    def door(self, name: str) -> EntryPoint | None:
        """The entry point of this name, whatever its channel."""
        return self._entry_points.get(name)

    def kept_free(self, name: str) -> int | None:
        """How many of those who may wait in its queue an entry point keeps room for; None: as many as like."""
        door = self._entry_points.get(name)
        queue = next((each for each in self.in_force().queues if door is not None and each.name == door.queue), None)
        if door is None or door.availability is None or queue is None or queue.max_waiting == 0:
            return None
        return -(-queue.max_waiting * door.availability.keep_free_percent // 100)

    def mail_door(self, address: str) -> EntryPoint | None:
        """The entry point that has this mail address, whatever its case."""
        wanted = address.strip().lower()
        return next((door for door in self._entry_points.values() if door.address == wanted), None) if wanted else None

    def form(self, name: str) -> Form | None:
        return next((form for form in self._policy.forms if form.name == name), None) if self._policy else None

    def webhook(self, name: str) -> Webhook | None:
        return next((webhook for webhook in self._policy.webhooks if webhook.name == name), None) if self._policy else None

    def has_queue(self, name: str) -> bool:
        return name in self._queues

    def queue(self, queue: str) -> str:
        """The queue itself. Raises NotFound (`no_policy`, `unknown_queue`)."""
        self.in_force()
        if queue not in self._queues:
            raise NotFound(f"there is no queue {queue}", reason="unknown_queue")
        return queue

    def channel(self, name: str) -> None:
        """Raises NotFound (`no_policy`, `unknown_channel`)."""
        self.in_force()
        if name not in self._channels:
            raise NotFound(f"the site has no channel {name}", reason="unknown_channel")

    def queues(self) -> list[str]:
        return sorted(self._queues)

    def languages(self) -> list[str]:
        """Those that somebody may be declared to write."""
        return sorted(skill.removesuffix(WRITTEN) for skill in self._skills if skill.endswith(WRITTEN))

    def requirements(self, language: str | None) -> list[Requirement]:
        """What a customer's language asks of the agent. Raises NotFound (`unknown_language`)."""
        if language is None:
            return []
        skill = language + WRITTEN
        if skill not in self._skills:
            raise NotFound(f"nobody here is declared to write {language}", reason="unknown_language")
        return [Requirement(skill=skill, level=WRITTEN_LEVEL, hard=True)]

"""What a policy wants somebody to hear of: thresholds that contacts reached, and matters that came back too often, counted.

The counts are those of the policy in force, so that there are never more than it has names: what it drops is forgotten, and begins
anew if it comes back.
"""

from __future__ import annotations

from collections.abc import Iterator

from cordboard.events.policy import Policy

Key = tuple[str, str]
"""The queue, and the threshold by name."""


class Notices:
    """Counts by queue, each from the moment that the policy has it."""

    def __init__(self) -> None:
        self._groups: dict[Key, str | None] = {}
        self._reached: dict[Key, int] = {}
        self._repeats: dict[str, int] = {}

    def adopt(self, policy: Policy) -> None:
        self._groups = {(queue.name, one.name): one.group for queue in policy.queues for one in queue.thresholds}
        self._reached = {key: self._reached.get(key, 0) for key in self._groups}
        self._repeats = {queue.name: self._repeats.get(queue.name, 0) for queue in policy.queues}

    def reached(self, queue: str, threshold: str) -> None:
        self._reached[queue, threshold] += 1

    def repeated(self, queue: str) -> None:
        self._repeats[queue] += 1

    def thresholds(self) -> Iterator[tuple[str, str, str | None, int]]:
        """Queue, name, the group whom it concerns, and how often it was reached."""
        for (queue, name), count in self._reached.items():
            yield queue, name, self._groups[queue, name], count

    def repeats(self) -> Iterator[tuple[str, int]]:
        """Queue, and how many arrivals were repeats there."""
        yield from self._repeats.items()

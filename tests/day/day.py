"""The course of a day: time jumps from one thing that happens to the next, and the core decides."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cordboard import codec
from cordboard._core import Router
from cordboard.errors import InvalidInput
from cordboard.events import fact as f
from cordboard.events.bounds import FRAME_FACTS_MAX, FRAME_MAX
from tests.day.people import DAY_MS, visitors, workers
from tests.day.site import HOUR, SITE, Order, policy
from tests.day.world import World

BEGINS_MS = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * 1_000
"""A Monday."""
TURN_MS = 1_000
"""The outside is heard once a second: what happened in it makes one turn."""
POLICIES = ((1, 0), (2, 9 * HOUR + HOUR // 2), (3, 17 * HOUR))
"""Version, and when in the day it is published."""


def staffing(contacts: int) -> int:
    """Just enough agents: the live channels fill the busy hours, the rest of the day has room for what they left. A small site
    needs more of them for its size, because its work is more uneven."""
    return max(12, contacts // 128 + math.isqrt(contacts) // 12)


@dataclass(frozen=True, slots=True)
class Turn:
    """One step of the router: the frames that it read, and the commits that came of them."""

    at_ms: int
    frames: list[tuple[int, int, bytes]]
    commits: list[bytes]


class Course:
    """Time jumps from one thing that happens in `world` to the next, from `begins_ms` on."""

    def __init__(self, world: World, site: str, begins_ms: int, lasts_ms: int, inbox_id: bytes = bytes(16)) -> None:
        self.world = world
        self.begins_ms = begins_ms
        self.lasts_ms = lasts_ms
        self.router = Router(site)
        self.commits = 0
        self._inbox_id = inbox_id
        self._frames = 0

    def turns(self) -> Iterator[Turn]:
        """From the beginning to the end."""
        first = self.router.take_over(self._inbox_id, self.begins_ms)
        yield self._read(Turn(self.begins_ms, [], [first]))
        now_ms, ends_ms = self.begins_ms, self.begins_ms + self.lasts_ms
        while (now_ms := self._next(now_ms)) < ends_ms:
            frames = self._gather(self.world.facts(now_ms), now_ms)
            yield self._read(Turn(now_ms, frames, self.router.step(frames, now_ms)))

    def _next(self, now_ms: int) -> int:
        """The end of the second in which something is due."""
        due_ms = min((due for due in (self.world.agenda.next_ms, self.router.next_deadline()) if due is not None), default=None)
        if due_ms is None:
            return self.begins_ms + self.lasts_ms
        return max(now_ms + TURN_MS, due_ms + -due_ms % TURN_MS)

    def _gather(self, facts: list[f.Fact], at_ms: int) -> list[tuple[int, int, bytes]]:
        frames: list[tuple[int, int, bytes]] = []
        held: list[bytes] = []
        room = FRAME_MAX - 8
        for data in map(codec.encode, facts):
            if held and (len(data) + 8 > room or len(held) == FRAME_FACTS_MAX):
                frames.append(self._frame(held, at_ms))
                held, room = [], FRAME_MAX - 8
            held.append(data)
            room -= len(data) + 8
        if held:
            frames.append(self._frame(held, at_ms))
        return frames

    def _frame(self, facts: list[bytes], at_ms: int) -> tuple[int, int, bytes]:
        self._frames += 1
        return self._frames, at_ms, codec.encode_frame(facts)

    def _read(self, turn: Turn) -> Turn:
        for data in turn.commits:
            self.world.read(codec.decode_commit(data))
        self.commits += len(turn.commits)
        return turn


class Day(Course):
    """A day with so many contacts, and agents to match. The same seed, order and size give the same bytes."""

    def __init__(self, seed: int, contacts: int, order: Order = "cordboard", inbox_id: bytes = bytes(16)) -> None:
        if contacts < 1:
            raise InvalidInput("a day has at least one contact")
        self.visitors = visitors(seed, contacts)
        self.workers = workers(seed, staffing(contacts))
        policies = [(at_ms, policy(order, version, len(self.workers))) for version, at_ms in POLICIES]
        world = World(seed, self.visitors, self.workers, policies, BEGINS_MS, DAY_MS)
        super().__init__(world, SITE, BEGINS_MS, DAY_MS, inbox_id)

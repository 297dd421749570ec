"""The queues' side of the boards: what the policy says of them, their tallies, and the rows these make."""

from __future__ import annotations

from collections import defaultdict

from cordboard.events.event import QueueHoursTurned, QueueModeSet
from cordboard.events.policy import QueuePolicy
from cordboard.projections.marks import Marks
from cordboard.projections.openings import Opening, Openings
from cordboard.projections.rows import QueueRow
from cordboard.projections.staff import Staff
from cordboard.projections.tally import Tally, queue_row

_Key = tuple[object, ...]


class Queues:
    """Rows are kept until something that stands in them changes. Whoever changes a tally must `touch` its queue and channel."""

    def __init__(self, staff: Staff) -> None:
        self._staff = staff
        self._policies: dict[str, QueuePolicy] = {}
        self._openings = Openings()
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._by_queue: defaultdict[str, list[Tally]] = defaultdict(list)
        self._by_channel: defaultdict[str, list[Tally]] = defaultdict(list)
        self._queue_marks: Marks[str] = Marks()
        self._cell_marks: Marks[tuple[str, str]] = Marks()
        self._channel_marks: Marks[str] = Marks()
        self._kept: dict[tuple[str | None, str | None], tuple[_Key, QueueRow]] = {}

    # Reading

    def queues(self, at_ms: int) -> list[QueueRow]:
        return [self._queue(queue, at_ms) for queue in sorted({*self._policies, *self._by_queue})]

    def cells(self) -> list[QueueRow]:
        return [self._cell(*cell) for cell in sorted(self._tallies)]

    def channels(self) -> list[QueueRow]:
        return [self._channel(channel) for channel in sorted(self._by_channel)]

    def queue(self, queue: str, at_ms: int) -> QueueRow | None:
        return self._queue(queue, at_ms) if self._has(queue) else None

    def queues_changed_since(self, seq: int, at_ms: int) -> list[QueueRow]:
        return [self._queue(queue, at_ms) for queue in self._queue_marks.since(seq)]

    def cells_changed_since(self, seq: int) -> list[QueueRow]:
        return [self._cell(*cell) for cell in self._cell_marks.since(seq)]

    def channels_changed_since(self, seq: int) -> list[QueueRow]:
        return [self._channel(channel) for channel in self._channel_marks.since(seq)]

    @property
    def parked(self) -> int:
        """Contacts put aside, in all queues together."""
        return sum(tally.parked for tally in self._tallies.values())

    # Folding

    def adopt(self, policies: list[QueuePolicy], seq: int) -> None:
        """These are the queues from now on. Their goals stand in the rows of all of them."""
        changed = {*self._policies, *(queue.name for queue in policies)}
        self._policies = {queue.name: queue for queue in policies}
        self._openings.keep(self._policies, {queue.name for queue in policies if queue.calendar})
        self._kept = {cell: kept for cell, kept in self._kept.items() if cell[0] is None or self._has(cell[0])}
        for queue in sorted(changed):
            self.touch(queue, None, seq)
        for queue, channel in self._tallies:
            if queue in changed:
                self.touch(queue, channel, seq)

    def set_mode(self, event: QueueModeSet, seq: int) -> None:
        self._openings.mode_set(event)
        self.touch(event.queue, None, seq)

    def turn_hours(self, event: QueueHoursTurned, seq: int) -> None:
        self._openings.hours_turned(event)
        self.touch(event.queue, None, seq)

    def short_abandon_ms(self, queue: str) -> int:
        policy = self._policies.get(queue)
        return policy.short_abandon_ms if policy else 0

    def tally(self, queue: str, channel: str) -> Tally:
        tally = self._tallies.get((queue, channel))
        if tally is None:
            tally = self._tallies[queue, channel] = Tally()
            self._by_queue[queue].append(tally)
            self._by_channel[channel].append(tally)
        return tally

    def touch(self, queue: str | None, channel: str | None, seq: int) -> None:
        """Something of this channel of this queue changed; None: of the queue as a whole, or of the channel over all queues."""
        if queue is not None:
            self._queue_marks.touch(queue, seq)
        if channel is not None and channel in self._by_channel:
            self._channel_marks.touch(channel, seq)
            if queue is not None and (queue, channel) in self._tallies:
                self._cell_marks.touch((queue, channel), seq)

    # Rows

    def _queue(self, queue: str, at_ms: int) -> QueueRow:
        occupancy = self._staff.queues.get(queue)
        return self._row(
            queue,
            None,
            self._by_queue.get(queue, []),
            self._queue_marks.seq(queue),
            self._opening(queue),
            None if occupancy is None else occupancy.permille(at_ms),
        )

    def _cell(self, queue: str, channel: str) -> QueueRow:
        return self._row(queue, channel, [self._tallies[queue, channel]], self._cell_marks.seq((queue, channel)))

    def _channel(self, channel: str) -> QueueRow:
        return self._row(None, channel, self._by_channel[channel], self._channel_marks.seq(channel))

    def _row(
        self,
        queue: str | None,
        channel: str | None,
        tallies: list[Tally],
        seq: int,
        opening: Opening | None = None,
        occupancy_permille: int | None = None,
    ) -> QueueRow:
        members, ready = self._staff.members[queue, channel], self._staff.ready[queue, channel]
        policy = None if queue is None else self._policies.get(queue)
        goal = policy.service_level_percent if policy else None
        key = (seq, members, ready, opening, goal, occupancy_permille)
        kept = self._kept.get((queue, channel))
        if kept is not None and kept[0] == key:
            return kept[1]
        row = queue_row(
            queue,
            channel,
            tallies,
            seq=seq,
            members=members,
            members_ready=ready,
            goal_percent=goal,
            opening=opening,
            occupancy_permille=occupancy_permille,
        )
        if queue is None or self._has(queue):
            self._kept[queue, channel] = key, row
        return row

    def _has(self, queue: str) -> bool:
        """It has a row: as a queue of the policy, or as one that was and left figures."""
        return queue in self._policies or queue in self._by_queue

    def _opening(self, queue: str) -> Opening | None:
        """None for what is no queue of the policy any more."""
        return self._openings.of(queue) if queue in self._policies else None

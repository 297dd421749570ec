"""Rows of the boards as bytes, written once for all who watch and kept until they change.

The bytes of two messages of one type, one behind the other, are one message with the repeated fields of both. So each row is kept
as a message that holds this row alone, and an answer is a join.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cordboard.api.groups import Figures
from cordboard.api.people import People
from cordboard.api.translate.rows import agent_row, queue_row
from cordboard.projections.rows import AgentRow, QueueRow
from cordboard.v1 import board_service_pb2 as pb
from cordboard.vault import Person

ROWS_AT_ONCE = 1_000
"""Written before others have their turn: some 25 ms."""


@dataclass(frozen=True, slots=True)
class _Whole:
    """Every agent: the rows, until when (time of the loop, s) and after how many renamings their names hold, the bytes."""

    rows: Sequence[AgentRow]
    until_s: float
    renamed: int
    data: list[bytes]


class WrittenRows:
    """For WatchBoardsResponse; queues and agents for GetBoardsResponse, too, which has both under the same numbers.

    A row that did not change is the same object (`Boards` keeps it), told with the same figures or of the same person.
    """

    def __init__(self) -> None:
        self._queues: dict[tuple[str | None, str | None], tuple[QueueRow, Figures, bytes]] = {}
        self._agents: dict[bytes, tuple[AgentRow, Person, bytes]] = {}
        self._whole: _Whole | None = None

    def queues(self, rows: Iterable[QueueRow], told: Callable[[QueueRow], Figures]) -> list[bytes]:
        """Each without the figures that are not `told` of it."""
        found = []
        for row in rows:
            figures, cell = told(row), (row.queue, row.channel)
            kept = self._queues.get(cell)
            if kept is None or kept[0] is not row or kept[1] != figures:
                data = pb.WatchBoardsResponse(queues=[queue_row(row, figures)]).SerializeToString()
                kept = self._queues[cell] = row, figures, data
            found.append(kept[2])
        return found

    async def every_agent(self, rows: Sequence[AgentRow], people: People) -> list[bytes]:
        """All that `Boards.agents` says. Whoever begins to watch costs little more than what changed since the one before."""
        whole, renamed = self._whole, people.renamed
        fresh = whole is not None and whole.renamed == renamed and asyncio.get_running_loop().time() < whole.until_s
        if whole is None or len(whole.rows) != len(rows) or not fresh:
            named, until_s = await people.of_until([row.agent for row in rows])
            whole = _Whole(rows, until_s, renamed, await self._portions(rows, named))
        elif whole.rows is not rows:
            whole = await self._revised(whole, rows, people)
        self._whole = whole
        return whole.data

    async def _revised(self, whole: _Whole, rows: Sequence[AgentRow], people: People) -> _Whole:
        """As many rows as before: where the same one stands, its bytes stand, too."""
        slots = [slot for slot, (row, before) in enumerate(zip(rows, whole.rows, strict=True)) if row is not before]
        changed = [rows[slot] for slot in slots]
        named, until_s = await people.of_until([row.agent for row in changed])
        data = list(whole.data)
        for slot, written in zip(slots, await self._portions(changed, named), strict=True):
            data[slot] = written
        return _Whole(rows, min(whole.until_s, until_s), whole.renamed, data)

    async def changed_agents(self, rows: Sequence[AgentRow], people: People) -> list[bytes]:
        """Some, as they are now; who is gone is named as removed."""
        return await self._portions(rows, await people.of([row.agent for row in rows if not row.gone]))

    async def _portions(self, rows: Sequence[AgentRow], people: Mapping[bytes, Person]) -> list[bytes]:
        found = self.agents(rows[:ROWS_AT_ONCE], people)
        for start in range(ROWS_AT_ONCE, len(rows), ROWS_AT_ONCE):
            await asyncio.sleep(0)
            found += self.agents(rows[start : start + ROWS_AT_ONCE], people)
        return found

    def agents(self, rows: Iterable[AgentRow], people: Mapping[bytes, Person]) -> list[bytes]:
        """Who is gone is named as removed. `people` must know the others."""
        found = []
        for row in rows:
            if row.gone:
                self._agents.pop(row.agent, None)
                self._whole = None
                found.append(pb.WatchBoardsResponse(removed_agent_ids=[row.agent.hex()]).SerializeToString())
                continue
            person, kept = people[row.agent], self._agents.get(row.agent)
            if kept is None or kept[0] is not row or (kept[1] is not person and kept[1] != person):
                data = pb.WatchBoardsResponse(agents=[agent_row(row, people)]).SerializeToString()
                kept = self._agents[row.agent] = row, person, data
            found.append(kept[2])
        return found

    def forget_others(self, queues: Collection[QueueRow], agents: Sequence[AgentRow]) -> None:
        """These are all that there are, and that may be shown: nothing is kept of any other queue, nor of anybody else."""
        if len(self._queues) > len(queues):
            cells = {(row.queue, row.channel) for row in queues}
            self._queues = {cell: kept for cell, kept in self._queues.items() if cell in cells}
        if self._whole is not None and len(self._whole.rows) != len(agents):
            self._whole = None
        if len(self._agents) > len(agents):
            shown = {row.agent for row in agents}
            self._agents = {agent: kept for agent, kept in self._agents.items() if agent in shown}

"""Rows of the boards as bytes, written once for all who watch and kept until they change.

The bytes of two messages of one type, one behind the other, are one message with the repeated fields of both. So each row is kept
as a message that holds this row alone, and an answer is a join.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from cordboard.api.groups import Figures
from cordboard.api.translate.rows import agent_row, queue_row
from cordboard.projections.rows import AgentRow, QueueRow
from cordboard.v1 import board_service_pb2 as pb
from cordboard.vault import Person


class WrittenRows:
    """For WatchBoardsResponse; queues and agents for GetBoardsResponse, too, which has both under the same numbers.

    A row that did not change is the same object (`Boards` keeps it), told with the same figures or of the same person.
    """

    def __init__(self) -> None:
        self._queues: dict[tuple[str | None, str | None], tuple[QueueRow, Figures, bytes]] = {}
        self._agents: dict[bytes, tuple[AgentRow, Person, bytes]] = {}

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

    def agents(self, rows: Iterable[AgentRow], people: Mapping[bytes, Person]) -> list[bytes]:
        """Who is gone is named as removed. `people` must know the others."""
        found = []
        for row in rows:
            if row.gone:
                self._agents.pop(row.agent, None)
                found.append(pb.WatchBoardsResponse(removed_agent_ids=[row.agent.hex()]).SerializeToString())
                continue
            person, kept = people[row.agent], self._agents.get(row.agent)
            if kept is None or kept[0] is not row or (kept[1] is not person and kept[1] != person):
                data = pb.WatchBoardsResponse(agents=[agent_row(row, people)]).SerializeToString()
                kept = self._agents[row.agent] = row, person, data
            found.append(kept[2])
        return found

    def forget_others(self, queues: Collection[QueueRow], agents: Collection[AgentRow]) -> None:
        """These are all that there are, and that may be shown: nothing is kept of any other queue, nor of anybody else."""
        if len(self._queues) > len(queues):
            cells = {(row.queue, row.channel) for row in queues}
            self._queues = {cell: kept for cell, kept in self._queues.items() if cell in cells}
        if len(self._agents) > len(agents):
            shown = {row.agent for row in agents}
            self._agents = {agent: kept for agent, kept in self._agents.items() if agent in shown}

"""BoardService: the boards as they stand, and their changes, many rows to a message."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from cordboard.api.guard import Context
from cordboard.api.site import Site
from cordboard.api.status import TokenExpired
from cordboard.api.translate.check import Check
from cordboard.api.translate.rows import agent_row, queue_row, site_row
from cordboard.projections.rows import AgentRow, QueueRow
from cordboard.v1 import board_service_pb2 as pb
from cordboard.v1.board_service_pb2_grpc import BoardServiceServicer

INTERVAL_MS = 200
INTERVAL_MS_MIN, INTERVAL_MS_MAX = 20, 10_000
BOOKMARK_S = 10.0
MESSAGE_ROWS_MAX = 2_000


class BoardService(BoardServiceServicer):
    """Rows come from the projection in memory; agents get their names from the vault."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def GetBoards(self, request: pb.GetBoardsRequest, context: Context) -> pb.GetBoardsResponse:
        await self._site.reach(request.consistency_token)
        boards = self._site.boards
        # No await between these: all of it is of one position.
        seq, at_ms, site = boards.position, boards.at_ms, boards.site()
        shown, queues = self._site.shown, [*boards.queues(), *boards.cells(), *boards.channels()]
        agents = [] if shown.least else boards.agents()
        queue_rows = [queue_row(row, shown.figures(row)) for row in queues]
        site_message = site_row(site, whole=shown.site_figures, least=shown.least)
        people = await self._site.people.of(row.agent for row in agents)
        return pb.GetBoardsResponse(
            queues=queue_rows,
            agents=[agent_row(row, people) for row in agents],
            site=site_message,
            consistency_token=self._site.token(seq),
            resume_token=self._site.resume_token(seq),
            at_ms=at_ms,
            quarantine_open=self._site.quarantine.summary().open,
        )

    async def WatchBoards(self, request: pb.WatchBoardsRequest, context: Context) -> AsyncIterator[pb.WatchBoardsResponse]:
        check = Check()
        interval_ms = check.number("interval_ms", request.interval_ms or INTERVAL_MS, INTERVAL_MS_MIN, INTERVAL_MS_MAX)
        check.finish()
        seq = await self._resume(request.resume_token) if request.resume_token else None
        clock = asyncio.get_running_loop().time
        said_at = clock()
        while True:
            self._site.refuse_when_draining()
            if seq is not None and seq < self._site.shown.since:
                seq = None  # What may be shown has changed: the reader is to forget what it had.
            if seq is None or self._site.boards.position > seq:
                changes = _Changes(self._site, seq)
                seq, said_at = changes.seq, clock()
                async for message in changes.messages():
                    yield message
            elif clock() - said_at >= BOOKMARK_S:
                said_at = clock()
                yield pb.WatchBoardsResponse(
                    resume_token=self._site.resume_token(seq),
                    at_ms=self._site.boards.at_ms,
                    quarantine_open=self._site.quarantine.summary().open,
                )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval_ms / 1000):
                    await self._site.draining.wait()

    async def _resume(self, token: str) -> int:
        seq = await self._site.resume(token)
        if seq < self._site.boards.forgotten:
            raise TokenExpired(f"removals since position {seq} are forgotten: start without a token")
        return seq


class _Changes:
    """Every row that changed after `since` (None: every row), taken at one position, in messages of bearable size."""

    def __init__(self, site: Site, since: int | None) -> None:
        boards = site.boards
        self._site = site
        self._complete = since is None
        self.seq = boards.position
        self._before = since or 0
        self._at_ms = boards.at_ms
        self._queues: Sequence[QueueRow]
        self._agents: Sequence[AgentRow]
        if since is None:
            self._queues, self._agents = [*boards.queues(), *boards.cells(), *boards.channels()], boards.agents()
        else:
            queues, self._agents = boards.changed_since(since)
            cells = boards.cells_changed_since(since)
            channels = {row.channel for row in cells}
            self._queues = [*queues, *cells, *(row for row in boards.channels() if row.channel in channels)]
        shown = site.shown
        self._figures = {(row.queue, row.channel): shown.figures(row) for row in self._queues}
        self._row = site_row(boards.site(), whole=shown.site_figures, least=shown.least)
        if shown.least:
            self._agents = []

    async def messages(self) -> AsyncIterator[pb.WatchBoardsResponse]:
        """Only the last one moves the resume token on, so that a watch broken off in between loses nothing."""
        rows: list[QueueRow | AgentRow] = [*self._queues, *self._agents]
        people = await self._site.people.of(row.agent for row in self._agents if not row.gone)
        for start in range(0, max(1, len(rows)), MESSAGE_ROWS_MAX):
            part = rows[start : start + MESSAGE_ROWS_MAX]
            last = start + MESSAGE_ROWS_MAX >= len(rows)
            yield pb.WatchBoardsResponse(
                queues=[queue_row(row, self._figures[row.queue, row.channel]) for row in part if isinstance(row, QueueRow)],
                agents=[agent_row(row, people) for row in part if isinstance(row, AgentRow) and not row.gone],
                removed_agent_ids=[row.agent.hex() for row in part if isinstance(row, AgentRow) and row.gone],
                site=self._row if last else None,
                resume_token=self._token(last),
                at_ms=self._at_ms,
                complete=self._complete and start == 0,
                quarantine_open=self._site.quarantine.summary().open,
            )

    def _token(self, last: bool) -> str:
        if last:
            return self._site.resume_token(self.seq)
        return "" if self._complete else self._site.resume_token(self._before)

"""BoardService: the boards as they stand, and their changes, many rows to a message."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import grpc
import grpc.aio

from cordboard.api.guard import Context
from cordboard.api.site import Site
from cordboard.api.status import TokenExpired
from cordboard.api.translate.check import Check
from cordboard.api.translate.rows import site_row
from cordboard.api.translate.written import WrittenRows
from cordboard.projections.rows import AgentRow, QueueRow
from cordboard.v1 import board_service_pb2 as pb

INTERVAL_MS = 200
INTERVAL_MS_MIN, INTERVAL_MS_MAX = 20, 10_000
BOOKMARK_S = 10.0
MESSAGE_ROWS_MAX = 2_000


def add_board_service(service: "BoardService", server: grpc.aio.Server) -> None:
    """What the generated code does, but that the answers are bytes already."""
    name = pb.DESCRIPTOR.services_by_name["BoardService"].full_name
    methods = {
        "GetBoards": grpc.unary_unary_rpc_method_handler(service.GetBoards, pb.GetBoardsRequest.FromString),
        "WatchBoards": grpc.unary_stream_rpc_method_handler(service.WatchBoards, pb.WatchBoardsRequest.FromString),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))


class BoardService:
    """Rows come from the projection in memory; agents get their names from the vault. Answers are bytes of the messages."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._written = WrittenRows()

    async def GetBoards(self, request: pb.GetBoardsRequest, context: Context) -> bytes:
        await self._site.reach(request.consistency_token)
        boards, shown = self._site.boards, self._site.shown
        # No await between these: all of it is of one position.
        seq = boards.position
        agents = () if shown.least else boards.agents()
        rows = [*boards.queues(), *boards.cells(), *boards.channels()]
        self._written.forget_others(rows, agents)
        queues = self._written.queues(rows, shown.figures)
        rest = pb.GetBoardsResponse(
            site=site_row(boards.site(), whole=shown.site_figures, least=shown.least),
            consistency_token=self._site.token(seq),
            resume_token=self._site.resume_token(seq),
            at_ms=boards.at_ms,
            quarantine_open=self._site.quarantine.summary().open,
        )
        return b"".join([*queues, *await self._written.every_agent(agents, self._site.people), rest.SerializeToString()])

    async def WatchBoards(self, request: pb.WatchBoardsRequest, context: Context) -> AsyncIterator[bytes]:
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
                changes = _Changes(self._site, self._written, seq)
                seq, said_at = changes.seq, clock()
                async for message in changes.messages():
                    yield message
            elif clock() - said_at >= BOOKMARK_S:
                said_at = clock()
                yield pb.WatchBoardsResponse(
                    resume_token=self._site.resume_token(seq),
                    at_ms=self._site.boards.at_ms,
                    quarantine_open=self._site.quarantine.summary().open,
                ).SerializeToString()
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

    def __init__(self, site: Site, written: WrittenRows, since: int | None) -> None:
        boards, shown = site.boards, site.shown
        self._site = site
        self._written = written
        self._complete = since is None
        self.seq = boards.position
        self._before = since or 0
        self._at_ms = boards.at_ms
        self._agents: Sequence[AgentRow]
        queues: list[QueueRow]
        if since is None:
            queues, self._agents = [*boards.queues(), *boards.cells(), *boards.channels()], boards.agents()
        else:
            queues, self._agents = boards.changed_since(since)
            queues = [*queues, *boards.parts_changed_since(since)]
        if shown.least:
            self._agents = ()
        self._queues = written.queues(queues, shown.figures)
        self._row = site_row(boards.site(), whole=shown.site_figures, least=shown.least)
        if self._complete:
            written.forget_others(queues, self._agents)

    async def messages(self) -> AsyncIterator[bytes]:
        """Only the last one moves the resume token on, so that a watch broken off in between loses nothing."""
        write = self._written.every_agent if self._complete else self._written.changed_agents
        rows = [*self._queues, *await write(self._agents, self._site.people)]
        for start in range(0, max(1, len(rows)), MESSAGE_ROWS_MAX):
            end = start + MESSAGE_ROWS_MAX
            last = end >= len(rows)
            rest = pb.WatchBoardsResponse(
                site=self._row if last else None,
                resume_token=self._token(last),
                at_ms=self._at_ms,
                complete=self._complete and start == 0,
                quarantine_open=self._site.quarantine.summary().open,
            )
            yield b"".join([*rows[start:end], rest.SerializeToString()])

    def _token(self, last: bool) -> str:
        if last:
            return self._site.resume_token(self.seq)
        return "" if self._complete else self._site.resume_token(self._before)

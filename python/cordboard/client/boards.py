"""Boards: how it stands, and what changes."""

from collections.abc import AsyncGenerator
from functools import cached_property
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from cordboard.client.connection import Connection, Pause, client_error
from cordboard.v1 import board_service_pb2 as boards_pb
from cordboard.v1.board_service_pb2_grpc import BoardServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.board_service_pb2_grpc import BoardServiceAsyncStub


class BoardCalls(Connection):
    """BoardService."""

    @cached_property
    def _boards(self) -> "BoardServiceAsyncStub":
        return BoardServiceStub(self._channel)

    async def get_boards(self, *, after: str = "") -> boards_pb.GetBoardsResponse:
        return await self._send(self._boards.GetBoards, boards_pb.GetBoardsRequest(consistency_token=after))

    async def watch_boards(
        self, resume_token: str = "", *, interval_ms: int = 0
    ) -> AsyncGenerator[boards_pb.WatchBoardsResponse, None]:
        """Changed rows for ever; resumes where it was after a lost connection, and starts anew (`complete`) if it cannot."""
        pause = Pause()
        while True:
            request = boards_pb.WatchBoardsRequest(resume_token=resume_token, interval_ms=interval_ms)
            call = self._boards.WatchBoards(request, wait_for_ready=True)
            try:
                async for response in call:
                    pause = Pause()
                    resume_token = response.resume_token or resume_token
                    yield response
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.OUT_OF_RANGE:
                    resume_token = ""
                elif error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                    raise client_error(error) from error
            finally:
                call.cancel()  # who stops reading has left, whenever that is collected
            await pause()

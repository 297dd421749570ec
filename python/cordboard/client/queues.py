"""Queues: open and close them, speak to everybody who waits in one."""

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cordboard.client.connection import Connection, new_request_id
from cordboard.v1 import queue_service_pb2 as queues_pb
from cordboard.v1.queue_service_pb2_grpc import QueueServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.queue_service_pb2_grpc import QueueServiceAsyncStub

_MODES = {
    "open": queues_pb.QUEUE_MODE_OPEN,
    "closed": queues_pb.QUEUE_MODE_CLOSED,
    "emergency": queues_pb.QUEUE_MODE_EMERGENCY,
}


class QueueCalls(Connection):
    """QueueService. `by` is the person id of whoever decided so, `reason` a word of the policy."""

    @cached_property
    def _queues(self) -> "QueueServiceAsyncStub":
        return QueueServiceStub(self._channel)

    async def set_queue_mode(
        self,
        queue: str,
        mode: Literal["open", "closed", "emergency"],
        *,
        by: str = "",
        reason: str = "",
        request_id: str | None = None,
    ) -> queues_pb.SetQueueModeResponse:
        """Open the queue for new contacts, or close it."""
        request = queues_pb.SetQueueModeRequest(
            request_id=request_id or new_request_id(), queue=queue, mode=_MODES[mode], by=by, reason=reason
        )
        return await self._send(self._queues.SetQueueMode, request)

    async def broadcast_text(
        self, queue: str, text: str, *, by: str = "", reason: str = "", request_id: str | None = None
    ) -> queues_pb.BroadcastTextResponse:
        """Tell every customer who waits in the queue now."""
        request = queues_pb.BroadcastTextRequest(
            request_id=request_id or new_request_id(), queue=queue, text=text, by=by, reason=reason
        )
        return await self._send(self._queues.BroadcastText, request)

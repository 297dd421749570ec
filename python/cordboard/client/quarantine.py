"""Quarantine: what could not be read, and what becomes of it."""

from collections.abc import AsyncIterator
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cordboard.client.connection import Connection, new_request_id
from cordboard.v1 import quarantine_service_pb2 as quarantine_pb
from cordboard.v1.quarantine_service_pb2 import GetQuarantinedResponse, ListQuarantinedResponse, Quarantined
from cordboard.v1.quarantine_service_pb2_grpc import QuarantineServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.quarantine_service_pb2_grpc import QuarantineServiceAsyncStub

_STATES = {
    None: quarantine_pb.QUARANTINE_STATE_UNSPECIFIED,
    "open": quarantine_pb.QUARANTINE_STATE_OPEN,
    "retried": quarantine_pb.QUARANTINE_STATE_RETRIED,
    "discarded": quarantine_pb.QUARANTINE_STATE_DISCARDED,
}
RETRY_TIMEOUT_S = 60.0


class QuarantineCalls(Connection):
    """QuarantineService."""

    @cached_property
    def _quarantine(self) -> "QuarantineServiceAsyncStub":
        return QuarantineServiceStub(self._channel)

    async def list_quarantined(
        self, state: Literal["open", "retried", "discarded"] | None = None, *, page_size: int = 50, after: str = ""
    ) -> AsyncIterator[Quarantined]:
        """What was put aside, oldest first, over all pages; None: whatever its state."""
        page_token = ""
        while True:
            page = await self._page(_STATES[state], page_size, page_token, after)
            for one in page.quarantined:
                yield one
            page_token = page.next_page_token
            if not page_token:
                return

    async def quarantine_open(self, *, after: str = "") -> int:
        """How many nobody has decided of."""
        return (await self._page(quarantine_pb.QUARANTINE_STATE_OPEN, 1, "", after)).open

    async def get_quarantined(self, quarantine_id: str, *, after: str = "") -> GetQuarantinedResponse:
        """One of them with its bytes."""
        request = quarantine_pb.GetQuarantinedRequest(quarantine_id=quarantine_id, consistency_token=after)
        return await self._send(self._quarantine.GetQuarantined, request)

    async def retry_quarantined(
        self, quarantine_id: str, *, by: str = "", reason: str = "", request_id: str | None = None
    ) -> quarantine_pb.RetryQuarantinedResponse:
        """Publish what the bytes say again, and hear what became of it."""
        request = quarantine_pb.RetryQuarantinedRequest(
            request_id=request_id or new_request_id(), quarantine_id=quarantine_id, by=by, reason=reason
        )
        return await self._send(self._quarantine.RetryQuarantined, request, timeout_s=RETRY_TIMEOUT_S)

    async def discard_quarantined(
        self, quarantine_id: str, *, by: str, reason: str, request_id: str | None = None
    ) -> quarantine_pb.DiscardQuarantinedResponse:
        """Give the bytes up; `by`: a person id, `reason`: a reason of the policy."""
        request = quarantine_pb.DiscardQuarantinedRequest(
            request_id=request_id or new_request_id(), quarantine_id=quarantine_id, by=by, reason=reason
        )
        return await self._send(self._quarantine.DiscardQuarantined, request)

    async def _page(
        self, state: "quarantine_pb.QuarantineState.ValueType", page_size: int, page_token: str, after: str
    ) -> ListQuarantinedResponse:
        request = quarantine_pb.ListQuarantinedRequest(
            state=state, page_size=page_size, page_token=page_token, consistency_token=after
        )
        return await self._send(self._quarantine.ListQuarantined, request)

"""SLA promises: which clocks run, what is at risk, what became of them."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from cordboard.client.connection import Connection, Pause, client_error
from cordboard.v1 import sla_service_pb2 as slas_pb
from cordboard.v1.sla_service_pb2 import SlaFilter
from cordboard.v1.sla_service_pb2_grpc import SlaServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.sla_service_pb2_grpc import SlaServiceAsyncStub


class SlaCalls(Connection):
    """SlaService."""

    @cached_property
    def _slas(self) -> "SlaServiceAsyncStub":
        return SlaServiceStub(self._channel)

    async def list_slas(
        self, sla_filter: SlaFilter | None = None, *, page_size: int = 100, after: str = ""
    ) -> AsyncIterator[slas_pb.ListSlasResponse]:
        """Clocks, those due first, page by page; each page has the counts."""
        page_token = ""
        while True:
            request = slas_pb.ListSlasRequest(
                filter=sla_filter, page_size=page_size, page_token=page_token, consistency_token=after
            )
            page = await self._send(self._slas.ListSlas, request)
            yield page
            page_token = page.next_page_token
            if not page_token:
                return

    async def get_sla_board(
        self, queues: Iterable[str] = (), *, from_ms: int = 0, until_ms: int = 0, zone: str = "", after: str = ""
    ) -> slas_pb.GetSlaBoardResponse:
        """How clocks ended on each day; today's if no time is given (Unix ms)."""
        request = slas_pb.GetSlaBoardRequest(queues=queues, from_ms=from_ms, until_ms=until_ms, zone=zone, consistency_token=after)
        return await self._send(self._slas.GetSlaBoard, request)

    async def watch_slas(
        self, queues: Iterable[str] = (), *, group: str = "", interval_ms: int = 0
    ) -> AsyncGenerator[slas_pb.WatchSlasResponse, None]:
        """Those that live, then those that change, for ever; after a lost connection those that live again."""
        pause, names = Pause(), tuple(queues)
        while True:
            request = slas_pb.WatchSlasRequest(queues=names, group=group, interval_ms=interval_ms)
            call = self._slas.WatchSlas(request, wait_for_ready=True)
            try:
                async for response in call:
                    pause = Pause()
                    yield response
            except grpc.aio.AioRpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                    raise client_error(error) from error
            finally:
                call.cancel()  # who stops reading has left, whenever that is collected
            await pause()

"""Availability: what customers are shown of entry points."""

from collections.abc import AsyncGenerator, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from cordboard.client.connection import Connection, Pause, client_error
from cordboard.v1 import availability_service_pb2 as availability_pb
from cordboard.v1.availability_service_pb2_grpc import AvailabilityServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.availability_service_pb2_grpc import AvailabilityServiceAsyncStub


class AvailabilityCalls(Connection):
    """AvailabilityService."""

    @cached_property
    def _availability(self) -> "AvailabilityServiceAsyncStub":
        return AvailabilityServiceStub(self._channel)

    async def get_availability(
        self, entry_points: Iterable[str] = (), *, after: str = ""
    ) -> availability_pb.GetAvailabilityResponse:
        """Of these entry points, else of all that show it. Raises ClientError with reason unknown_entry_point."""
        request = availability_pb.GetAvailabilityRequest(entry_points=entry_points, consistency_token=after)
        return await self._send(self._availability.GetAvailability, request)

    async def watch_availability(
        self, entry_points: Iterable[str] = (), *, interval_ms: int = 0
    ) -> AsyncGenerator[availability_pb.WatchAvailabilityResponse, None]:
        """All of them, then what changes, for ever; after a lost connection all of them again."""
        pause, names = Pause(), tuple(entry_points)
        while True:
            request = availability_pb.WatchAvailabilityRequest(entry_points=names, interval_ms=interval_ms)
            call = self._availability.WatchAvailability(request, wait_for_ready=True)
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

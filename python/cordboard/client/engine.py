"""The engine: at which level it decides."""

from functools import cached_property
from typing import TYPE_CHECKING

from cordboard.client.connection import Connection, new_request_id
from cordboard.v1 import engine_service_pb2 as engine_pb
from cordboard.v1.engine_service_pb2_grpc import EngineServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.engine_service_pb2_grpc import EngineServiceAsyncStub


class EngineCalls(Connection):
    """EngineService."""

    @cached_property
    def _engine(self) -> "EngineServiceAsyncStub":
        return EngineServiceStub(self._channel)

    async def get_engine(self, *, after: str = "") -> engine_pb.GetEngineResponse:
        """The level in force, and the newest one that the router which leads decides."""
        return await self._send(self._engine.GetEngine, engine_pb.GetEngineRequest(consistency_token=after))

    async def adopt_level(self, level: int, *, request_id: str | None = None) -> engine_pb.AdoptLevelResponse:
        """Put a newer level in force, for good. Raises ClientError with reason level_in_force or level_unknown."""
        request = engine_pb.AdoptLevelRequest(request_id=request_id or new_request_id(), level=level)
        return await self._send(self._engine.AdoptLevel, request)

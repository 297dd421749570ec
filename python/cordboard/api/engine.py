"""EngineService: the level at which the site is decided."""

from cordboard.api.guard import Context
from cordboard.api.ids import fact_id
from cordboard.api.site import Site
from cordboard.api.translate.check import Check
from cordboard.events.event import LevelAdopted
from cordboard.events.fact import LevelRequested
from cordboard.v1 import engine_service_pb2 as pb
from cordboard.v1.engine_service_pb2_grpc import EngineServiceServicer

LEVEL_MAX = 1_000_000


class EngineService(EngineServiceServicer):
    """The router decides whether a level may be adopted: it knows which ones it decides."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def GetEngine(self, request: pb.GetEngineRequest, context: Context) -> pb.GetEngineResponse:
        await self._site.reach(request.consistency_token)
        declared = self._site.declared
        leader = declared.leader
        return pb.GetEngineResponse(
            level=declared.level,
            level_max=0 if leader is None else leader.level_max,
            epoch=0 if leader is None else leader.epoch,
            consistency_token=self._site.token(),
        )

    async def AdoptLevel(self, request: pb.AdoptLevelRequest, context: Context) -> pb.AdoptLevelResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        level = check.number("level", request.level, 1, LEVEL_MAX)
        check.finish()
        outcome = await self._site.command(LevelRequested(fact_id("AdoptLevel", request_id), level))
        adopted = outcome.first(LevelAdopted)
        return pb.AdoptLevelResponse(
            level=level if adopted is None else adopted.level, consistency_token=self._site.token(outcome.seq)
        )

"""StaffService: who the agents are (roster), and what others say of them (staffing)."""

from cordboard.api.guard import Context
from cordboard.api.roster import declare_agents, list_agents, list_periods, retire_agent
from cordboard.api.site import Site
from cordboard.api.staffing import force_presence, report_work, schedule_agent
from cordboard.v1 import staff_service_pb2 as pb
from cordboard.v1.staff_service_pb2_grpc import StaffServiceServicer


class StaffService(StaffServiceServicer):
    """Every command waits for the router's verdict; a refusal comes back as a status with its reason."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def DeclareAgents(self, request: pb.DeclareAgentsRequest, context: Context) -> pb.DeclareAgentsResponse:
        return await declare_agents(self._site, request)

    async def RetireAgent(self, request: pb.RetireAgentRequest, context: Context) -> pb.RetireAgentResponse:
        return await retire_agent(self._site, request)

    async def ListAgents(self, request: pb.ListAgentsRequest, context: Context) -> pb.ListAgentsResponse:
        return await list_agents(self._site, request)

    async def ListPeriods(self, request: pb.ListPeriodsRequest, context: Context) -> pb.ListPeriodsResponse:
        return await list_periods(self._site)

    async def ForcePresence(self, request: pb.ForcePresenceRequest, context: Context) -> pb.ForcePresenceResponse:
        return await force_presence(self._site, request)

    async def ScheduleAgent(self, request: pb.ScheduleAgentRequest, context: Context) -> pb.ScheduleAgentResponse:
        return await schedule_agent(self._site, request)

    async def ReportWork(self, request: pb.ReportWorkRequest, context: Context) -> pb.ReportWorkResponse:
        return await report_work(self._site, request)

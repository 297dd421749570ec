"""Staff: who the agents are, and what others say of them."""

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cordboard.client.connection import BULK_TIMEOUT_S, Connection, new_request_id
from cordboard.v1 import staff_service_pb2 as staff_pb
from cordboard.v1 import types_pb2 as types_pb
from cordboard.v1.staff_service_pb2 import AgentDeclaration
from cordboard.v1.staff_service_pb2_grpc import StaffServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.staff_service_pb2_grpc import StaffServiceAsyncStub


DECLARE_MAX = 250
DECLARE_BYTES_MAX = 200 * 1024


class StaffCalls(Connection):
    """StaffService."""

    @cached_property
    def _staff(self) -> "StaffServiceAsyncStub":
        return StaffServiceStub(self._channel)

    async def declare_agents(self, agents: Iterable[AgentDeclaration]) -> list[staff_pb.DeclarationResult]:
        """Declare any number of agents; one result each, in order. Never raises for one of them; look at its `code`."""
        results: list[staff_pb.DeclarationResult] = []
        for part in _portions(agents):
            request = staff_pb.DeclareAgentsRequest(request_id=new_request_id(), agents=part)
            results.extend((await self._send(self._staff.DeclareAgents, request, timeout_s=BULK_TIMEOUT_S)).results)
        return results

    async def retire_agent(self, agent: str, *, request_id: str | None = None) -> staff_pb.RetireAgentResponse:
        request = staff_pb.RetireAgentRequest(request_id=request_id or new_request_id(), agent=agent)
        return await self._send(self._staff.RetireAgent, request)

    async def force_presence(
        self,
        agent: str,
        presence: Literal["offline", "not_ready"],
        *,
        reason: str = "",
        by: str = "",
        request_id: str | None = None,
    ) -> staff_pb.ForcePresenceResponse:
        """A supervisor (`by`) makes the agent not ready or offline."""
        request = staff_pb.ForcePresenceRequest(
            request_id=request_id or new_request_id(), agent=agent, presence=_FORCED[presence], reason=reason, by=by
        )
        return await self._send(self._staff.ForcePresence, request)

    async def schedule_agent(
        self, agent: str, leaves_at_ms: int, *, request_id: str | None = None
    ) -> staff_pb.ScheduleAgentResponse:
        """When the agent is known to leave (Unix ms); 0: not any more."""
        request = staff_pb.ScheduleAgentRequest(request_id=request_id or new_request_id(), agent=agent, leaves_at_ms=leaves_at_ms)
        return await self._send(self._staff.ScheduleAgent, request)

    async def report_work(
        self, agent: str, channel: str, work: str, busy: bool, *, request_id: str | None = None
    ) -> staff_pb.ReportWorkResponse:
        """Work from elsewhere, known there as `work`, begins or is over."""
        request = staff_pb.ReportWorkRequest(
            request_id=request_id or new_request_id(), agent=agent, channel=channel, work=work, busy=busy
        )
        return await self._send(self._staff.ReportWork, request)

    async def list_agents(self, *, page_size: int = 500, after: str = "") -> AsyncIterator[staff_pb.Agent]:
        """Declared agents over all pages."""
        page_token = ""
        while True:
            request = staff_pb.ListAgentsRequest(page_size=page_size, page_token=page_token, consistency_token=after)
            page = await self._send(self._staff.ListAgents, request)
            for agent in page.agents:
                yield agent
            page_token = page.next_page_token
            if not page_token:
                return

    async def list_periods(self) -> staff_pb.ListPeriodsResponse:
        """The periods of agents' references, the newest first."""
        return await self._send(self._staff.ListPeriods, staff_pb.ListPeriodsRequest())


_FORCED = {"offline": types_pb.PRESENCE_OFFLINE, "not_ready": types_pb.PRESENCE_NOT_READY}


def _portions(agents: Iterable[AgentDeclaration]) -> Iterator[list[AgentDeclaration]]:
    """As many at a time as one request may hold, by number and by size."""
    part: list[AgentDeclaration] = []
    size = 0
    for agent in agents:
        if part and (len(part) == DECLARE_MAX or size + agent.ByteSize() > DECLARE_BYTES_MAX):
            yield part
            part, size = [], 0
        part.append(agent)
        size += agent.ByteSize() + 8
    if part:
        yield part

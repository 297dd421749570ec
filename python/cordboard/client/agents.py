"""Agents: declare, retire, list."""

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cordboard.client.connection import BULK_TIMEOUT_S, Connection, new_request_id
from cordboard.v1 import agent_service_pb2 as agents_pb
from cordboard.v1 import types_pb2 as types_pb
from cordboard.v1.agent_service_pb2 import AgentDeclaration
from cordboard.v1.agent_service_pb2_grpc import AgentServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.agent_service_pb2_grpc import AgentServiceAsyncStub


DECLARE_MAX = 250
DECLARE_BYTES_MAX = 200 * 1024


class AgentCalls(Connection):
    """AgentService, from the office."""

    @cached_property
    def _agents(self) -> "AgentServiceAsyncStub":
        return AgentServiceStub(self._channel)

    async def declare_agents(self, agents: Iterable[AgentDeclaration]) -> list[agents_pb.DeclarationResult]:
        """Declare any number of agents; one result each, in order. Never raises for one of them; look at its `code`."""
        results: list[agents_pb.DeclarationResult] = []
        for part in _portions(agents):
            request = agents_pb.DeclareAgentsRequest(request_id=new_request_id(), agents=part)
            results.extend((await self._send(self._agents.DeclareAgents, request, timeout_s=BULK_TIMEOUT_S)).results)
        return results

    async def retire_agent(self, agent: str, *, request_id: str | None = None) -> agents_pb.RetireAgentResponse:
        request = agents_pb.RetireAgentRequest(request_id=request_id or new_request_id(), agent=agent)
        return await self._send(self._agents.RetireAgent, request)

    async def force_presence(
        self,
        agent: str,
        presence: Literal["offline", "not_ready"],
        *,
        reason: str = "",
        by: str = "",
        request_id: str | None = None,
    ) -> agents_pb.ForcePresenceResponse:
        """A supervisor (`by`) makes the agent not ready or offline."""
        request = agents_pb.ForcePresenceRequest(
            request_id=request_id or new_request_id(), agent=agent, presence=_FORCED[presence], reason=reason, by=by
        )
        return await self._send(self._agents.ForcePresence, request)

    async def schedule_agent(
        self, agent: str, leaves_at_ms: int, *, request_id: str | None = None
    ) -> agents_pb.ScheduleAgentResponse:
        """When the agent is known to leave (Unix ms); 0: not any more."""
        request = agents_pb.ScheduleAgentRequest(request_id=request_id or new_request_id(), agent=agent, leaves_at_ms=leaves_at_ms)
        return await self._send(self._agents.ScheduleAgent, request)

    async def report_work(
        self, agent: str, channel: str, work: str, busy: bool, *, request_id: str | None = None
    ) -> agents_pb.ReportWorkResponse:
        """Work from elsewhere, known there as `work`, begins or is over."""
        request = agents_pb.ReportWorkRequest(
            request_id=request_id or new_request_id(), agent=agent, channel=channel, work=work, busy=busy
        )
        return await self._send(self._agents.ReportWork, request)

    async def list_agents(self, *, page_size: int = 500, after: str = "") -> AsyncIterator[agents_pb.Agent]:
        """Declared agents over all pages."""
        page_token = ""
        while True:
            request = agents_pb.ListAgentsRequest(page_size=page_size, page_token=page_token, consistency_token=after)
            page = await self._send(self._agents.ListAgents, request)
            for agent in page.agents:
                yield agent
            page_token = page.next_page_token
            if not page_token:
                return


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

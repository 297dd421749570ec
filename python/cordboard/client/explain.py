"""Explanations: why a contact waits, why an agent is not offered it."""

from functools import cached_property
from typing import TYPE_CHECKING

from cordboard.client.connection import Connection
from cordboard.v1 import explain_service_pb2 as explain_pb
from cordboard.v1.explain_service_pb2_grpc import ExplainServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.explain_service_pb2_grpc import ExplainServiceAsyncStub


class ExplainCalls(Connection):
    """ExplainService."""

    @cached_property
    def _explain(self) -> "ExplainServiceAsyncStub":
        return ExplainServiceStub(self._channel)

    async def explain_contact(
        self, contact_id: str, *, position: int = 0, at_ms: int = 0, limit: int = 20
    ) -> explain_pb.ExplainContactResponse:
        """What keeps each member of its queues from a contact: now, at a position of the journal, or at an instant."""
        request = explain_pb.ExplainContactRequest(contact_id=contact_id, position=position, at_ms=at_ms, limit=limit)
        return await self._send(self._explain.ExplainContact, request)

    async def explain_agent(
        self, agent: str, *, position: int = 0, at_ms: int = 0, limit: int = 20
    ) -> explain_pb.ExplainAgentResponse:
        """What keeps an agent from each contact that waits in the agent's queues: now, at a position of the journal, or at an
        instant."""
        request = explain_pb.ExplainAgentRequest(agent=agent, position=position, at_ms=at_ms, limit=limit)
        return await self._send(self._explain.ExplainAgent, request)

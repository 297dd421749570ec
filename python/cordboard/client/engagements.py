"""What an agent does with a contact in hand: hold, ask others, hand over; and connections that failed."""

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cordboard.client.connection import Connection, new_request_id
from cordboard.v1 import engagement_service_pb2 as engagements_pb
from cordboard.v1 import types_pb2 as types_pb
from cordboard.v1.engagement_service_pb2_grpc import EngagementServiceStub

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.engagement_service_pb2_grpc import EngagementServiceAsyncStub


_ROLES = {
    "primary": types_pb.ROLE_PRIMARY,
    "consult": types_pb.ROLE_CONSULT,
    "conference": types_pb.ROLE_CONFERENCE,
}
_LEGS = {
    "agent": engagements_pb.LEG_AGENT,
    "customer": engagements_pb.LEG_CUSTOMER,
    "platform": engagements_pb.LEG_PLATFORM,
}


class EngagementCalls(Connection):
    """EngagementService."""

    @cached_property
    def _engagements(self) -> "EngagementServiceAsyncStub":
        return EngagementServiceStub(self._channel)

    async def hold_engagement(
        self, agent: str, contact_id: str, *, request_id: str | None = None
    ) -> engagements_pb.HoldEngagementResponse:
        """Put the customer on hold."""
        request = engagements_pb.HoldEngagementRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id
        )
        return await self._send(self._engagements.HoldEngagement, request)

    async def resume_engagement(
        self, agent: str, contact_id: str, *, request_id: str | None = None
    ) -> engagements_pb.ResumeEngagementResponse:
        """Take the customer off hold."""
        request = engagements_pb.ResumeEngagementRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id
        )
        return await self._send(self._engagements.ResumeEngagement, request)

    async def consult_agent(
        self,
        agent: str,
        contact_id: str,
        to_agent: str,
        role: Literal["consult", "conference"] = "consult",
        *,
        request_id: str | None = None,
    ) -> engagements_pb.ConsultAgentResponse:
        """Ask `to_agent` for help, who accepts, connects and ends it like any offer of that contact."""
        request = engagements_pb.ConsultAgentRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, to_agent=to_agent, role=_ROLES[role]
        )
        return await self._send(self._engagements.ConsultAgent, request)

    async def change_role(
        self, agent: str, contact_id: str, other: str, role: Literal["conference", "primary"], *, request_id: str | None = None
    ) -> engagements_pb.ChangeRoleResponse:
        """Bring `other` into the conference, or hand the contact over to them (`primary`)."""
        request = engagements_pb.ChangeRoleRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, other=other, role=_ROLES[role]
        )
        return await self._send(self._engagements.ChangeRole, request)

    async def report_connect_failure(
        self,
        agent: str,
        contact_id: str,
        attempt: int,
        leg: Literal["agent", "customer", "platform"],
        *,
        request_id: str | None = None,
    ) -> engagements_pb.ReportConnectFailureResponse:
        """An accepted offer could not be connected, and on whose side."""
        request = engagements_pb.ReportConnectFailureRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, attempt=attempt, leg=_LEGS[leg]
        )
        return await self._send(self._engagements.ReportConnectFailure, request)

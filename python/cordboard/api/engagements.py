"""EngagementService: hold, consult, conference, handing over, and connections that failed."""

from cordboard.api.guard import Context
from cordboard.api.ids import fact_id
from cordboard.api.site import Site
from cordboard.api.translate.check import ATTEMPT_MAX, Check
from cordboard.api.translate.words import CONSULT_ROLES, LEGS, NEXT_ROLES
from cordboard.events.event import ConnectFailed, EngagementEnded, EngagementResumed, OfferMade
from cordboard.events.fact import ConnectionFailed, ConsultRequested, HoldRequested, RoleRequested
from cordboard.v1 import engagement_service_pb2 as pb
from cordboard.v1.engagement_service_pb2_grpc import EngagementServiceServicer


class EngagementService(EngagementServiceServicer):
    """Every command waits for the router's verdict; a refusal comes back as a status with its reason."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def HoldEngagement(self, request: pb.HoldEngagementRequest, context: Context) -> pb.HoldEngagementResponse:
        outcome = await self._site.command(await self._hold("HoldEngagement", request, held=True))
        return pb.HoldEngagementResponse(consistency_token=self._site.token(outcome.seq))

    async def ResumeEngagement(self, request: pb.ResumeEngagementRequest, context: Context) -> pb.ResumeEngagementResponse:
        outcome = await self._site.command(await self._hold("ResumeEngagement", request, held=False))
        resumed = outcome.first(EngagementResumed)
        return pb.ResumeEngagementResponse(
            consistency_token=self._site.token(outcome.seq), held_ms=resumed.held_ms if resumed is not None else 0
        )

    async def _hold(
        self, method: str, request: pb.HoldEngagementRequest | pb.ResumeEngagementRequest, *, held: bool
    ) -> HoldRequested:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        check.person("agent", request.agent)
        check.finish()
        agent = await self._site.people.ref(request.agent)
        return HoldRequested(fact_id=fact_id(method, request_id), contact=contact, agent=agent, held=held)

    async def ConsultAgent(self, request: pb.ConsultAgentRequest, context: Context) -> pb.ConsultAgentResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        role = check.choice("role", request.role, CONSULT_ROLES, "consult")
        check.person("agent", request.agent)
        check.person("to_agent", request.to_agent)
        check.finish()
        fact = ConsultRequested(
            fact_id=fact_id("ConsultAgent", request_id),
            contact=contact,
            agent=await self._site.people.ref(request.agent),
            to_agent=await self._site.people.ref(request.to_agent),
            role=role,
        )
        with self._site.shown.about_another():
            outcome = await self._site.command(fact)
        offer = outcome.first(OfferMade)
        return pb.ConsultAgentResponse(
            consistency_token=self._site.token(outcome.seq),
            attempt=offer.attempt if offer is not None else 0,
            expires_ms=offer.expires_ms if offer is not None else 0,
        )

    async def ChangeRole(self, request: pb.ChangeRoleRequest, context: Context) -> pb.ChangeRoleResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        role = check.choice("role", request.role, NEXT_ROLES, "conference")
        check.person("agent", request.agent)
        check.person("other", request.other)
        check.finish()
        fact = RoleRequested(
            fact_id=fact_id("ChangeRole", request_id),
            contact=contact,
            agent=await self._site.people.ref(request.agent),
            other=await self._site.people.ref(request.other),
            role=role,
        )
        outcome = await self._site.command(fact)
        ended = outcome.first(EngagementEnded)
        return pb.ChangeRoleResponse(
            consistency_token=self._site.token(outcome.seq),
            wrap_until_ms=(ended.wrap_until_ms or 0) if ended is not None else 0,
        )

    async def ReportConnectFailure(
        self, request: pb.ReportConnectFailureRequest, context: Context
    ) -> pb.ReportConnectFailureResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        attempt = check.number("attempt", request.attempt, 1, ATTEMPT_MAX)
        leg = check.choice("leg", request.leg, LEGS, "platform")
        check.person("agent", request.agent)
        check.finish()
        fact = ConnectionFailed(
            fact_id=fact_id("ReportConnectFailure", request_id),
            contact=contact,
            attempt=attempt,
            agent=await self._site.people.ref(request.agent),
            leg=leg,
        )
        outcome = await self._site.command(fact)
        failed = outcome.first(ConnectFailed)
        return pb.ReportConnectFailureResponse(
            consistency_token=self._site.token(outcome.seq), failures=failed.failures if failed is not None else 0
        )

"""What others say of agents: presence forced by a supervisor, when they leave, what they do elsewhere."""

import hmac
from hashlib import sha256
from typing import Literal

from cordboard.api.ids import fact_id
from cordboard.api.site import Site
from cordboard.api.translate.check import Check
from cordboard.api.translate.words import TO_PRESENCE
from cordboard.events.bounds import ID_BYTES, INSTANT_MAX_MS
from cordboard.events.event import PresenceChanged
from cordboard.events.fact import AgentBusyReported, AgentScheduled, PresenceForced
from cordboard.v1 import staff_service_pb2 as pb
from cordboard.v1 import types_pb2

WORK_MAX = 200
_PURPOSE = "names of outside work"
_FORCED: dict[int, Literal["offline", "not_ready"]] = {
    types_pb2.PRESENCE_OFFLINE: "offline",
    types_pb2.PRESENCE_NOT_READY: "not_ready",
}


async def force_presence(site: Site, request: pb.ForcePresenceRequest) -> pb.ForcePresenceResponse:
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    presence = check.choice("presence", request.presence, _FORCED, "not_ready")
    reason = check.name_or_none("reason", request.reason)
    check.person("agent", request.agent)
    check.person_or_none("by", request.by)
    check.finish()
    agent = await site.people.ref(request.agent)
    fact = PresenceForced(
        fact_id=fact_id("ForcePresence", request_id),
        agent=agent,
        presence=presence,
        by=await site.people.actor(request.by),
        reason=reason,
    )
    outcome = await site.command(fact)
    if not site.shown.rules.individual_live:
        return pb.ForcePresenceResponse(consistency_token=site.token(outcome.seq))
    changed = [event for entry, event in outcome.events if isinstance(event, PresenceChanged) and entry.agent == agent]
    effective = changed[-1].effective if changed else site.desks.desk(agent).effective
    return pb.ForcePresenceResponse(consistency_token=site.token(outcome.seq), effective=TO_PRESENCE[effective])


async def schedule_agent(site: Site, request: pb.ScheduleAgentRequest) -> pb.ScheduleAgentResponse:
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    leaves_ms = check.number("leaves_at_ms", request.leaves_at_ms, 0, INSTANT_MAX_MS)
    check.person("agent", request.agent)
    check.finish()
    agent = await site.people.ref(request.agent)
    fact = AgentScheduled(fact_id=fact_id("ScheduleAgent", request_id), agent=agent, leaves_ms=leaves_ms or None)
    return pb.ScheduleAgentResponse(consistency_token=site.token((await site.command(fact)).seq))


async def report_work(site: Site, request: pb.ReportWorkRequest) -> pb.ReportWorkResponse:
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    channel = check.name("channel", request.channel)
    check.text("work", request.work, WORK_MAX, 1)
    check.person("agent", request.agent)
    check.finish()
    agent = await site.people.ref(request.agent)
    work = _work_ref(site, request.work)
    fact = AgentBusyReported(fact_id=fact_id("ReportWork", request_id), agent=agent, channel=channel, work=work, busy=request.busy)
    return pb.ReportWorkResponse(consistency_token=site.token((await site.command(fact)).seq))


def _work_ref(site: Site, name: str) -> bytes:
    """The same for the same name. It may hold a telephone number: nobody without the vault's key can tell."""
    return hmac.digest(site.vault.derive_key(_PURPOSE), name.encode(), sha256)[:ID_BYTES]

"""Where a contact goes next, as agents, supervisors and services want it: transfer, pick, requeue, priority."""

from cordboard.api.ids import fact_id
from cordboard.api.site import Site
from cordboard.api.translate.check import Check
from cordboard.api.translate.words import requirements_from
from cordboard.errors import FactRefused
from cordboard.events.event import ContactQueued, OfferMade
from cordboard.events.fact import PickRequested, PriorityRequested, RequeueRequested, TransferRequested
from cordboard.events.verdict import REFUSALS
from cordboard.v1 import contact_service_pb2 as pb


async def transfer_contact(site: Site, request: pb.TransferContactRequest) -> pb.TransferContactResponse:
    """To another queue, or to an agent first. Raises BadRequest, FactRefused."""
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    contact = check.id("contact_id", request.contact_id)
    if request.queue or not request.to_agent:
        check.name("queue", request.queue)
    requirements = None
    if request.HasField("requirements"):
        requirements = requirements_from(check, "requirements.requirements", request.requirements.requirements)
    check.person_or_none("agent", request.agent)
    check.person_or_none("to_agent", request.to_agent)
    by_reason = _by_and_reason(check, request.by, request.reason)
    if request.agent and request.by:
        check.wrong("by", "an agent's own transfer has no supervisor: give either agent or by")
    check.finish()
    fact = TransferRequested(
        fact_id=fact_id("TransferContact", request_id),
        contact=contact,
        queue=request.queue or await _queue_of(site, contact),
        agent=await site.people.ref(request.agent) if request.agent else None,
        requirements=requirements,
        to_agent=await site.people.ref(request.to_agent) if request.to_agent else None,
        by=await site.people.actor(request.by),
        reason=by_reason,
    )
    with site.shown.about_another():
        outcome = await site.command(fact)
    queued = outcome.first(ContactQueued)
    return pb.TransferContactResponse(
        consistency_token=site.token(outcome.seq),
        visit=queued.visit if queued is not None else 0,
        queue=queued.queue if queued is not None else "",
    )


async def pick_contact(site: Site, request: pb.PickContactRequest) -> pb.PickContactResponse:
    """A waiting contact to a certain agent. Raises BadRequest, FactRefused."""
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    contact = check.id("contact_id", request.contact_id)
    check.person("agent", request.agent)
    reason = _by_and_reason(check, request.by, request.reason)
    check.finish()
    fact = PickRequested(
        fact_id=fact_id("PickContact", request_id),
        contact=contact,
        agent=await site.people.ref(request.agent),
        by=await site.people.actor(request.by),
        reason=reason,
    )
    with site.shown.about_another():
        outcome = await site.command(fact)
    offer = outcome.first(OfferMade)
    return pb.PickContactResponse(
        consistency_token=site.token(outcome.seq),
        attempt=offer.attempt if offer is not None else 0,
        expires_ms=offer.expires_ms if offer is not None else 0,
    )


async def requeue_contact(site: Site, request: pb.RequeueContactRequest) -> pb.RequeueContactResponse:
    """Out of its agent's hands, with its key. Raises BadRequest, FactRefused."""
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    contact = check.id("contact_id", request.contact_id)
    reason = _by_and_reason(check, request.by, request.reason)
    check.finish()
    by = await site.people.actor(request.by)
    fact = RequeueRequested(fact_id=fact_id("RequeueContact", request_id), contact=contact, by=by, reason=reason)
    outcome = await site.command(fact)
    queued = outcome.first(ContactQueued)
    return pb.RequeueContactResponse(consistency_token=site.token(outcome.seq), visit=queued.visit if queued is not None else 0)


async def set_priority(site: Site, request: pb.SetPriorityRequest) -> pb.SetPriorityResponse:
    """Another place in the order. Raises BadRequest, FactRefused."""
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    contact = check.id("contact_id", request.contact_id)
    priority = check.number("priority", request.priority, 0, 100)
    reason = _by_and_reason(check, request.by, request.reason)
    check.finish()
    fact = PriorityRequested(
        fact_id=fact_id("SetPriority", request_id),
        contact=contact,
        priority=priority,
        by=await site.people.actor(request.by),
        reason=reason,
    )
    return pb.SetPriorityResponse(consistency_token=site.token((await site.command(fact)).seq))


def _by_and_reason(check: Check, by: str, reason: str) -> str | None:
    """Who ordered it, and why: both may be left out."""
    check.person_or_none("by", by)
    return check.name_or_none("reason", reason)


async def _queue_of(site: Site, contact: bytes) -> str:
    """Where the contact is now. Raises FactRefused(unknown_contact)."""
    live = site.desks.contact(contact)
    if live is None:
        # Perhaps it arrived elsewhere a moment ago.
        await site.catch_up()
        live = site.desks.contact(contact)
    if live is None:
        raise FactRefused(REFUSALS["unknown_contact"], reason="unknown_contact")
    return live.queue

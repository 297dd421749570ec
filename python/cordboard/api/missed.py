"""Contacts that came in vain, and calls that were missed: as a list, and as what a callback is booked with."""

from heapq import nsmallest

from cordboard.api.content import describe
from cordboard.api.site import Site
from cordboard.api.status import BadRequest
from cordboard.api.tokens import HexId, Ordinal
from cordboard.api.translate.check import Check
from cordboard.errors import Conflict, InvalidInput, NotFound
from cordboard.missed import MissedContact
from cordboard.promises import Promise
from cordboard.v1 import callback_service_pb2 as pb
from cordboard.v1 import contact_service_pb2
from cordboard.v1.types_pb2 import Customer, Requirement

PAGE_MAX = 1_000
PAGE_DEFAULT = 100
MOVES_MAX = 32
"""A promise that was moved more often is not looked behind any further."""


async def list_missed(site: Site, request: pb.ListMissedContactsRequest) -> pb.ListMissedContactsResponse:
    """Longest ago first, a page at a time. Raises BadRequest."""
    check = Check()
    page_size = check.number("page_size", request.page_size or PAGE_DEFAULT, 1, PAGE_MAX)
    queue = check.name_or_none("queue", request.queue)
    check.finish()
    bound_to = f"ListMissedContacts {request.queue} {request.include_settled}".encode()
    cursor = site.tokens.cursor(bound_to, request.page_token, tuple[Ordinal, HexId])
    after = None if cursor is None else (cursor[0], bytes.fromhex(cursor[1]))
    await site.reach(request.consistency_token)
    # No await between these: all of it is of one position.
    seq, at_ms = site.missed.position, site.missed.at_ms
    of_queue = [one for one in site.missed.all() if queue in (None, one.queue)]
    wanted = (one for one in of_queue if (one.open or request.include_settled) and (after is None or _place(one) > after))
    found = nsmallest(page_size + 1, wanted, key=_place)
    more, found = len(found) > page_size, found[:page_size]
    return pb.ListMissedContactsResponse(
        contacts=[_message(one) for one in found],
        next_page_token=site.tokens.page(bound_to, (found[-1].missed_ms, found[-1].contact.hex())) if more else "",
        consistency_token=site.token(seq),
        at_ms=at_ms,
        open=sum(one.open for one in of_queue),
        no_return_address=sum(one.reason is not None for one in of_queue),
    )


def missed_behind(site: Site, promise: Promise) -> bytes | None:
    """Who came in vain and is promised this call for it, however often it was moved; None: nobody of whom it is still known."""
    missed = site.missed.called_by(promise.contact)
    for _ in range(MOVES_MAX):
        if missed is not None or promise.replaces is None:
            break
        missed = site.missed.called_by(promise.replaces)
        if (before := site.promises.get(promise.replaces)) is None:
            break
        promise = before
    return missed


def settled() -> Conflict:
    return Conflict(
        "they are promised a call already, by somebody else perhaps at this moment, was answered, or is forgotten",
        reason="missed_contact_settled",
    )


async def completed(site: Site, request: pb.BookCallbackRequest) -> tuple[pb.BookCallbackRequest, bytes]:
    """The request with what is left out in it as it was when the contact came in vain, and the contact by which they are called.
    Raises BadRequest, NotFound (`unknown_missed_contact`), Conflict (`missed_contact_settled`)."""
    check = Check()
    contact = check.id("missed_contact_id", request.missed_contact_id)
    check.finish()
    missed = site.missed.get(contact)
    if missed is None:
        raise NotFound(
            "this contact did not come in vain, nor was its call missed; or that was more than seven days ago, or its queue "
            "offers no callbacks",
            reason="unknown_missed_contact",
        )
    if missed.settled_ms is not None:
        raise settled()
    said = contact_service_pb2.Contact(contact_id=contact.hex())
    await describe(site.vault, [said])
    whole = pb.BookCallbackRequest(
        queue=missed.queue,
        text=said.text,
        topic=missed.topic or "",
        # Who calls finds the contact that came in vain in the same case.
        case_id=(missed.case or contact).hex(),
        entry_point=missed.entry_point or "",
        language=missed.language or "",
        priority=missed.priority,
        number=await _number(site, missed),
    )
    if said.HasField("customer"):
        whole.customer.CopyFrom(said.customer)
    if not request.requirements:
        whole.requirements.extend(Requirement(skill=one.skill, level=one.level, soft=not one.hard) for one in missed.requirements)
    if request.HasField("customer"):
        await _same_customer(site, missed, request.customer)
        whole.ClearField("customer")
    whole.MergeFrom(request)
    return whole, missed.successor


async def _number(site: Site, missed: MissedContact) -> str:
    """Which was promised a call; empty if none was, or it was erased."""
    kept = {} if missed.address is None else await site.vault.read([missed.address])
    return next((content.text for content in kept.values()), "")


async def _same_customer(site: Site, missed: MissedContact, named: Customer) -> None:
    """What somebody wrote is not told of somebody else, nor kept with them. Raises BadRequest."""
    if missed.customer is None:
        return
    try:
        who = (await site.vault.customers.card(missed.customer)).ref
        found = await site.vault.customers.find(named.kind, named.address)
    except (InvalidInput, NotFound):
        return  # ill-named, which is said with all else that is wrong; or erased, and nothing of theirs is left
    if found != who:
        raise BadRequest.of("customer", "is not who came in vain: leave it out, and give a number if they are not known by one")


def _place(missed: MissedContact) -> tuple[int, bytes]:
    return missed.missed_ms, missed.contact


def _message(missed: MissedContact) -> pb.MissedContact:
    return pb.MissedContact(
        contact_id=missed.contact.hex(),
        channel=missed.channel,
        queue=missed.queue,
        missed_at_ms=missed.missed_ms,
        missed=missed.missed,
        reason=missed.reason or "",
        customer_id=missed.customer.hex() if missed.customer is not None else "",
        entry_point=missed.entry_point or "",
        topic=missed.topic or "",
        case_id=missed.case.hex() if missed.case is not None else "",
        language=missed.language or "",
        priority=missed.priority,
        settled_at_ms=missed.settled_ms or 0,
        promise_reason=missed.why or "",
    )

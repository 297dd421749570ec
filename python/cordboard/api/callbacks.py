"""CallbackService: find a slot, promise a call, move it, cancel it; and what is promised."""

import uuid
from collections.abc import AsyncIterator, Sequence
from functools import partial
from itertools import islice

from msgspec.structs import replace

from cordboard import codec
from cordboard.api import missed, promises
from cordboard.api.content import CUSTOMER, FIELDS, SUBJECT, TEXT, contents_of
from cordboard.api.guard import Context
from cordboard.api.ids import callback_id, fact_id
from cordboard.api.intake import ADDRESS_MAX, TEXT_BYTES_MAX, TEXT_MAX
from cordboard.api.kept import NUMBER, forget, submit_new
from cordboard.api.outcomes import Outcome
from cordboard.api.promise_board import promise_board
from cordboard.api.site import GATEWAY, Site
from cordboard.api.sorting import language_of
from cordboard.api.status import WishDeclined
from cordboard.api.translate.check import PERSON_MAX, Check
from cordboard.api.translate.promises import MODES, hours_from, number_from, place_message, slot_message, zone_from
from cordboard.api.translate.words import requirements_from
from cordboard.errors import FactRefused, InvalidInput, NotFound
from cordboard.events.bounds import INSTANT_MAX_MS, PREFERRED_MAX
from cordboard.events.event import CallbackDeclined, PromiseEnded, PromiseMade
from cordboard.events.promises import (
    PLANNED_MAX,
    CallbackCancelled,
    CallbackRequested,
    CallbackRescheduled,
    CapacityPlanned,
    Hours,
)
from cordboard.events.verdict import REFUSALS
from cordboard.numbers import CallableNumbers
from cordboard.promises import made
from cordboard.router.explain import Place
from cordboard.v1 import callback_service_pb2 as pb
from cordboard.v1.callback_service_pb2_grpc import CallbackServiceServicer
from cordboard.v1.types_pb2 import Customer
from cordboard.vault import Content, Draft
from cordboard.vault.address import PHONE
from cordboard.vault.clock import now_ms
from cordboard.vault.refs import content_ref

SLOTS_MAX = 3_000
SLOTS_DEFAULT = 8
SLOT_MS_MIN, SLOT_MS_MAX = 60_000, 86_400_000
PLACES_MAX = 65_535
VOICE = "voice"


class CallbackService(CallbackServiceServicer):
    """What is asked is answered from memory; every command waits for the router's verdict."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def FindSlots(self, request: pb.FindSlotsRequest, context: Context) -> pb.FindSlotsResponse:
        check = Check()
        queue = check.name("queue", request.queue)
        wish_ms = check.number("wish_ms", request.wish_ms, 0, INSTANT_MAX_MS)
        hours = hours_from(check, "hours", request.hours)
        zone = zone_from(check, "zone", request.zone)
        count = check.number("count", request.count or SLOTS_DEFAULT, 1, SLOTS_MAX)
        waiting = check.id("waiting_contact_id", request.waiting_contact_id) if request.waiting_contact_id else None
        check.finish()
        await self._site.reach(request.consistency_token)
        fold = self._site.promises
        policy = fold.callbacks(queue)
        if policy is None:
            await self._refuse_queue(queue)
            raise WishDeclined("no_callbacks", ())
        # The router's time is that of its last commit, which may be a while ago on a quiet site.
        every = fold.slots(queue, wish_ms, hours, max(fold.at_ms, now_ms()))
        found = islice((slot for slot in every if slot.room or request.include_full), count)
        place = None if waiting is None else await self._place(queue, waiting, hours)
        return pb.FindSlotsResponse(
            slots=[slot_message(slot, policy.slot_ms, zone) for slot in found],
            consistency_token=self._site.token(fold.position),
            slot_ms=policy.slot_ms,
            place=None if place is None else place_message(place, zone),
        )

    async def _place(self, queue: str, waiting: bytes, hours: Sequence[Hours]) -> Place | None:
        """What whoever waits there would be promised in these hours for hanging up now. Raises FactRefused (`not_waiting`)."""
        try:
            found = await self._site.explainer.contact(waiting, limit=1)
        except NotFound:
            found = None
        if found is None or found.queue != queue or found.state not in ("queued", "offered") or found.promise is not None:
            raise FactRefused(REFUSALS["not_waiting"], reason="not_waiting")
        place = found.place
        if place is None or not hours or any(one.from_ms <= place.from_ms and place.until_ms <= one.until_ms for one in hours):
            return place
        return None

    async def _refuse_queue(self, queue: str) -> None:
        """Raises FactRefused (`no_policy`, `unknown_queue`)."""
        policy = self._site.declared.policy
        reason = "no_policy" if policy is None else "unknown_queue"
        if policy is None or all(each.name != queue for each in policy.queues):
            raise FactRefused(REFUSALS[reason], reason=reason)

    async def BookCallback(self, request: pb.BookCallbackRequest, context: Context) -> pb.BookCallbackResponse:
        if request.missed_contact_id:
            return await self._call_back(request)
        fact, persons, number = _booking(request, self._site.numbers)
        return await self._book(request, fact, persons, number)

    async def _call_back(self, request: pb.BookCallbackRequest) -> pb.BookCallbackResponse:
        """Book for who came in vain, once, whoever else does so at this moment."""
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        check.finish()
        # At first, for what came in vain is forgotten after a week, and a request never.
        if (before := await self._site.repeat(GATEWAY, _external_id(request_id))) is not None:
            acceptance, outcome = before
            return await self._booked(outcome, acceptance.contact)
        request, successor = await missed.completed(self._site, request)
        fact, persons, number = _booking(request, self._site.numbers)
        try:
            return await self._book(request, replace(fact, contact=successor), persons, number)
        except (InvalidInput, FactRefused) as error:
            if error.reason in ("id_in_use", "contact_exists"):
                raise missed.settled() from error
            raise

    async def _book(
        self, request: pb.BookCallbackRequest, fact: CallbackRequested, persons: list[str], number: str
    ) -> pb.BookCallbackResponse:
        external_id = _external_id(uuid.UUID(request.request_id))
        outcome = await submit_new(self._site, external_id, partial(self._draft, request, external_id, fact, persons, number))
        return await self._booked(outcome, fact.contact)

    async def _booked(self, outcome: Outcome, contact: bytes) -> pb.BookCallbackResponse:
        return pb.BookCallbackResponse(
            promise=await self._promised(outcome, contact),
            consistency_token=self._site.token(outcome.seq),
            repeated_request=outcome.repeated,
        )

    async def _draft(
        self, request: pb.BookCallbackRequest, external_id: str, fact: CallbackRequested, persons: list[str], number: str
    ) -> Draft:
        customer = await self._called(request.customer if request.HasField("customer") else None, fact.waiting, number)
        address = Content(content_ref(fact.contact, NUMBER), NUMBER, number)
        whole = replace(
            fact,
            customer=customer,
            preferred=[await self._site.people.ref(person) for person in persons],
            address=address.ref,
            wish_ms=fact.wish_ms or now_ms(),
        )
        return Draft(
            gateway=GATEWAY,
            external_id=external_id,
            contact=fact.contact,
            fact_id=fact.fact_id,
            fact=codec.check_fact(whole),
            customer=customer,
            contents=(*await self._said(request, fact), address),
            about=fact.waiting,
        )

    async def _called(self, given: Customer | None, waiting: bytes | None, number: str) -> bytes:
        """The customer: who is named, who waits, or else whoever has the number: so many calls are promised to one number."""
        if given is not None:
            return await self._site.customer(given.kind, given.address)
        live = self._site.desks.contact(waiting) if waiting is not None else None
        return live.customer if live is not None and live.customer is not None else await self._site.customer(PHONE, number)

    async def _said(self, request: pb.BookCallbackRequest, fact: CallbackRequested) -> tuple[Content, ...]:
        """What is known of who waits is said of the promise, too, where the request leaves it out."""
        given = request.customer if request.HasField("customer") else None
        own = contents_of(fact.contact, "", request.text, given, {})
        before = await self._said_of(fact.waiting, fact.contact) if fact.waiting is not None else ()
        return (*own, *(content for content in before if content.kind not in {one.kind for one in own}))

    async def _promised(self, outcome: Outcome, contact: bytes) -> pb.Promise:
        """The promise that a command made, as it stands. Raises WishDeclined."""
        declined = outcome.first(CallbackDeclined)
        if declined is not None:
            await forget(self._site, contact)
            raise WishDeclined(declined.reason, tuple(declined.alternatives))
        await self._site.reach_folded(outcome.seq)
        # To a repeat that comes days later: as it was made.
        promise = self._site.promises.get(contact) or next(
            made(contact, entry.channel or "", event) for entry, event in outcome.events if isinstance(event, PromiseMade)
        )
        return (await promises.shown(self._site, [promise]))[0]

    async def RescheduleCallback(self, request: pb.RescheduleCallbackRequest, context: Context) -> pb.RescheduleCallbackResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        wish_ms = check.number("wish_ms", request.wish_ms, 0, INSTANT_MAX_MS)
        hours = hours_from(check, "hours.hours", request.hours.hours) if request.HasField("hours") else None
        check.person_or_none("by", request.by)
        check.finish()
        successor = callback_id("RescheduleCallback", request_id)
        fact = CallbackRescheduled(
            fact_id=fact_id("RescheduleCallback", request_id),
            contact=contact,
            successor=successor,
            wish_ms=wish_ms or now_ms(),
            exact=request.exact,
            hours=hours,
            by=await self._site.people.actor(request.by),
        )
        # What is known of the old contact is said of the new one, too, for the agent who calls.
        draft = Draft(
            gateway=GATEWAY,
            external_id=f"RescheduleCallback/{request_id}",
            contact=successor,
            fact_id=fact.fact_id,
            fact=codec.check_fact(fact),
            contents=await self._said_of(contact, successor),
            about=contact,
        )
        outcome = await self._site.submit(draft)
        return pb.RescheduleCallbackResponse(
            promise=await self._promised(outcome, successor), consistency_token=self._site.token(outcome.seq)
        )

    async def _said_of(self, contact: bytes, successor: bytes) -> tuple[Content, ...]:
        kinds = {content_ref(contact, kind): kind for kind in (SUBJECT, TEXT, CUSTOMER, FIELDS)}
        known = await self._site.vault.read(list(kinds))
        return tuple(Content(content_ref(successor, kinds[ref]), kinds[ref], content.text) for ref, content in known.items())

    async def CancelCallback(self, request: pb.CancelCallbackRequest, context: Context) -> pb.CancelCallbackResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        reason = check.name_or_none("reason", request.reason)
        check.person_or_none("by", request.by)
        check.finish()
        by = await self._site.people.actor(request.by)
        outcome = await self._site.command(CallbackCancelled(fact_id("CancelCallback", request_id), contact, by, reason))
        ended = outcome.first(PromiseEnded)
        return pb.CancelCallbackResponse(
            consistency_token=self._site.token(outcome.seq), ended_at_ms=ended.at_ms if ended is not None else outcome.at_ms
        )

    async def PlanCapacity(self, request: pb.PlanCapacityRequest, context: Context) -> pb.PlanCapacityResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        queue = check.name("queue", request.queue)
        slot_ms = check.number("slot_ms", request.slot_ms, SLOT_MS_MIN, SLOT_MS_MAX)
        from_ms = check.number("from_ms", request.from_ms, 0, INSTANT_MAX_MS)
        if from_ms % max(slot_ms, 1):
            check.wrong("from_ms", "must be a multiple of slot_ms")
        check.count("capacities", len(request.capacities), 1, PLANNED_MAX)
        capacities = [
            check.number(f"capacities[{index}]", places, 0, PLACES_MAX)
            for index, places in enumerate(request.capacities[:PLANNED_MAX])
        ]
        check.finish()
        outcome = await self._site.command(
            CapacityPlanned(fact_id("PlanCapacity", request_id), queue, from_ms, slot_ms, capacities)
        )
        await self._site.reach_folded(outcome.seq)
        until_ms = from_ms + len(capacities) * slot_ms
        risky = [
            one for one in self._site.promises.live() if one.queue == queue and one.at_risk and from_ms <= one.due_ms < until_ms
        ]
        instead = promises.alternatives(self._site)
        return pb.PlanCapacityResponse(
            consistency_token=self._site.token(outcome.seq),
            at_risk=[
                pb.PromiseRisk(contact_id=one.contact.hex(), due_ms=one.due_ms, alternatives_ms=instead.of(one))
                for one in sorted(risky, key=lambda one: (one.due_ms, one.made_ms))
            ],
        )

    async def ListMissedContacts(self, request: pb.ListMissedContactsRequest, context: Context) -> pb.ListMissedContactsResponse:
        return await missed.list_missed(self._site, request)

    async def GetPromise(self, request: pb.GetPromiseRequest, context: Context) -> pb.GetPromiseResponse:
        return await promises.get_promise(self._site, request)

    async def ListPromises(self, request: pb.ListPromisesRequest, context: Context) -> pb.ListPromisesResponse:
        return await promises.list_promises(self._site, request)

    async def GetPromiseBoard(self, request: pb.GetPromiseBoardRequest, context: Context) -> pb.GetPromiseBoardResponse:
        return await promise_board(self._site, request)

    async def WatchPromises(self, request: pb.WatchPromisesRequest, context: Context) -> AsyncIterator[pb.WatchPromisesResponse]:
        async for message in promises.watch_promises(self._site, request):
            yield message


def _external_id(request_id: uuid.UUID) -> str:
    return f"BookCallback/{request_id}"


def _booking(request: pb.BookCallbackRequest, numbers: CallableNumbers) -> tuple[CallbackRequested, list[str], str]:
    """The fact as far as the request alone says it, the persons of its preferred agents, and the number. Raises BadRequest."""
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    given = request.customer if request.HasField("customer") else None
    if given is not None:
        check.name("customer.kind", given.kind)
        check.text("customer.address", given.address.strip(), ADDRESS_MAX, 1)
        check.text("customer.name", given.name, PERSON_MAX)
    own = given.address if given is not None and given.kind == PHONE else ""
    number = number_from(check, "number", request.number or own, numbers)
    check.text("text", request.text, TEXT_MAX)
    if len(request.text.encode()) > TEXT_BYTES_MAX:
        check.wrong("text", f"must have at most {TEXT_BYTES_MAX} bytes in UTF-8")
    check.count("preferred_agents", len(request.preferred_agents), 0, PREFERRED_MAX)
    persons = [check.person(f"preferred_agents[{index}]", person) for index, person in enumerate(request.preferred_agents)]
    if request.hold_place and (request.wish_ms or request.exact):
        check.wrong("hold_place", "goes without wish_ms and exact: the call comes when the place is reached")
    if request.hold_place and not request.waiting_contact_id:
        check.wrong("waiting_contact_id", "must be the contact whose place is kept")
    fact = CallbackRequested(
        fact_id=fact_id("BookCallback", request_id),
        contact=callback_id("BookCallback", request_id),
        channel=check.name("channel", request.channel or VOICE),
        queue=check.name("queue", request.queue),
        wish_ms=check.number("wish_ms", request.wish_ms, 0, INSTANT_MAX_MS),
        requirements=requirements_from(check, "requirements", request.requirements),
        priority=check.number("priority", request.priority, 0, 100),
        entry_point=check.name_or_none("entry_point", request.entry_point),
        topic=check.name_or_none("topic", request.topic),
        case=check.id("case_id", request.case_id) if request.case_id else None,
        language=language_of(check, request.language),
        kind="hold_place" if request.hold_place else "scheduled",
        exact=request.exact,
        hours=hours_from(check, "hours", request.hours),
        waiting=check.id("waiting_contact_id", request.waiting_contact_id) if request.waiting_contact_id else None,
        mode=check.choice("mode", request.mode, MODES, None),
    )
    check.finish()
    return fact, persons, number

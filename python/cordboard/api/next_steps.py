"""NextStepService: what a customer can do where nobody can help, and what they choose."""

import uuid
from functools import partial

from msgspec.structs import replace

from cordboard import codec
from cordboard.api import promises
from cordboard.api.content import contents_of
from cordboard.api.guard import Context
from cordboard.api.ids import callback_id, fact_id, message_ref
from cordboard.api.intake import ADDRESS_MAX, TEXT_BYTES_MAX, TEXT_MAX, check_fields
from cordboard.api.kept import NUMBER, forget, submit_new
from cordboard.api.outcomes import Outcome
from cordboard.api.site import GATEWAY, Site
from cordboard.api.status import WishDeclined
from cordboard.api.translate.check import PERSON_MAX, Check
from cordboard.api.translate.promises import hours_from, number_from
from cordboard.api.turned_away import steps_shown
from cordboard.errors import FactRefused
from cordboard.events.bounds import INSTANT_MAX_MS
from cordboard.events.event import CallbackDeclined, NextStepTaken, PromiseMade
from cordboard.events.next_steps import NextStepChosen
from cordboard.events.policy import StepKind
from cordboard.events.verdict import REFUSALS
from cordboard.next_steps import Choice
from cordboard.numbers import CallableNumbers
from cordboard.promises import made
from cordboard.v1 import next_step_service_pb2 as pb
from cordboard.v1.next_step_service_pb2_grpc import NextStepServiceServicer
from cordboard.v1.types_pb2 import Customer
from cordboard.vault import Content, Draft
from cordboard.vault.address import PHONE
from cordboard.vault.clock import now_ms
from cordboard.vault.refs import content_ref

METHOD = "ChooseNextStep"
KINDS: dict[str, StepKind] = {
    "callback": "callback",
    "queue": "queue",
    "voicemail": "voicemail",
    "form": "form",
    "mail": "mail",
    "message": "message",
}


class NextStepService(NextStepServiceServicer):
    """What was offered is read from memory; a choice waits for the router's verdict."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def GetNextSteps(self, request: pb.GetNextStepsRequest, context: Context) -> pb.GetNextStepsResponse:
        check = Check()
        contact = check.id("contact_id", request.contact_id)
        check.finish()
        await self._site.reach(request.consistency_token)
        choice = self._site.next_steps.get(contact)
        if choice is None:
            raise FactRefused(REFUSALS["unknown_contact"], reason="unknown_contact")
        token = self._site.token(self._site.next_steps.position)
        return pb.GetNextStepsResponse(next_steps=steps_shown(self._site, choice), consistency_token=token)

    async def ChooseNextStep(self, request: pb.ChooseNextStepRequest, context: Context) -> pb.ChooseNextStepResponse:
        fact, number = _chosen(request, self._site.numbers)
        external_id = f"{METHOD}/{uuid.UUID(request.request_id)}"
        stays = await self._stays(fact)
        if stays:
            _check_said(request)
        try:
            outcome = await submit_new(self._site, external_id, partial(self._draft, request, external_id, fact, number, stays))
        except FactRefused as refused:
            # Else what is kept belongs to somebody who is there.
            if refused.reason != "contact_exists":
                await forget(self._site, fact.contact if stays else fact.successor, _said(request) if stays else None)
            raise
        return await self._answer(outcome, fact.successor)

    async def _stays(self, fact: NextStepChosen) -> bool:
        """Who waits is the same contact in another queue, and nothing new begins there."""
        choice = await self._choice(fact.contact) if fact.kind == "queue" else None
        return choice is not None and choice.waits

    async def _choice(self, contact: bytes) -> Choice | None:
        if self._site.next_steps.get(contact) is None:
            await self._site.catch_up()
        return self._site.next_steps.get(contact)

    async def _chooser(self, given: Customer | None, fact: NextStepChosen, number: str) -> bytes | None:
        """The customer: who is named, else who was offered the choice (None), or else whoever has the number that is called: so
        many calls are promised to one number."""
        if given is not None:
            return await self._site.customer(given.kind, given.address)
        choice = await self._choice(fact.contact) if fact.kind == "callback" else None
        return None if choice is None or choice.identified else await self._site.customer(PHONE, number)

    async def _draft(
        self, request: pb.ChooseNextStepRequest, external_id: str, fact: NextStepChosen, number: str, stays: bool
    ) -> Draft:
        given = request.customer if request.HasField("customer") else None
        customer = await self._chooser(given, fact, number)
        contents = contents_of(fact.successor, "", request.text, given, request.fields)
        if stays and request.text:
            fact = replace(fact, message=_said(request))
            contents = (Content(_said(request), "message", request.text),)
        if fact.kind == "callback":
            address = Content(content_ref(fact.successor, NUMBER), NUMBER, number)
            contents = (*contents, address)
            fact = replace(fact, address=address.ref, wish_ms=fact.wish_ms or now_ms())
        return Draft(
            gateway=GATEWAY,
            external_id=external_id,
            contact=fact.contact if stays else fact.successor,
            fact_id=fact.fact_id,
            fact=codec.check_fact(replace(fact, customer=customer)),
            customer=customer,
            contents=contents,
            about=fact.contact,
        )

    async def _answer(self, outcome: Outcome, successor: bytes) -> pb.ChooseNextStepResponse:
        """Raises WishDeclined."""
        declined = outcome.first(CallbackDeclined)
        if declined is not None:
            await forget(self._site, successor)
            raise WishDeclined(declined.reason, tuple(declined.alternatives))
        taken = outcome.first(NextStepTaken)
        assert taken is not None, "a choice that stands is taken, or declined"
        answer = pb.ChooseNextStepResponse(
            taken=pb.NextStep(kind=taken.kind, to=taken.to or ""),
            successor_contact_id=taken.successor.hex() if taken.successor is not None else "",
            consistency_token=self._site.token(outcome.seq),
            repeated_request=outcome.repeated,
        )
        for entry, event in outcome.events:
            if isinstance(event, PromiseMade) and entry.contact is not None:
                promise = self._site.promises.get(entry.contact) or made(entry.contact, entry.channel or "", event)
                answer.promise.CopyFrom((await promises.shown(self._site, [promise]))[0])
        return answer


def _said(request: pb.ChooseNextStepRequest) -> bytes:
    """The message that goes along to another queue."""
    return message_ref(METHOD, uuid.UUID(request.request_id))


def _check_said(request: pb.ChooseNextStepRequest) -> None:
    """Raises BadRequest: nothing begins that could have fields, or be another customer's."""
    check = Check()
    for field, given in (("fields", bool(request.fields)), ("customer", request.HasField("customer"))):
        if given:
            check.wrong(field, "who waits can say something (text), and stays who they are")
    check.finish()


def _chosen(request: pb.ChooseNextStepRequest, numbers: CallableNumbers) -> tuple[NextStepChosen, str]:
    """The fact as far as the request alone says it, and the number to call. Raises BadRequest."""
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    contact = check.id("contact_id", request.contact_id)
    if request.kind not in KINDS:
        check.wrong("kind", f"must be one of {', '.join(KINDS)}")
    given = request.customer if request.HasField("customer") else None
    if given is not None:
        check.name("customer.kind", given.kind)
        check.text("customer.address", given.address.strip(), ADDRESS_MAX, 1)
        check.text("customer.name", given.name, PERSON_MAX)
    check.text("text", request.text, TEXT_MAX)
    if len(request.text.encode()) > TEXT_BYTES_MAX:
        check.wrong("text", f"must have at most {TEXT_BYTES_MAX} bytes in UTF-8")
    check_fields(check, request.fields)
    if request.kind == "message":
        # Nothing follows that could keep it.
        left = (("text", request.text), ("fields", request.fields), ("customer", given))
        for field, value in left:
            if value:
                check.wrong(field, "nothing can be left with a message")
    number = ""
    if request.kind == "callback":
        own = given.address if given is not None and given.kind == PHONE else ""
        number = number_from(check, "number", request.number or own, numbers)
    fact = NextStepChosen(
        fact_id=fact_id(METHOD, request_id),
        contact=contact,
        kind=KINDS.get(request.kind, "message"),
        successor=callback_id(METHOD, request_id),
        to=check.name_or_none("to", request.to),
        wish_ms=check.number("wish_ms", request.wish_ms, 0, INSTANT_MAX_MS),
        exact=request.exact,
        hours=hours_from(check, "hours", request.hours),
    )
    check.finish()
    return fact, number

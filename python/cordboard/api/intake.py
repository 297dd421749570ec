"""New contacts: content to the vault, fact to the log, outcome from the journal; once per request id, however often it comes."""

from msgspec.structs import replace

from cordboard import codec
from cordboard.api.content import contents_of
from cordboard.api.ids import contact_id, fact_id
from cordboard.api.site import GATEWAY, Site
from cordboard.api.translate.check import PERSON_MAX, Check
from cordboard.api.translate.words import requirements_from
from cordboard.errors import Overloaded
from cordboard.events.bounds import PREFERRED_MAX
from cordboard.events.fact import ContactArrived
from cordboard.v1 import contact_service_pb2 as pb
from cordboard.vault import Draft

METHOD = "SubmitContact"
SUBJECT_MAX = 512
TEXT_MAX = 32_768
TEXT_BYTES_MAX = 60 * 1024
ADDRESS_MAX = 320


async def submit(site: Site, request: pb.SubmitContactRequest) -> pb.SubmitContactResponse:
    """Raises BadRequest, FactRefused, Overloaded, LogUnavailable, VaultUnavailable, OutcomeUnknown."""
    draft = await _draft(site, request)
    try:
        site.admit()
    except Overloaded:
        # A repeat of a contact that stands is no new contact.
        if await site.vault.find(GATEWAY, draft.external_id) is None:
            raise
    outcome = await site.submit(draft)
    return pb.SubmitContactResponse(
        contact_id=draft.contact.hex(), consistency_token=site.token(outcome.seq), repeated_request=outcome.repeated
    )


async def _draft(site: Site, request: pb.SubmitContactRequest) -> Draft:
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    contact = contact_id(request_id)
    has_customer = request.HasField("customer")
    if has_customer:
        check.name("customer.kind", request.customer.kind)
        check.text("customer.address", request.customer.address.strip(), ADDRESS_MAX, 1)
        check.text("customer.name", request.customer.name, PERSON_MAX)
    check.text("subject", request.subject, SUBJECT_MAX)
    check.text("text", request.text, TEXT_MAX)
    if len(request.text.encode()) > TEXT_BYTES_MAX:
        check.wrong("text", f"must have at most {TEXT_BYTES_MAX} bytes in UTF-8")
    check.count("preferred_agents", len(request.preferred_agents), 0, PREFERRED_MAX)
    persons = [check.person(f"preferred_agents[{index}]", person) for index, person in enumerate(request.preferred_agents)]
    fact = ContactArrived(
        fact_id=fact_id(METHOD, request_id),
        contact=contact,
        channel=check.name("channel", request.channel),
        queue=check.name("queue", request.queue),
        requirements=requirements_from(check, "requirements", request.requirements),
        priority=check.number("priority", request.priority, 0, 100),
        entry_point=check.name_or_none("entry_point", request.entry_point),
        topic=check.name_or_none("topic", request.topic),
    )
    check.finish()
    customer = await site.vault.customer(request.customer.kind, request.customer.address) if has_customer else None
    preferred = [await site.people.ref(person) for person in persons]
    data = codec.check_fact(replace(fact, customer=customer, preferred=preferred))
    return Draft(
        gateway=GATEWAY,
        external_id=str(request_id),
        contact=contact,
        fact_id=fact.fact_id,
        fact=data,
        customer=customer,
        contents=contents_of(contact, request.subject, request.text, request.customer if has_customer else None),
    )

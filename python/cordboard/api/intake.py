"""New contacts: content to the vault, fact to the log, outcome from the journal; once per request id, however often it comes."""

import uuid
from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from cordboard import codec
from cordboard.api.content import contents_of
from cordboard.api.ids import contact_id, fact_id
from cordboard.api.kept import submit_new
from cordboard.api.site import GATEWAY, Site
from cordboard.api.sorting import check_words, language_of, sorted_by_policy
from cordboard.api.translate.check import PERSON_MAX, Check
from cordboard.api.translate.words import requirements_from
from cordboard.api.turned_away import refuse_turned_away
from cordboard.events.bounds import PREFERRED_MAX
from cordboard.events.event import ContactQueued
from cordboard.events.fact import ContactArrived
from cordboard.policy.classify import Signals
from cordboard.v1 import contact_service_pb2 as pb
from cordboard.vault import Draft

METHOD = "SubmitContact"
SUBJECT_MAX = 512
TEXT_MAX = 32_768
TEXT_BYTES_MAX = 60 * 1024
ADDRESS_MAX = 320
FIELDS_MAX = 32
FIELD_MAX = 1_000


async def submit(site: Site, request: pb.SubmitContactRequest) -> pb.SubmitContactResponse:
    """Raises BadRequest, FactRefused, Overloaded, LogUnavailable, VaultUnavailable, OutcomeUnknown."""
    fact, persons = _read(request)
    external_id = str(uuid.UUID(request.request_id))
    outcome = await submit_new(
        site,
        external_id,
        partial(_draft, site, request, external_id, fact, persons),
        partial(check_words, site.declared.policy, fact),
    )
    refuse_turned_away(site, fact.contact, outcome)
    queued = outcome.first(ContactQueued)
    return pb.SubmitContactResponse(
        contact_id=fact.contact.hex(),
        consistency_token=site.token(outcome.seq),
        repeated_request=outcome.repeated,
        queue=queued.queue if queued is not None else "",
        topic=(queued.topic if queued is not None else None) or "",
        rule=(queued.rule if queued is not None else None) or "",
    )


def _read(request: pb.SubmitContactRequest) -> tuple[ContactArrived, list[str]]:
    """The fact as far as the request alone says it, and the persons of its preferred agents. Raises BadRequest."""
    check = Check()
    request_id = check.uuid("request_id", request.request_id)
    if request.HasField("customer"):
        check.name("customer.kind", request.customer.kind)
        check.text("customer.address", request.customer.address.strip(), ADDRESS_MAX, 1)
        check.text("customer.name", request.customer.name, PERSON_MAX)
    check.text("subject", request.subject, SUBJECT_MAX)
    check.text("text", request.text, TEXT_MAX)
    if len(request.text.encode()) > TEXT_BYTES_MAX:
        check.wrong("text", f"must have at most {TEXT_BYTES_MAX} bytes in UTF-8")
    check_fields(check, request.fields)
    check.count("preferred_agents", len(request.preferred_agents), 0, PREFERRED_MAX)
    persons = [check.person(f"preferred_agents[{index}]", person) for index, person in enumerate(request.preferred_agents)]
    fact = ContactArrived(
        fact_id=fact_id(METHOD, request_id),
        contact=contact_id(request_id),
        channel=check.name("channel", request.channel),
        queue=check.name("queue", request.queue) if request.queue else "",
        requirements=requirements_from(check, "requirements", request.requirements),
        priority=check.number("priority", request.priority, 0, 100),
        entry_point=check.name_or_none("entry_point", request.entry_point),
        topic=check.name_or_none("topic", request.topic),
        language=language_of(check, request.language),
    )
    check.finish()
    return fact, persons


def check_fields(check: Check, fields: Mapping[str, str]) -> None:
    check.count("fields", len(fields), 0, FIELDS_MAX)
    for name, value in sorted(fields.items())[:FIELDS_MAX]:
        check.name("fields", name)
        check.text("fields", value, FIELD_MAX)
    if sum(len(value.encode()) for value in fields.values()) > TEXT_BYTES_MAX:
        check.wrong("fields", f"must have at most {TEXT_BYTES_MAX} bytes in UTF-8 together")


async def _draft(site: Site, request: pb.SubmitContactRequest, external_id: str, fact: ContactArrived, persons: list[str]) -> Draft:
    given = request.customer if request.HasField("customer") else None
    customer = await site.vault.customer(given.kind, given.address, source=GATEWAY) if given is not None else None
    asked = customer is not None and (not fact.queue or site.declared.asks_for_segments())
    segment = await site.vault.segment(customer) if asked and customer is not None else None
    if not fact.queue:
        fact = await sorted_by_policy(site, fact, _signals(request, fact, segment))
    preferred = [await site.people.ref(person) for person in persons]
    return Draft(
        gateway=GATEWAY,
        external_id=external_id,
        contact=fact.contact,
        fact_id=fact.fact_id,
        fact=codec.check_fact(replace(fact, customer=customer, preferred=preferred, segment=segment)),
        customer=customer,
        contents=contents_of(fact.contact, request.subject, request.text, given, request.fields),
    )


def _signals(request: pb.SubmitContactRequest, fact: ContactArrived, segment: str | None) -> Signals:
    by_mail = request.HasField("customer") and request.customer.kind == "email"
    return Signals(
        channel=fact.channel,
        entry_point=fact.entry_point,
        address=request.customer.address.strip().lower() if by_mail else None,
        text=f"{request.subject}\n{request.text}",
        language=fact.language,
        fields=dict(request.fields),
        segment=segment,
    )

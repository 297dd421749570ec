"""Contacts: submit, find, end, move."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict, Unpack

from cordboard.client.connection import BULK_TIMEOUT_S, Connection, new_request_id
from cordboard.v1 import contact_service_pb2 as contacts_pb
from cordboard.v1.contact_service_pb2 import Contact, ContactFilter, SubmissionResult, SubmitContactRequest, TimelineEntry
from cordboard.v1.contact_service_pb2_grpc import ContactServiceStub
from cordboard.v1.types_pb2 import Customer, Requirement, RequirementSet

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.contact_service_pb2_grpc import ContactServiceAsyncStub


BULK_MAX = 5_000
_END_REASONS = {"cancelled": contacts_pb.CONTACT_END_REASON_CANCELLED, "failed": contacts_pb.CONTACT_END_REASON_FAILED}
Requirements = Mapping[str, int] | Iterable[Requirement]


class NewContact(TypedDict, total=False):
    """What a contact is submitted with. `requirements`: skill → level (hard), or Requirement messages."""

    channel: Required[str]
    queue: Required[str]
    text: str
    subject: str
    requirements: Requirements
    priority: int
    customer: Customer
    preferred_agents: Sequence[str]
    entry_point: str
    topic: str
    request_id: str


def new_contact(**contact: Unpack[NewContact]) -> SubmitContactRequest:
    """A contact to submit."""
    fields: dict[str, Any] = {"request_id": new_request_id(), **contact}
    fields["requirements"] = _requirements(contact.get("requirements", ()))
    return SubmitContactRequest(**fields)


class ContactCalls(Connection):
    """ContactService."""

    @cached_property
    def _contacts(self) -> "ContactServiceAsyncStub":
        return ContactServiceStub(self._channel)

    async def submit_contact(self, **contact: Unpack[NewContact]) -> contacts_pb.SubmitContactResponse:
        """Put one contact into its queue; returns when the router has it."""
        return await self._send(self._contacts.SubmitContact, new_contact(**contact))

    async def submit_contacts(self, contacts: Iterable[SubmitContactRequest]) -> list[SubmissionResult]:
        """Bulk: one result an item, in order. Never raises for an item; look at its `code`."""
        waiting = list(contacts)
        results: list[SubmissionResult] = []
        for start in range(0, len(waiting), BULK_MAX):
            part = waiting[start : start + BULK_MAX]

            async def send(
                items: list[SubmitContactRequest], *, timeout: float, wait_for_ready: bool
            ) -> contacts_pb.SubmitContactsResponse:
                stream = (contacts_pb.SubmitContactsRequest(contact=item) for item in items)
                return await self._contacts.SubmitContacts(stream, timeout=timeout, wait_for_ready=wait_for_ready)

            answer = await self._send(send, part, timeout_s=BULK_TIMEOUT_S)
            results.extend(answer.results)
        return results

    async def get_contact(self, contact_id: str, *, after: str = "") -> Contact:
        """One contact, live or ended; `after` is a consistency token."""
        request = contacts_pb.GetContactRequest(contact_id=contact_id, consistency_token=after)
        return (await self._send(self._contacts.GetContact, request)).contact

    async def list_contacts(
        self, contact_filter: ContactFilter | None = None, *, page_size: int = 100, after: str = ""
    ) -> AsyncIterator[Contact]:
        """Contacts, newest first, over all pages."""
        page_token = ""
        while True:
            request = contacts_pb.ListContactsRequest(
                filter=contact_filter, page_size=page_size, page_token=page_token, consistency_token=after
            )
            page = await self._send(self._contacts.ListContacts, request)
            for contact in page.contacts:
                yield contact
            page_token = page.next_page_token
            if not page_token:
                return

    async def timeline(self, contact_id: str, *, page_size: int = 500, after: str = "") -> list[TimelineEntry]:
        """Everything that happened to a contact, oldest first."""
        entries: list[TimelineEntry] = []
        page_token = ""
        while True:
            request = contacts_pb.GetTimelineRequest(
                contact_id=contact_id, page_size=page_size, page_token=page_token, consistency_token=after
            )
            page = await self._send(self._contacts.GetTimeline, request)
            entries.extend(page.entries)
            page_token = page.next_page_token
            if not page_token:
                return entries

    async def end_contact(
        self, contact_id: str, reason: Literal["cancelled", "failed"] = "cancelled", *, request_id: str | None = None
    ) -> contacts_pb.EndContactResponse:
        request = contacts_pb.EndContactRequest(
            request_id=request_id or new_request_id(), contact_id=contact_id, reason=_END_REASONS[reason]
        )
        return await self._send(self._contacts.EndContact, request)

    async def transfer_contact(
        self,
        contact_id: str,
        queue: str,
        *,
        agent: str = "",
        requirements: Requirements | None = None,
        request_id: str | None = None,
    ) -> contacts_pb.TransferContactResponse:
        """Move a contact to another queue; `requirements` None keeps today's."""
        request = contacts_pb.TransferContactRequest(
            request_id=request_id or new_request_id(),
            contact_id=contact_id,
            queue=queue,
            agent=agent,
            requirements=None if requirements is None else RequirementSet(requirements=_requirements(requirements)),
        )
        return await self._send(self._contacts.TransferContact, request)


def _requirements(given: Requirements) -> list[Requirement]:
    if isinstance(given, Mapping):
        return [Requirement(skill=skill, level=level) for skill, level in given.items()]
    return list(given)

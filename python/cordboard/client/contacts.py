"""Contacts: submit, find, read, end, move."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict, Unpack

from cordboard.client.connection import BULK_TIMEOUT_S, Connection, new_request_id
from cordboard.v1 import contact_service_pb2 as contacts_pb
from cordboard.v1.contact_service_pb2 import Contact, ContactFilter, SubmissionResult, SubmitContactRequest, TimelineEntry
from cordboard.v1.contact_service_pb2_grpc import ContactServiceStub
from cordboard.v1.desk_pb2 import Message
from cordboard.v1.types_pb2 import Attachment, Customer, Requirement, RequirementSet

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.contact_service_pb2_grpc import ContactServiceAsyncStub


BULK_MAX = 5_000
_END_REASONS = {
    "cancelled": contacts_pb.CONTACT_END_REASON_CANCELLED,
    "failed": contacts_pb.CONTACT_END_REASON_FAILED,
    "completed": contacts_pb.CONTACT_END_REASON_COMPLETED,
}
Requirements = Mapping[str, int] | Iterable[Requirement]


class NewContact(TypedDict, total=False):
    """What a contact is submitted with. `requirements`: skill → level (hard), or Requirement messages. Without a `queue` the
    policy's rules say where it goes."""

    channel: Required[str]
    queue: str
    text: str
    subject: str
    requirements: Requirements
    priority: int
    customer: Customer
    preferred_agents: Sequence[str]
    entry_point: str
    topic: str
    language: str
    fields: Mapping[str, str]
    request_id: str


def new_contact(**contact: Unpack[NewContact]) -> SubmitContactRequest:
    """A contact to submit."""
    fields: dict[str, Any] = {"request_id": new_request_id(), **contact}
    fields["requirements"] = requirements_of(contact.get("requirements", ()))
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
        self,
        contact_id: str,
        reason: Literal["cancelled", "failed", "completed"] = "cancelled",
        *,
        request_id: str | None = None,
    ) -> contacts_pb.EndContactResponse:
        request = contacts_pb.EndContactRequest(
            request_id=request_id or new_request_id(), contact_id=contact_id, reason=_END_REASONS[reason]
        )
        return await self._send(self._contacts.EndContact, request)

    async def transfer_contact(
        self,
        contact_id: str,
        queue: str = "",
        *,
        agent: str = "",
        requirements: Requirements | None = None,
        to_agent: str = "",
        by: str = "",
        reason: str = "",
        request_id: str | None = None,
    ) -> contacts_pb.TransferContactResponse:
        """Move a contact to another queue, or (`to_agent`) offer it to that agent first; `requirements` None keeps today's. `agent`
        is the sender, `by` a supervisor who transfers instead."""
        request = contacts_pb.TransferContactRequest(
            request_id=request_id or new_request_id(),
            contact_id=contact_id,
            queue=queue,
            agent=agent,
            requirements=None if requirements is None else RequirementSet(requirements=requirements_of(requirements)),
            to_agent=to_agent,
            by=by,
            reason=reason,
        )
        return await self._send(self._contacts.TransferContact, request)

    async def pick_contact(
        self, contact_id: str, agent: str, *, by: str = "", reason: str = "", request_id: str | None = None
    ) -> contacts_pb.PickContactResponse:
        """Offer a waiting contact to `agent`, whatever order and limits say; `by` is the supervisor, if one wishes it."""
        request = contacts_pb.PickContactRequest(
            request_id=request_id or new_request_id(), contact_id=contact_id, agent=agent, by=by, reason=reason
        )
        return await self._send(self._contacts.PickContact, request)

    async def requeue_contact(
        self, contact_id: str, *, by: str = "", reason: str = "", request_id: str | None = None
    ) -> contacts_pb.RequeueContactResponse:
        """Take a contact out of its agent's hands; it waits again with its place in the order."""
        request = contacts_pb.RequeueContactRequest(
            request_id=request_id or new_request_id(), contact_id=contact_id, by=by, reason=reason
        )
        return await self._send(self._contacts.RequeueContact, request)

    async def set_priority(
        self, contact_id: str, priority: int, *, by: str = "", reason: str = "", request_id: str | None = None
    ) -> contacts_pb.SetPriorityResponse:
        """Give a live contact another priority, 0..100."""
        request = contacts_pb.SetPriorityRequest(
            request_id=request_id or new_request_id(), contact_id=contact_id, priority=priority, by=by, reason=reason
        )
        return await self._send(self._contacts.SetPriority, request)

    async def return_contact(
        self, contact_id: str, *, agent: str = "", request_id: str | None = None
    ) -> contacts_pb.ReturnContactResponse:
        """Want a parked contact back now; as its owner, or (`agent` empty) as a service."""
        request = contacts_pb.ReturnContactRequest(request_id=request_id or new_request_id(), contact_id=contact_id, agent=agent)
        return await self._send(self._contacts.ReturnContact, request)

    async def reclassify_contact(
        self, contact_id: str, topic: str, *, agent: str = "", request_id: str | None = None
    ) -> contacts_pb.ReclassifyContactResponse:
        """The contact is about `topic`; as the engaged agent, or (`agent` empty) as a service."""
        request = contacts_pb.ReclassifyContactRequest(
            request_id=request_id or new_request_id(), contact_id=contact_id, topic=topic, agent=agent
        )
        return await self._send(self._contacts.ReclassifyContact, request)

    async def get_case(self, case_id: str, *, after: str = "") -> list[Contact]:
        """The contacts of one matter, newest first."""
        request = contacts_pb.GetCaseRequest(case_id=case_id, consistency_token=after)
        return list((await self._send(self._contacts.GetCase, request)).contacts)

    async def messages(self, contact_id: str, *, page_size: int = 500, after: str = "") -> list[Message]:
        """The whole conversation, oldest first."""
        messages: list[Message] = []
        page_token = ""
        while True:
            request = contacts_pb.ListMessagesRequest(
                contact_id=contact_id, page_size=page_size, page_token=page_token, consistency_token=after
            )
            page = await self._send(self._contacts.ListMessages, request)
            messages.extend(page.messages)
            page_token = page.next_page_token
            if not page_token:
                return messages

    async def get_attachment(self, attachment_id: str) -> tuple[Attachment, bytes]:
        """What it is, and its bytes."""
        request = contacts_pb.GetAttachmentRequest(attachment_id=attachment_id)

        async def read(
            wanted: contacts_pb.GetAttachmentRequest, *, timeout: float, wait_for_ready: bool
        ) -> tuple[Attachment, bytes]:
            about, data = Attachment(), bytearray()
            async for part in self._contacts.GetAttachment(wanted, timeout=timeout, wait_for_ready=wait_for_ready):
                if part.HasField("attachment"):
                    about = part.attachment
                data += part.data
            return about, bytes(data)

        return await self._send(read, request, timeout_s=BULK_TIMEOUT_S)

    async def topic_report(self, from_ms: int = 0, until_ms: int = 0, *, after: str = "") -> contacts_pb.GetTopicReportResponse:
        """First topics beside dispositions, of contacts that arrived in the period (0: no bound) and have ended."""
        request = contacts_pb.GetTopicReportRequest(arrived_from_ms=from_ms, arrived_until_ms=until_ms, consistency_token=after)
        return await self._send(self._contacts.GetTopicReport, request)


def requirements_of(given: Requirements) -> list[Requirement]:
    if isinstance(given, Mapping):
        return [Requirement(skill=skill, level=level) for skill, level in given.items()]
    return list(given)

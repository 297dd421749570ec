"""ContactService: submit contacts, look at them, end or move them."""

from collections.abc import AsyncIterator, Sequence

from msgspec.structs import replace

from cordboard.api import intake, steering
from cordboard.api.bulk import submit_all
from cordboard.api.content import describe
from cordboard.api.conversation import list_messages, read_attachment
from cordboard.api.guard import Context
from cordboard.api.ids import fact_id
from cordboard.api.site import Site
from cordboard.api.tokens import HexId, Ordinal
from cordboard.api.topics import topic_report
from cordboard.api.translate.check import Check
from cordboard.api.translate.contacts import contact_filter, live_contact, past_contact, timeline_entry, timeline_people
from cordboard.api.translate.words import end_reason_from
from cordboard.api.turned_away import open_steps
from cordboard.errors import FactRefused, NotFound
from cordboard.events.event import ContactEnded, ContactQueued, ContactReclassified
from cordboard.events.fact import ContactEndRequested, ParkEndRequested, ReclassificationRequested
from cordboard.events.verdict import REFUSALS
from cordboard.projections.history.reader import ContactFilter, ContactKey, ContactRow, TimelineKey
from cordboard.v1 import contact_service_pb2 as pb
from cordboard.v1.contact_service_pb2_grpc import ContactServiceServicer

PAGE_MAX = 1_000
PAGE_DEFAULT = 100


class ContactService(ContactServiceServicer):
    """Live contacts are read from memory, all others from the history."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def SubmitContact(self, request: pb.SubmitContactRequest, context: Context) -> pb.SubmitContactResponse:
        return await intake.submit(self._site, request)

    async def SubmitContacts(
        self, request_iterator: AsyncIterator[pb.SubmitContactsRequest], context: Context
    ) -> pb.SubmitContactsResponse:
        return await submit_all(self._site, request_iterator)

    async def GetContact(self, request: pb.GetContactRequest, context: Context) -> pb.GetContactResponse:
        check = Check()
        contact = check.id("contact_id", request.contact_id)
        check.finish()
        await self._site.reach(request.consistency_token)
        seq = self._site.feed.position
        message, note = await self._find(contact, seq)
        await describe(self._site.vault, [message])
        if note is not None and (said := (await self._site.vault.read([note])).get(note)) is not None:
            message.park.note = said.text
        if (steps := open_steps(self._site, contact)) is not None:
            message.next_steps.CopyFrom(steps)
        return pb.GetContactResponse(contact=message, consistency_token=self._site.token(seq))

    async def _find(self, contact: bytes, seq: int) -> tuple[pb.Contact, bytes | None]:
        """The contact, and the reference of its owner's note if it is parked with one."""
        live = self._site.desks.contact(contact)
        if live is not None:
            hands = self._site.desks.in_hand(contact)
            who = self._site.shown.before if live.state == "ended" else self._site.shown.now
            people = await who((live.agent, live.owner, live.served_by, *(agent for agent, _ in hands)))
            return live_contact(live, hands, people), live.park.note if live.park is not None else None
        await self._site.reach_history(seq)
        row = await self._site.history.get_contact(contact)
        if row is None:
            raise FactRefused(REFUSALS["unknown_contact"], reason="unknown_contact")
        (message,) = await self._past([row])
        return message, row.park_note

    async def ListContacts(self, request: pb.ListContactsRequest, context: Context) -> pb.ListContactsResponse:
        check = Check()
        page_size = check.number("page_size", request.page_size or PAGE_DEFAULT, 1, PAGE_MAX)
        wanted = contact_filter(check, request.filter)
        check.finish()
        if request.filter.agent:
            self._site.shown.refuse_single_now()
            self._site.shown.refuse_single_before()
            wanted = replace(wanted, agents=tuple(await self._site.people.refs(request.filter.agent)))
        bound_to = b"ListContacts" + request.filter.SerializeToString(deterministic=True)
        cursor = self._site.tokens.cursor(bound_to, request.page_token, tuple[Ordinal, HexId])
        after = None if cursor is None else ContactKey(cursor[0], bytes.fromhex(cursor[1]))
        seq = await self._site.read_history(request.consistency_token)
        rows, more = await self._site.history.list_contacts(wanted, after, page_size)
        return pb.ListContactsResponse(
            contacts=await self._past(rows),
            next_page_token="" if more is None else self._site.tokens.page(bound_to, (more.queued_at_ms, more.id.hex())),
            consistency_token=self._site.token(seq),
        )

    async def _past(self, rows: Sequence[ContactRow]) -> list[pb.Contact]:
        shown = self._site.shown
        now = await shown.now(ref for row in rows if row.state != "ended" for ref in (row.agent, row.owner))
        before = await shown.before(ref for row in rows if row.state == "ended" for ref in (row.agent, row.owner))
        return [past_contact(row, before if row.state == "ended" else now) for row in rows]

    async def GetCase(self, request: pb.GetCaseRequest, context: Context) -> pb.GetCaseResponse:
        check = Check()
        case = check.id("case_id", request.case_id)
        check.finish()
        seq = await self._site.read_history(request.consistency_token)
        rows, _ = await self._site.history.list_contacts(ContactFilter(case=case), None, PAGE_MAX)
        if not rows:
            raise NotFound("no contact belongs to this case", reason="unknown_case")
        return pb.GetCaseResponse(contacts=await self._past(rows), consistency_token=self._site.token(seq))

    async def ListMessages(self, request: pb.ListMessagesRequest, context: Context) -> pb.ListMessagesResponse:
        return await list_messages(self._site, request)

    async def GetAttachment(self, request: pb.GetAttachmentRequest, context: Context) -> AsyncIterator[pb.GetAttachmentResponse]:
        async for part in read_attachment(self._site, request):
            yield part

    async def GetTopicReport(self, request: pb.GetTopicReportRequest, context: Context) -> pb.GetTopicReportResponse:
        return await topic_report(self._site, request)

    async def GetTimeline(self, request: pb.GetTimelineRequest, context: Context) -> pb.GetTimelineResponse:
        check = Check()
        contact = check.id("contact_id", request.contact_id)
        page_size = check.number("page_size", request.page_size or PAGE_DEFAULT, 1, PAGE_MAX)
        check.finish()
        bound_to = b"GetTimeline" + contact
        cursor = self._site.tokens.cursor(bound_to, request.page_token, tuple[Ordinal, Ordinal])
        seq = await self._site.read_history(request.consistency_token)
        rows, more = await self._site.history.timeline(contact, None if cursor is None else TimelineKey(*cursor), page_size)
        if not rows and cursor is None:
            raise FactRefused(REFUSALS["unknown_contact"], reason="unknown_contact")
        entries = [replace(row, details=self._site.shown.details(row.name, row.details)) for row in rows]
        people = await self._site.shown.before(timeline_people(entries))
        return pb.GetTimelineResponse(
            entries=[timeline_entry(row, people) for row in entries],
            next_page_token="" if more is None else self._site.tokens.page(bound_to, (more.seq, more.entry)),
            consistency_token=self._site.token(seq),
        )

    async def EndContact(self, request: pb.EndContactRequest, context: Context) -> pb.EndContactResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        reason = end_reason_from(check, request.reason)
        check.finish()
        fact = ContactEndRequested(fact_id=fact_id("EndContact", request_id), contact=contact, reason=reason)
        outcome = await self._site.command(fact)
        ended = outcome.first(ContactEnded)
        return pb.EndContactResponse(
            consistency_token=self._site.token(outcome.seq), ended_at_ms=ended.at_ms if ended is not None else outcome.at_ms
        )

    async def TransferContact(self, request: pb.TransferContactRequest, context: Context) -> pb.TransferContactResponse:
        return await steering.transfer_contact(self._site, request)

    async def PickContact(self, request: pb.PickContactRequest, context: Context) -> pb.PickContactResponse:
        return await steering.pick_contact(self._site, request)

    async def RequeueContact(self, request: pb.RequeueContactRequest, context: Context) -> pb.RequeueContactResponse:
        return await steering.requeue_contact(self._site, request)

    async def SetPriority(self, request: pb.SetPriorityRequest, context: Context) -> pb.SetPriorityResponse:
        return await steering.set_priority(self._site, request)

    async def ReturnContact(self, request: pb.ReturnContactRequest, context: Context) -> pb.ReturnContactResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        agent = await self._agent_or_none(check, request.agent)
        fact = ParkEndRequested(fact_id=fact_id("ReturnContact", request_id), contact=contact, agent=agent)
        outcome = await self._site.command(fact)
        queued = outcome.first(ContactQueued)
        return pb.ReturnContactResponse(
            consistency_token=self._site.token(outcome.seq), visit=queued.visit if queued is not None else 0
        )

    async def ReclassifyContact(self, request: pb.ReclassifyContactRequest, context: Context) -> pb.ReclassifyContactResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        contact = check.id("contact_id", request.contact_id)
        topic = check.name("topic", request.topic)
        agent = await self._agent_or_none(check, request.agent)
        fact = ReclassificationRequested(
            fact_id=fact_id("ReclassifyContact", request_id), contact=contact, topic=topic, agent=agent
        )
        outcome = await self._site.command(fact)
        changed = outcome.first(ContactReclassified)
        return pb.ReclassifyContactResponse(
            consistency_token=self._site.token(outcome.seq), previous=(changed.previous if changed is not None else None) or ""
        )

    async def _agent_or_none(self, check: Check, person: str) -> bytes | None:
        """The last check of a request that an agent or a service may make."""
        if person:
            check.person("agent", person)
        check.finish()
        return await self._site.people.ref(person) if person else None

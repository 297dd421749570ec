"""A contact's conversation as the history has it, and the files that came with it."""

from collections.abc import AsyncIterator

from cordboard.api.site import Site
from cordboard.api.tokens import Ordinal
from cordboard.api.translate import desk as to_pb
from cordboard.api.translate.check import Check
from cordboard.errors import FactRefused, NotFound, Overloaded
from cordboard.events.verdict import REFUSALS
from cordboard.projections.history.reader import MESSAGES, TimelineKey, TimelineRow
from cordboard.projections.live import Said
from cordboard.v1 import contact_service_pb2 as pb

PAGE_MAX = 1_000
PAGE_DEFAULT = 100
CHUNK = 64 * 1024


async def list_messages(site: Site, request: pb.ListMessagesRequest) -> pb.ListMessagesResponse:
    """A page of it. Raises BadRequest, FactRefused (unknown_contact)."""
    check = Check()
    contact = check.id("contact_id", request.contact_id)
    page_size = check.number("page_size", request.page_size or PAGE_DEFAULT, 1, PAGE_MAX)
    check.finish()
    bound_to = b"ListMessages" + contact
    cursor = site.tokens.cursor(bound_to, request.page_token, tuple[Ordinal, Ordinal])
    seq = await site.read_history(request.consistency_token)
    after = None if cursor is None else TimelineKey(*cursor)
    rows, more = await site.history.timeline(contact, after, page_size, MESSAGES)
    if not rows and cursor is None and await site.history.get_contact(contact) is None:
        raise FactRefused(REFUSALS["unknown_contact"], reason="unknown_contact")
    said = [_said(row) for row in rows]
    refs = [one.message for one in said]
    contents, files = await site.vault.read(refs), await site.vault.attachments(refs)
    people = await site.shown.before(one.agent for one in said)
    return pb.ListMessagesResponse(
        messages=[to_pb.message(contact, one, contents, people, files) for one in said],
        next_page_token="" if more is None else site.tokens.page(bound_to, (more.seq, more.entry)),
        consistency_token=site.token(seq),
    )


def _said(row: TimelineRow) -> Said:
    author = row.details["author"]
    return Said(
        row.details.get("ordinal", 0),
        author,
        bytes.fromhex(row.details["message"]),
        row.agent if author == "agent" else None,
        row.at_ms,
    )


async def read_attachment(site: Site, request: pb.GetAttachmentRequest) -> AsyncIterator[pb.GetAttachmentResponse]:
    """The bytes in chunks. Raises BadRequest, NotFound (unknown_attachment), Overloaded (too many are being read)."""
    check = Check()
    ref = check.id("attachment_id", request.attachment_id)
    check.finish()
    if site.files.locked():
        raise Overloaded("too many attachments are being read at this moment")
    async with site.files:
        found = await site.vault.attachment(ref)
        if found is None:
            raise NotFound("no such attachment, or it was erased", reason="unknown_attachment")
        yield pb.GetAttachmentResponse(attachment=to_pb.attachment(found), data=found.data[:CHUNK])
        for start in range(CHUNK, len(found.data), CHUNK):
            yield pb.GetAttachmentResponse(data=found.data[start : start + CHUNK])

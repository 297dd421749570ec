"""SubmitContacts: many contacts on one stream, each with its own outcome, many of them on their way at once."""

import asyncio
from collections.abc import AsyncIterator

from cordboard.api.intake import submit
from cordboard.api.site import Site
from cordboard.api.status import code_of, message_of, reason_of
from cordboard.errors import CordboardError, InvalidInput
from cordboard.v1 import contact_service_pb2 as pb

ITEMS_MAX = 10_000
AT_ONCE = 128


async def submit_all(site: Site, stream: AsyncIterator[object]) -> pb.SubmitContactsResponse:
    """Reads the stream only as fast as contacts are decided. Raises InvalidInput for more than ITEMS_MAX items."""
    room = asyncio.Semaphore(AT_ONCE)
    results: list[pb.SubmissionResult] = []
    too_many = False
    async with asyncio.TaskGroup() as group:
        async for item in stream:
            if len(results) == ITEMS_MAX:
                too_many = True
                break
            result = pb.SubmissionResult()
            results.append(result)
            await room.acquire()
            group.create_task(_one(site, item, result, room))
    if too_many:
        raise InvalidInput(f"at most {ITEMS_MAX} contacts in one stream; those are submitted", reason="too_many_items")
    failed = sum(result.code != 0 for result in results)
    return pb.SubmitContactsResponse(
        results=results,
        accepted_count=len(results) - failed,
        failed_count=failed,
        # Every outcome was seen in the journal by this process, so its own position is past all of them.
        consistency_token=site.token(),
    )


async def _one(site: Site, item: object, result: pb.SubmissionResult, room: asyncio.Semaphore) -> None:
    try:
        if not isinstance(item, pb.SubmitContactsRequest):
            raise InvalidInput("the bytes are not the message that this method takes", reason="malformed_message")
        result.request_id = item.contact.request_id[:64]
        result.contact_id = (await submit(site, item.contact)).contact_id
    except CordboardError as error:
        result.code, result.reason, result.message = code_of(error), reason_of(error), message_of(error)
    finally:
        room.release()

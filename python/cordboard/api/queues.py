"""QueueService: open and close queues, and speak to everybody who waits in one."""

from cordboard import codec
from cordboard.api.guard import Context
from cordboard.api.ids import fact_id, message_ref
from cordboard.api.site import GATEWAY, Site
from cordboard.api.translate.check import Check
from cordboard.events.event import QueueModeSet
from cordboard.events.fact import BroadcastRequested, QueueMode, QueueModeRequested
from cordboard.v1 import queue_service_pb2 as pb
from cordboard.v1.queue_service_pb2_grpc import QueueServiceServicer
from cordboard.vault import Content, Draft

TEXT_MAX = 2_000
MODES: dict[int, QueueMode] = {
    pb.QUEUE_MODE_OPEN: "open",
    pb.QUEUE_MODE_CLOSED: "closed",
    pb.QUEUE_MODE_EMERGENCY: "emergency",
}


class QueueService(QueueServiceServicer):
    """Both commands wait for the router's verdict."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def SetQueueMode(self, request: pb.SetQueueModeRequest, context: Context) -> pb.SetQueueModeResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        queue = check.name("queue", request.queue)
        mode = check.choice("mode", request.mode, MODES, "open")
        reason = check.name_or_none("reason", request.reason)
        check.person_or_none("by", request.by)
        check.finish()
        by = await self._site.people.actor(request.by)
        fact = QueueModeRequested(fact_id=fact_id("SetQueueMode", request_id), queue=queue, mode=mode, by=by, reason=reason)
        outcome = await self._site.command(fact)
        changed = outcome.first(QueueModeSet)
        return pb.SetQueueModeResponse(
            consistency_token=self._site.token(outcome.seq), close_at_ms=(changed.close_at_ms if changed is not None else None) or 0
        )

    async def BroadcastText(self, request: pb.BroadcastTextRequest, context: Context) -> pb.BroadcastTextResponse:
        check = Check()
        request_id = check.uuid("request_id", request.request_id)
        queue = check.name("queue", request.queue)
        check.text("text", request.text, TEXT_MAX, 1)
        reason = check.name_or_none("reason", request.reason)
        check.person_or_none("by", request.by)
        check.finish()
        by = await self._site.people.actor(request.by)
        message = message_ref("BroadcastText", request_id)
        fact = BroadcastRequested(fact_id=fact_id("BroadcastText", request_id), queue=queue, message=message, by=by, reason=reason)
        # It belongs to no contact and to no customer, so it stands under a key of its own.
        draft = Draft(
            gateway=GATEWAY,
            external_id=f"BroadcastText/{request_id}",
            contact=message,
            fact_id=fact.fact_id,
            fact=codec.check_fact(fact),
            contents=(Content(message, "notice", request.text),),
        )
        outcome = await self._site.submit(draft)
        return pb.BroadcastTextResponse(consistency_token=self._site.token(outcome.seq), message_id=message.hex())

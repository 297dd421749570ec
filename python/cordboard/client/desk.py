"""What an agent does and sees at the desk."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import grpc
import grpc.aio

from cordboard.client.connection import Connection, Pause, client_error, new_request_id
from cordboard.v1 import agent_service_pb2 as agents_pb
from cordboard.v1 import desk_pb2 as desk_pb
from cordboard.v1 import types_pb2 as types_pb
from cordboard.v1.agent_service_pb2_grpc import AgentServiceStub
from cordboard.v1.desk_pb2 import (
    Bookmark,
    ChannelSwitch,
    DeskSnapshot,
    EngagementEnd,
    EngagementStart,
    Message,
    Offer,
    OfferAcceptance,
    OfferMove,
    OfferOver,
    ParkedContact,
    ParkEnd,
    PresenceReport,
    Reclassification,
    Signal,
    WrapUpEnd,
    WrapUpMove,
)
from cordboard.v1.engagement_service_pb2 import (
    Dormancy,
    DormancyEnd,
    Hold,
    HoldEnd,
    PriorityChange,
    RoleChange,
    Side,
    SilenceNotice,
)
from cordboard.v1.sla_service_pb2 import SlaClock

if TYPE_CHECKING:  # the generated code has it in its stubs only
    from cordboard.v1.agent_service_pb2_grpc import AgentServiceAsyncStub


_PRESENCES = {
    "offline": types_pb.PRESENCE_OFFLINE,
    "ready": types_pb.PRESENCE_READY,
    "not_ready": types_pb.PRESENCE_NOT_READY,
}
_PARK_KINDS = {
    "customer": types_pb.PARK_KIND_CUSTOMER,
    "third_party": types_pb.PARK_KIND_THIRD_PARTY,
    "snooze": types_pb.PARK_KIND_SNOOZE,
}
_SIGNALS = {
    "typing": desk_pb.SIGNAL_KIND_TYPING,
    "delivered": desk_pb.SIGNAL_KIND_DELIVERED,
    "read": desk_pb.SIGNAL_KIND_READ,
}
DeskEvent = (
    DeskSnapshot | Offer | OfferOver | OfferAcceptance | EngagementStart | Message | EngagementEnd | WrapUpMove | WrapUpEnd
    | PresenceReport | ChannelSwitch | Signal | Bookmark | ParkedContact | ParkEnd | Reclassification | Hold | HoldEnd | Side
    | RoleChange | Dormancy | DormancyEnd | SilenceNotice | PriorityChange | OfferMove | SlaClock
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeskChange:
    """One change at a desk: `token` is the position it stands at (empty for a Signal), `at_ms` when it took effect."""

    event: DeskEvent
    at_ms: int = 0
    token: str = ""


class DeskCalls(Connection):
    """AgentService, from the agent's chair."""

    @cached_property
    def _desks(self) -> "AgentServiceAsyncStub":
        return AgentServiceStub(self._channel)

    async def set_presence(
        self,
        agent: str,
        presence: Literal["offline", "ready", "not_ready"],
        reason: str = "",
        *,
        request_id: str | None = None,
    ) -> agents_pb.SetPresenceResponse:
        request = agents_pb.SetPresenceRequest(
            request_id=request_id or new_request_id(), agent=agent, presence=_PRESENCES[presence], reason=reason
        )
        return await self._send(self._desks.SetPresence, request)

    async def switch_channel(
        self, agent: str, channel: str, on: bool, *, request_id: str | None = None
    ) -> agents_pb.SwitchChannelResponse:
        request = agents_pb.SwitchChannelRequest(request_id=request_id or new_request_id(), agent=agent, channel=channel, on=on)
        return await self._send(self._desks.SwitchChannel, request)

    async def watch_desk(self, agent: str, *, groups: Sequence[str] = (), after: str = "") -> AsyncGenerator[DeskChange, None]:
        """The desk for ever: a DeskSnapshot first, and again after every lost connection; then each change. `groups`: whose SLA
        alarms it shows, too. Raises ClientError only for what trying again cannot mend."""
        pause = Pause()
        while True:
            request = agents_pb.WatchDeskRequest(agent=agent, consistency_token=after, groups=groups)
            call = self._desks.WatchDesk(request, wait_for_ready=True)
            try:
                async for response in call:
                    pause = Pause()
                    kind = response.WhichOneof("change")
                    if kind is not None:
                        yield DeskChange(getattr(response, kind), response.at_ms, response.consistency_token)
            except grpc.aio.AioRpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                    raise client_error(error) from error
            finally:
                call.cancel()  # who stops reading has left the desk, whenever that is collected
            await pause()

    async def accept_offer(
        self, agent: str, contact_id: str, attempt: int, *, request_id: str | None = None
    ) -> agents_pb.AcceptOfferResponse:
        request = agents_pb.AcceptOfferRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, attempt=attempt
        )
        return await self._send(self._desks.AcceptOffer, request)

    async def decline_offer(
        self, agent: str, contact_id: str, attempt: int, reason: str = "", *, request_id: str | None = None
    ) -> agents_pb.DeclineOfferResponse:
        request = agents_pb.DeclineOfferRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, attempt=attempt, reason=reason
        )
        return await self._send(self._desks.DeclineOffer, request)

    async def confirm_connected(
        self, agent: str, contact_id: str, attempt: int, *, request_id: str | None = None
    ) -> agents_pb.ConfirmConnectedResponse:
        """Agent and customer really are connected."""
        request = agents_pb.ConfirmConnectedRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, attempt=attempt
        )
        return await self._send(self._desks.ConfirmConnected, request)

    async def send_message(
        self, agent: str, contact_id: str, text: str, *, request_id: str | None = None
    ) -> agents_pb.SendMessageResponse:
        request = agents_pb.SendMessageRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, text=text
        )
        return await self._send(self._desks.SendMessage, request)

    async def send_signal(
        self, agent: str, contact_id: str, kind: Literal["typing", "delivered", "read"], message_id: str = ""
    ) -> None:
        """Fleeting: typing, or that the customer's message was delivered or read."""
        request = agents_pb.SendSignalRequest(agent=agent, contact_id=contact_id, kind=_SIGNALS[kind], message_id=message_id)
        await self._send(self._desks.SendSignal, request)

    async def end_engagement(
        self, agent: str, contact_id: str, disposition: str = "", note: str = "", *, request_id: str | None = None
    ) -> agents_pb.EndEngagementResponse:
        request = agents_pb.EndEngagementRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, disposition=disposition, note=note
        )
        return await self._send(self._desks.EndEngagement, request)

    async def finish_wrap_up(
        self, agent: str, contact_id: str, disposition: str = "", note: str = "", *, request_id: str | None = None
    ) -> agents_pb.FinishWrapUpResponse:
        request = agents_pb.FinishWrapUpRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, disposition=disposition, note=note
        )
        return await self._send(self._desks.FinishWrapUp, request)

    async def extend_wrap_up(
        self, agent: str, contact_id: str, extra_ms: int, *, request_id: str | None = None
    ) -> agents_pb.ExtendWrapUpResponse:
        request = agents_pb.ExtendWrapUpRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, extra_ms=extra_ms
        )
        return await self._send(self._desks.ExtendWrapUp, request)

    async def park_contact(
        self,
        agent: str,
        contact_id: str,
        kind: Literal["customer", "third_party", "snooze"],
        *,
        for_ms: int = 0,
        until_ms: int = 0,
        note: str = "",
        request_id: str | None = None,
    ) -> agents_pb.ParkContactResponse:
        """Put an engaged contact aside, for a time or until an instant (Unix ms): give one of the two."""
        request = agents_pb.ParkContactRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, kind=_PARK_KINDS[kind], note=note
        )
        if until_ms:
            request.until_ms = until_ms
        else:
            request.for_ms = for_ms
        return await self._send(self._desks.ParkContact, request)

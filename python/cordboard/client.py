"""A small typed client of cordboard.v1: what the demo, the CLI and the tests use.

    async with Client("127.0.0.1:7401") as client:
        contact = await client.submit_contact(channel="task", queue="orders", text="Where is my parcel?")
        async for change in client.watch_desk("anna"):
            match change.event:
                case Offer() as offer: await client.accept_offer("anna", offer.contact_id, offer.attempt)

Every write carries a request id, and is repeated with the same one while the server is unavailable or its answer does not come,
so that nothing is done twice. Answers are the API's own messages; ids are 32 hexadecimal digits.
"""

import asyncio
import random
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Required, Self, TypedDict, TypeVar, Unpack

import grpc
import grpc.aio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from cordboard.v1 import agent_service_pb2 as agents_pb
from cordboard.v1 import board_service_pb2 as boards_pb
from cordboard.v1 import contact_service_pb2 as contacts_pb
from cordboard.v1 import policy_service_pb2 as policy_pb
from cordboard.v1 import types_pb2 as types_pb
from cordboard.v1.agent_service_pb2 import (
    AgentDeclaration,
    Bookmark,
    ChannelSwitch,
    DeskSnapshot,
    EngagementEnd,
    EngagementStart,
    Message,
    Offer,
    OfferAcceptance,
    OfferOver,
    PresenceReport,
    Signal,
    WrapUpEnd,
    WrapUpMove,
)
from cordboard.v1.agent_service_pb2_grpc import AgentServiceStub
from cordboard.v1.board_service_pb2_grpc import BoardServiceStub
from cordboard.v1.contact_service_pb2 import Contact, ContactFilter, SubmissionResult, SubmitContactRequest, TimelineEntry
from cordboard.v1.contact_service_pb2_grpc import ContactServiceStub
from cordboard.v1.policy_service_pb2_grpc import PolicyServiceStub
from cordboard.v1.types_pb2 import Customer, Requirement, RequirementSet

__all__ = [
    "AgentDeclaration", "Bookmark", "ChannelSwitch", "Client", "ClientError", "Contact", "ContactFilter", "Customer", "DeskChange",
    "DeskEvent", "DeskSnapshot", "EngagementEnd", "EngagementStart", "Message", "NewContact", "Offer", "OfferAcceptance",
    "OfferOver", "PresenceReport", "Requirement", "Signal", "SubmissionResult", "SubmitContactRequest", "TimelineEntry",
    "WrapUpEnd", "WrapUpMove", "new_contact",
]  # fmt: skip

MESSAGE_MAX = 32 << 20
BULK_MAX = 5_000
DECLARE_MAX = 250
DECLARE_BYTES_MAX = 200 * 1024
PAUSE_MIN_S = 0.1
PAUSE_MAX_S = 2.0
_TRANSIENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_MAX),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
_PRESENCES = {
    "offline": types_pb.PRESENCE_OFFLINE,
    "ready": types_pb.PRESENCE_READY,
    "not_ready": types_pb.PRESENCE_NOT_READY,
}
_SIGNALS = {
    "typing": agents_pb.SIGNAL_KIND_TYPING,
    "delivered": agents_pb.SIGNAL_KIND_DELIVERED,
    "read": agents_pb.SIGNAL_KIND_READ,
}
_END_REASONS = {"cancelled": contacts_pb.CONTACT_END_REASON_CANCELLED, "failed": contacts_pb.CONTACT_END_REASON_FAILED}
DeskEvent = (
    DeskSnapshot | Offer | OfferOver | OfferAcceptance | EngagementStart | Message | EngagementEnd | WrapUpMove | WrapUpEnd
    | PresenceReport | ChannelSwitch | Signal | Bookmark
)  # fmt: skip
Requirements = Mapping[str, int] | Iterable[Requirement]
A = TypeVar("A")


class ClientError(Exception):
    """The server refused. `reason` is a stable lower-case word (docs/glossary.md), `violations` the wrong fields by path."""

    def __init__(self, code: grpc.StatusCode, reason: str, message: str, violations: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{reason or code.name.lower()}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = dict(violations or {})


@dataclass(frozen=True, slots=True)
class DeskChange:
    """One change at a desk: `token` is the position it stands at (empty for a Signal), `at_ms` when it took effect."""

    event: DeskEvent
    at_ms: int = 0
    token: str = ""


@dataclass(slots=True)
class _Pause:
    """Growing pauses between attempts, with jitter so that many clients do not come back as one."""

    length_s: float = field(default=PAUSE_MIN_S)

    async def __call__(self) -> None:
        await asyncio.sleep(self.length_s * random.uniform(0.5, 1.0))
        self.length_s = min(PAUSE_MAX_S, self.length_s * 2)


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


def new_request_id() -> str:
    """A fresh UUID: one intended write."""
    return str(uuid.uuid4())


class Client:
    """One connection to the API at `target` (host:port). `timeout_s` is the deadline of one attempt, `attempts` how many there
    are while the server is unavailable or silent. Raises ClientError."""

    def __init__(self, target: str, *, timeout_s: float = 10.0, attempts: int = 5) -> None:
        self.target = target
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._channel = grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS)
        self._contacts = ContactServiceStub(self._channel)
        self._agents = AgentServiceStub(self._channel)
        self._boards = BoardServiceStub(self._channel)
        self._policy = PolicyServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._channel.close(None)

    # Contacts

    async def submit_contact(self, **contact: Unpack[NewContact]) -> contacts_pb.SubmitContactResponse:
        """Put one contact into its queue; returns when the router has it."""
        return await self._call(self._contacts.SubmitContact, new_contact(**contact))

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

            answer = await self._call(send, part, timeout_s=max(60.0, self._timeout_s))
            results.extend(answer.results)
        return results

    async def get_contact(self, contact_id: str, *, after: str = "") -> Contact:
        """One contact, live or ended; `after` is a consistency token."""
        request = contacts_pb.GetContactRequest(contact_id=contact_id, consistency_token=after)
        return (await self._call(self._contacts.GetContact, request)).contact

    async def list_contacts(
        self, contact_filter: ContactFilter | None = None, *, page_size: int = 100, after: str = ""
    ) -> AsyncIterator[Contact]:
        """Contacts, newest first, over all pages."""
        page_token = ""
        while True:
            request = contacts_pb.ListContactsRequest(
                filter=contact_filter, page_size=page_size, page_token=page_token, consistency_token=after
            )
            page = await self._call(self._contacts.ListContacts, request)
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
            page = await self._call(self._contacts.GetTimeline, request)
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
        return await self._call(self._contacts.EndContact, request)

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
        return await self._call(self._contacts.TransferContact, request)

    # Desk

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
        return await self._call(self._agents.SetPresence, request)

    async def switch_channel(
        self, agent: str, channel: str, on: bool, *, request_id: str | None = None
    ) -> agents_pb.SwitchChannelResponse:
        request = agents_pb.SwitchChannelRequest(request_id=request_id or new_request_id(), agent=agent, channel=channel, on=on)
        return await self._call(self._agents.SwitchChannel, request)

    async def watch_desk(self, agent: str, *, after: str = "") -> AsyncGenerator[DeskChange, None]:
        """The desk for ever: a DeskSnapshot first, and again after every lost connection; then each change. Raises ClientError
        only for what trying again cannot mend."""
        pause = _Pause()
        while True:
            request = agents_pb.WatchDeskRequest(agent=agent, consistency_token=after)
            try:
                async for response in self._agents.WatchDesk(request, wait_for_ready=True):
                    pause = _Pause()
                    kind = response.WhichOneof("change")
                    if kind is not None:
                        yield DeskChange(getattr(response, kind), response.at_ms, response.consistency_token)
            except grpc.aio.AioRpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                    raise _client_error(error) from error
            await pause()

    async def accept_offer(
        self, agent: str, contact_id: str, attempt: int, *, request_id: str | None = None
    ) -> agents_pb.AcceptOfferResponse:
        request = agents_pb.AcceptOfferRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, attempt=attempt
        )
        return await self._call(self._agents.AcceptOffer, request)

    async def decline_offer(
        self, agent: str, contact_id: str, attempt: int, reason: str = "", *, request_id: str | None = None
    ) -> agents_pb.DeclineOfferResponse:
        request = agents_pb.DeclineOfferRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, attempt=attempt, reason=reason
        )
        return await self._call(self._agents.DeclineOffer, request)

    async def confirm_connected(
        self, agent: str, contact_id: str, attempt: int, *, request_id: str | None = None
    ) -> agents_pb.ConfirmConnectedResponse:
        """Agent and customer really are connected."""
        request = agents_pb.ConfirmConnectedRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, attempt=attempt
        )
        return await self._call(self._agents.ConfirmConnected, request)

    async def send_message(
        self, agent: str, contact_id: str, text: str, *, request_id: str | None = None
    ) -> agents_pb.SendMessageResponse:
        request = agents_pb.SendMessageRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, text=text
        )
        return await self._call(self._agents.SendMessage, request)

    async def send_signal(
        self, agent: str, contact_id: str, kind: Literal["typing", "delivered", "read"], message_id: str = ""
    ) -> None:
        """Fleeting: typing, or that the customer's message was delivered or read."""
        request = agents_pb.SendSignalRequest(agent=agent, contact_id=contact_id, kind=_SIGNALS[kind], message_id=message_id)
        await self._call(self._agents.SendSignal, request)

    async def end_engagement(
        self, agent: str, contact_id: str, disposition: str = "", note: str = "", *, request_id: str | None = None
    ) -> agents_pb.EndEngagementResponse:
        request = agents_pb.EndEngagementRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, disposition=disposition, note=note
        )
        return await self._call(self._agents.EndEngagement, request)

    async def finish_wrap_up(
        self, agent: str, contact_id: str, disposition: str = "", note: str = "", *, request_id: str | None = None
    ) -> agents_pb.FinishWrapUpResponse:
        request = agents_pb.FinishWrapUpRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, disposition=disposition, note=note
        )
        return await self._call(self._agents.FinishWrapUp, request)

    async def extend_wrap_up(
        self, agent: str, contact_id: str, extra_ms: int, *, request_id: str | None = None
    ) -> agents_pb.ExtendWrapUpResponse:
        request = agents_pb.ExtendWrapUpRequest(
            request_id=request_id or new_request_id(), agent=agent, contact_id=contact_id, extra_ms=extra_ms
        )
        return await self._call(self._agents.ExtendWrapUp, request)

    # Administration

    async def declare_agents(self, agents: Iterable[AgentDeclaration]) -> list[agents_pb.DeclarationResult]:
        """Declare any number of agents; one result each, in order. Never raises for one of them; look at its `code`."""
        results: list[agents_pb.DeclarationResult] = []
        for part in _portions(agents):
            request = agents_pb.DeclareAgentsRequest(request_id=new_request_id(), agents=part)
            results.extend((await self._call(self._agents.DeclareAgents, request, timeout_s=max(60.0, self._timeout_s))).results)
        return results

    async def retire_agent(self, agent: str, *, request_id: str | None = None) -> agents_pb.RetireAgentResponse:
        request = agents_pb.RetireAgentRequest(request_id=request_id or new_request_id(), agent=agent)
        return await self._call(self._agents.RetireAgent, request)

    async def list_agents(self, *, page_size: int = 500, after: str = "") -> AsyncIterator[agents_pb.Agent]:
        """Declared agents over all pages."""
        page_token = ""
        while True:
            request = agents_pb.ListAgentsRequest(page_size=page_size, page_token=page_token, consistency_token=after)
            page = await self._call(self._agents.ListAgents, request)
            for agent in page.agents:
                yield agent
            page_token = page.next_page_token
            if not page_token:
                return

    # Boards and policy

    async def get_boards(self, *, after: str = "") -> boards_pb.GetBoardsResponse:
        return await self._call(self._boards.GetBoards, boards_pb.GetBoardsRequest(consistency_token=after))

    async def watch_boards(
        self, resume_token: str = "", *, interval_ms: int = 0
    ) -> AsyncGenerator[boards_pb.WatchBoardsResponse, None]:
        """Changed rows for ever; resumes where it was after a lost connection, and starts anew (`complete`) if it cannot."""
        pause = _Pause()
        while True:
            request = boards_pb.WatchBoardsRequest(resume_token=resume_token, interval_ms=interval_ms)
            try:
                async for response in self._boards.WatchBoards(request, wait_for_ready=True):
                    pause = _Pause()
                    resume_token = response.resume_token or resume_token
                    yield response
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.OUT_OF_RANGE:
                    resume_token = ""
                elif error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                    raise _client_error(error) from error
            await pause()

    async def get_policy(self, *, after: str = "") -> policy_pb.GetPolicyResponse:
        """The policy in force. Raises ClientError with reason no_policy if there is none."""
        return await self._call(self._policy.GetPolicy, policy_pb.GetPolicyRequest(consistency_token=after))

    async def publish_policy(
        self,
        document: bytes | str,
        *,
        expected_version: int | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
    ) -> policy_pb.PublishPolicyResponse:
        """Put a policy in force: compiled (bytes) or YAML source (str)."""
        request = policy_pb.PublishPolicyRequest(
            request_id=request_id or new_request_id(), expected_version=expected_version, validate_only=validate_only
        )
        if isinstance(document, bytes):
            request.compiled = document
        else:
            request.yaml = document
        return await self._call(self._policy.PublishPolicy, request)

    async def ready(self, timeout_s: float = 30.0) -> None:
        """Return once the server can be reached. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._channel.channel_ready()

    async def _call(self, method: Callable[..., Awaitable[A]], request: object, *, timeout_s: float | None = None) -> A:
        pause = _Pause()
        for attempt in range(1, self._attempts + 1):
            try:
                return await method(request, timeout=timeout_s or self._timeout_s, wait_for_ready=True)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _TRANSIENT or attempt == self._attempts:
                    raise _client_error(error) from error
            await pause()
        raise AssertionError("at least one attempt is made")


def _requirements(given: Requirements) -> list[Requirement]:
    if isinstance(given, Mapping):
        return [Requirement(skill=skill, level=level) for skill, level in given.items()]
    return list(given)


def _portions(agents: Iterable[AgentDeclaration]) -> Iterator[list[AgentDeclaration]]:
    """As many at a time as one request may hold, by number and by size."""
    part: list[AgentDeclaration] = []
    size = 0
    for agent in agents:
        if part and (len(part) == DECLARE_MAX or size + agent.ByteSize() > DECLARE_BYTES_MAX):
            yield part
            part, size = [], 0
        part.append(agent)
        size += agent.ByteSize() + 8
    if part:
        yield part


def _client_error(error: grpc.aio.AioRpcError) -> ClientError:
    reason, violations = "", {}
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # the stubs want a sync call
    for detail in status.details if status is not None else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason = info.reason.lower()
        elif detail.Unpack(bad):
            violations = {violation.field: violation.description for violation in bad.field_violations}
    return ClientError(error.code(), reason, error.details() or "", violations)

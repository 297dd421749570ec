"""What is wrong with a request is refused, field by field, before anything is written. On a real site, over sockets."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf.message import Message

from cordboard.api import bulk
from cordboard.api.server import REQUEST_MAX
from cordboard.client import Client, ClientError, ContactFilter, Customer, Requirement, new_contact
from cordboard.v1 import agent_service_pb2 as agents_pb
from cordboard.v1 import board_service_pb2 as boards_pb
from cordboard.v1 import contact_service_pb2 as contacts_pb
from cordboard.v1 import desk_pb2 as desk_pb
from cordboard.v1 import policy_service_pb2 as policy_pb
from cordboard.v1 import staff_service_pb2 as staff_pb
from cordboard.v1 import types_pb2
from tests.api_site import ApiSite, an_agent, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")
UUID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
ID = "ab" * 16


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    async with api_site(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: ApiSite) -> AsyncIterator[Client]:
    async with Client(site.target) as connected:
        yield connected


async def refusal(call: Any) -> ClientError:
    with pytest.raises(ClientError) as refused:
        await call
    return refused.value


def wrong(method: str, request: Message, *fields: str) -> object:
    return pytest.param(method, request, fields, id=f"{method.rpartition('/')[2]}-{'-'.join(fields) or 'bytes'}")


def contact(**changes: object) -> contacts_pb.SubmitContactRequest:
    fields: dict[str, object] = {"request_id": UUID, "channel": "task", "queue": "nobody"}
    return contacts_pb.SubmitContactRequest(**(fields | changes))  # type: ignore[arg-type]


CONTACTS, AGENTS, STAFF = "/cordboard.v1.ContactService/", "/cordboard.v1.AgentService/", "/cordboard.v1.StaffService/"
BOARDS, POLICIES = "/cordboard.v1.BoardService/", "/cordboard.v1.PolicyService/"
WRONG = [
    wrong(CONTACTS + "SubmitContact", contact(request_id=""), "request_id"),
    wrong(CONTACTS + "SubmitContact", contact(request_id="not a uuid but of a length of 36 xxx"), "request_id"),
    wrong(CONTACTS + "SubmitContact", contact(channel="", queue="Orders!"), "channel", "queue"),
    wrong(CONTACTS + "SubmitContact", contact(queue="q" * 49), "queue"),
    wrong(CONTACTS + "SubmitContact", contact(queue="orders\n"), "queue"),
    wrong(CONTACTS + "SubmitContact", contact(priority=101), "priority"),
    wrong(CONTACTS + "SubmitContact", contact(priority=-1), "priority"),
    wrong(CONTACTS + "SubmitContact", contact(subject="x" * 513), "subject"),
    wrong(CONTACTS + "SubmitContact", contact(text="x" * 32_769), "text"),
    wrong(CONTACTS + "SubmitContact", contact(text="\U0001f600" * 20_000), "text"),
    wrong(CONTACTS + "SubmitContact", contact(text="nul \0"), "text"),
    wrong(CONTACTS + "SubmitContact", contact(requirements=[Requirement(skill="garden", level=11)]), "requirements[0].level"),
    wrong(CONTACTS + "SubmitContact", contact(requirements=[Requirement(skill="garden")] * 2), "requirements"),
    wrong(CONTACTS + "SubmitContact", contact(requirements=[Requirement(skill=f"s{n}") for n in range(17)]), "requirements"),
    wrong(CONTACTS + "SubmitContact", contact(preferred_agents=["a"] * 9), "preferred_agents"),
    wrong(CONTACTS + "SubmitContact", contact(preferred_agents=[" "]), "preferred_agents[0]"),
    wrong(CONTACTS + "SubmitContact", contact(customer=Customer(kind="E mail", address="a")), "customer.kind"),
    wrong(CONTACTS + "SubmitContact", contact(customer=Customer(kind="email", address=" ")), "customer.address"),
    wrong(CONTACTS + "SubmitContact", contact(topic="Not A Word"), "topic"),
    wrong(CONTACTS + "GetContact", contacts_pb.GetContactRequest(contact_id="abc"), "contact_id"),
    wrong(CONTACTS + "GetContact", contacts_pb.GetContactRequest(contact_id="zz" * 16), "contact_id"),
    wrong(CONTACTS + "GetContact", contacts_pb.GetContactRequest(contact_id="ab " * 10 + "ab"), "contact_id"),
    wrong(CONTACTS + "GetContact", contacts_pb.GetContactRequest(contact_id=ID, consistency_token="???"), "consistency_token"),
    wrong(CONTACTS + "ListContacts", contacts_pb.ListContactsRequest(page_size=1_001), "page_size"),
    wrong(CONTACTS + "ListContacts", contacts_pb.ListContactsRequest(page_size=-1), "page_size"),
    wrong(CONTACTS + "ListContacts", contacts_pb.ListContactsRequest(page_token="AAAA"), "page_token"),
    wrong(CONTACTS + "ListContacts", contacts_pb.ListContactsRequest(filter=ContactFilter(state=99)), "filter.state"),  # type: ignore[arg-type]
    wrong(CONTACTS + "GetTimeline", contacts_pb.GetTimelineRequest(contact_id=ID, page_token="x"), "page_token"),
    wrong(CONTACTS + "EndContact", contacts_pb.EndContactRequest(request_id=UUID, contact_id=ID, reason=9), "reason"),  # type: ignore[arg-type]
    wrong(CONTACTS + "TransferContact", contacts_pb.TransferContactRequest(), "request_id", "contact_id", "queue"),
    wrong(AGENTS + "SetPresence", agents_pb.SetPresenceRequest(request_id=UUID, agent="anna"), "presence"),
    wrong(AGENTS + "SetPresence", agents_pb.SetPresenceRequest(request_id=UUID, agent="anna", presence=77), "presence"),  # type: ignore[arg-type]
    wrong(
        AGENTS + "SetPresence",
        agents_pb.SetPresenceRequest(request_id=UUID, agent="anna", presence=types_pb2.PRESENCE_READY, reason="lunch"),
        "reason",
    ),
    wrong(AGENTS + "AcceptOffer", agents_pb.AcceptOfferRequest(), "request_id", "contact_id", "attempt", "agent"),
    wrong(AGENTS + "SendMessage", agents_pb.SendMessageRequest(request_id=UUID, agent="anna", contact_id=ID), "text"),
    wrong(
        AGENTS + "SendMessage", agents_pb.SendMessageRequest(request_id=UUID, agent="anna", contact_id=ID, text="x" * 8_193), "text"
    ),
    wrong(AGENTS + "SendSignal", agents_pb.SendSignalRequest(agent="anna", contact_id=ID), "kind"),
    wrong(
        AGENTS + "SendSignal",
        agents_pb.SendSignalRequest(agent="anna", contact_id=ID, kind=desk_pb.SIGNAL_KIND_READ),
        "message_id",
    ),
    wrong(
        AGENTS + "EndEngagement",
        agents_pb.EndEngagementRequest(request_id=UUID, agent="anna", contact_id=ID, disposition="?", note="x" * 8_193),
        "disposition",
        "note",
    ),
    wrong(AGENTS + "ExtendWrapUp", agents_pb.ExtendWrapUpRequest(request_id=UUID, agent="anna", contact_id=ID), "extra_ms"),
    wrong(STAFF + "DeclareAgents", staff_pb.DeclareAgentsRequest(request_id=UUID), "agents"),
    wrong(STAFF + "DeclareAgents", staff_pb.DeclareAgentsRequest(request_id=UUID, agents=[an_agent("twin")] * 2), "agents"),
    wrong(STAFF + "RetireAgent", staff_pb.RetireAgentRequest(request_id="1", agent=""), "request_id", "agent"),
    wrong(STAFF + "ListAgents", staff_pb.ListAgentsRequest(page_token="!"), "page_token"),
    wrong(BOARDS + "GetBoards", boards_pb.GetBoardsRequest(consistency_token="x" * 600), "consistency_token"),
    wrong(POLICIES + "PublishPolicy", policy_pb.PublishPolicyRequest(request_id=UUID), "document"),
    wrong(POLICIES + "PublishPolicy", policy_pb.PublishPolicyRequest(request_id=UUID, compiled=b"x"), "compiled"),
]


@pytest.mark.parametrize(("method", "request_message", "fields"), WRONG)
async def test_wrong_fields_are_named(site: ApiSite, method: str, request_message: Message, fields: tuple[str, ...]) -> None:
    async with Client(site.target) as client:
        error = await refusal(client._send(_raw(client, method), request_message.SerializeToString()))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "invalid_input"
    assert tuple(error.violations) == fields


@pytest.mark.parametrize("method", [CONTACTS + "SubmitContact", AGENTS + "AcceptOffer", POLICIES + "PublishPolicy"])
async def test_bytes_that_are_no_message(site: ApiSite, method: str) -> None:
    async with Client(site.target) as client:
        for data in (b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xc3\x28", b"\x0b", bytes(100)):
            error = await refusal(client._send(_raw(client, method), data))
            assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "malformed_message")


async def test_a_stream_that_does_not_end_is_cut(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "ITEMS_MAX", 3)
    error = await refusal(client.submit_contacts([new_contact(channel="task", queue="atlantis") for _ in range(5)]))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "too_many_items")


async def test_watches_refuse_what_is_wrong(site: ApiSite, client: Client) -> None:
    with pytest.raises(ClientError, match="interval_ms"):
        await anext(client.watch_boards(interval_ms=1))
    with pytest.raises(ClientError, match="unknown_agent"):
        await anext(client.watch_desk("nobody-we-know"))
    error = await refusal(anext(client.watch_desk("")))
    assert list(error.violations) == ["agent"]


async def test_a_request_that_is_too_large_is_refused(client: Client) -> None:
    error = await refusal(client.submit_contact(channel="task", queue="nobody", text="x" * REQUEST_MAX))
    assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_nothing_of_it_was_written(site: ApiSite, client: Client) -> None:
    """Last: after all of the above the site is as it was, and serves."""
    assert [contact async for contact in client.list_contacts()] == []
    submitted = await client.submit_contact(channel="task", queue="nobody", request_id=UUID)
    assert not submitted.repeated_request


def _raw(client: Client, method: str) -> Any:
    """A call that sends bytes as they are."""
    return client._channel.unary_unary(method)  # type: ignore[call-arg]

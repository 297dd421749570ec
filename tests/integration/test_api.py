"""The API on the real thing: NATS, router, vault and history, over sockets. One site for all tests; each has its own people."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import msgspec
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from cordboard import codec
from cordboard.api.server import SERVICES
from cordboard.client import (
    Client,
    ClientError,
    ContactFilter,
    Customer,
    DeskSnapshot,
    EngagementEnd,
    EngagementStart,
    Offer,
    OfferAcceptance,
    OfferOver,
    PresenceReport,
    Requirement,
    Signal,
    WrapUpEnd,
    WrapUpMove,
    new_contact,
)  # fmt: skip
from cordboard.client import Message as Said
from cordboard.events.policy import CalendarPolicy
from cordboard.log.feed import Feed
from cordboard.log.port import Backlog
from cordboard.v1 import contact_service_pb2 as contacts_pb
from cordboard.v1 import desk_pb2 as agents_pb
from cordboard.v1 import types_pb2
from cordboard.v1.contact_service_pb2_grpc import ContactServiceStub
from tests.api_site import PATIENCE_S, POLICY, ApiSite, DeskReader, an_agent, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")
UUID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
ID = "ab" * 16


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    directory: Path = tmp_path_factory.mktemp("api")
    async with api_site(directory) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: ApiSite) -> AsyncIterator[Client]:
    async with Client(site.target) as connected:
        yield connected


async def ready(client: Client, person: str, *queues: str, **declared: object) -> DeskReader:
    """A declared agent who is ready, and a reader of the desk after its snapshot."""
    (result,) = await client.declare_agents([an_agent(person, *queues, **declared)])  # type: ignore[arg-type]
    assert result.code == 0, result
    desk = DeskReader(client, person)
    await desk.until(DeskSnapshot)
    await client.set_presence(person, "ready")
    await desk.until(PresenceReport)
    return desk


async def refusal(call: object) -> ClientError:
    with pytest.raises(ClientError) as refused:
        await call  # type: ignore[misc]
    return refused.value


# The whole journey


async def test_a_contact_from_submission_to_wrap_up(site: ApiSite, client: Client) -> None:
    desk = await ready(client, "anna", "orders", skills=[("nl.written", 8)])
    submitted = await client.submit_contact(
        channel="chat",
        queue="orders",
        subject="Parcel",
        text="Waar is mijn pakje?",
        requirements={"nl.written": 5},
        priority=3,
        customer=Customer(kind="email", address="kees@example.org", name="Kees"),
        entry_point="order_form",
        topic="delivery",
    )
    offer = await desk.until(Offer)
    assert (offer.contact_id, offer.attempt, offer.queue, offer.channel) == (submitted.contact_id, 1, "orders", "chat")
    assert (offer.subject, offer.text) == ("Parcel", "Waar is mijn pakje?")
    assert (offer.customer.kind, offer.customer.address, offer.customer.name) == ("email", "kees@example.org", "Kees")
    assert list(offer.requirements) == [Requirement(skill="nl.written", level=5)]
    assert (offer.priority, offer.entry_point, offer.topic) == (3, "order_form", "delivery")

    accepted = await client.accept_offer("anna", offer.contact_id, offer.attempt)
    assert (await desk.until(OfferAcceptance)).connect_by_ms == accepted.connect_by_ms > 0
    await client.confirm_connected("anna", offer.contact_id, offer.attempt)
    assert (await desk.until(EngagementStart)).queue == "orders"

    sent = await client.send_message("anna", offer.contact_id, "Onderweg!")
    said = await desk.until(Said)
    assert (said.message_id, said.ordinal, said.text, said.agent) == (sent.message_id, sent.ordinal, "Onderweg!", "anna")

    ended = await client.end_engagement("anna", offer.contact_id, "solved", "Called the carrier.")
    assert (await desk.until(EngagementEnd)).wrap_until_ms == ended.wrap_until_ms > 0
    extended = await client.extend_wrap_up("anna", offer.contact_id, 30_000)
    assert (await desk.until(WrapUpMove)).until_ms == extended.until_ms == ended.wrap_until_ms + 30_000
    finished = await client.finish_wrap_up("anna", offer.contact_id, note="Nothing more.")
    assert (await desk.until(WrapUpEnd)).by == "agent"

    contact = await client.get_contact(offer.contact_id, after=finished.consistency_token)
    assert (contact.state, contact.end_reason, contact.text) == (types_pb2.CONTACT_STATE_ENDED, "completed", "Waar is mijn pakje?")
    assert contact.answered_at_ms > 0 and contact.ended_at_ms >= contact.answered_at_ms
    timeline = await client.timeline(offer.contact_id, after=finished.consistency_token, page_size=3)
    told = [entry.event for entry in timeline]
    for name in ("ContactArrived", "ContactQueued", "OfferMade", "OfferAccepted", "EngagementStarted", "MessageRelayed"):
        assert name in told
    assert [(entry.seq, entry.entry) for entry in timeline] == sorted((entry.seq, entry.entry) for entry in timeline)
    assert {entry.agent for entry in timeline} >= {"", "anna"}
    await client.set_presence("anna", "offline")
    await desk.close()


async def test_a_declined_offer_and_a_revoked_one(client: Client) -> None:
    desk = await ready(client, "bert", "invoices")
    first = await client.submit_contact(channel="task", queue="invoices", text="one")
    offer = await desk.until(Offer)
    await client.decline_offer("bert", offer.contact_id, offer.attempt)
    over = await desk.until(OfferOver)
    assert (over.contact_id, over.outcome) == (first.contact_id, agents_pb.OFFER_OUTCOME_DECLINED)
    assert (await refusal(client.accept_offer("bert", offer.contact_id, offer.attempt))).reason == "declined"
    await client.end_contact(first.contact_id)

    second = await client.submit_contact(channel="task", queue="invoices", text="two")
    offer = await desk.until(Offer)
    assert offer.contact_id == second.contact_id
    answer = await client.end_contact(second.contact_id, "failed")
    over = await desk.until(OfferOver)
    assert (over.outcome, over.reason) == (agents_pb.OFFER_OUTCOME_REVOKED, "contact_gone")
    contact = await client.get_contact(second.contact_id, after=answer.consistency_token)
    assert (contact.end_reason, contact.ended_at_ms) == ("failed", answer.ended_at_ms)
    late = await refusal(client.accept_offer("bert", second.contact_id, offer.attempt))
    assert (late.code, late.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "contact_gone")
    await client.set_presence("bert", "offline")
    await desk.close()


async def test_a_transfer_begins_a_new_visit(client: Client) -> None:
    submitted = await client.submit_contact(channel="task", queue="nobody", text="x")
    moved = await client.transfer_contact(submitted.contact_id, "invoices", requirements={"garden": 3})
    assert moved.visit == 2
    contact = await client.get_contact(submitted.contact_id, after=moved.consistency_token)
    assert (contact.queue, contact.visit) == ("invoices", 2)
    assert (await refusal(client.transfer_contact(submitted.contact_id, "invoices"))).reason == "same_queue"
    assert (await refusal(client.transfer_contact(submitted.contact_id, "atlantis"))).reason == "unknown_queue"
    await client.end_contact(submitted.contact_id)


async def test_a_desk_seen_again_is_whole(client: Client) -> None:
    desk = await ready(client, "carla", "orders")
    submitted = await client.submit_contact(channel="chat", queue="orders", text="hello")
    offer = await desk.until(Offer)
    await client.accept_offer("carla", offer.contact_id, 1)
    await client.confirm_connected("carla", offer.contact_id, 1)
    sent = await client.send_message("carla", offer.contact_id, "Good morning")
    await desk.close()

    again = DeskReader(client, "carla")
    snapshot = await again.until(DeskSnapshot)
    assert snapshot.declared
    assert snapshot.presence.effective == types_pb2.PRESENCE_READY
    assert [(switch.channel, switch.on) for switch in snapshot.channels] == [("chat", True), ("task", True), ("mail", True)]
    (work,) = snapshot.work
    assert (work.state, work.offer.contact_id, work.offer.text) == (agents_pb.WORK_STATE_ENGAGED, submitted.contact_id, "hello")
    assert [(message.message_id, message.text) for message in work.messages] == [(sent.message_id, "Good morning")]
    await client.end_engagement("carla", offer.contact_id)
    await client.finish_wrap_up("carla", offer.contact_id)
    await client.set_presence("carla", "offline")
    await again.close()


async def test_signals_reach_the_desk_and_the_customer(site: ApiSite, client: Client) -> None:
    desk = await ready(client, "dora", "orders")
    await client.submit_contact(channel="chat", queue="orders")
    offer = await desk.until(Offer)
    await client.accept_offer("dora", offer.contact_id, 1)
    await client.confirm_connected("dora", offer.contact_id, 1)
    await desk.until(EngagementStart)
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def listen() -> None:
        async for whisper in site.log.listen(f"receipt.{offer.contact_id}"):
            heard.put_nowait(whisper)

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(PATIENCE_S):
        while heard.empty():
            await client.send_signal("dora", offer.contact_id, "read", ID)
            await asyncio.sleep(0.01)
    assert heard.get_nowait()[1] == b'{"author": "agent", "message": "' + ID.encode() + b'", "state": "read"}'

    whispering = asyncio.create_task(_whisper(site, f"typing.{offer.contact_id}", b'{"author":"customer"}'))
    signal = await desk.until(Signal)
    assert (signal.contact_id, signal.kind) == (offer.contact_id, agents_pb.SIGNAL_KIND_TYPING)
    for task in (listening, whispering):
        task.cancel()
    await asyncio.wait([listening, whispering])
    await client.end_engagement("dora", offer.contact_id)
    await client.finish_wrap_up("dora", offer.contact_id)
    await client.set_presence("dora", "offline")
    await desk.close()


async def _whisper(site: ApiSite, topic: str, data: bytes) -> None:
    """Again and again: a whisper may be lost."""
    while True:
        await site.log.whisper(topic, data)
        await asyncio.sleep(0.01)


async def test_presence_and_channels(client: Client) -> None:
    desk = await ready(client, "emil", "orders")
    answer = await client.set_presence("emil", "not_ready", "lunch")
    assert answer.effective == types_pb2.PRESENCE_NOT_READY
    report = await desk.until(PresenceReport)
    assert (report.effective_reason, report.cause) == ("lunch", "requested")
    assert (await refusal(client.set_presence("emil", "not_ready", "siesta"))).reason == "unknown_reason"
    await client.switch_channel("emil", "chat", False)
    assert (await refusal(client.switch_channel("emil", "voice", False))).reason == "unknown_channel"
    boards = await client.get_boards(after=answer.consistency_token)
    (row,) = [row for row in boards.agents if row.person == "emil"]
    assert (row.name, row.effective_reason) == ("Emil", "lunch")
    await desk.close()


# Once, however often


async def test_a_repeated_submission_is_one_contact(client: Client) -> None:
    request_id = str(uuid.uuid4())
    first = await client.submit_contact(channel="task", queue="nobody", text="once", request_id=request_id)
    again = await client.submit_contact(channel="task", queue="nobody", text="once", request_id=request_id)
    other = await client.submit_contact(channel="task", queue="nobody", text="once")
    assert not first.repeated_request and again.repeated_request
    assert first.contact_id == again.contact_id != other.contact_id
    await client.end_contact(first.contact_id)
    ended = await client.submit_contact(channel="task", queue="nobody", text="once", request_id=request_id)
    assert (ended.contact_id, ended.repeated_request) == (first.contact_id, True)
    await client.end_contact(other.contact_id)


async def test_simultaneous_repeats_are_one_contact(client: Client) -> None:
    request_id = str(uuid.uuid4())
    answers = await asyncio.gather(
        *(client.submit_contact(channel="task", queue="nobody", text="once", request_id=request_id) for _ in range(8))
    )
    assert len({answer.contact_id for answer in answers}) == 1
    timeline = await client.timeline(answers[0].contact_id, after=answers[0].consistency_token)
    assert [entry.event for entry in timeline].count("ContactQueued") == 1
    await client.end_contact(answers[0].contact_id)


async def test_repeated_commands_answer_as_the_first_time(client: Client) -> None:
    submitted = await client.submit_contact(channel="task", queue="nobody")
    request_id = str(uuid.uuid4())
    first = await client.end_contact(submitted.contact_id, request_id=request_id)
    again = await client.end_contact(submitted.contact_id, request_id=request_id)
    assert (first.ended_at_ms, first.consistency_token) == (again.ended_at_ms, again.consistency_token)
    assert (await refusal(client.end_contact(submitted.contact_id))).reason == "contact_gone"


async def test_a_repeated_message_is_said_once(client: Client) -> None:
    desk = await ready(client, "fred", "orders")
    await client.submit_contact(channel="chat", queue="orders")
    offer = await desk.until(Offer)
    await client.accept_offer("fred", offer.contact_id, 1)
    await client.confirm_connected("fred", offer.contact_id, 1)
    request_id = str(uuid.uuid4())
    answers = [await client.send_message("fred", offer.contact_id, "Hi", request_id=request_id) for _ in range(3)]
    assert len({(answer.message_id, answer.ordinal) for answer in answers}) == 1
    assert (await client.send_message("fred", offer.contact_id, "Hi again")).ordinal == answers[0].ordinal + 1
    await client.end_engagement("fred", offer.contact_id)
    await client.finish_wrap_up("fred", offer.contact_id)
    await client.set_presence("fred", "offline")
    await desk.close()


async def test_a_refused_submission_is_refused_again(client: Client) -> None:
    request_id = str(uuid.uuid4())
    for _ in range(2):
        error = await refusal(client.submit_contact(channel="task", queue="atlantis", request_id=request_id))
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "unknown_queue")


async def test_bulk_items_stand_for_themselves(client: Client) -> None:
    good = [new_contact(channel="task", queue="nobody", text=f"item {number}") for number in range(50)]
    bad = [new_contact(channel="task", queue="atlantis"), new_contact(channel="task", queue="nobody", request_id="x")]
    repeated = good[0]
    results = await client.submit_contacts([*good, *bad, repeated])
    assert [result.code for result in results] == [0] * 50 + [5, 3, 0]
    assert [result.reason for result in results[50:]] == ["UNKNOWN_QUEUE", "INVALID_INPUT", ""]
    assert len({result.contact_id for result in results[:50]}) == 50
    assert results[52].contact_id == results[0].contact_id
    for result in results[:50]:
        await client.end_contact(result.contact_id)


# Reading


async def test_reads_are_as_new_as_the_token_asks(client: Client) -> None:
    for number in range(20):
        submitted = await client.submit_contact(channel="task", queue="nobody", priority=number)
        token = submitted.consistency_token
        assert (await client.get_contact(submitted.contact_id, after=token)).priority == number
        newest = await anext(aiter(client.list_contacts(ContactFilter(queue="nobody"), page_size=1, after=token)))
        assert newest.contact_id == submitted.contact_id
        boards = await client.get_boards(after=token)
        assert any(row.queue == "nobody" and row.waiting for row in boards.queues)
        await client.end_contact(submitted.contact_id)


async def test_pages_hold_every_contact_once(client: Client) -> None:
    made = [await client.submit_contact(channel="task", queue="nobody", topic="pages") for _ in range(7)]
    wanted = ContactFilter(queue="nobody", state=types_pb2.CONTACT_STATE_QUEUED)
    token = made[-1].consistency_token
    found = [contact.contact_id async for contact in client.list_contacts(wanted, page_size=2, after=token)]
    assert sorted(found) == sorted(contact.contact_id for contact in made)
    for contact in made:
        await client.end_contact(contact.contact_id)


async def test_a_page_token_belongs_to_its_filter(site: ApiSite, client: Client) -> None:
    for _ in range(2):
        await client.submit_contact(channel="task", queue="nobody")
    async with grpc.aio.insecure_channel(site.target) as channel:
        stub = ContactServiceStub(channel)
        page = await stub.ListContacts(contacts_pb.ListContactsRequest(page_size=1))
        request = contacts_pb.ListContactsRequest(
            page_size=1, page_token=page.next_page_token, filter=contacts_pb.ContactFilter(queue="nobody")
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ListContacts(request)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_unknown_contacts_are_not_found(client: Client) -> None:
    for call in (client.get_contact(ID), client.timeline(ID), client.end_contact(ID)):
        error = await refusal(call)
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "unknown_contact")


async def test_agents_are_declared_listed_and_retired(client: Client) -> None:
    sheets = [an_agent(f"many-{number}", "orders", skills=[("garden", 1 + number % 10)]) for number in range(30)]
    unknown = an_agent("lost", "atlantis")
    results = await client.declare_agents([*sheets, unknown])
    assert [result.code for result in results] == [0] * 30 + [5]
    listed = {agent.declaration.person: agent async for agent in client.list_agents(page_size=7)}
    assert {sheet.person for sheet in sheets} <= listed.keys() and "lost" not in listed
    shown = listed["many-3"]
    assert (shown.declaration.name, shown.declaration.skills[0].level, shown.declaration.capacity) == ("Many-3", 4, 100)
    assert shown.declaration.channels[0].cost == 30
    assert shown.presence.effective == types_pb2.PRESENCE_OFFLINE
    for sheet in sheets:
        token = (await client.retire_agent(sheet.person)).consistency_token
    left = [agent.declaration.person async for agent in client.list_agents(after=token)]
    assert not any(person.startswith("many-") for person in left)
    assert (await refusal(client.retire_agent("many-3"))).reason == "unknown_agent"
    assert (await refusal(client.retire_agent("never seen"))).reason == "unknown_agent"


async def test_boards_are_watched_without_a_gap(client: Client) -> None:
    watch = client.watch_boards(interval_ms=20)
    first = await anext(watch)
    assert first.complete and first.resume_token and first.site.policy_version >= 1
    await watch.aclose()
    submitted = await client.submit_contact(channel="task", queue="nobody")
    resumed = client.watch_boards(first.resume_token, interval_ms=20)
    async with asyncio.timeout(PATIENCE_S):
        async for update in resumed:
            assert not update.complete
            if any(row.queue == "nobody" and not row.channel and row.waiting for row in update.queues):
                break
    await resumed.aclose()
    await client.end_contact(submitted.contact_id)


async def test_a_removed_agent_leaves_the_board(client: Client) -> None:
    (result,) = await client.declare_agents([an_agent("short-stay", "orders")])
    watch = client.watch_boards(interval_ms=20)
    first = await anext(watch)
    assert result.agent_id in [row.agent_id for row in first.agents]
    await client.retire_agent("short-stay")
    async with asyncio.timeout(PATIENCE_S):
        async for update in watch:
            if result.agent_id in update.removed_agent_ids:
                break
    await watch.aclose()


# Policy


async def test_the_policy_is_versioned_and_compared(client: Client) -> None:
    now = await client.get_policy()
    same = await client.publish_policy(now.compiled, validate_only=True)
    assert (same.version, list(same.changes)) == (now.version + 1, [])
    late = await refusal(client.publish_policy(now.compiled, expected_version=now.version - 1))
    assert (late.code, late.reason) == (grpc.StatusCode.ABORTED, "version_changed")
    early = await refusal(client.publish_policy(now.compiled, expected_version=now.version + 1))
    assert early.reason == "version_changed"
    request_id = str(uuid.uuid4())
    first = await client.publish_policy(now.compiled, expected_version=now.version, request_id=request_id)
    again = await client.publish_policy(now.compiled, expected_version=now.version, request_id=request_id)
    assert first.version == again.version == now.version + 1
    after = await client.get_policy(after=first.consistency_token)
    assert (after.version, after.digest) == (first.version, first.digest)


async def test_bad_policies_say_where(client: Client) -> None:
    error = await refusal(client.publish_policy("site: default\nqueues: 7\n"))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT and "yaml" in error.violations
    other = await refusal(client.publish_policy(codec.encode(msgspec.structs.replace(POLICY, site="elsewhere"))))
    assert other.violations == {"compiled": "is a policy of site elsewhere; this is default"}
    nowhere = CalendarPolicy(name="office", timezone="Nowhere/At_All", hours={"mon": [(0, 60)]})
    error = await refusal(client.publish_policy(codec.encode(msgspec.structs.replace(POLICY, calendars=[nowhere]))))
    assert "Nowhere/At_All" in error.violations["compiled"]
    error = await refusal(client.publish_policy(b"\xc1"))
    assert "compiled" in error.violations


# The server


async def test_health_and_reflection(site: ApiSite) -> None:
    async with grpc.aio.insecure_channel(site.target) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", *SERVICES):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        call = reflection.ServerReflectionInfo()
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        listed = await call.read()
        names = {service.name for service in listed.list_services_response.service}
        assert set(SERVICES) <= names
        call.cancel()


async def test_a_client_without_a_deadline_gets_one(site: ApiSite) -> None:
    async with grpc.aio.insecure_channel(site.target) as channel:
        answer = await ContactServiceStub(channel).SubmitContact(new_contact(channel="task", queue="nobody"))
    assert len(answer.contact_id) == 32


async def test_while_the_router_is_behind_only_new_contacts_wait(
    client: Client, site: ApiSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = str(uuid.uuid4())
    standing = await client.submit_contact(channel="task", queue="nobody", request_id=request_id)
    monkeypatch.setattr(Feed, "backlog", Backlog(frames=1_000_000, age_ms=0))
    async with Client(site.target, attempts=1) as hasty:
        error = await refusal(hasty.submit_contact(channel="task", queue="nobody"))
        assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "overloaded")
        again = await hasty.submit_contact(channel="task", queue="nobody", request_id=request_id)
        assert again.contact_id == standing.contact_id
        await hasty.end_contact(standing.contact_id)


async def test_restarting_the_api_loses_nothing(site: ApiSite) -> None:
    """Last, because it ends what runs: watches resume, what was submitted stands, requests keep their outcome."""
    async with Client(site.target, attempts=20) as client:
        desk = await ready(client, "zoe", "orders")
        request_id = str(uuid.uuid4())
        submitted = await client.submit_contact(channel="task", queue="nobody", request_id=request_id)
        await site.stop_api()
        await site.start_api()
        again = await client.submit_contact(channel="task", queue="nobody", request_id=request_id)
        assert (again.contact_id, again.repeated_request) == (submitted.contact_id, True)
        snapshot = await desk.until(DeskSnapshot)
        assert snapshot.presence.effective == types_pb2.PRESENCE_READY
        await desk.close()

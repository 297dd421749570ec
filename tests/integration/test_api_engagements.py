"""What agents and supervisors do with contacts, on the real thing: hold, consult, hand over, transfer, pick, requeue, priority."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from msgspec.structs import replace

from cordboard import codec
from cordboard.client import (
    Client,
    ClientError,
    DeskSnapshot,
    Dormancy,
    DormancyEnd,
    EngagementEnd,
    EngagementStart,
    Hold,
    HoldEnd,
    Message,
    Offer,
    OfferAcceptance,
    OfferMove,
    OfferOver,
    ParkedContact,
    PresenceReport,
    PriorityChange,
    RoleChange,
    Side,
    SilenceNotice,
)  # fmt: skip
from cordboard.events.fact import MessagePosted
from cordboard.events.policy import ChannelProfile, QueuePolicy
from cordboard.v1 import desk_pb2 as desk_pb
from cordboard.v1 import engagement_service_pb2 as engagements_pb
from cordboard.v1 import staff_service_pb2 as staff_pb
from cordboard.v1 import types_pb2
from cordboard.v1.types_pb2 import AgentChannel, Membership
from tests.api_site import POLICY, ApiSite, DeskReader, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHANNELS = [
    *POLICY.channels,
    ChannelProfile(
        name="messaging", presence="session", klass=2, answered_on="connected", cost=40, max_concurrent=3,
        idle_ms=1, silence_alert_ms=1, dormant_percent=50,
    ),
    ChannelProfile(
        name="letters", presence="async", klass=3, answered_on="connected", cost=100, max_concurrent=1, interruptible_by=["voice"],
    ),
    ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected", cost=100, max_concurrent=1),
]  # fmt: skip
SITE_POLICY = replace(
    POLICY,
    channels=CHANNELS,
    queues=[
        *POLICY.queues,
        QueuePolicy(name="hotline"),
        QueuePolicy(name="everybody", broadcast=3),
        QueuePolicy(name="seniors"),
    ],
    max_transfers=2,
    supervisor_queue="seniors",
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    directory: Path = tmp_path_factory.mktemp("engagements")
    async with api_site(directory, SITE_POLICY) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: ApiSite) -> AsyncIterator[Client]:
    async with Client(site.target) as connected:
        yield connected


class Desk(DeskReader):
    """An agent who is declared, ready, and does as the story says."""

    def __init__(self, client: Client, person: str) -> None:
        super().__init__(client, person)
        self._client = client
        self.person = person

    async def accept(self, offer: Offer) -> str:
        """Accept and connect; the contact's id."""
        await self._client.accept_offer(self.person, offer.contact_id, offer.attempt)
        await self.until(OfferAcceptance)
        await self._client.confirm_connected(self.person, offer.contact_id, offer.attempt)
        return offer.contact_id

    async def engage(self) -> str:
        """Take the next offer; the contact's id."""
        contact = await self.accept(await self.until(Offer))
        await self.until(EngagementStart)
        return contact

    async def leave(self) -> None:
        await self._client.set_presence(self.person, "offline")
        await self.close()


async def desk(client: Client, person: str, *queues: str, channels: Sequence[str] = ("chat", "task")) -> Desk:
    """At work: declared, seen by its own watch, ready."""
    (result,) = await client.declare_agents(
        [
            staff_pb.AgentDeclaration(
                person=person,
                name=person.title(),
                memberships=[Membership(queue=queue) for queue in queues],
                channels=[AgentChannel(channel=channel) for channel in channels],
            )
        ]
    )
    assert result.code == 0, result
    opened = Desk(client, person)
    await opened.until(DeskSnapshot)
    await client.set_presence(person, "ready")
    await opened.until(PresenceReport)
    return opened


async def snapshot(client: Client, person: str) -> desk_pb.Work:
    """The one work on an agent's desk, looked at afresh."""
    fresh = DeskReader(client, person)
    (work,) = (await fresh.until(DeskSnapshot)).work
    await fresh.close()
    return work


async def refusal(call: object) -> ClientError:
    with pytest.raises(ClientError) as refused:
        await call  # type: ignore[misc]
    return refused.value


async def customer_says(site: ApiSite, contact: str) -> None:
    """A word of the customer, as a gateway would publish it."""
    async with site.log.publisher("test") as publisher:
        fact = MessagePosted(
            fact_id=uuid.uuid4().bytes, contact=bytes.fromhex(contact), message=uuid.uuid4().bytes, author="customer"
        )
        await publisher.publish(codec.check_fact(fact))


async def test_a_customer_on_hold(client: Client) -> None:
    anna = await desk(client, "anna", "orders")
    await client.submit_contact(channel="chat", queue="orders")
    contact = await anna.engage()
    request_id = str(uuid.uuid4())
    held = await client.hold_engagement("anna", contact, request_id=request_id)
    assert (await anna.until(Hold)).contact_id == contact
    assert (await client.hold_engagement("anna", contact, request_id=request_id)).consistency_token == held.consistency_token
    assert (await client.get_contact(contact, after=held.consistency_token)).held_since_ms > 0

    work = await snapshot(client, "anna")
    assert work.held_since_ms > 0 and work.offer.role == types_pb2.ROLE_PRIMARY and work.primary == "anna"

    resumed = await client.resume_engagement("anna", contact)
    assert (await anna.until(HoldEnd)).held_ms == resumed.held_ms
    assert (await client.resume_engagement("anna", contact)).held_ms == 0
    assert (await client.get_contact(contact, after=resumed.consistency_token)).held_since_ms == 0
    await client.end_contact(contact)
    gone = await refusal(client.hold_engagement("anna", contact))
    assert (gone.code, gone.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "contact_gone")
    await anna.leave()


async def test_a_transfer_to_an_agent_who_declines_comes_back(client: Client) -> None:
    anna = await desk(client, "anna", "orders")
    await client.submit_contact(channel="chat", queue="orders")
    contact = await anna.engage()
    bert = await desk(client, "bert", "invoices")
    assert (await refusal(client.transfer_contact(contact, agent="anna", to_agent="anna"))).reason == "same_agent"
    assert (await refusal(client.transfer_contact(contact, agent="bert", to_agent="anna"))).reason == "not_engaged"
    moved = await client.transfer_contact(contact, agent="anna", to_agent="bert")
    assert (moved.queue, moved.visit) == ("orders", 2)
    assert (await anna.until(EngagementEnd)).by == "transfer"
    offer = await bert.until(Offer)
    assert (offer.cause, offer.given_as, offer.given_by) == ("direct", "transfer", "anna")
    await client.decline_offer("bert", contact, offer.attempt)
    back = await anna.until(Offer)
    assert (back.contact_id, back.cause, back.given_as, back.given_by) == (contact, "direct", "returned", "")
    await client.end_contact(contact)
    for agent in (anna, bert):
        await agent.leave()


async def test_a_supervisor_reassigns_until_the_limit(client: Client) -> None:
    bert = await desk(client, "bert", "invoices")
    submitted = await client.submit_contact(channel="task", queue="nobody")
    contact = submitted.contact_id
    both = await refusal(client.transfer_contact(contact, agent="bert", to_agent="bert", by="nora"))
    assert both.code is grpc.StatusCode.INVALID_ARGUMENT and "by" in both.violations
    moved = await client.transfer_contact(contact, to_agent="bert", by="nora", reason="lunch")
    assert moved.queue == "nobody"
    offer = await bert.until(Offer)
    assert (offer.given_as, offer.given_by) == ("transfer", "nora")
    (asked,) = [
        entry for entry in await client.timeline(contact, after=moved.consistency_token) if entry.event == "TransferRequested"
    ]
    assert '"reason":"lunch"' in asked.detail_json
    assert (await client.transfer_contact(contact, "invoices")).queue == "invoices"
    assert (await client.transfer_contact(contact, "orders")).queue == "seniors"
    assert (await refusal(client.transfer_contact(contact, "orders"))).reason == "transfer_limit"
    assert (await refusal(client.transfer_contact("ab" * 16, to_agent="bert"))).reason == "unknown_contact"
    await client.end_contact(contact)
    await bert.leave()


async def test_a_consult_becomes_a_conference_and_then_the_others_contact(site: ApiSite, client: Client) -> None:
    anna = await desk(client, "anna", "orders")
    await client.submit_contact(channel="chat", queue="orders")
    contact = await anna.engage()
    await client.send_message("anna", contact, "One moment, I ask a colleague.")
    bert = await desk(client, "bert", "invoices")

    asked = await client.consult_agent("anna", contact, "bert")
    offer = await bert.until(Offer)
    assert (offer.attempt, offer.expires_ms) == (asked.attempt, asked.expires_ms)
    assert (offer.role, offer.given_as, offer.given_by) == (types_pb2.ROLE_CONSULT, "consult", "anna")
    side = await anna.until(Side)
    assert (side.agent, side.role, side.state) == ("bert", types_pb2.ROLE_CONSULT, engagements_pb.SIDE_STATE_OFFERED)
    again = await refusal(client.consult_agent("anna", contact, "bert"))
    assert (again.code, again.reason) == (grpc.StatusCode.ALREADY_EXISTS, "already_asked")
    early = await refusal(client.change_role("anna", contact, "bert", "conference"))
    assert early.reason == "no_side"

    await bert.accept(offer)
    assert (await anna.until(Side)).state == engagements_pb.SIDE_STATE_CONNECTING
    assert (await anna.until(Side)).state == engagements_pb.SIDE_STATE_ENGAGED
    start = await bert.until(EngagementStart)
    assert (start.role, start.primary, list(start.sides)) == (types_pb2.ROLE_CONSULT, "anna", [])
    assert [message.text for message in start.messages] == ["One moment, I ask a colleague."]
    assert (await refusal(client.send_message("bert", contact, "Hello!"))).reason == "not_engaged"
    assert (await refusal(client.hold_engagement("bert", contact))).reason == "not_engaged"
    token = (await client.hold_engagement("anna", contact)).consistency_token
    assert (await bert.until(Hold)).contact_id == contact
    (shown,) = (await client.get_contact(contact, after=token)).sides
    assert (shown.agent, shown.attempt, shown.state) == ("bert", asked.attempt, engagements_pb.SIDE_STATE_ENGAGED)
    await client.resume_engagement("anna", contact)

    assert (await client.change_role("anna", contact, "bert", "conference")).wrap_until_ms == 0
    for agent in (anna, bert):
        change = await agent.until(RoleChange)
        assert (change.agent, change.role) == ("bert", types_pb2.ROLE_CONFERENCE)
    said = await client.send_message("bert", contact, "Hello, I am Bert.")
    for agent in (anna, bert):
        heard = await agent.until(Message)
        assert (heard.message_id, heard.agent, heard.text) == (said.message_id, "bert", "Hello, I am Bert.")
    await customer_says(site, contact)
    for agent in (anna, bert):
        assert (await agent.until(Message)).author == types_pb2.AUTHOR_CUSTOMER

    handed = await client.change_role("anna", contact, "bert", "primary")
    assert handed.wrap_until_ms > 0
    end = await anna.until(EngagementEnd)
    assert (end.by, end.role, end.wrap_until_ms) == ("transfer", types_pb2.ROLE_PRIMARY, handed.wrap_until_ms)
    change = await bert.until(RoleChange)
    assert (change.agent, change.role, change.attempt) == ("bert", types_pb2.ROLE_PRIMARY, asked.attempt)
    now = await client.get_contact(contact, after=handed.consistency_token)
    assert (now.agent, list(now.sides)) == ("bert", [])
    await client.finish_wrap_up("anna", contact)
    await client.end_contact(contact)
    for agent in (anna, bert):
        await agent.leave()


async def test_a_colleague_declines_and_another_only_advises(client: Client) -> None:
    ida = await desk(client, "ida", "orders")
    await client.submit_contact(channel="chat", queue="orders")
    contact = await ida.engage()
    jan, kim = await desk(client, "jan", "invoices"), await desk(client, "kim", "invoices")
    await client.consult_agent("ida", contact, "jan")
    await client.decline_offer("jan", contact, (await jan.until(Offer)).attempt)
    while (side := await ida.until(Side)).state != engagements_pb.SIDE_STATE_OVER:
        pass
    assert (side.agent, side.role, side.reason) == ("jan", types_pb2.ROLE_CONSULT, "declined")
    await client.consult_agent("ida", contact, "kim")
    await kim.accept(await kim.until(Offer))
    assert (await client.end_engagement("kim", contact, note="Told her what to do.")).wrap_until_ms == 0
    end = await kim.until(EngagementEnd)
    assert (end.by, end.role, end.wrap_until_ms) == ("agent", types_pb2.ROLE_CONSULT, 0)
    await client.send_message("ida", contact, "Now I know.")
    closed = await client.end_engagement("ida", contact)
    assert closed.wrap_until_ms > 0
    ended = await client.get_contact(contact, after=closed.consistency_token)
    assert (ended.state, ended.end_reason, ended.agent) == (types_pb2.CONTACT_STATE_ENDED, "completed", "ida")
    (past,) = await client.get_case(contact, after=closed.consistency_token)
    assert past.agent == "ida"
    for agent in (ida, jan, kim):
        await agent.leave()


async def test_a_side_leaves_and_another_is_left_behind(client: Client) -> None:
    anna = await desk(client, "anna", "orders")
    await client.submit_contact(channel="chat", queue="orders")
    contact = await anna.engage()
    bert, carla = await desk(client, "bert", "invoices"), await desk(client, "carla", "invoices")
    for agent in (bert, carla):
        await client.consult_agent("anna", contact, agent.person, "conference")
        await agent.accept(await agent.until(Offer))
    start = await carla.until(EngagementStart)
    assert [side.agent for side in start.sides] == ["bert"]
    await client.end_engagement("bert", contact)
    for agent in (anna, carla):
        while (side := await agent.until(Side)).state != engagements_pb.SIDE_STATE_OVER:
            pass
        assert (side.agent, side.reason) == ("bert", "agent")
    await client.end_contact(contact)
    while (end := await carla.until(EngagementEnd)).role != types_pb2.ROLE_CONFERENCE:
        pass
    assert end.by == "side_over"
    for agent in (anna, bert, carla):
        await agent.leave()


async def test_a_supervisor_steers_what_waits(client: Client) -> None:
    submitted = await client.submit_contact(channel="chat", queue="nobody", priority=1)
    contact = submitted.contact_id
    bert = await desk(client, "bert", "invoices")
    assert (await refusal(client.pick_contact(contact, "bert", reason="siesta"))).reason == "unknown_reason"
    assert (await refusal(client.requeue_contact(contact))).reason == "already_queued"
    raised = await client.set_priority(contact, 7, by="nora", reason="lunch")
    assert (await client.get_contact(contact, after=raised.consistency_token)).priority == 7
    assert "priority" in (await refusal(client.set_priority(contact, 101))).violations

    picked = await client.pick_contact(contact, "bert", by="nora")
    offer = await bert.until(Offer)
    assert (offer.contact_id, offer.attempt, offer.expires_ms) == (contact, picked.attempt, picked.expires_ms)
    assert (offer.given_as, offer.given_by, offer.priority) == ("pick", "nora", 7)
    assert (await refusal(client.pick_contact(contact, "bert"))).reason == "not_queued"
    await bert.accept(offer)
    await bert.until(EngagementStart)
    await client.set_priority(contact, 3)
    assert (await bert.until(PriorityChange)).priority == 3

    back = await client.requeue_contact(contact, by="nora")
    assert back.visit == 2
    assert (await bert.until(EngagementEnd)).by == "requeued"
    waiting = await client.get_contact(contact, after=back.consistency_token)
    assert (waiting.state, waiting.queue) == (types_pb2.CONTACT_STATE_QUEUED, "nobody")
    await client.set_presence("bert", "offline")
    absent = await refusal(client.pick_contact(contact, "bert"))
    assert (absent.code, absent.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "agent_not_ready")
    await client.end_contact(contact)
    assert (await refusal(client.set_priority(contact, 9))).reason == "contact_gone"
    await bert.leave()


async def test_a_broken_headset_swallows_two_contacts_and_no_more(client: Client) -> None:
    emil = await desk(client, "emil", "hotline", channels=("voice",))
    for failures in (1, 2):
        submitted = await client.submit_contact(channel="voice", queue="nobody")
        await client.pick_contact(submitted.contact_id, "emil")
        offer = await emil.until(Offer)
        assert (
            await refusal(client.report_connect_failure("emil", offer.contact_id, offer.attempt, "agent"))
        ).reason == "not_connecting"
        await client.accept_offer("emil", offer.contact_id, offer.attempt)
        failed = await client.report_connect_failure("emil", offer.contact_id, offer.attempt, "agent")
        over = await emil.until(OfferOver)
        assert (over.outcome, over.reason, failed.failures) == (desk_pb.OFFER_OUTCOME_CONNECT_FAILED, "agent_leg", failures)
        await client.end_contact(submitted.contact_id)
    report = await emil.until(PresenceReport)
    assert (report.effective, report.effective_reason) == (types_pb2.PRESENCE_NOT_READY, "technical")

    await client.set_presence("emil", "ready")
    submitted = await client.submit_contact(channel="voice", queue="hotline")
    offer = await emil.until(Offer)
    await client.accept_offer("emil", offer.contact_id, offer.attempt)
    gone = await client.report_connect_failure("emil", offer.contact_id, offer.attempt, "customer")
    ended = await client.get_contact(submitted.contact_id, after=gone.consistency_token)
    assert (ended.state, ended.end_reason) == (types_pb2.CONTACT_STATE_ENDED, "abandoned")
    await emil.leave()


async def test_silence_on_both_sides_is_told(site: ApiSite, client: Client) -> None:
    dora = await desk(client, "dora", "orders", channels=("messaging",))
    await client.submit_contact(channel="messaging", queue="orders")
    contact = await dora.engage()
    dormant = await dora.until(Dormancy)
    assert (dormant.contact_id, dormant.end_at_ms) == (contact, 0)
    assert (await client.get_contact(contact)).dormant
    await customer_says(site, contact)
    assert (await dora.until(DormancyEnd)).contact_id == contact
    notice = await dora.until(SilenceNotice)
    assert notice.since_ms > 0 and notice.requeue_at_ms == 0
    assert (await snapshot(client, "dora")).silent_since_ms == notice.since_ms
    await client.send_message("dora", contact, "I am here.")
    assert (await snapshot(client, "dora")).silent_since_ms == 0
    await client.end_contact(contact)
    await dora.leave()


async def test_an_urgent_call_says_that_it_interrupts(client: Client) -> None:
    frida = await desk(client, "frida", "orders", channels=("letters", "voice"))
    await client.submit_contact(channel="letters", queue="orders")
    letter = await frida.engage()
    call = await client.submit_contact(channel="voice", queue="orders")
    offer = await frida.until(Offer)
    assert (offer.contact_id, offer.interrupts, offer.cause) == (call.contact_id, True, "routed")
    await client.accept_offer("frida", offer.contact_id, offer.attempt)
    parked = await frida.until(ParkedContact)
    assert (parked.contact_id, parked.kind) == (letter, types_pb2.PARK_KIND_INTERRUPTED)
    for contact in (letter, call.contact_id):
        await client.end_contact(contact)
    await frida.leave()


async def test_siblings_hear_that_they_may_still_accept(client: Client) -> None:
    gina, hugo = await desk(client, "gina", "everybody"), await desk(client, "hugo", "everybody")
    submitted = await client.submit_contact(channel="task", queue="everybody")
    contact = submitted.contact_id
    offers = [await agent.until(Offer) for agent in (gina, hugo)]
    assert {offer.contact_id for offer in offers} == {contact}
    await client.accept_offer("gina", contact, offers[0].attempt)
    assert (await refusal(client.accept_offer("hugo", contact, offers[1].attempt))).reason == "already_accepted"
    move = await hugo.until(OfferMove)
    assert (move.contact_id, move.attempt, move.expires_ms) == (contact, offers[1].attempt, 0)
    await client.report_connect_failure("gina", contact, offers[0].attempt, "platform")
    move = await hugo.until(OfferMove)
    assert (move.contact_id, move.attempt) == (contact, offers[1].attempt)
    assert move.expires_ms > 0
    await client.accept_offer("hugo", contact, offers[1].attempt)
    await client.end_contact(contact)
    for agent in (gina, hugo):
        await agent.leave()

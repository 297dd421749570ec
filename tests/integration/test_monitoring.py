"""With `monitoring` closed no method of the API shows what a single agent does or did, but the agent's own desk.

Every method is walked: one whose answer could name an agent must stand in a list here, and is called.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from cordboard import codec
from cordboard.api.server import SERVICES
from cordboard.client import Client, ClientError, ContactFilter, DeskSnapshot, EngagementStart, Offer, PresenceReport
from cordboard.events.policy import Monitoring
from cordboard.events.verdict import REFUSALS
from cordboard.v1 import types_pb2
from cordboard.v1.contact_service_pb2 import DESCRIPTOR
from tests.api_site import PATIENCE_S, POLICY, ApiSite, DeskReader, an_agent, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")
PERSON, NAME = "vera.smit", "Vera.Smit"
NAMING = {
    "agent",
    "agents",
    "people",
    "given_by",
    "primary",
    "agent_id",
    "person",
    "owner",
    "also_offered",
    "reserved_agent",
    "removed_agent_ids",
    "presence",
    "effective",
    "requested",
    "switches",
}
"""Fields that say of an agent who it is or what it does."""
DESK = {"SetPresence", "WatchDesk"}
"""The agent's own desk."""
ROSTER = {"DeclareAgents", "ListAgents"}
"""Who was declared, with what: no word of what they do. ListAgents is asked below."""
SINGLE = {"ExplainAgent", "ForcePresence"}
"""About one agent: refused, or answered without saying what the agent does."""
PROMISED = {"BookCallback", "RescheduleCallback", "GetPromise", "ListPromises", "WatchPromises", "ChooseNextStep"}
"""Asked in test_callbacks.py; the last one answers as the first does, of a promise that nobody has yet."""
POOL = DESCRIPTOR.pool


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    directory: Path = tmp_path_factory.mktemp("monitoring")
    async with api_site(directory) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: ApiSite) -> AsyncIterator[Client]:
    async with Client(site.target) as connected:
        yield connected


async def under(client: Client, monitoring: Monitoring) -> str:
    """Puts these bounds in force; a token of the position from which they hold."""
    policy = msgspec.structs.replace(POLICY, monitoring=monitoring)
    return (await client.publish_policy(codec.encode(policy))).consistency_token


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def worked(site: ApiSite) -> dict[str, str]:
    """Vera has one contact in hand and has ended one; an answer of hers is on its way out."""
    async with Client(site.target) as client:
        (result,) = await client.declare_agents([an_agent(PERSON, "orders")])
        assert result.code == 0, result
        desk = DeskReader(client, PERSON)
        await desk.until(DeskSnapshot)
        await client.set_presence(PERSON, "ready")
        await desk.until(PresenceReport)
        contacts = []
        for channel in ("task", "mail", "chat"):
            submitted = await client.submit_contact(channel=channel, queue="orders", text="Hello.", preferred_agents=[PERSON])
            offer = await desk.until(Offer)
            await client.accept_offer(PERSON, offer.contact_id, offer.attempt)
            await client.confirm_connected(PERSON, offer.contact_id, offer.attempt)
            await desk.until(EngagementStart)
            contacts.append(submitted.contact_id)
        task, mail, chat = contacts
        await client.send_message(PERSON, mail, "Answered.")
        await client.send_message(PERSON, chat, "Answered.")
        await client.end_engagement(PERSON, task)
        waiting = await client.submit_contact(channel="task", queue="orders", text="Later.", requirements={"garden": 9})
        await desk.close()
        return {"task": task, "mail": mail, "chat": chat, "waiting": waiting.contact_id, "ref": result.agent_id}


def named(message: Message, worked: dict[str, str]) -> bool:
    text = MessageToJson(message)
    return any(word in text for word in (PERSON, NAME, worked["ref"]))


async def listed(client: Client, worked: dict[str, str]) -> list[Message]:
    return [contact async for contact in client.list_contacts(ContactFilter(queue="orders"))]


BOUNDED: dict[str, Callable[[Client, dict[str, str]], Awaitable[list[Message]]]] = {
    "GetContact": lambda client, worked: contacts(client, worked),
    "ListContacts": listed,
    "GetCase": lambda client, worked: cases(client, worked),
    "GetTimeline": lambda client, worked: timelines(client, worked),
    "ListMessages": lambda client, worked: said(client, worked),
    "ListEffects": lambda client, worked: effects(client),
    "GetBoards": lambda client, worked: boards(client),
    "WatchBoards": lambda client, worked: watched(client),
    "ExplainContact": lambda client, worked: explained(client, worked),
}


async def contacts(client: Client, worked: dict[str, str]) -> list[Message]:
    return [await client.get_contact(worked[name]) for name in ("task", "mail", "chat")]


async def cases(client: Client, worked: dict[str, str]) -> list[Message]:
    return list(await client.get_case(worked["mail"]))


async def timelines(client: Client, worked: dict[str, str]) -> list[Message]:
    return [entry for name in ("task", "mail") for entry in await client.timeline(worked[name])]


async def said(client: Client, worked: dict[str, str]) -> list[Message]:
    return list(await client.messages(worked["mail"]))


async def effects(client: Client) -> list[Message]:
    return [effect async for effect in client.list_effects()]


async def boards(client: Client) -> list[Message]:
    return [await client.get_boards()]


async def watched(client: Client) -> list[Message]:
    watch = client.watch_boards(interval_ms=20)
    found = await anext(watch)
    await watch.aclose()
    return [found]


async def explained(client: Client, worked: dict[str, str]) -> list[Message]:
    position = (await client.timeline(worked["waiting"]))[-1].seq
    return [
        await client.explain_contact(worked["waiting"]),
        await client.explain_contact(worked["mail"]),
        await client.explain_contact(worked["waiting"], position=position),
    ]


async def test_every_method_that_could_name_an_agent_is_bounded() -> None:
    naming = set()
    for service in SERVICES:
        for method in POOL.FindServiceByName(service).methods:
            if names_agents(method.output_type, set()):
                naming.add(method.name)
    assert naming == BOUNDED.keys() | DESK | ROSTER | SINGLE | PROMISED


def names_agents(message: Descriptor, seen: set[str]) -> bool:
    if message.full_name in seen:
        return False
    seen.add(message.full_name)
    return any(
        field.name in NAMING or (field.message_type is not None and names_agents(field.message_type, seen))
        for field in message.fields
    )


@pytest.mark.parametrize("method", BOUNDED)
async def test_open_it_names_the_agent(client: Client, worked: dict[str, str], method: str) -> None:
    await under(client, Monitoring())
    assert any(named(answer, worked) for answer in await BOUNDED[method](client, worked)), "else the next test proves nothing"


@pytest.mark.parametrize("method", BOUNDED)
async def test_closed_it_does_not(client: Client, worked: dict[str, str], method: str) -> None:
    await under(client, Monitoring(individual_live=False, individual_history=False, group_min=3))
    answers = await BOUNDED[method](client, worked)
    assert answers
    assert not [answer for answer in answers if named(answer, worked)]


async def test_the_past_may_be_closed_and_the_present_open(client: Client, worked: dict[str, str]) -> None:
    await under(client, Monitoring(individual_history=False))
    agents = {contact.contact_id: contact.agent async for contact in client.list_contacts(ContactFilter(queue="orders"))}
    assert (agents[worked["chat"]], agents[worked["task"]]) == (PERSON, "")
    assert (await client.explain_agent(PERSON)).agent == PERSON
    with pytest.raises(ClientError) as refused:
        await client.explain_agent(PERSON, position=5)
    assert refused.value.reason == "not_shown"
    with pytest.raises(ClientError) as refused:
        _ = [contact async for contact in client.list_contacts(ContactFilter(agent=PERSON))]
    assert refused.value.reason == "not_shown"


async def test_the_present_may_be_closed_and_the_past_open(client: Client, worked: dict[str, str]) -> None:
    await under(client, Monitoring(individual_live=False))
    seen = {contact.contact_id: contact.agent async for contact in client.list_contacts(ContactFilter(queue="orders"))}
    assert (seen[worked["chat"]], seen[worked["task"]]) == ("", PERSON)
    with pytest.raises(ClientError) as refused:
        await client.explain_agent(PERSON)
    assert refused.value.reason == "not_shown"
    newest = (await client.explain_contact(worked["waiting"])).position
    with pytest.raises(ClientError) as refused:
        await client.explain_agent(PERSON, position=newest)
    assert refused.value.reason == "not_shown", "the newest position is now"
    assert not named(await client.explain_contact(worked["waiting"], position=newest), worked)
    agents = {agent.declaration.person: agent async for agent in client.list_agents()}
    assert agents[PERSON].declaration.memberships[0].queue == "orders"
    assert not agents[PERSON].HasField("presence") and not agents[PERSON].switches


async def test_figures_need_a_group(client: Client, worked: dict[str, str]) -> None:
    await under(client, Monitoring(individual_live=False, group_min=2))
    (row,) = [row for row in (await client.get_boards()).queues if (row.queue, row.channel) == ("orders", "")]
    assert row.agents_withheld and row.work_withheld
    assert (row.members, row.members_ready, row.engaged, row.waiting) == (1, 0, 0, 1)
    assert not row.HasField("occupancy_permille")
    (second,) = await client.declare_agents([an_agent("bob", "orders")])
    assert second.code == 0
    seen = await client.get_boards()
    (row,) = [row for row in seen.queues if (row.queue, row.channel) == ("orders", "")]
    assert (row.agents_withheld, row.work_withheld, row.members, row.members_ready, row.engaged) == (False, False, 2, 1, 2)
    assert (seen.site.agents, seen.site.agents_ready, seen.site.figures_withheld) == (2, 1, False)
    parts = [row for row in seen.queues if row.channel]
    assert parts and all(row.work_withheld and row.agents_withheld for row in parts)
    assert not any(row.engaged or row.members_ready for row in parts), "nor what channels add"
    explained = await client.explain_contact(worked["waiting"])
    assert not explained.hindrances
    assert explained.sentences[-1] == "Of the 2 declared for its queue none works on its channel and has the skills it needs."
    await client.retire_agent("bob")


async def test_a_reason_of_few_is_not_shown(client: Client, worked: dict[str, str]) -> None:
    await under(client, Monitoring(individual_live=False, group_min=2))
    people = [f"absent{index}" for index in range(2)]
    for person in people:
        (result,) = await client.declare_agents([an_agent(person, "invoices")])
        assert result.code == 0
    await client.set_presence(people[0], "not_ready", "lunch")
    assert not (await client.get_boards()).site.absences
    await client.set_presence(people[1], "not_ready", "lunch")
    assert dict((await client.get_boards()).site.absences) == {"lunch": 2}
    for person in people:
        await client.retire_agent(person)


async def test_a_watch_forgets_what_is_not_shown_any_more(client: Client, worked: dict[str, str]) -> None:
    await under(client, Monitoring())
    watch = client.watch_boards(interval_ms=20)
    first = await anext(watch)
    assert first.complete and [row.person for row in first.agents] == [PERSON]
    await under(client, Monitoring(individual_live=False, group_min=3))
    async for change in watch:
        if change.complete:
            assert not change.agents
            break
        assert not change.agents or change.site.policy_version == first.site.policy_version
    resumed = client.watch_boards(first.resume_token, interval_ms=20)
    again = await anext(resumed)
    assert again.complete and not again.agents
    await watch.aclose()
    await resumed.aclose()


async def test_a_watch_begins_anew_when_other_rows_may_be_shown(client: Client, worked: dict[str, str]) -> None:
    await under(client, Monitoring(individual_live=False, group_min=2))
    watch = client.watch_boards(interval_ms=20)
    assert next(row for row in (await anext(watch)).queues if (row.queue, row.channel) == ("orders", "")).work_withheld
    for person in ("carl", "dina"):
        (result,) = await client.declare_agents([an_agent(person, "orders")])
        assert result.code == 0
    async for change in watch:
        rows = [row for row in change.queues if (row.queue, row.channel) == ("orders", "")]
        if change.complete and not rows[0].work_withheld:
            break
    await watch.aclose()
    for person in ("carl", "dina"):
        await client.retire_agent(person)


async def test_a_forced_presence_is_not_told(client: Client, worked: dict[str, str]) -> None:
    await under(client, Monitoring(individual_live=False))
    assert (await client.force_presence(PERSON, "not_ready")).effective == types_pb2.PRESENCE_UNSPECIFIED
    await under(client, Monitoring())
    assert (await client.force_presence(PERSON, "not_ready")).effective == types_pb2.PRESENCE_READY, "work is still in hand"


async def test_a_refusal_does_not_tell_where_another_agent_is(site: ApiSite, client: Client, worked: dict[str, str]) -> None:
    asked: list[tuple[Callable[[], Awaitable[object]], str]] = [
        (lambda: client.pick_contact(worked["waiting"], "walter"), "agent_not_ready"),
        (lambda: client.transfer_contact(worked["waiting"], to_agent="walter"), "agent_not_ready"),
        (lambda: client.transfer_contact(worked["chat"], to_agent=PERSON), "same_agent"),
        (lambda: client.consult_agent(PERSON, worked["chat"], "walter"), "agent_not_ready"),
    ]
    (result,) = await client.declare_agents([an_agent("walter", "orders")])
    assert result.code == 0
    for monitoring, hidden in ((Monitoring(), False), (Monitoring(individual_live=False, individual_history=False), True)):
        await under(client, monitoring)
        for call, why in asked:
            with pytest.raises(ClientError) as refused:
                await call()
            assert refused.value.reason == ("agent_unavailable" if hidden else why)
            assert not hidden or "ready" not in refused.value.message
    assert await site.history.reached(await site.log.last_journal_seq(), PATIENCE_S)
    told = {entry.event: entry.detail_json for entry in await client.timeline(worked["waiting"])}
    assert "agent_unavailable" in told["PickRequested"] and "agent_not_ready" not in told["PickRequested"]
    await client.retire_agent("walter")


async def test_the_own_desk_is_not_bounded(client: Client, worked: dict[str, str]) -> None:
    await under(client, Monitoring(individual_live=False, individual_history=False))
    desk = DeskReader(client, PERSON)
    snapshot = await desk.until(DeskSnapshot)
    assert {work.offer.contact_id for work in snapshot.work} >= {worked["chat"], worked["mail"]}
    await desk.close()


OF_NO_AGENT = {
    "no_policy", "unknown_contact", "contact_exists", "contact_gone", "unknown_queue", "unknown_channel", "unknown_skill",
    "unknown_reason", "unknown_disposition", "unknown_topic", "unknown_entry_point", "queue_emergency", "queue_closed",
    "queue_full", "no_abandon", "no_parking", "unknown_effect", "effect_open", "same_queue", "transfer_limit", "not_queued",
    "already_queued", "policy_invalid", "policy_in_use", "policy_stale", "level_in_force",
    "level_unknown", "queue_closed_hours", "contact_scheduled", "contact_promised", "not_promised", "not_waiting",
    "callback_in_progress", "hours_invalid", "no_callbacks", "slot_mismatch", "too_many_promises", "plan_too_far",
    "no_next_step", "next_step_not_offered", "next_step_unavailable", "queue_expected_wait",
}  # fmt: skip
"""Refusals that say something of the contact, the queue, the policy or the request alone."""


async def test_every_refusal_that_tells_of_one_agent_is_judged() -> None:
    page = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
    judged = set(re.findall(r"`([a-z_]+)`", page.split("## Refusals")[1]))
    assert REFUSALS.keys() - OF_NO_AGENT == REFUSALS.keys() & judged

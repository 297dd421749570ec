"""Agents' references grow old: a quarter later everybody has a new one, and after a while nobody knows whose the old ones were."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from cordboard import codec
from cordboard.client import Client, ClientError, ContactFilter, DeskSnapshot, EngagementStart, Offer, PresenceReport
from cordboard.events.policy import Monitoring
from cordboard.main import app
from cordboard.v1.types_pb2 import PRESENCE_READY
from cordboard.vault.clock import now_ms, quarter
from cordboard.vault.periods import Period
from tests.api_site import PATIENCE_S, POLICY, ApiSite, DeskReader, an_agent, api_site

DAY_MS = 86_400_000


def later(month: int) -> int:
    """In two years, in the middle of a month: what takes 30 days from there stays within its quarter."""
    return int(datetime(datetime.now(UTC).year + 2, month, 15, tzinfo=UTC).timestamp()) * 1_000


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ApiSite]:
    async with api_site(tmp_path, periods_every_s=0.05) as running:
        running.clock_ms = now_ms()
        async with Client(running.target) as client:
            policy = msgspec.structs.replace(POLICY, monitoring=Monitoring(agent_detail_days=30))
            await client.publish_policy(codec.encode(policy))
        yield running


@pytest.fixture
async def client(site: ApiSite) -> AsyncIterator[Client]:
    async with Client(site.target) as connected:
        yield connected


async def until_called_otherwise(site: ApiSite, person: str, ref: bytes) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        await site.until_told("AgentRemoved", ref, 1)
    found = await site.vault.find_agent(person)
    assert found is not None and found != ref
    return found


async def until(true_of: Callable[[list[Period]], bool], site: ApiSite) -> None:
    """Return once it is true of the vault's periods, which nothing else tells of."""
    async with asyncio.timeout(PATIENCE_S):
        for _ in itertools.count():
            if true_of(await site.vault.periods.all()):
                return
            await asyncio.sleep(0.05)


async def test_a_period_passes(site: ApiSite, client: Client) -> None:
    for result in await client.declare_agents([an_agent("anna", "orders", skills=[("garden", 7)]), an_agent("bert", "orders")]):
        assert result.code == 0, result
    anna, bert = [await site.vault.find_agent(person) for person in ("anna", "bert")]
    assert anna is not None and bert is not None
    await client.switch_channel("anna", "task", False)
    desk = DeskReader(client, "bert")
    await desk.until(DeskSnapshot)
    await client.set_presence("bert", "ready")
    await desk.until(PresenceReport)
    submitted = await client.submit_contact(channel="chat", queue="orders", text="Hello.")
    offer = await desk.until(Offer)
    await client.accept_offer("bert", offer.contact_id, offer.attempt)
    await client.confirm_connected("bert", offer.contact_id, offer.attempt)
    await desk.until(EngagementStart)

    # Some quarters later: who is away is called by another reference, and is what she was.
    site.clock_ms = later(1)
    renamed = await until_called_otherwise(site, "anna", anna)
    agents = {agent.declaration.person: agent async for agent in client.list_agents()}
    assert agents["anna"].agent_id == renamed.hex()
    assert [(skill.skill, skill.level) for skill in agents["anna"].declaration.skills] == [("garden", 7)]
    assert {switch.channel: switch.on for switch in agents["anna"].switches} == {"chat": True, "task": False, "mail": True}
    newest, oldest = await site.vault.periods.all()
    assert (newest.name, newest.refs) == (quarter(site.clock_ms), {renamed})
    assert oldest.refs == {anna, bert} and oldest.left_ms is None, "bert is at work"
    assert [period.in_use for period in (await client.list_periods()).periods] == [1, 1]
    assert (await site.vault.agents([anna]))[anna].person == "anna", "her past is known still"

    # Who is at work keeps the reference until he has gone home; his desk then goes on by itself.
    assert await site.vault.find_agent("bert") == bert
    await client.end_engagement("bert", offer.contact_id)
    await client.finish_wrap_up("bert", offer.contact_id)
    await client.set_presence("bert", "offline")
    bert_now = await until_called_otherwise(site, "bert", bert)
    while not (await desk.until(DeskSnapshot)).declared:
        pass
    await client.set_presence("bert", "ready")
    assert (await desk.until(PresenceReport)).cause == "requested"
    history = [contact async for contact in client.list_contacts(ContactFilter(queue="orders"))]
    assert [(contact.contact_id, contact.agent) for contact in history] == [(submitted.contact_id, "bert")]

    # The periods say so: nobody is called by the old references any more.
    await until(lambda periods: periods[-1].left_ms is not None, site)
    told = await client.list_periods()
    assert [(period.name, period.references, period.in_use) for period in told.periods] == [
        (newest.name, 2, 2),
        (oldest.name, 2, 0),
    ]
    assert told.periods[1].forgotten_at_ms == told.periods[1].left_at_ms + 30 * DAY_MS
    assert not told.periods[0].HasField("left_at_ms") and told.agent_detail_days == 30
    shown = await asyncio.to_thread(CliRunner().invoke, app, ["agents", "periods", "--target", site.target])
    assert shown.exit_code == 0 and oldest.name in shown.output and "known for 30 days" in shown.output

    # Whoever asks for a person gets what they did under either reference, and what they were.
    by_person = [contact.contact_id async for contact in client.list_contacts(ContactFilter(agent="bert"))]
    assert by_person == [submitted.contact_id]
    then = (await client.timeline(submitted.contact_id))[-1].seq
    assert (await client.explain_agent("bert", position=then)).agent == "bert"
    assert (await client.explain_agent("bert")).effective == PRESENCE_READY

    # The old ones are kept for as long as the policy says, and then mean nobody.
    left_ms = (await site.vault.periods.all())[-1].left_ms
    assert left_ms is not None
    site.clock_ms = left_ms + 30 * DAY_MS - 1
    await asyncio.sleep(0.3)
    assert len(await site.vault.periods.all()) == 2
    site.clock_ms += 1
    await until(lambda periods: len(periods) == 1, site)
    assert await site.vault.agents([anna, bert]) == {}
    assert (await site.vault.agents([bert_now]))[bert_now].person == "bert"
    assert await site.vault.find_agent("anna") == renamed
    assert [contact async for contact in client.list_contacts(ContactFilter(agent="bert"))] == []
    with pytest.raises(ClientError):
        await client.explain_agent("bert", position=then)
    await desk.close()


async def test_who_is_declared_anew_and_who_orders_something_get_newest_references(site: ApiSite, client: Client) -> None:
    result, _ = await client.declare_agents([an_agent("cora", "orders"), an_agent("anna", "orders")])
    await client.retire_agent("cora")
    await client.force_presence("anna", "not_ready", by="boss")
    boss = await site.vault.find_agent("boss")
    site.clock_ms = later(4)
    await until(lambda periods: len(periods) > 1, site)
    (again,) = await client.declare_agents([an_agent("cora", "orders")])
    assert again.agent_id != result.agent_id
    assert (await site.vault.current_agents([bytes.fromhex(result.agent_id)])) == {
        bytes.fromhex(result.agent_id): bytes.fromhex(again.agent_id)
    }
    await client.force_presence("anna", "not_ready", by="boss")
    assert await site.vault.find_agent("boss") not in (None, boss)


async def test_how_many_are_in_use_is_a_figure_about_them(site: ApiSite, client: Client) -> None:
    await client.declare_agents([an_agent("anna", "orders")])
    closed = Monitoring(individual_live=False, group_min=50, agent_detail_days=30)
    await client.publish_policy(codec.encode(msgspec.structs.replace(POLICY, monitoring=closed)))
    newest = (await client.list_periods()).periods[0]
    assert newest.references > 0 and not newest.HasField("in_use")

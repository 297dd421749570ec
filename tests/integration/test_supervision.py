"""What supervisors and desks say of agents and queues, over the real API: forced presence, planned absence, work from elsewhere,
queues closed by hand, a word to everybody who waits, desks that come and go."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from cordboard.client import Client, ClientError, DeskSnapshot, Offer, OfferOver, PresenceReport
from cordboard.sql import open_engine
from cordboard.v1 import types_pb2
from cordboard.v1.board_service_pb2 import AgentRow, QueueRow
from cordboard.vault import Vault
from cordboard.vault.intake import DOUBTFUL_AFTER_MS
from cordboard.vault.schema import intake
from tests.api_site import PATIENCE_S, ApiSite, DeskReader, an_agent, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    directory: Path = tmp_path_factory.mktemp("supervision")
    async with api_site(directory, session_grace_s=0.2) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: ApiSite) -> AsyncIterator[Client]:
    async with Client(site.target) as connected:
        yield connected


async def ready(client: Client, person: str, *queues: str) -> DeskReader:
    (result,) = await client.declare_agents([an_agent(person, *queues)])
    assert result.code == 0, result
    desk = DeskReader(client, person)
    await desk.until(DeskSnapshot)
    await client.set_presence(person, "ready")
    await desk.until(PresenceReport)
    return desk


async def agent_row(client: Client, person: str, after: str = "") -> AgentRow:
    (row,) = [row for row in (await client.get_boards(after=after)).agents if row.person == person]
    return row


async def queue_row(client: Client, queue: str, after: str = "") -> QueueRow:
    (row,) = [row for row in (await client.get_boards(after=after)).queues if row.queue == queue and not row.channel]
    return row


async def wait_for_event(site: ApiSite, name: str, person: str, count: int = 1) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await site.until_told(name, await site.vault.find_agent(person), count)


async def told(site: ApiSite, name: str, person: str) -> int:
    return site.told[name, await site.vault.find_agent(person)]


async def test_a_forced_agent_is_offered_nothing_and_the_desk_says_why(client: Client) -> None:
    desk = await ready(client, "anna", "orders")
    done = await client.force_presence("anna", "not_ready", reason="lunch", by="boss")
    assert done.effective == types_pb2.PRESENCE_NOT_READY
    report = await desk.until(PresenceReport)
    assert (report.effective, report.effective_reason, report.cause) == (types_pb2.PRESENCE_NOT_READY, "lunch", "forced")
    submitted = await client.submit_contact(channel="task", queue="orders", text="Later.")
    found = await client.explain_contact(submitted.contact_id)
    assert found.hindrances["absent"] == 1
    await client.end_contact(submitted.contact_id)
    assert (await client.force_presence("anna", "offline", by="boss")).effective == types_pb2.PRESENCE_OFFLINE
    with pytest.raises(ClientError) as refused:
        await client.force_presence("anna", "offline", reason="whim")
    assert refused.value.reason == "unknown_reason"


async def test_who_leaves_soon_is_shown_to_leave(client: Client) -> None:
    await ready(client, "bert", "invoices")
    done = await client.schedule_agent("bert", 2_000_000_000_000)
    assert (await agent_row(client, "bert", done.consistency_token)).leaves_at_ms == 2_000_000_000_000
    done = await client.schedule_agent("bert", 0)
    assert not (await agent_row(client, "bert", done.consistency_token)).HasField("leaves_at_ms")


async def test_work_from_elsewhere_takes_capacity_until_it_is_over(site: ApiSite, client: Client) -> None:
    await ready(client, "cora", "invoices")
    busy = await client.report_work("cora", "task", "call +31 20 555 0100", True)
    row = await agent_row(client, "cora", busy.consistency_token)
    assert (row.load, row.outside) == (50, 1)
    over = await client.report_work("cora", "task", "call +31 20 555 0100", False)
    row = await agent_row(client, "cora", over.consistency_token)
    assert (row.load, row.outside) == (0, 0)
    with pytest.raises(ClientError) as refused:
        await client.report_work("cora", "task", "call +31 20 555 0100", False)
    assert refused.value.reason == "unknown_work"
    with pytest.raises(ClientError) as refused:
        await client.report_work("cora", "fax", "letter", True)
    assert refused.value.reason == "unknown_channel"


async def test_a_closed_queue_takes_no_live_contact_and_the_board_says_so(client: Client) -> None:
    done = await client.set_queue_mode("nobody", "closed", by="boss", reason="lunch")
    assert done.close_at_ms > 0
    row = await queue_row(client, "nobody", done.consistency_token)
    assert (row.mode, row.close_at_ms) == ("closed", done.close_at_ms)
    with pytest.raises(ClientError) as refused:
        await client.submit_contact(channel="chat", queue="nobody", text="Is anybody there?")
    assert refused.value.reason == "queue_closed"
    written = await client.submit_contact(channel="task", queue="nobody", text="Written work may wait.")
    await client.end_contact(written.contact_id)
    done = await client.set_queue_mode("nobody", "open", by="boss")
    assert done.close_at_ms == 0
    assert (await queue_row(client, "nobody", done.consistency_token)).mode == "open"
    again = await client.set_queue_mode("nobody", "open")
    assert again.close_at_ms == 0
    with pytest.raises(ClientError) as refused:
        await client.set_queue_mode("nowhere", "open")
    assert refused.value.reason == "unknown_queue"


async def test_a_broadcast_text_stands_in_the_vault_and_a_repeat_is_the_same(site: ApiSite, client: Client) -> None:
    request_id = str(uuid.uuid4())
    first = await client.broadcast_text("orders", "We are late today.", by="boss", request_id=request_id)
    again = await client.broadcast_text("orders", "We are late today.", by="boss", request_id=request_id)
    assert again.message_id == first.message_id
    assert site.told["BroadcastMade", None] == 1
    ref = bytes.fromhex(first.message_id)
    assert (await site.vault.read([ref]))[ref].text == "We are late today."
    with pytest.raises(ClientError) as refused:
        await client.broadcast_text("orders", "")
    assert "text" in refused.value.violations


async def test_a_broadcast_text_is_not_said_again_by_a_process_that_comes_back_late(site: ApiSite, client: Client) -> None:
    """The process died when the log had the fact and the vault did not know, and the router has forgotten its id since."""
    said = await client.broadcast_text("invoices", "The lift is broken.")
    before = await site.log.last_inbox_seq()
    await site.stop_api()
    engine = open_engine(site.vault_url, "write", durable=True, name="test")
    message = bytes.fromhex(said.message_id)
    async with engine.begin() as connection:
        row = intake.update().where(intake.c.contact == message)
        done = await connection.execute(row.values(published=False, created_ms=intake.c.created_ms - DOUBTFUL_AFTER_MS))
        assert done.rowcount == 1
    await site.start_api()
    async with engine.connect() as connection, asyncio.timeout(PATIENCE_S):
        while not await connection.scalar(select(intake.c.published).where(intake.c.contact == message)):
            await connection.rollback()
            await asyncio.sleep(0.05)
    await engine.dispose()
    assert await site.log.last_inbox_seq() == before


async def test_a_desk_that_is_closed_is_lost_and_comes_back(site: ApiSite, client: Client) -> None:
    desk = await ready(client, "dora", "orders")
    submitted = await client.submit_contact(channel="chat", queue="orders", text="Hello?")
    offer = await desk.until(Offer)
    async with Client(site.target) as elsewhere:
        # A second watch: closing the first one loses nothing.
        other = DeskReader(elsewhere, "dora")
        await other.until(DeskSnapshot)
        await desk.close()
        await asyncio.sleep(1.0)
        assert await told(site, "DeskLossRecorded", "dora") == 0
        await other.close()
    await wait_for_event(site, "DeskLossRecorded", "dora")
    row = await agent_row(client, "dora")
    assert (row.desk_lost, row.offered) == (True, 0)
    back = DeskReader(client, "dora")
    assert (await back.until(DeskSnapshot)).declared
    await wait_for_event(site, "DeskReturnRecorded", "dora")
    again = await back.until(Offer)
    assert (again.contact_id, again.attempt) == (offer.contact_id, offer.attempt + 1)
    assert not (await agent_row(client, "dora")).desk_lost
    await client.end_contact(submitted.contact_id)
    await back.until(OfferOver)
    await back.close()


async def test_who_is_offline_loses_no_desk(site: ApiSite, client: Client) -> None:
    desk = await ready(client, "emil", "invoices")
    await client.set_presence("emil", "offline")
    await desk.close()
    await asyncio.sleep(1.0)
    assert await told(site, "DeskLossRecorded", "emil") == 0


async def test_a_supervisor_is_a_reference_in_the_journal(site: ApiSite, client: Client) -> None:
    await client.declare_agents([an_agent("fred", "orders")])
    await client.force_presence("fred", "offline", by="the.boss")
    vault: Vault = site.vault
    ref = await vault.agent_ref("the.boss")
    assert (await vault.agents([ref]))[ref].person == "the.boss"


async def test_a_new_name_is_on_the_board_at_once_though_nothing_else_of_the_row_changed(client: Client) -> None:
    mary = an_agent("mary", "orders")
    await client.declare_agents([mary])
    watch = client.watch_boards(interval_ms=20)
    first = await anext(watch)
    assert [row.name for row in first.agents if row.person == "mary"] == [(await agent_row(client, "mary")).name] == ["Mary"]
    mary.name = "Mary Smith"
    await client.declare_agents([mary])
    async with asyncio.timeout(PATIENCE_S):
        async for update in watch:
            if any(row.name == "Mary Smith" for row in update.agents):
                break
    await watch.aclose()
    assert (await agent_row(client, "mary")).name == "Mary Smith"

"""One desk, two API servers on one journal: what one of them does not see the other one may."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cordboard import codec
from cordboard.client import Client, DeskSnapshot, PresenceReport
from cordboard.events.fact import DeskLost
from cordboard.log import connect
from tests.api_site import PATIENCE_S, SITE, ApiSite, DeskReader, an_agent, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    directory: Path = tmp_path_factory.mktemp("attendance")
    async with api_site(directory, session_grace_s=0.2) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def other(site: ApiSite) -> AsyncIterator[ApiSite]:
    """The second server: a connection, folds and a port of its own."""
    async with connect(site.nats_url, SITE) as log:
        second = ApiSite(log, site.vault, site.history, site.nats_url, site.vault_url, session_grace_s=0.2)
        await second.start_api()
        yield second
        await second.stop_api()


async def seated(site: ApiSite, client: Client, person: str) -> DeskReader:
    """A ready agent whose desk is watched."""
    (result,) = await client.declare_agents([an_agent(person, "orders")])
    assert result.code == 0, result
    desk = DeskReader(client, person)
    await desk.until(DeskSnapshot)
    await client.set_presence(person, "ready")
    await desk.until(PresenceReport)
    return desk


async def until_told(site: ApiSite, name: str, person: str, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await site.until_told(name, await site.vault.find_agent(person), count)


async def told(site: ApiSite, name: str, person: str) -> int:
    return site.told[name, await site.vault.find_agent(person)]


async def test_a_desk_that_moves_to_another_server_is_not_lost(site: ApiSite, other: ApiSite) -> None:
    async with Client(site.target) as here, Client(other.target) as there:
        anna, bert = await seated(site, here, "anna"), await seated(site, here, "bert")
        moved = DeskReader(there, "anna")
        assert (await moved.until(DeskSnapshot)).declared
        await anna.close()
        await bert.close()
        # Nobody watches bert's desk, which was left after anna's: once he is lost, she would be.
        await until_told(site, "DeskLossRecorded", "bert", 1)
        assert await told(site, "DeskLossRecorded", "anna") == 0
        # It moves back, and the other server asks the first one.
        again, bert = DeskReader(here, "anna"), DeskReader(there, "bert")
        await again.until(DeskSnapshot)
        await bert.until(DeskSnapshot)
        await until_told(site, "DeskReturnRecorded", "bert", 1)
        await moved.close()
        await bert.close()
        await until_told(site, "DeskLossRecorded", "bert", 2)
        assert await told(site, "DeskLossRecorded", "anna") == 0
        await again.close()
        await until_told(site, "DeskLossRecorded", "anna", 1)


async def test_a_desk_that_was_called_lost_by_mistake_is_called_back_where_it_is(site: ApiSite, other: ApiSite) -> None:
    """As if the answer had not been heard."""
    async with Client(other.target) as there:
        desk = await seated(other, there, "cora")
        agent = await site.vault.find_agent("cora")
        assert agent is not None
        async with site.log.publisher("test") as publisher:
            await publisher.publish(codec.check_fact(DeskLost(b"a desk was lost.", agent)))
        await until_told(site, "DeskReturnRecorded", "cora", 1)
        assert not next(row for row in (await there.get_boards()).agents if row.person == "cora").desk_lost
        # The first server has folded the same loss and asks for nobody: nobody sits there.
        assert (await told(site, "DeskLossRecorded", "cora"), await told(site, "DeskReturnRecorded", "cora")) == (1, 1)
        await desk.close()


async def test_a_server_that_starts_asks_for_nobody_who_has_come_back_long_ago(site: ApiSite, other: ApiSite) -> None:
    async with Client(other.target) as there:
        desk = await seated(other, there, "dora")
        for count in (1, 2):
            await desk.close()
            await until_told(site, "DeskLossRecorded", "dora", count)
            desk = DeskReader(there, "dora")
            await desk.until(DeskSnapshot)
            await until_told(site, "DeskReturnRecorded", "dora", count)
        await site.stop_api()
        before = await site.log.last_inbox_seq()
        await site.start_api()
        async with Client(site.target) as here:
            watched = DeskReader(here, "dora")
            await watched.until(DeskSnapshot)
            await here.set_presence("dora", "ready")
            assert await site.log.last_inbox_seq() == before + 1, "her presence alone"
            await watched.close()
        await desk.close()

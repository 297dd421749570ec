"""`cordboard agents force|leaves|work`, `cordboard queues mode|say`, and what the tables then show, as people type them."""

import asyncio
import json
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from cordboard import codec
from cordboard.client import Client
from cordboard.events.policy import Monitoring
from cordboard.main import app
from tests.api_site import POLICY, ApiSite, an_agent, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    async with api_site(tmp_path_factory.mktemp("cli")) as running:
        async with Client(running.target) as client:
            await client.declare_agents([an_agent(person, "orders") for person in ("anna", "bert")])
        yield running


async def typed(site: ApiSite, *words: str, code: int = 0) -> str:
    """What a command prints; it has a loop of its own, so it runs on a thread."""
    done = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--target", site.target])
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


async def test_agents_are_steered_and_the_table_shows_it(site: ApiSite) -> None:
    assert "anna is ready" in await typed(site, "agents", "presence", "anna", "ready")
    assert "leaves at" in await typed(site, "agents", "leaves", "anna", "2031-05-01T17:00+02:00")
    assert "takes capacity" in await typed(site, "agents", "work", "anna", "task", "call 17")
    shown = await typed(site, "agents", "list")
    assert "leaves 2031" in shown and "elsewhere 1" in shown and "50/100" in shown
    assert "is over" in await typed(site, "agents", "work", "anna", "task", "call 17", "--over")
    assert "unknown_work" in await typed(site, "agents", "work", "anna", "task", "call 17", "--over", code=1)
    assert "is not known to leave" in await typed(site, "agents", "leaves", "anna", "never")
    assert "anna is not_ready" in await typed(site, "agents", "force", "anna", "not_ready", "--reason", "lunch", "--by", "nora")
    assert "not_ready (lunch)" in await typed(site, "agents", "list")
    assert "use not_ready or offline" in await typed(site, "agents", "force", "anna", "ready", code=2)
    assert json.loads(await typed(site, "agents", "force", "anna", "offline", "--json"))["effective"] == "PRESENCE_OFFLINE"


async def test_queues_are_closed_and_opened_and_spoken_to(site: ApiSite) -> None:
    assert "orders is closed; who waits is served until" in await typed(site, "queues", "mode", "orders", "closed", "--by", "nora")
    assert "orders closed" in await typed(site, "queues")
    assert "orders is open" in await typed(site, "queues", "mode", "orders", "open")
    assert "orders closed" not in await typed(site, "queues")
    assert "use open, closed or emergency" in await typed(site, "queues", "mode", "orders", "shut", code=2)
    assert "unknown_queue" in await typed(site, "queues", "mode", "nowhere", "open", code=1)
    assert "everybody who waits in orders is told" in await typed(site, "queues", "say", "orders", "We are late.")
    rows = json.loads(await typed(site, "queues", "--json"))
    assert {row["queue"] for row in rows} >= {"orders", "invoices", "nobody"}


async def test_tables_say_what_monitoring_does_not_show(site: ApiSite) -> None:
    async with Client(site.target) as client:
        closed = msgspec.structs.replace(POLICY, monitoring=Monitoring(individual_live=False, group_min=3))
        await client.publish_policy(codec.encode(closed))
    assert "2 agents; the policy's monitoring shows groups only" in await typed(site, "agents", "list")
    assert json.loads(await typed(site, "agents", "list", "--json")) == []
    assert "not_shown" in await typed(site, "explain", "agent", "anna", code=1)
    rows = {row["queue"]: row for row in json.loads(await typed(site, "queues", "--json")) if "channel" not in row}
    assert rows["orders"]["work_withheld"] and rows["orders"]["agents_withheld"]

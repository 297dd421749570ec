"""Policy and agents files on a running site: what differs is sent, nothing else, and nothing half."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordboard.cli.addresses import Addresses
from cordboard.cli.agents_file import apply_agents, current_agents
from cordboard.cli.policy import apply_policy, policy_in_force
from cordboard.cli.roles import run_roles
from cordboard.client import Client, ClientError
from cordboard.errors import InvalidInput
from cordboard.policy import load, load_agents
from cordboard.policy.agents import fill_in
from cordboard.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE_S = 60.0


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a site `webshop` in this process, on a NATS server of its own."""
    settings = Settings(site="webshop", data_dir=tmp_path, grpc_port=0, http_port=0, create_site=True)
    ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    site = asyncio.create_task(
        run_roles(
            settings,
            ("router", "projector", "api"),
            ready.set_result,
            vault_url=f"sqlite+aiosqlite:///{tmp_path}/vault.db",
            views_url=f"sqlite+aiosqlite:///{tmp_path}/views.db",
            kek_file=tmp_path / "kek",
        )
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait([ready, site], return_when=asyncio.FIRST_COMPLETED)
        assert ready.done(), site.exception()
        target = ready.result().grpc
        assert target is not None
        async with Client(target) as client:
            await client.ready()
            yield client
    finally:
        site.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await site


async def test_files_are_applied_once(client: Client, tmp_path: Path) -> None:
    assert await policy_in_force(client) is None
    with pytest.raises(InvalidInput, match="no policy yet"):
        await apply_agents(client, EXAMPLES / "agents.csv")

    first = await apply_policy(client, EXAMPLES / "webshop.yaml")
    again = await apply_policy(client, EXAMPLES / "webshop.yaml")
    assert (first.version, first.published, again.version, again.published) == (1, True, 1, False)
    assert first.digest == again.digest

    policy = load(EXAMPLES / "webshop.yaml").policy
    wanted = load_agents(EXAMPLES / "agents.csv", policy)
    applied = await apply_agents(client, EXAMPLES / "agents.csv")
    assert (len(applied.diff.declared), applied.failures) == (40, ())
    assert await current_agents(client) == sorted((fill_in(sheet, policy) for sheet in wanted), key=lambda sheet: sheet.person)
    assert not (await apply_agents(client, EXAMPLES / "agents.yaml")).diff

    changed = tmp_path / "changed.csv"
    lines = (EXAMPLES / "agents.csv").read_text().splitlines()
    changed.write_text("\n".join([lines[0], lines[1].replace("nl.written:9", "nl.written:10"), *lines[3:], "new.one,,,,,"]))
    planned = await apply_agents(client, changed, dry_run=True)
    done = await apply_agents(client, changed)
    assert planned.diff == done.diff
    assert [sheet.person for sheet in done.diff.declared] == ["new.one"]
    assert [(change.new.person, change.what) for change in done.diff.changed] == [("j.devries", ("skills",))]
    assert [sheet.person for sheet in done.diff.retired] == ["s.bakker"]
    assert done.diff.unchanged == 38
    assert not (await apply_agents(client, changed)).diff


async def test_a_cut_off_file_does_not_empty_the_site(client: Client, tmp_path: Path) -> None:
    await apply_policy(client, EXAMPLES / "webshop.yaml")
    await apply_agents(client, EXAMPLES / "agents.csv")
    cut = tmp_path / "cut.csv"
    cut.write_text("\n".join((EXAMPLES / "agents.csv").read_text().splitlines()[:4]))
    with pytest.raises(InvalidInput, match="would retire 37 of 40 agents"):
        await apply_agents(client, cut)
    assert len(await current_agents(client)) == 40
    assert len((await apply_agents(client, cut, retire_many=True)).diff.retired) == 37
    assert len(await current_agents(client)) == 3


async def test_who_is_at_work_is_not_retired_and_stops_nobody_else(client: Client, tmp_path: Path) -> None:
    await apply_policy(client, EXAMPLES / "webshop.yaml")
    three = tmp_path / "three.csv"
    lines = (EXAMPLES / "agents.csv").read_text().splitlines()
    three.write_text("\n".join(lines[:4]))
    await apply_agents(client, three)
    await client.set_presence("j.devries", "ready")
    await client.submit_contact(channel="task", queue="orders", text="please look at this")
    await _has_work(client, "j.devries")
    nobody = tmp_path / "nobody.csv"
    nobody.write_text(lines[0])
    applied = await apply_agents(client, nobody)
    assert [(failure.person, failure.reason) for failure in applied.failures] == [("j.devries", "agent_busy")]
    assert [sheet.person for sheet in await current_agents(client)] == ["j.devries"]


async def test_a_changed_policy_is_the_next_version(client: Client, tmp_path: Path) -> None:
    await apply_policy(client, EXAMPLES / "webshop.yaml")
    await apply_agents(client, EXAMPLES / "agents.csv")
    text = (EXAMPLES / "webshop.yaml").read_text()
    cheaper = tmp_path / "cheaper.yaml"
    cheaper.write_text(text.replace("cost: 33", "cost: 30", 1))
    applied = await apply_policy(client, cheaper)
    assert (applied.version, [change.path for change in applied.changes]) == (2, ["channels.chat.cost"])
    # Agents keep the cost they were declared with, so those without one of their own differ now.
    assert (await apply_agents(client, EXAMPLES / "agents.csv", dry_run=True)).diff.unchanged < 40
    await apply_agents(client, EXAMPLES / "agents.csv")
    assert not (await apply_agents(client, EXAMPLES / "agents.csv")).diff

    other = tmp_path / "other.yaml"
    other.write_text(text.replace("site: webshop", "site: elsewhere"))
    with pytest.raises(InvalidInput, match="is for site `elsewhere`, but this is `webshop`"):
        await apply_policy(client, other)
    with pytest.raises(ClientError) as late:
        await client.publish_policy(load(cheaper).compiled(2), expected_version=1)
    assert late.value.reason == "version_changed"


async def _has_work(client: Client, person: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async for change in client.watch_desk(person):
            if change.event.DESCRIPTOR.name == "Offer" or (change.event.DESCRIPTOR.name == "DeskSnapshot" and change.event.work):
                return

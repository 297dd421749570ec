"""Why a contact waits, asked of the real site: now, and as it was."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner

from cordboard.client import Client, ClientError, DeskSnapshot, Offer
from cordboard.main import app
from tests.api_site import DeskReader, an_agent, api_site


async def test_what_stands_between_a_contact_and_the_agents(tmp_path: Path) -> None:
    async with api_site(tmp_path) as site, Client(site.target) as client:
        await client.declare_agents([an_agent("anna", "orders", skills=[("garden", 3)]), an_agent("bob", "orders")])
        waits = await client.submit_contact(channel="task", queue="orders", text="A hedge", requirements=[])
        absent = await client.explain_contact(waits.contact_id)
        assert dict(absent.hindrances) == {"absent": 2}
        assert [each.id for each in absent.agents] == ["anna", "bob"] or [each.id for each in absent.agents] == ["bob", "anna"]
        assert "Of the 2 members of its queue 2 are not ready." in absent.sentences

        desk = DeskReader(client, "anna")
        await desk.until(DeskSnapshot)
        await client.set_presence("anna", "ready")
        offer = await desk.until(Offer)
        has_it = await client.explain_contact(offer.contact_id)
        assert has_it.agent == "anna"
        assert not has_it.agents
        free = await client.explain_agent("anna")
        assert (free.load, free.waiting) == (50, 0)
        assert free.sentences[1] == "Nothing waits in Anna's queues."

        # As it was before anybody was ready.
        before = await client.explain_contact(waits.contact_id, position=absent.position)
        assert dict(before.hindrances) == {"absent": 2}
        again = await client.explain_contact(waits.contact_id)
        assert again.agent == "anna"
        await desk.close()


async def test_what_cannot_be_explained(tmp_path: Path) -> None:
    async with api_site(tmp_path) as site, Client(site.target) as client:
        with pytest.raises(ClientError) as gone:
            await client.explain_contact("00" * 16)
        assert gone.value.code == grpc.StatusCode.NOT_FOUND
        with pytest.raises(ClientError) as ahead:
            await client.explain_contact("00" * 16, position=1_000_000)
        assert ahead.value.code == grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(ClientError) as nobody:
            await client.explain_agent("nobody")
        assert nobody.value.code == grpc.StatusCode.NOT_FOUND


async def test_the_command_says_it_to_people_and_programs(tmp_path: Path) -> None:
    async with api_site(tmp_path) as site, Client(site.target) as client:
        await client.declare_agents([an_agent("anna", "orders")])
        waits = await client.submit_contact(channel="task", queue="orders", text="A hedge")
        command = ["explain", "contact", waits.contact_id, "--target", site.target]
        said = await asyncio.to_thread(CliRunner().invoke, app, command)
        assert said.exit_code == 0, said.output
        assert "1 is not ready" in said.output
        assert "commits folded from the beginning" in said.output
        told = await asyncio.to_thread(CliRunner().invoke, app, [*command, "--json"])
        assert json.loads(told.output)["hindrances"] == {"absent": "1"}
        agent = await asyncio.to_thread(CliRunner().invoke, app, ["explain", "agent", "anna", "--target", site.target])
        assert "Of the 1 contacts that wait in Anna's queues 1: Anna is not ready." in " ".join(agent.output.split())

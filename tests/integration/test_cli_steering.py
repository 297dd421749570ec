"""`cordboard contacts transfer|pick|requeue|priority|hold|resume|consult|role|connect-failed`, as people type them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from cordboard import codec
from cordboard.api.status import CatchingUp, Draining
from cordboard.cli.hints import HINTS
from cordboard.client import Client, DeskSnapshot, EngagementStart, Offer, PresenceReport, Side
from cordboard.events.policy import Monitoring
from cordboard.events.verdict import AGENT_UNAVAILABLE, QUARANTINES, REFUSALS
from cordboard.main import app
from cordboard.v1.engagement_service_pb2 import SIDE_STATE_ENGAGED
from tests.api_site import PATIENCE_S, POLICY, ApiSite, DeskReader, an_agent, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    async with api_site(tmp_path_factory.mktemp("cli")) as running:
        yield running


async def typed(site: ApiSite, *words: str, code: int = 0) -> str:
    """What a command prints; it has a loop of its own, so it runs on a thread."""
    done = await asyncio.to_thread(CliRunner().invoke, app, ["contacts", *words, "--target", site.target])
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


async def said(site: ApiSite, *words: str) -> Any:
    """The same as JSON."""
    return json.loads(await typed(site, *words, "--json"))


async def ready(client: Client, person: str, *queues: str) -> DeskReader:
    await client.declare_agents([an_agent(person, *queues)])
    desk = DeskReader(client, person)
    await desk.until(DeskSnapshot)
    await client.set_presence(person, "ready")
    await desk.until(PresenceReport)
    return desk


async def test_a_supervisor_moves_a_contact_from_hand_to_hand(site: ApiSite) -> None:
    async with Client(site.target) as client:
        contact = (await client.submit_contact(channel="task", queue="nobody")).contact_id
        anna, bert = await ready(client, "anna", "orders"), await ready(client, "bert", "orders")

        assert "priority 9" in await typed(site, "priority", contact, "9", "--by", "nora", "--reason", "lunch")
        unknown = await typed(site, "priority", contact, "9", "--reason", "siesta", code=1)
        assert "unknown_reason" in unknown and HINTS["unknown_reason"] in unknown.replace("\n", " ")
        assert "nobody has it" in await typed(site, "requeue", contact, code=1)
        assert "offered to anna: attempt 1, open until" in await typed(site, "pick", contact, "anna", "--by", "nora")
        offer = await anna.until(Offer)
        assert "waits again, visit 2" in await typed(site, "requeue", contact)
        assert (await said(site, "pick", contact, "anna"))["attempt"] == offer.attempt + 1
        assert "requeue it first" in await typed(site, "pick", contact, "bert", code=1)

        assert "now in nobody, visit 3, offered to bert first" in await typed(site, "transfer", contact, "--to", "bert")
        assert (await bert.until(Offer)).given_as == "transfer"
        assert "now in invoices, visit 4" in await typed(site, "transfer", contact, "invoices")
        assert "completed" in await typed(site, "end", contact, "--completed")
        assert await site.history.reached(await site.log.last_journal_seq(), PATIENCE_S)
        entries = (await said(site, "show", contact))["timeline"]
        who: dict[str, set[str]] = {}
        for entry in entries:
            who.setdefault(entry["event"], set()).update(entry.get("people", {}).values())
        assert who["PriorityRequested"] == {"nora"}
        assert who["PickRequested"] == {"nora", "anna", "bert"}
        assert who["TransferRequested"] == {"bert"}
        assert "nora" in who["OfferMade"]
        for desk in (anna, bert):
            await desk.close()


async def test_what_an_agent_does_with_a_contact(site: ApiSite) -> None:
    async with Client(site.target) as client:
        contact = (await client.submit_contact(channel="chat", queue="invoices")).contact_id
        assert "no agent has this contact" in await typed(site, "hold", contact, code=1)
        carla, dora = await ready(client, "carla", "invoices"), await ready(client, "dora", "orders")
        offer = await carla.until(Offer)
        await client.accept_offer("carla", contact, offer.attempt)
        assert "1 in a row" in await typed(site, "connect-failed", contact, "--leg", "agent")
        await typed(site, "pick", contact, "carla")
        offer = await carla.until(Offer)
        await client.accept_offer("carla", contact, offer.attempt)
        await client.confirm_connected("carla", contact, offer.attempt)
        await carla.until(EngagementStart)

        assert "on hold" in await typed(site, "hold", contact)
        assert int((await said(site, "show", contact))["held_since_ms"]) > 0
        closed = msgspec.structs.replace(POLICY, monitoring=Monitoring(individual_live=False))
        await client.publish_policy(codec.encode(closed))
        assert "not shown (the policy's monitoring): name the agent with --agent" in await typed(site, "resume", contact, code=1)
        assert "off hold after" in await typed(site, "resume", contact, "--agent", "carla")
        await client.publish_policy(codec.encode(POLICY))
        assert "consult that agent first" in await typed(site, "role", contact, "dora", "primary", code=1)
        asked = await said(site, "consult", contact, "dora")
        assert "wait for the answer" in await typed(site, "consult", contact, "dora", code=1)
        await client.accept_offer("dora", contact, asked["attempt"])
        await client.confirm_connected("dora", contact, asked["attempt"])
        while (await carla.until(Side)).state != SIDE_STATE_ENGAGED:
            pass
        assert "dora is conference now" in await typed(site, "role", contact, "dora", "conference")
        (side,) = (await said(site, "show", contact))["sides"]
        assert (side["agent"], side["role"], side["state"]) == ("dora", "ROLE_CONFERENCE", "SIDE_STATE_ENGAGED")
        assert "dora is primary now" in await typed(site, "role", contact, "dora", "primary", "--agent", "carla")
        assert "not_engaged" in await typed(site, "hold", contact, "--agent", "carla", code=1)
        await typed(site, "end", contact)
        for desk in (carla, dora):
            await desk.close()


async def test_wrong_words_are_refused_before_anything_is_asked(site: ApiSite) -> None:
    for words in (
        ("transfer", "ab" * 16),
        ("priority", "ab" * 16, "101"),
        ("role", "ab" * 16, "anna", "boss"),
        ("connect-failed", "ab" * 16, "--leg", "wooden"),
    ):
        await typed(site, *words, code=2)


async def test_hints_are_about_refusals() -> None:
    of_the_api = {"bytes_gone", "still_unreadable", "quarantine_ended", "unknown_promise"}
    of_the_api |= {"missed_contact_settled", "unknown_group", "unknown_missed_contact"}
    assert HINTS.keys() <= {*REFUSALS, *QUARANTINES, *of_the_api, AGENT_UNAVAILABLE, CatchingUp.reason, Draining.reason}

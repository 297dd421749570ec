"""`cordboard contacts …` and `cordboard topics` on a running site, as a supervisor types them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from cordboard.client import Client, DeskSnapshot, Offer, PresenceReport
from cordboard.main import app
from tests.api_site import PATIENCE_S, ApiSite, DeskReader, an_agent, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    async with api_site(tmp_path_factory.mktemp("cli")) as running:
        yield running


async def typed(site: ApiSite, *words: str, code: int = 0) -> str:
    """What a command prints; it has a loop of its own, so it runs on a thread."""
    done = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--target", site.target])
    assert done.exit_code == code, done.output
    return done.output


async def said(site: ApiSite, *words: str) -> Any:
    """The same as JSON."""
    return json.loads(await typed(site, *words, "--json"))


async def written(site: ApiSite) -> None:
    """Commands ask for no position: wait until the history holds everything."""
    assert await site.history.reached(await site.log.last_journal_seq(), PATIENCE_S)


async def test_a_supervisor_steers_written_work(site: ApiSite, tmp_path: Path) -> None:
    made = await said(site, "contacts", "submit", "--channel", "mail", "--text", "a refund, please", "--subject", "[/no markup]")
    contact = made["contact_id"]
    assert (made["queue"], made["topic"], made["rule"]) == ("invoices", "billing", "refund")
    async with Client(site.target) as client:
        desk = DeskReader(client, "anna")
        await client.declare_agents([an_agent("anna", "invoices", skills=[("garden", 5), ("nl.written", 5)])])
        await desk.until(DeskSnapshot)
        await client.set_presence("anna", "ready")
        await desk.until(PresenceReport)
        offer = await desk.until(Offer)
        await typed(site, "contacts", "park", contact, "--for", "2h", code=1)
        await client.accept_offer("anna", contact, offer.attempt)
        await client.confirm_connected("anna", contact, offer.attempt)
        await client.send_message("anna", contact, "We look into it [soon].")

        assert "now about delivery, was billing" in await typed(site, "contacts", "reclassify", contact, "delivery")
        assert "parked until" in await typed(site, "contacts", "park", contact, "--for", "2h", "--kind", "customer", "--note", "x")
        await written(site)
        shown = await typed(site, "contacts", "show", contact)
        assert "[/no markup]" in shown and "refund" in shown and "anna" in shown
        assert "parked (customer, until 20" in shown and "arrived_at  20" in shown and "park  x" in shown
        assert await said(site, "contacts", "list", "--state", "parked", "--topic", "billing") == []
        (listed,) = await said(site, "contacts", "list", "--state", "parked", "--case", contact)
        assert (listed["topic"], listed["topic_first"], listed["owner"]) == ("delivery", "billing", "anna")
        assert [message["text"] for message in await said(site, "contacts", "messages", contact)] == ["We look into it [soon]."]
        assert "[soon]" in await typed(site, "contacts", "messages", contact)
        assert "parked" in await typed(site, "queues") and "parked" in await typed(site, "agents", "list")

        assert "visit 2" in await typed(site, "contacts", "return", contact)
        assert "not_parked" in await typed(site, "contacts", "return", contact, code=1)
        assert "completed" in await typed(site, "contacts", "end", contact, "--completed")
        await written(site)
        report = await said(site, "topics", "--from", "2020-01-01")
        assert report["total"] == {"contacts": "1", "changed": "1", "changed_permille": 1000}
        assert "100.0 %" in await typed(site, "topics")
        assert "unknown_attachment" in await typed(
            site, "contacts", "attachment", "ab" * 16, "--out", str(tmp_path / "file"), code=1
        )
        assert not (tmp_path / "file").exists()
        await desk.close()


async def test_wrong_words_are_refused_before_anything_is_asked(site: ApiSite) -> None:
    for words in (
        ("contacts", "park", "ab" * 16),
        ("contacts", "park", "ab" * 16, "--for", "1h", "--until", "2030-01-01"),
        ("contacts", "park", "ab" * 16, "--for", "soon"),
        ("contacts", "park", "ab" * 16, "--for", "1h", "--kind", "boredom"),
        ("topics", "--from", "yesterday"),
    ):
        await typed(site, *words, code=2)

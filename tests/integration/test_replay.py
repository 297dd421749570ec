"""`cordboard replay` on the data directory of an engine that is stopped: the journal in lines, and another policy beside it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from typer.testing import CliRunner, Result

from cordboard.client import Client, DeskSnapshot, Offer
from cordboard.demo import engine as engines
from cordboard.main import app
from tests.api_site import DeskReader, an_agent

WEBSHOP = Path("examples/webshop.yaml")
NARROW = WEBSHOP.read_text().replace("    target: 45s\n", "    target: 45s\n    requires: [finance:10]\n", 1)
"""Orders go to those who know invoices."""


async def _work(data_dir: Path) -> str:
    """An engine that served one contact, and is stopped."""
    async with engines.running(data_dir, ["--site", "webshop", "--policy", str(WEBSHOP)]) as engine, Client(engine.grpc) as client:
        await client.declare_agents([an_agent("anna", "orders")])
        desk = DeskReader(client, "anna")
        await desk.until(DeskSnapshot)
        await client.set_presence("anna", "ready")
        submitted = await client.submit_contact(channel="task", queue="orders", text="Check the return")
        offer = await desk.until(Offer)
        await client.accept_offer("anna", offer.contact_id, offer.attempt)
        await client.end_contact(submitted.contact_id)
        await desk.close()
        return submitted.contact_id


def _replay(data_dir: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["replay", "--site", "webshop", "--data-dir", str(data_dir), *arguments])


async def test_a_stopped_engine_is_gone_through_again(tmp_path: Path) -> None:
    contact = await _work(tmp_path)

    def ask(*arguments: str) -> Result:
        return _replay(tmp_path, *arguments)

    lines = (await asyncio.to_thread(ask)).output.splitlines()
    assert lines[0].startswith("commit 1 ")
    assert any(line.startswith("> ContactArrived") and contact in line for line in lines)
    assert any("OfferMade" in line and contact in line for line in lines)

    told = [json.loads(line) for line in (await asyncio.to_thread(ask, "--from", "2", "--to", "3", "--json")).output.splitlines()]
    assert [commit["seq"] for commit in told] == [2, 3]

    same = json.loads((await asyncio.to_thread(ask, "--policy", str(WEBSHOP), "--json")).output)
    assert (same["estimate"], same["diverged_seq"], same["label"]) == (False, None, None)

    narrow = tmp_path / "narrow.yaml"
    narrow.write_text(NARROW)
    shown = await asyncio.to_thread(ask, "--policy", str(narrow))
    assert shown.exit_code == 0, shown.output
    assert "an estimate from there on" in shown.output
    assert f"first difference: recorded OfferMade contact {contact}" in shown.output and "everybody accepts" in shown.output

    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("site: webshop\nqueues: 7\n")
    assert (await asyncio.to_thread(ask, "--policy", str(wrong))).exit_code == 1
    beyond = await asyncio.to_thread(ask, "--to", "1000000")
    assert beyond.exit_code == 1 and "are not in a journal that ends at" in beyond.output
    nowhere = await asyncio.to_thread(_replay, tmp_path / "nothing")
    assert nowhere.exit_code == 1 and "holds no journal" in nowhere.output

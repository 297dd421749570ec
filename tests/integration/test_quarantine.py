"""Poison in the inbox of a real site: it stops nobody, and an operator looks at it, retries or discards it, as people type it."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from cordboard import codec
from cordboard.cli.top import Screen
from cordboard.client import Client, ClientError
from cordboard.events import fact as facts
from cordboard.events.bounds import FRAME_FACTS_MAX
from cordboard.events.policy import Monitoring
from cordboard.log.jetstream import JetStreamLog
from cordboard.main import app
from cordboard.router.verify import verify
from tests.api_site import PATIENCE_S, POLICY, ApiSite, api_site

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOO_MANY = FRAME_FACTS_MAX + 1
NO_FRAME = b"\xc1 what is this?"
NO_FACT = b"\x93\x02\xc4\x10" + b"somebody's id..." + b"\xc4\x03abc"
"""A ContactAbandoned whose contact has three bytes."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiSite]:
    async with api_site(tmp_path_factory.mktemp("quarantine")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: ApiSite) -> AsyncIterator[Client]:
    async with Client(site.target) as connected:
        yield connected


async def send(site: ApiSite, data: bytes, message_id: str | None = None) -> int:
    """Bytes as they are, past every publisher; returns where they stand."""
    assert isinstance(site.log, JetStreamLog)
    return (await (await site.log.inbox.send(data, message_id=message_id))).seq


async def typed(site: ApiSite, *words: str, code: int = 0) -> Any:
    """`cordboard quarantine …`: with --json what it prints, else its words."""
    done = await asyncio.to_thread(CliRunner().invoke, app, ["quarantine", *words, "--target", site.target])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if "--json" in words and done.stdout else " ".join(done.output.split())


async def until_open(client: Client, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await client.quarantine_open() != count:  # noqa: ASYNC110 - another process's fold
            await asyncio.sleep(0.01)


async def served(client: Client) -> bool:
    """A contact is submitted, queued and shown."""
    done = await client.submit_contact(channel="task", queue="orders", text="Hello.")
    return (await client.get_contact(done.contact_id, after=done.consistency_token)).queue == "orders"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def poison(site: ApiSite) -> dict[str, str]:
    """What an operator finds: each with its id. Good contacts come before, between and after, and in the same frame."""
    async with Client(site.target) as client:
        assert await served(client)
        neighbours = [facts.ContactArrived(secrets.token_bytes(16), secrets.token_bytes(16), "task", "orders") for _ in range(2)]
        await send(site, NO_FRAME)
        assert await served(client)
        await send(
            site, codec.encode_frame([codec.encode(neighbours[0]), NO_FACT, codec.encode(neighbours[1])]), "old-gateway-1a.7"
        )
        many = [codec.encode(facts.QueueModeRequested(secrets.token_bytes(16), "orders", "open")) for _ in range(TOO_MANY)]
        await send(site, msgspec.msgpack.encode(many))
        assert await served(client)
        await until_open(client, 3)
        for neighbour in neighbours:
            async with asyncio.timeout(PATIENCE_S):
                assert (await client.get_contact(neighbour.contact.hex())).queue == "orders"
        return {one.reason: one.quarantine_id async for one in client.list_quarantined()}


async def test_it_is_listed_with_what_is_known_of_it(site: ApiSite, poison: dict[str, str]) -> None:
    assert poison.keys() == {"not_a_frame", "out_of_bounds", "frame_too_large"}
    listed = await typed(site, "list", "--json")
    assert listed["open"] == 3
    assert {one["reason"]: int(one["size_bytes"]) for one in listed["quarantined"]}["not_a_frame"] == len(NO_FRAME)
    (fact,) = [one for one in listed["quarantined"] if "publisher" in one]
    assert (fact["publisher"], fact["index"], fact["size_bytes"], fact["state"]) == (
        "old-gateway-1a",
        "1",
        str(len(NO_FACT)),
        "open",
    )
    async with Client(site.target) as client:
        boards, watch, screen = await client.get_boards(), client.watch_boards(interval_ms=20), Screen()
        screen.take(await anext(watch))
        await watch.aclose()
    assert boards.quarantine_open == 3
    assert "3 messages or facts could not be read" in str(screen.draw().renderables[-1])
    shown = await typed(site, "list")
    assert "quarantine: 3 open" in shown and "frame_too_large" in shown and "old-gateway-1a" in shown
    assert "use one of open, retried, discarded, all" in await typed(site, "list", "--state", "shut", code=1)


async def test_its_bytes_are_shown_and_what_can_be_read_of_them(site: ApiSite, client: Client, poison: dict[str, str]) -> None:
    bad = poison["out_of_bounds"]
    shown = await typed(site, "show", bad)
    assert "ContactAbandoned" in shown and "736f6d65626f647927732069642e2e2e" in shown
    assert "93 02 c4 10 73 6f 6d 65 62 6f 64 79 27 73 20 69 ....somebody's i" in shown
    found = await client.get_quarantined(poison["not_a_frame"])
    assert (found.data, found.readable, found.word) == (NO_FRAME, "", "") and found.problem
    large = await client.get_quarantined(poison["frame_too_large"])
    assert large.problem == "" and large.readable.startswith('[[33,"')
    assert "This release can read it: retry it." in await typed(site, "show", poison["frame_too_large"])
    assert "more bytes (--all)" in await typed(site, "show", poison["frame_too_large"])
    assert (await typed(site, "show", bad, "--json"))["data"] == NO_FACT.hex()
    assert "unknown_quarantine" in await typed(site, "show", "1.0-000000", code=1)


async def test_closed_monitoring_shows_neither_bytes_nor_who_decided(client: Client, poison: dict[str, str]) -> None:
    closed = msgspec.structs.replace(POLICY, monitoring=Monitoring(individual_history=False))
    after = (await client.publish_policy(codec.encode(closed))).consistency_token
    found = await client.get_quarantined(poison["not_a_frame"], after=after)
    assert found.withheld and not found.data and found.quarantined.held
    await client.publish_policy(codec.encode(POLICY))


async def test_what_can_be_read_is_said_again_and_counts_once(site: ApiSite, client: Client, poison: dict[str, str]) -> None:
    large = poison["frame_too_large"]
    (done,) = await typed(site, "retry", large, "--by", "olga", "--reason", "lunch", "--json")
    assert done["outcome"] == "retried"
    assert [fact["verdict"] for fact in done["facts"]] == ["accepted"] * TOO_MANY
    again = await client.retry_quarantined(large)
    assert not again.facts, "it is over: nothing is published a second time"
    assert "quarantine_ended" in await typed(site, "discard", large, "--by", "olga", "--reason", "lunch", code=1)
    (ended,) = [one async for one in client.list_quarantined("retried")]
    assert (ended.by, ended.decided_for) == ("olga", "lunch")
    await until_open(client, 2)


async def test_what_cannot_be_read_still_is_not_published(site: ApiSite, client: Client, poison: dict[str, str]) -> None:
    before = await site.log.last_inbox_seq()
    for one in await typed(site, "retry", "--all-open", "--json", code=1):
        assert (one["outcome"], one["reason"]) == ("refused", "still_unreadable")
    with pytest.raises(ClientError) as refused:
        await client.retry_quarantined(poison["not_a_frame"], reason="bored")
    assert refused.value.reason == "unknown_reason"
    assert await site.log.last_inbox_seq() == before
    assert "name what to decide of" in await typed(site, "retry", code=1)


async def test_a_refusal_leaves_it_open_and_says_so(site: ApiSite, client: Client, poison: dict[str, str]) -> None:
    unknown = [codec.encode(facts.ContactAbandoned(secrets.token_bytes(16), bytes(16))) for _ in range(TOO_MANY)]
    await send(site, msgspec.msgpack.encode(unknown))
    await until_open(client, 3)
    (large,) = [one.quarantine_id async for one in client.list_quarantined("open") if one.reason == "frame_too_large"]
    said = await typed(site, "retry", large, code=1)
    assert f"{large} open" in said and "refused (unknown_contact)" in said
    assert await client.quarantine_open() == 3


async def test_a_decision_outlives_the_bytes_and_the_server(site: ApiSite, client: Client, poison: dict[str, str]) -> None:
    assert isinstance(site.log, JetStreamLog)
    assert "unknown_reason" in await typed(site, "discard", poison["not_a_frame"], "--by", "olga", "--reason", "bored", code=1)
    await typed(site, "discard", poison["not_a_frame"], "--by", "olga", "--reason", "lunch")
    await typed(site, "discard", poison["not_a_frame"], "--by", "otto", "--reason", "lunch")
    await site.log.inbox.purge(await site.log.last_inbox_seq() + 1)
    await site.stop_api()
    await site.start_api()
    listed = await typed(site, "list", "--state", "all", "--json")
    assert listed["open"] == 2 and not any(one.get("held") for one in listed["quarantined"])
    decided = {one["quarantine_id"]: (one["state"], one.get("by"), one.get("decided_for")) for one in listed["quarantined"]}
    assert decided[poison["not_a_frame"]] == ("discarded", "olga", "lunch"), "the first decision stands"
    assert decided[poison["frame_too_large"]] == ("retried", "olga", "lunch")
    assert "bytes_gone" in await typed(site, "retry", "--all-open", code=1)
    await typed(site, "discard", "--all-open", "--by", "olga", "--reason", "lunch")
    assert await client.quarantine_open() == 0
    assert await served(client)


async def test_all_of_it_decides_again_to_the_same_bytes(site: ApiSite, poison: dict[str, str]) -> None:
    report = await verify(site.log)
    assert report.clean and report.quarantined == 4

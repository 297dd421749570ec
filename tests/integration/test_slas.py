"""SLA promises from the policy over the core to the API and the command line: due, at risk, met, broken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from cordboard.client import Client, ClientError, Customer, DeskChange, DeskSnapshot, Offer, SlaFilter
from cordboard.events.policy import SlaPolicy
from cordboard.main import app
from cordboard.v1.sla_service_pb2 import (
    SLA_MEASURE_ANSWER,
    SLA_MEASURE_RESOLUTION,
    SLA_STATE_AT_RISK,
    SLA_STATE_BROKEN,
    SLA_STATE_CANCELLED,
    SLA_STATE_MET,
    SLA_STATE_RUNNING,
    SlaClock,
)
from tests.api_site import PATIENCE_S, POLICY, DeskReader, an_agent, api_site

HOUR = 3_600_000
PROMISING = replace(
    POLICY,
    slas=[
        SlaPolicy(name="soon", measure="answer", target_ms=300, warn_percent=1, queues=["nobody"], escalate="leads"),
        SlaPolicy(name="hour", measure="answer", target_ms=HOUR, queues=["orders"]),
        SlaPolicy(name="gold", measure="resolution", target_ms=8 * HOUR, segments=["gold"], internal=True),
    ],
)


async def test_clocks_run_to_their_end_and_the_group_is_told(tmp_path: Path) -> None:
    async with api_site(tmp_path, PROMISING) as site, Client(site.target) as client, asyncio.timeout(PATIENCE_S):
        watch = client.watch_slas(interval_ms=20)
        assert [len((await anext(watch)).clocks)] == [0]
        told = client.watch_slas(group="leads", interval_ms=20)
        assert [len((await anext(told)).clocks)] == [0]

        async def until(contact_id: str, *states: int) -> SlaClock:
            async for change in watch:
                for clock in change.clocks:
                    if clock.contact_id == contact_id and clock.state in states:
                        return clock
            raise AssertionError("the watch ended")

        late = (await client.submit_contact(channel="task", queue="nobody", text="Is anybody there?")).contact_id
        started = await until(late, SLA_STATE_RUNNING, SLA_STATE_AT_RISK)
        assert (started.sla, started.measure, started.queue) == ("soon", SLA_MEASURE_ANSWER, "nobody")
        assert started.due_ms == started.started_at_ms + 300
        broken = await until(late, SLA_STATE_BROKEN)
        assert (broken.due_ms, broken.group, broken.warned) == (started.due_ms, "leads", True)
        assert broken.ended_at_ms >= broken.due_ms

        heard: list[tuple[str, int]] = []
        async for change in told:
            heard += [(clock.contact_id, clock.state) for clock in change.clocks]
            if heard and heard[-1][1] == SLA_STATE_BROKEN:
                break
        assert (late, SLA_STATE_BROKEN) in heard
        assert {state for _, state in heard} <= {SLA_STATE_AT_RISK, SLA_STATE_BROKEN}

        gold = await _answered(client)
        met = await until(gold, SLA_STATE_MET)
        assert (met.sla, met.left_ms > HOUR - 60_000, met.ended_at_ms > 0) == ("hour", True, True)
        await _listed(client, late, gold, started.started_at_ms)
        await asyncio.to_thread(_printed, site.target, late, gold, started.started_at_ms)


async def _answered(client: Client) -> str:
    """A contact of a gold customer that Vera answers; its case stays open."""
    customer = Customer(kind="email", address="jan@example.org", name="Jan")
    known = await client.submit_contact(channel="mail", queue="invoices", customer=customer, text="Before.")
    await client.set_segment((await client.get_contact(known.contact_id)).customer_id, "gold")
    (result,) = await client.declare_agents([an_agent("vera", "orders")])
    assert result.code == 0, result
    desk = DeskReader(client, "vera")
    await desk.until(DeskSnapshot)
    await client.set_presence("vera", "ready")
    contact_id = (await client.submit_contact(channel="task", queue="orders", customer=customer, text="Hello.")).contact_id
    offer = await desk.until(Offer)
    await client.accept_offer("vera", contact_id, offer.attempt)
    await client.confirm_connected("vera", contact_id, offer.attempt)
    return contact_id


async def _listed(client: Client, late: str, gold: str, began_ms: int) -> None:
    async def names(**wanted: object) -> list[tuple[str, str]]:
        found = [page async for page in client.list_slas(SlaFilter(**wanted), page_size=1)]  # type: ignore[arg-type]
        return [(clock.sla, clock.contact_id) for page in found for clock in page.clocks]

    assert await names(live=True) == [("gold", gold)]
    assert await names() == [("soon", late), ("hour", gold), ("gold", gold)]  # due first comes first
    assert await names(group="leads") == await names(group="leads", live=True) == [("soon", late)], "what is broken, too"
    assert await names(contact_id=gold, measure=SLA_MEASURE_RESOLUTION) == [("gold", gold)]
    (page,) = [page async for page in client.list_slas(SlaFilter(state=SLA_STATE_BROKEN))]
    assert [(one.sla, one.queue, one.met, one.broken, one.met_permille, one.internal) for one in page.counts] == [
        ("gold", "orders", 0, 0, -1, True),
        ("hour", "orders", 1, 0, 1_000, False),
        ("soon", "nobody", 0, 1, 0, False),
    ]
    # Perhaps midnight was just now: the period is that of this test, and so may be of two days.
    board = await client.get_sla_board(
        after=page.consistency_token, zone="Europe/Brussels", from_ms=began_ms, until_ms=began_ms + HOUR
    )
    assert sorted((day.sla, day.queue, day.met, day.broken, day.HasField("met_permille")) for day in board.days) == [
        ("hour", "orders", 1, 0, True),
        ("soon", "nobody", 0, 1, True),
    ]
    assert (
        await client.get_sla_board(["invoices"], from_ms=began_ms, until_ms=began_ms + HOUR)
    ).days == [] and board.zone == "Europe/Brussels"
    with pytest.raises(ClientError, match="32 days"):
        await client.get_sla_board(from_ms=1, until_ms=33 * 86_400_000)
    with pytest.raises(ClientError) as wrong:
        await names(contact_id="nobody")
    assert "filter.contact_id" in str(wrong.value)
    watch = client.watch_slas(group="lead")
    for asked in (names(group="lead"), anext(watch)):
        with pytest.raises(ClientError, match="did you mean `leads`") as nobody:
            await asked
        assert (nobody.value.code, nobody.value.reason) == (grpc.StatusCode.NOT_FOUND, "unknown_group")


def _printed(target: str, late: str, gold: str, began_ms: int) -> None:
    runner = CliRunner()
    said = runner.invoke(app, ["slas", "--target", target, "--json", "--ended"])
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    assert [(one["sla"], one["state"], one["contact_id"]) for one in found["clocks"]] == [
        ("soon", "broken", late),
        ("hour", "met", gold),
        ("gold", "running", gold),
    ]
    assert found["counts"][2]["met_permille"] == 0
    for words in ([], ["--state", "broken"]):
        shown = runner.invoke(app, ["slas", "--target", target, "--group", "leads", *words])
        assert (shown.exit_code, " 1 clocks" in f" {shown.output.strip()}", "100.0" in shown.output) == (0, True, True), (
            shown.output
        )
    none = runner.invoke(app, ["slas", "--target", target, "--group", "leads", "--state", "met"]).output
    assert " 0 clocks" in f" {none.strip()}"
    since, until = (datetime.fromtimestamp(ms / 1_000, UTC).isoformat() for ms in (began_ms - 1, began_ms + HOUR))
    board = ["slas", "--target", target, "--board", "--from", since, "--until", until]
    days = json.loads(runner.invoke(app, [*board, "--json"]).output)["days"]
    assert sorted((day["sla"], day["met_permille"]) for day in days) == [("hour", 1_000), ("soon", 0)]
    assert "100.0" in runner.invoke(app, [*board, "--queue", "orders"]).output
    unknown = runner.invoke(app, ["slas", "--target", target, "--state", "lost"])
    assert (unknown.exit_code, "unknown word" in unknown.output) == (1, True)


async def test_a_desk_shows_the_alarms_of_its_contacts_and_of_the_groups_it_listens_for(tmp_path: Path) -> None:
    slas = [
        SlaPolicy(name="lead", measure="answer", target_ms=300, warn_percent=1, queues=["nobody"], escalate="leads"),
        SlaPolicy(name="ours", measure="resolution", target_ms=60_000, warn_percent=1, queues=["orders"]),
    ]
    policy = replace(PROMISING, slas=slas)
    async with api_site(tmp_path, policy) as site, Client(site.target) as client, asyncio.timeout(PATIENCE_S):
        await client.declare_agents([an_agent("vera", "orders"), an_agent("wim", "orders")])
        with pytest.raises(ClientError, match="did you mean `leads`") as nobody:
            await anext(client.watch_desk("vera", groups=["lead"]))
        assert (nobody.value.code, nobody.value.reason) == (grpc.StatusCode.NOT_FOUND, "unknown_group")
        vera, wim = client.watch_desk("vera"), client.watch_desk("wim", groups=["leads"])
        for desk in (vera, wim):
            first = (await anext(desk)).event
            assert isinstance(first, DeskSnapshot) and not first.slas

        late = (await client.submit_contact(channel="task", queue="nobody", text="Is anybody there?")).contact_id
        told = await _alarms(wim, "lead", SLA_STATE_BROKEN)
        assert {clock.contact_id for clock in told} == {late} and told[-1].group == "leads"

        await client.set_presence("vera", "ready")
        hers = (await client.submit_contact(channel="task", queue="orders", text="Hello.")).contact_id
        async for change in vera:
            if isinstance(change.event, Offer):
                break
        await client.accept_offer("vera", hers, change.event.attempt)
        await client.confirm_connected("vera", hers, change.event.attempt)
        told = await _alarms(vera, "ours", SLA_STATE_AT_RISK)
        assert {clock.contact_id for clock in told} == {hers}, "what concerns others is not hers to see"

        # Who comes back sees what stands, and hears its end.
        await vera.aclose()
        again = client.watch_desk("vera")
        snapshot = (await anext(again)).event
        assert isinstance(snapshot, DeskSnapshot)
        assert [(clock.sla, clock.contact_id) for clock in snapshot.slas] == [("ours", hers)]
        await client.end_contact(hers)
        assert (await _alarms(again, "ours", SLA_STATE_MET, SLA_STATE_CANCELLED))[-1].contact_id == hers
        for desk in (again, wim):
            await desk.aclose()


async def _alarms(desk: AsyncIterator[DeskChange], sla: str, *states: int) -> list[SlaClock]:
    """What a desk is told of clocks, until one of this SLA is in one of these states."""
    told: list[SlaClock] = []
    async for change in desk:
        if isinstance(change.event, SlaClock):
            told.append(change.event)
            if (change.event.sla, change.event.state in states) == (sla, True):
                return told
    raise AssertionError("the watch ended")

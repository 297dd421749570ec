"""Availability from the core to gRPC clients and the command line: a door opens, turns busy, is shut by a supervisor."""

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from cordboard.client import Client, ClientError
from cordboard.events.policy import Availability, EntryPoint
from cordboard.main import app
from cordboard.v1.availability_service_pb2 import DOOR_STATE_CLOSED, DOOR_STATE_OPEN, Door
from tests.api_site import PATIENCE_S, POLICY, an_agent, api_site

SHOWN = replace(
    POLICY,
    entry_points=[
        EntryPoint(
            name="order_form", channel="chat", queue="orders", availability=Availability(min_closed_ms=0, referral="service")
        ),
        EntryPoint(name="service", channel="mail", topic="delivery"),
    ],
)


async def test_a_door_is_followed_and_asked_for(tmp_path: Path) -> None:
    async with api_site(tmp_path, SHOWN) as site, Client(site.target) as client, asyncio.timeout(PATIENCE_S):
        watch = client.watch_availability(["order_form"], interval_ms=20)

        async def until(state: int) -> Door:
            async for change in watch:
                for door in change.doors:
                    if door.state == state:
                        return door
            raise AssertionError("the watch ended")

        shut = await until(DOOR_STATE_CLOSED)
        assert (shut.cause, shut.referral, shut.HasField("expected_wait_ms")) == ("unstaffed", "service", False)
        await client.declare_agents([an_agent("anna", "orders")])
        await client.set_presence("anna", "ready")
        opened = await until(DOOR_STATE_OPEN)
        assert (opened.cause, opened.referral, opened.expected_wait_ms) == ("", "", 0)
        closed = await client.set_queue_mode("orders", "emergency")
        found = await client.get_availability(["order_form"], after=closed.consistency_token)
        assert [(door.state, door.cause) for door in found.doors] == [(DOOR_STATE_CLOSED, "emergency")]
        await until(DOOR_STATE_CLOSED)
        await watch.aclose()
        with pytest.raises(ClientError, match="availability") as refused:
            await client.get_availability(["service"])
        assert refused.value.reason == "unknown_entry_point"
        said = await asyncio.to_thread(CliRunner().invoke, app, ["doors", "--json", "--target", site.target])
        assert [(door["entry_point"], door["state"], door["cause"]) for door in json.loads(said.stdout)["doors"]] == [
            ("order_form", "closed", "emergency")
        ]
        table = await asyncio.to_thread(CliRunner().invoke, app, ["doors", "order_form", "--target", site.target])
        assert "doors" in table.stdout and "emergency" in table.stdout and "service" in table.stdout

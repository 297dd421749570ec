"""An API that has just started knows nothing yet: it refuses rather than answers from what it has not read."""

import asyncio
from pathlib import Path

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cordboard.api import guard, run_api
from cordboard.client import Client, ClientError, Customer
from cordboard.log.feed import Feed
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from tests.api_site import an_agent, api_site, cancelled


async def test_nothing_is_answered_before_the_journal_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "CATCH_UP_S", 0.05)
    async with api_site(tmp_path) as site, Client(site.target, attempts=1) as client:
        (declared,) = await client.declare_agents([an_agent("anna", "orders")])
        submitted = await client.submit_contact(
            channel="task", queue="orders", text="Hello.", customer=Customer(kind="email", address="jan@example.org")
        )
        await site.stop_api()
        boards, desks, feed = Boards(), Desks(), Feed(site.log)
        feed.attach(boards.apply)
        feed.attach(desks.apply)
        api = asyncio.create_task(run_api(site.log, site.vault, boards, desks, feed, site.history, port=site.port), name="api")
        for call in (client.declare_agents([an_agent("anna", "orders")]), client.get_boards(), exported(client)):
            with pytest.raises(ClientError) as refused:
                await call
            assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.UNAVAILABLE, "catching_up")
        async with grpc.aio.insecure_channel(site.target) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING

        async with Client(site.target) as patient:
            export = asyncio.create_task(exported(patient))
            await asyncio.sleep(0.3)  # long enough to be refused once or twice
            reading = asyncio.create_task(feed.run(), name="feed")
            (again,) = await patient.declare_agents([an_agent("anna", "orders")])
            assert again.agent_id == declared.agent_id
            assert submitted.contact_id.encode() in await export
        await cancelled(api, reading)
        await site.start_api()


async def exported(client: Client) -> bytes:
    return b"".join([part async for part in client.export_customer(("email", "jan@example.org"))])

"""kill -9 in the middle of the demo's crowd: the router, the NATS server, the whole engine. Afterwards nothing may be missing.

The crowd is the demo's: real sockets, customers who come back after a lost connection, services that repeat a request with the
same id.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordboard import codec
from cordboard.cli.agents_file import apply_agents
from cordboard.client import Client
from cordboard.demo import engine as engines
from cordboard.demo.engine import Engine
from cordboard.demo.report import Report, close
from cordboard.demo.run import Crowd, Plan, Show, hastened
from cordboard.demo.tally import Tally
from cordboard.events.policy import Policy
from cordboard.log import connect
from cordboard.policy import load
from tests.integration.live_site import EXAMPLE, SITE, servers_on
from tests.postgres import eventually

AGENTS = EXAMPLE.with_name("agents.yaml")
PLAN = Plan(seconds=6, chats_per_second=5, tasks_per_second=5, seed=7)
KILL_AFTER_CONTACTS = 15


class Trial:
    """A crowd at a running engine, and the moment to strike."""

    def __init__(self, engine: Engine, policy: Policy, people: list[str]) -> None:
        self.engine, self._policy, self._people = engine, policy, people
        self.tally = Tally()

    async def crowd(self) -> None:
        await Crowd(PLAN, self.engine, self._policy, self._people, self.tally).run(Show(lambda _text: None, _no_board))

    async def struck(self) -> None:
        """Returns when enough contacts are on their way, so that the blow lands in the middle."""
        await eventually(lambda: len(self.tally.confirmed) >= KILL_AFTER_CONTACTS, "enough contacts are on their way")

    async def report(self, engine: Engine | None = None) -> Report:
        engine = engine or self.engine
        async with connect(engine.nats_url, SITE, monitor_url=engine.monitor_url) as log:
            return await close(log, self.tally, PLAN.seconds)


async def _no_board(_client: Client) -> None:
    await asyncio.Event().wait()


async def prepare(engine: Engine) -> Trial:
    """Policy in force, agents declared."""
    policy = hastened(load(EXAMPLE).policy)
    async with Client(engine.grpc) as client:
        await client.ready()
        await client.publish_policy(codec.encode(policy))
        await apply_agents(client, AGENTS)
        people = [agent.declaration.person async for agent in client.list_agents()]
    return Trial(engine, policy, people)


def assert_whole(report: Report) -> None:
    """Every confirmed contact is in the journal and came to its end; the journal decides to the same bytes."""
    assert report.problems == []
    assert (report.lost, report.violations, report.divergences, report.duplicates) == (0, 0, 0, 0)
    assert report.open == 0
    assert report.contacts >= KILL_AFTER_CONTACTS
    assert report.crowd.get("gave up", 0) == 0


@contextlib.asynccontextmanager
async def router(engine: Engine) -> AsyncIterator[asyncio.subprocess.Process]:
    """The router role in a process of its own."""
    assert engine.monitor_url is not None
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cordboard.main", "run", "router", "--site", SITE, "--nats-url", engine.nats_url),
        *("--nats-monitor-url", engine.monitor_url),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        await engines.stop(process)


async def test_a_killed_router_loses_nothing(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        arguments = ["--site", SITE, "--grace", "3", "--without", "router"]
        engine = await stack.enter_async_context(engines.running(tmp_path, arguments))
        first = await stack.enter_async_context(router(engine))
        trial = await prepare(engine)
        async with asyncio.TaskGroup() as group:
            group.create_task(trial.crowd())
            await trial.struck()
            first.kill()
            await first.wait()
            await stack.enter_async_context(router(engine))
        assert_whole(await trial.report())


async def test_a_killed_nats_server_loses_nothing(tmp_path: Path) -> None:
    async with engines.running(tmp_path, ["--site", SITE, "--grace", "3"]) as engine:
        trial = await prepare(engine)
        async with asyncio.TaskGroup() as group:
            group.create_task(trial.crowd())
            await trial.struck()
            (before,) = servers_on(tmp_path)
            os.kill(before, signal.SIGKILL)
        (after,) = servers_on(tmp_path)
        assert after != before
        assert_whole(await trial.report())


async def test_a_killed_engine_loses_nothing(tmp_path: Path) -> None:
    process, engine = await engines.start(tmp_path, ["--site", SITE, "--grace", "3"], tmp_path / "first.log")
    trial = await prepare(engine)
    again = [
        *("--site", SITE, "--grace", "3"),
        *("--grpc-port", engine.grpc.rpartition(":")[2], "--http-port", engine.http.rpartition(":")[2]),
    ]
    async with asyncio.TaskGroup() as group:
        group.create_task(trial.crowd())
        await trial.struck()
        process.kill()
        await process.wait()
        process, engine = await engines.start(tmp_path, again, tmp_path / "second.log")
    try:
        assert len(servers_on(tmp_path)) == 1
        assert_whole(await trial.report(engine))
    finally:
        await engines.stop(process)


async def test_a_second_engine_on_the_same_directory_starts_no_second_server(tmp_path: Path) -> None:
    async with engines.running(tmp_path, ["--site", SITE]) as engine:
        before = servers_on(tmp_path)
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cordboard.main", "up", "--data-dir", str(tmp_path), "--grpc-port", "0", "--http-port", "0", "--smtp-port", "0"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            _, errors = await second.communicate()
        assert second.returncode == 1
        assert f"in use by process {engine.pid}" in " ".join(errors.decode().split())
        assert servers_on(tmp_path) == before == [engine.nats_pid]
        async with Client(engine.grpc) as client:
            await client.ready()
            with pytest.raises(Exception, match="policy"):
                await client.get_policy()

"""kill -9 in the middle of the demo's crowd: the router, the NATS server, the whole engine. Afterwards nothing may be missing.

The crowd is the demo's: real sockets, customers who come back after a lost connection, services and mail servers that repeat what
was not confirmed. Whoever dies between the relay's 250 and the journal sends that answer once more, under the same Message-ID:
no protocol of mail can do better.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cordboard import codec
from cordboard.cli.agents_file import apply_agents
from cordboard.client import Client
from cordboard.demo import engine as engines
from cordboard.demo.engine import Engine
from cordboard.demo.far_side import FarSide, Secrets, far_side, make_secrets, write_secrets
from cordboard.demo.pace import answered_at, hastened
from cordboard.demo.report import Report, close
from cordboard.demo.run import Crowd, Plan, Show
from cordboard.demo.shown import Wanted
from cordboard.demo.tally import Tally
from cordboard.events.policy import Policy
from cordboard.log import connect
from cordboard.policy import load
from tests.integration.live_site import EXAMPLE, SITE, servers_on
from tests.postgres import eventually

AGENTS = EXAMPLE.with_name("agents.yaml")
PLAN = Plan(
    seconds=6,
    chats_per_second=4,
    tasks_per_second=3,
    mails_per_second=4,
    forms_per_second=1,
    webhooks_per_second=1,
    callbacks_per_second=0,
    away_percent=0,
    seed=7,
)
KILL_AFTER_CONTACTS = 15


@dataclass(frozen=True, slots=True)
class Outside:
    """The other side of mail and webhooks, and what an engine must be told of it."""

    running: FarSide
    tally: Tally
    secrets: Secrets
    options: list[str]


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    tally, secrets = Tally(), make_secrets(load(EXAMPLE).policy)
    file = write_secrets(secrets, tmp_path / "webhooks.yaml")
    async with far_side(tally, secrets) as running:
        options = ["--site", SITE, "--grace", "3", "--smtp-relay", running.relay, "--webhook-secrets", str(file)]
        yield Outside(running, tally, secrets, options)


class Trial:
    """A crowd at a running engine, and the moment to strike."""

    def __init__(self, engine: Engine, policy: Policy, people: list[str], outside: Outside) -> None:
        self.engine, self._policy, self._people, self._outside = engine, policy, people, outside
        self.tally = outside.tally

    async def crowd(self) -> None:
        crowd = Crowd(PLAN, self.engine, self._policy, self._people, self.tally, self._outside.secrets)
        await crowd.run(Show(lambda _text: None, _no_board))

    async def struck(self) -> None:
        """Returns when enough contacts are on their way, so that the blow lands in the middle."""
        await eventually(lambda: len(self.tally.confirmed) >= KILL_AFTER_CONTACTS, "enough contacts are on their way")

    async def report(self, engine: Engine | None = None) -> Report:
        engine = engine or self.engine
        async with connect(engine.nats_url, SITE, monitor_url=engine.monitor_url) as log:
            return await close(log, self.tally, PLAN.seconds, Wanted())


async def _no_board(_client: Client) -> None:
    await asyncio.Event().wait()


async def prepare(engine: Engine, outside: Outside) -> Trial:
    """Policy in force, agents declared."""
    policy = answered_at(hastened(load(EXAMPLE).policy), outside.running.receiver)
    async with Client(engine.grpc) as client:
        await client.ready()
        await client.publish_policy(codec.encode(policy))
        await apply_agents(client, AGENTS)
        people = [agent.declaration.person async for agent in client.list_agents()]
    return Trial(engine, policy, people, outside)


def assert_whole(report: Report, tally: Tally) -> None:
    """Every confirmed contact is in the journal and came to its end; the journal decides to the same bytes."""
    repeats = tally.post.repeats.total()
    assert repeats or report.problems == []
    assert (report.lost, report.violations, report.divergences, report.duplicates - repeats) == (0, 0, 0, 0)
    assert {name for name, line in report.channels.items() if line.answers_received} >= {"chat", "mail"}
    assert not any(line.threads_broken for line in report.channels.values())
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


async def test_a_killed_router_loses_nothing(tmp_path: Path, outside: Outside) -> None:
    async with contextlib.AsyncExitStack() as stack:
        engine = await stack.enter_async_context(engines.running(tmp_path, [*outside.options, "--without", "router"]))
        first = await stack.enter_async_context(router(engine))
        trial = await prepare(engine, outside)
        async with asyncio.TaskGroup() as group:
            group.create_task(trial.crowd())
            await trial.struck()
            first.kill()
            await first.wait()
            await stack.enter_async_context(router(engine))
        assert_whole(await trial.report(), trial.tally)


async def test_a_killed_nats_server_loses_nothing(tmp_path: Path, outside: Outside) -> None:
    async with engines.running(tmp_path, outside.options) as engine:
        trial = await prepare(engine, outside)
        async with asyncio.TaskGroup() as group:
            group.create_task(trial.crowd())
            await trial.struck()
            (before,) = servers_on(tmp_path)
            os.kill(before, signal.SIGKILL)
        (after,) = servers_on(tmp_path)
        assert after != before
        assert_whole(await trial.report(), trial.tally)


async def test_a_killed_engine_loses_nothing(tmp_path: Path, outside: Outside) -> None:
    process, engine = await engines.start(tmp_path, outside.options, tmp_path / "first.log")
    trial = await prepare(engine, outside)
    ports = (("--grpc-port", engine.grpc), ("--http-port", engine.http), ("--smtp-port", engine.smtp or ""))
    again = [*outside.options, *(part for option, at in ports for part in (option, at.rpartition(":")[2]))]
    async with asyncio.TaskGroup() as group:
        group.create_task(trial.crowd())
        await trial.struck()
        process.kill()
        await process.wait()
        process, engine = await engines.start(tmp_path, again, tmp_path / "second.log")
    try:
        assert len(servers_on(tmp_path)) == 1
        assert_whole(await trial.report(engine), trial.tally)
    finally:
        await engines.stop(process)


async def test_a_second_engine_on_the_same_directory_starts_no_second_server(tmp_path: Path) -> None:
    async with engines.running(tmp_path, ["--site", SITE]) as engine:
        before = servers_on(tmp_path)
        second = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "cordboard.main",
                "up",
                "--data-dir",
                str(tmp_path),
                "--grpc-port",
                "0",
                "--http-port",
                "0",
                "--smtp-port",
                "0",
            ),
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

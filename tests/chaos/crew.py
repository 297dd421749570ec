"""Everybody who works on the cluster: the real roles as processes, publishers with ledgers, and people at the real doors."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cordboard.client import Client, ClientError
from tests.chaos.archive import ArchiveDisk
from tests.chaos.cluster import Cluster
from tests.chaos.ledger import Account, Ledger, read
from tests.chaos.network import HOST
from tests.chaos.processes import Kept
from tests.chaos.site import FORM, QUEUES, SITE
from tests.postgres import PostgresServer

ROUTERS = 2
SOURCES = 2
PAUSE_S = 0.25
ANSWER_S = 20.0


@dataclass(frozen=True, slots=True)
class Databases:
    """URLs of the crew's PostgreSQL databases."""

    vault: str
    views: str

    @classmethod
    def of(cls, server: PostgresServer) -> Databases:
        return cls(server.database(), server.database())


class Crew:
    """All processes but the NATS servers. Made by `crew`."""

    def __init__(
        self, directory: Path, cluster: Cluster, databases: Databases, ports: Iterator[int], seed: int, rate: float, *, doors: bool
    ) -> None:
        self._directory, self._cluster, self._seed = directory, cluster, seed
        self.doors = doors
        self.http_port, self.grpc_port = next(ports), next(ports)
        vault = ("--vault-url", databases.vault, "--kek-file", str(directory / "kek"))
        views = ("--views-url", databases.views)
        self.routers = [self._role(f"router {number}", "router") for number in range(1, ROUTERS + 1)]
        self.projector = self._role("projector", "projector", *views)
        self.gateway = self._role(
            "gateway", "gateway", *vault, *views, "--http-port", str(self.http_port), "--smtp-port", "-1", "--health-port", "-1"
        )
        self.api = self._role("api", "api", *vault, *views, "--grpc-port", str(self.grpc_port))
        self.archive_disk = ArchiveDisk(directory)
        self.archiver = self._role("archiver", "archiver", "--archive", str(self.archive_disk.place))
        self.sources = [self._voice("source", f"source-{number}", rate / SOURCES) for number in range(1, SOURCES + 1)]
        self.desk = self._voice("desk", "desk", rate)
        self._doors_ledger = directory / "doors.ledger"

    @property
    def roles(self) -> list[Kept]:
        return [*self.routers, self.projector, *([self.gateway, self.api, self.archiver] if self.doors else [])]

    @property
    def everybody(self) -> list[Kept]:
        return [*self.roles, self.desk, *self.sources]

    def accounts(self) -> dict[str, Account]:
        """What each ledger says, by whose it is."""
        return {path.stem: read(path) for path in sorted(self._directory.glob("*.ledger"))}

    async def visit(self) -> None:
        """Customers fill in forms and services submit tasks, for ever; each comes back with the same key until it is confirmed."""
        if not self.doors:
            return
        ledger = Ledger(self._doors_ledger)
        chance = random.Random(f"{self._seed} doors")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forms(ledger, chance))
                group.create_task(self._tasks(ledger, chance))
        finally:
            ledger.close()

    async def _forms(self, ledger: Ledger, chance: random.Random) -> None:
        url = f"http://{HOST}:{self.http_port}/form/{FORM}"
        async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_S) as client:
            while True:
                key = {"Idempotency-Key": chance.randbytes(16).hex()}
                filled = {"mail": f"c{chance.randrange(50)}@customer.example", "text": "Where is my parcel?"}
                while True:
                    with contextlib.suppress(httpx.HTTPError):
                        answer = await client.post(url, json=filled, headers=key)
                        if answer.status_code == 202:
                            ledger.took(bytes.fromhex(answer.json()["contact"]), "form")
                            break
                    await asyncio.sleep(PAUSE_S)
                await asyncio.sleep(PAUSE_S)

    async def _tasks(self, ledger: Ledger, chance: random.Random) -> None:
        async with Client(f"{HOST}:{self.grpc_port}") as client:
            while True:
                key = str(uuid.UUID(bytes=chance.randbytes(16)))
                queue = chance.choice(QUEUES)
                while True:
                    with contextlib.suppress(ClientError):
                        done = await client.submit_contact(request_id=key, channel="task", queue=queue, subject="A return")
                        ledger.took(bytes.fromhex(done.contact_id), "api")
                        break
                    await asyncio.sleep(PAUSE_S)
                await asyncio.sleep(PAUSE_S)

    def _role(self, name: str, role: str, *options: str) -> Kept:
        command = [sys.executable, "-m", "cordboard.main", "run", role, "--site", SITE, *self._log_options(), *options]
        return Kept(name, command, self._directory / f"{name.replace(' ', '-')}.log")

    def _voice(self, kind: str, name: str, rate: float) -> Kept:
        command = [sys.executable, "-m", "tests.chaos.source", kind, "--name", name, "--rate", str(rate)]
        command += ["--nats-url", self._cluster.urls, "--monitor-url", self._cluster.monitor_urls]
        command += ["--ledger", str(self._directory / f"{name}.ledger"), "--seed", str(self._seed)]
        return Kept(name, command, self._directory / f"{name}.log")

    def _log_options(self) -> tuple[str, ...]:
        return ("--nats-url", self._cluster.urls, "--nats-monitor-url", self._cluster.monitor_urls, "--nats-replicas", "3")


@asynccontextmanager
async def crew(
    directory: Path, cluster: Cluster, databases: Databases, ports: Iterator[int], seed: int, rate: float, *, doors: bool
) -> AsyncIterator[Crew]:
    """Everybody at work, until the context is left. `doors`: also gateway and API, people who come to them, and an archiver."""
    people = Crew(directory, cluster, databases, ports, seed, rate, doors=doors)
    with people.archive_disk.mounted() if doors else contextlib.nullcontext():
        try:
            for one in people.everybody:
                await one.keep()
            yield people
        finally:
            await asyncio.gather(*(one.end() for one in people.everybody))

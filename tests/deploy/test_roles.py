"""The chart's own arguments, variables and probes, played by real processes against a real NATS server and PostgreSQL."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cordboard.archive import Archive, open_storage
from cordboard.log.embedded import EmbeddedServer
from tests.deploy.chart import ROLES, ROOT, Object, pods, render
from tests.postgres import PostgresServer
from tests.s3 import KEYS

PATIENCE_S = 120.0
COMMAND = (sys.executable, "-m", "cordboard.main")


VALUES: Object = {
    "metrics": {"enabled": True},
    "gateway": {
        "mail": {"enabled": True, "hostname": "mail.example.com", "relay": {"existingSecret": "relay"}},
        "webhooks": {"existingSecret": "webhooks"},
    },
    "dialler": {"voice": {"existingSecret": "voice"}},
}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Cluster:
    """Plays the kubelet: containers as processes, Secrets as what they hold, ports that are free here."""

    def __init__(self, values: Object, secrets: dict[str, str], monitor_url: str, log: Path) -> None:
        self._log = log
        self._secrets = secrets
        self._monitor_url = monitor_url
        self._pods = {role: pod["containers"][0] for role, pod in pods(render(values))}
        self._ports: dict[tuple[str, str], int] = {}
        self._processes: list[Process] = []

    def _environment(self, role: str) -> dict[str, str]:
        told = {}
        for variable in self._pods[role]["env"]:
            name = variable["name"]
            told[name] = self._secrets.get(name) or variable["value"]
            if name.endswith("_PORT") and told[name] != "-1":
                told[name] = str(self._ports.setdefault((role, told[name]), free_port()))
        instead = {"CORDBOARD_NATS_MONITOR_URL": self._monitor_url, "CORDBOARD_HOST": "127.0.0.1"}
        if role == "test":
            instead = {"CORDBOARD_TARGET": self.api}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CORDBOARD_")}
        return kept | told | instead

    @property
    def api(self) -> str:
        return f"dns:///127.0.0.1:{self._ports['api', '7401']}"

    async def start(self, role: str) -> Process:
        environment = self._environment(role)
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *COMMAND, *self._pods[role]["args"], env=environment, stdout=PIPE, stderr=log, cwd=ROOT
            )
        self._processes.append(process)
        return process

    async def answers(self, role: str, probe: str) -> bool:
        """What the kubelet would find."""
        container = self._pods[role]
        wanted: Object = container[probe]
        if "grpc" in wanted:
            async with grpc.aio.insecure_channel(self.api) as channel:
                try:
                    health = health_pb2_grpc.HealthStub(channel)
                    answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=wanted["timeoutSeconds"])
                except grpc.aio.AioRpcError:
                    return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
        name = wanted["httpGet"]["port"]
        (number,) = (port["containerPort"] for port in container["ports"] if port["name"] == name)
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                url = f"http://127.0.0.1:{self._ports[role, str(number)]}{wanted['httpGet']['path']}"
                return (await client.get(url, timeout=wanted["timeoutSeconds"])).status_code == 200
            except httpx.HTTPError:
                return False

    async def metrics(self, role: str) -> dict[str, float]:
        """What a scraper would find."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{self._ports[role, '7481']}/metrics", timeout=PATIENCE_S)
        lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
        return {name: float(number) for name, _, number in lines}

    async def caught_up(self, follower: str) -> None:
        """Until the metrics say that the projector has taken in what the router has decided."""

        async def position(role: str, follower: str) -> float:
            return (await self.metrics(role))[f'cordboard_follower_position{{follower="{follower}"}}']

        async with asyncio.timeout(PATIENCE_S):
            while await position("projector", follower) < await position("router", "router"):  # noqa: ASYNC110 - it is scraped
                await asyncio.sleep(0.1)

    async def until(self, role: str, probe: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await self.answers(role, probe):
                ended = [process.returncode for process in self._processes if process.returncode]
                assert not ended, self._log.read_text()
                await asyncio.sleep(0.1)

    async def greeting(self) -> bytes:
        """What a mail server hears that connects to the gateway."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._ports["gateway", "2525"])
        try:
            return await asyncio.wait_for(reader.readline(), PATIENCE_S)
        finally:
            writer.close()

    async def stop(self) -> list[int]:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            return [await process.wait() for process in self._processes]


@pytest.fixture
async def cluster(tmp_path: Path, postgres: PostgresServer, s3_place: str) -> AsyncIterator[Cluster]:
    async with EmbeddedServer(tmp_path / "nats") as nats:
        secrets = {
            "CORDBOARD_NATS_URL": nats.url,
            "CORDBOARD_VAULT_URL": postgres.database(),
            "CORDBOARD_VIEWS_URL": postgres.database(),
            "CORDBOARD_KEK": base64.b64encode(bytes(32)).decode(),
        }
        mounted = tmp_path / "webhooks.yaml"
        mounted.touch(mode=0o600)
        mounted.write_text(f"reviews: [whsec_{base64.b64encode(bytes(32)).decode()}]\n")
        secrets |= {"CORDBOARD_WEBHOOK_SECRETS": str(mounted), "CORDBOARD_SMTP_RELAY": "smtp://127.0.0.1:1?tls=never"}
        secrets["CORDBOARD_VOICE"] = "simulated:?seed=1"
        assert nats.monitor_url is not None
        values = VALUES | {"archive": {"place": s3_place, "existingSecret": "archive", "trim": {"schedule": "17 3 * * *"}}}
        cluster = Cluster(values, secrets | KEYS, nats.monitor_url, tmp_path / "log")
        try:
            yield cluster
        finally:
            await cluster.stop()


async def call(*arguments: str, target: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(*COMMAND, *arguments, "--target", target, stdout=PIPE, stderr=PIPE, cwd=ROOT)
    out, err = await process.communicate()
    return process.returncode or 0, out.decode() + err.decode()


@pytest.mark.postgres
async def test_the_release_comes_up_as_its_probes_say(cluster: Cluster, s3_place: str) -> None:
    made = await cluster.start("site")
    out, _ = await made.communicate()
    assert made.returncode == 0 and b'"made":true' in out, cluster._log.read_text()
    processes = {role: await cluster.start(role) for role in ROLES}
    for role in ROLES:
        await cluster.until(role, "startupProbe")
    for role in ("router", "projector", "api", "archiver", "dialler"):
        await cluster.until(role, "readinessProbe")
    assert not await cluster.answers("gateway", "readinessProbe"), "it has no policy yet, and the notes say so"

    processes["projector"].send_signal(signal.SIGSTOP)
    policy = cluster._log.with_name("policy.yaml")
    policy.write_text((ROOT / "examples" / "webshop.yaml").read_text().replace("site: webshop", "site: default"))
    code, said = await call("policy", "apply", str(policy), target=cluster.api)
    assert code == 0, said
    await cluster.until("gateway", "readinessProbe")
    assert not await cluster.answers("projector", "readinessProbe"), "it is paused"
    # Sockets of a process that hangs take connections as before: whoever asks must want an answer.
    processes["gateway"].send_signal(signal.SIGSTOP)
    assert not await cluster.answers("gateway", "livenessProbe"), "it hangs"
    for role in ("gateway", "projector"):
        processes[role].send_signal(signal.SIGCONT)
    await cluster.until("projector", "readinessProbe")
    await cluster.caught_up("history")
    for role in ROLES:
        assert await cluster.answers(role, "livenessProbe")

    for role in ROLES:
        told = await cluster.metrics(role)
        assert [name for name in told if name.startswith("cordboard_ready")] == [f'cordboard_ready{{role="{role}"}}']
        assert told[f'cordboard_ready{{role="{role}"}}'] == 1
    assert (await cluster.metrics("router"))["cordboard_router_leading"] == 1
    assert (await cluster.metrics("router"))["cordboard_router_commits_total"] >= 1
    applied = [name for name in await cluster.metrics("api") if "PolicyService" in name and 'code="OK"' in name]
    assert applied == ['cordboard_api_calls_total{code="OK",method="PolicyService/PublishPolicy"}']

    assert (await cluster.greeting()).startswith(b"220 mail.example.com")

    test = await cluster.start("test")
    out, _ = await test.communicate()
    assert test.returncode == 0, cluster._log.read_text()
    assert b"site: default" in out

    archive = Archive(open_storage(s3_place), "default")
    async with asyncio.timeout(PATIENCE_S):
        while not await archive.last_seq():  # noqa: ASYNC110 - a storage tells nobody
            await asyncio.sleep(0.1)

    trim = await cluster.start("trim")
    out, _ = await trim.communicate()
    assert trim.returncode == 0, cluster._log.read_text()
    assert json.loads(out)["journal"]["limits"]["age"] == 1, "nothing is old enough yet"

    assert await cluster.stop() == [0] * 9, cluster._log.read_text()

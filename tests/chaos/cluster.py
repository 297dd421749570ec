"""Three NATS servers as a cluster on loopback: R3, `sync_interval: always`, every wire between them a proxy of ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from cordboard.log import embedded
from tests.chaos.network import CLIENTS, HOST, Network, Way
from tests.chaos.processes import Process

NAMES = ("n1", "n2", "n3")
STORE_MAX = 4 * 1024**3
"""What streams may reserve; they need far less."""
SMALL = "n3"
"""Whose store stands on a small file system of its own, where the user may mount one."""
CLOSED_PORT = 1
LOOK_S = 0.25


class Server:
    """One server and its place. Its ports and its directory outlive its process."""

    def __init__(self, name: str, directory: Path, ports: Iterator[int]) -> None:
        self.name = name
        self.directory = directory
        self.store = directory / "store"
        self.client_port, self.route_port, self.monitor_port = (next(ports) for _ in range(3))
        self.config = directory / "nats.conf"
        self._shelf = directory / "disk"
        binary = embedded._binary()  # the very one that the embedded server runs
        self.process = Process(name, [binary, "-c", str(self.config)], directory / "output")
        self.small = False

    @property
    def monitor_url(self) -> str:
        return f"http://{HOST}:{self.monitor_port}"

    async def start(self) -> None:
        await self.process.start()

    async def ask(self, path: str) -> Any:
        """Its monitoring; None if it does not answer, or says that it is not well."""
        with contextlib.suppress(httpx.HTTPError, ValueError):
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(f"{self.monitor_url}{path}", timeout=2.0)
                return answer.json() if answer.status_code == 200 else None
        return None

    async def healthy(self) -> bool:
        """It runs, and all its streams are current."""
        return self.process.running and await self.ask("/healthz") is not None

    def blocks(self) -> list[Path]:
        """The message blocks of its copies of the streams, largest first."""
        found = [block for block in self.store.glob("jetstream/*/streams/*/msgs/*.blk") if block.stat().st_size]
        return sorted(found, key=lambda block: (-block.stat().st_size, str(block)))

    def wipe(self) -> None:
        """Its disk is new. The directory itself stays: it may be a mount."""
        for entry in self.store.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def take_disk_out(self) -> None:
        """The disk in it is an empty one now; `put_disk_back` is there for the other."""
        self._shelf.mkdir()
        for entry in self.store.iterdir():
            shutil.move(entry, self._shelf)

    def put_disk_back(self) -> None:
        self.wipe()
        for entry in self._shelf.iterdir():
            shutil.move(entry, self.store)
        self._shelf.rmdir()

    def mount_small(self, size: int) -> bool:
        """A file system of its own for the store, of `size` bytes. False: this user may not."""
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "cordboard-chaos", str(self.store)]
        with contextlib.suppress(OSError):
            self.small = subprocess.run(command, check=False, capture_output=True).returncode == 0
        return self.small

    def unmount(self) -> None:
        if self.small:
            subprocess.run(["umount", str(self.store)], check=False, capture_output=True)
            self.small = False

    def write_config(self, routes: list[int]) -> None:
        urls = ", ".join(f'"nats-route://{HOST}:{port}"' for port in routes)
        self.config.write_text(f"""\
server_name: {self.name}
listen: "{HOST}:{self.client_port}"
http: "{HOST}:{self.monitor_port}"
max_payload: {embedded.MAX_PAYLOAD}
jetstream {{
  store_dir: {json.dumps(str(self.store))}
  sync_interval: always
  max_memory_store: {64 * 1024**2}
  max_file_store: {STORE_MAX}
}}
cluster {{
  name: chaos
  listen: "{HOST}:{self.route_port}"
  # Told to others, this would be a way round the proxies.
  advertise: "{HOST}:{CLOSED_PORT}"
  no_advertise: true
  routes: [{urls}]
}}
log_file: {json.dumps(str(self.directory / "nats.log"))}
logfile_size_limit: {embedded.LOG_FILE_MAX}
logfile_max_num: 2
""")


class Cluster:
    """Made by `cluster`. Clients reach it by `urls`, which are proxies too."""

    def __init__(self, servers: list[Server], network: Network) -> None:
        self.servers = {server.name: server for server in servers}
        self.network = network

    @property
    def urls(self) -> str:
        return ",".join(f"nats://{HOST}:{self.network.port(CLIENTS, name)}" for name in self.servers)

    @property
    def monitor_urls(self) -> str:
        return ",".join(server.monitor_url for server in self.servers.values())

    def others(self, name: str) -> list[Server]:
        return [server for server in self.servers.values() if server.name != name]

    def ways(self, name: str, *, clients: bool) -> list[Way]:
        """Every direction to and from a server."""
        far = [server.name for server in self.others(name)] + ([CLIENTS] if clients else [])
        return [way for other in far for way in ((name, other), (other, name))]

    async def stream_leader(self, stream: str) -> Server | None:
        """As the servers tell it that can be asked; None during an election."""
        for server in self.servers.values():
            for _, told in await self.streams(server):
                cluster = told.get("cluster") or {}
                if told["name"] == stream and cluster.get("leader") == server.name:
                    return server
        return None

    async def healthy(self) -> bool:
        """Every server is, and they agree on who leads them all."""
        if not all(await asyncio.gather(*(server.healthy() for server in self.servers.values()))):
            return False
        for server in self.servers.values():
            meta = (await server.ask("/jsz") or {}).get("meta_cluster") or {}
            if meta.get("leader") == server.name:
                peers = meta.get("replicas") or []
                return len(peers) == len(NAMES) - 1 and all(peer.get("current") and not peer.get("offline") for peer in peers)
        return False

    async def led(self) -> bool:
        """Some server is the leader of all that run."""
        for server in self.servers.values():
            meta = (await server.ask("/jsz") or {}).get("meta_cluster") or {} if server.process.running else {}
            if meta.get("leader") == server.name:
                return True
        return False

    async def well(self) -> bool:
        """Every server is healthy, and every stream has a leader and two followers who are current."""
        if not await self.healthy():
            return False
        led = 0
        for server in self.servers.values():
            for _, told in await self.streams(server):
                cluster = told.get("cluster") or {}
                if cluster.get("leader") != server.name:
                    continue
                led += 1
                replicas = cluster.get("replicas") or []
                if len(replicas) < len(NAMES) - 1 or not all(replica.get("current") for replica in replicas):
                    return False
        return led >= 2

    async def until(self, state: Callable[[], Awaitable[bool]], within_s: float) -> bool:
        """Wait for a `state` of the cluster. False: it has not come."""
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            if await state():
                return True
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(LOOK_S)

    async def streams(self, server: Server) -> list[tuple[str, dict[str, Any]]]:
        return await self.streams_if_told(server) or []

    async def streams_if_told(self, server: Server) -> list[tuple[str, dict[str, Any]]] | None:
        """None: it does not answer."""
        told = await server.ask("/jsz?streams=1&config=0") if server.process.running else None
        if told is None:
            return None
        accounts = told.get("account_details") or []
        return [(account["name"], stream) for account in accounts for stream in account.get("stream_detail") or []]


@asynccontextmanager
async def cluster(directory: Path, ports: Iterator[int], *, small_disk: int = 0) -> AsyncIterator[Cluster]:
    """Three servers that know each other. Whatever happened to them, they are gone afterwards.

    `small_disk`: bytes of the file system that one of them gets for its own, if this user may mount one; 0: none does.
    """
    servers = [Server(name, directory / name, ports) for name in NAMES]
    network = Network()
    try:
        for server in servers:
            server.store.mkdir(parents=True)
            await network.open(CLIENTS, server.name, server.client_port, next(ports))
            for other in servers:
                if other is not server:
                    await network.open(other.name, server.name, server.route_port, next(ports))
        if small_disk:
            next(server for server in servers if server.name == SMALL).mount_small(small_disk)
        for server in servers:
            server.write_config([network.port(server.name, other.name) for other in servers if other is not server])
            await server.start()
        yield Cluster(servers, network)
    finally:
        await asyncio.gather(*(server.process.kill() for server in servers))
        await network.close()
        for server in servers:
            server.unmount()

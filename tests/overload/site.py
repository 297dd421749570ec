"""The engine under load: NATS, PostgreSQL and every role a process of its own, and what each of them takes of memory."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from cordboard.log import SiteLog, connect
from cordboard.log.embedded import EmbeddedServer
from tests.chaos.site import SITE, opening
from tests.postgres import own_server

READY_S = 60.0
STOP_S = 20.0
LINE_MAX = 64 * 1024
LOOK_S = 0.25
_KIB = 1024


@dataclass
class Running:
    """Where the doors are, the log, and the processes by name."""

    http: str
    grpc: str
    log: SiteLog
    pids: dict[str, int]
    peaks: dict[str, dict[str, int]] = field(default_factory=dict)
    """By phase, the most memory (resident bytes) that each process was seen to hold."""
    phase: str = ""

    async def look(self) -> None:
        """Watch the memory, for ever."""
        while True:
            seen = self.peaks.setdefault(self.phase, {})
            for name, pid in self.pids.items():
                seen[name] = max(seen.get(name, 0), _resident(pid))
            await asyncio.sleep(LOOK_S)

    def gone(self) -> list[str]:
        """Processes that do not run any more."""
        return [name for name, pid in self.pids.items() if not _resident(pid)]


@contextlib.asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Running]:
    """Everything up, the policy in force, and agents ready (nobody answers for them: contacts are ended by their senders)."""
    with own_server(durable=True) as (postgres, processes):
        async with contextlib.AsyncExitStack() as stack:
            server = await stack.enter_async_context(EmbeddedServer(directory / "nats"))
            log = await stack.enter_async_context(connect(server.url, SITE, create=True))
            vault, views = postgres.database(), postgres.database()
            databases = ("--vault-url", vault, "--views-url", views, "--kek-file", str(directory / "kek"))
            common = ("--site", SITE, "--nats-url", server.url, "--nats-monitor-url", server.monitor_url or "")
            pids = {"nats-server": server.pid, "postgres": processes[0].pid}
            found: dict[str, dict[str, Any]] = {}
            for role, options in {
                "router": (),
                "projector": ("--views-url", views),
                "gateway": (*databases, "--http-port", "0", "--smtp-port", "-1", "--behind-proxy"),
                "api": (*databases, "--grpc-port", "0"),
            }.items():
                child, found[role] = await stack.enter_async_context(_role(directory, role, *common, *options))
                pids[role] = child.pid
            async with log.publisher("opening") as publisher:
                for fact in opening():
                    await publisher.publish(msgspec.msgpack.encode(fact))
            yield Running(found["gateway"]["http"], found["api"]["grpc"], log, pids)


@contextlib.asynccontextmanager
async def _role(directory: Path, role: str, *options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """The process, and the addresses that it says once its ports are open."""
    with (directory / f"{role}.log").open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cordboard.main", "run", role, "--json", *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            limit=LINE_MAX,
        )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            line = await child.stdout.readline()
        if not line:
            raise RuntimeError(f"the {role} did not start: {(directory / f'{role}.log').read_text()[-2_000:]}")
        yield child, msgspec.json.decode(line)
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_S):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()


def _resident(pid: int) -> int:
    """Bytes; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * _KIB for line in status.splitlines() if line.startswith("VmRSS:")), 0)

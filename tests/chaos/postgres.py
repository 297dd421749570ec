"""The PostgreSQL of a chaos run, struck: killed with all its processes at once, paused, every connection cut."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path

from tests.postgres import PostgresServer


class Postgres:
    """`server` and its processes, the last of which runs; whoever made them stops that one."""

    def __init__(self, server: PostgresServer, processes: list[subprocess.Popen[bytes]]) -> None:
        self.server = server
        self._processes = processes

    async def kill(self) -> None:
        """SIGKILL, to the server before its children: it must not see them die and tidy up."""
        for pid in self._pids():
            _signal(pid, signal.SIGKILL)
        await asyncio.to_thread(self._processes[-1].wait)

    async def start(self) -> None:
        self._processes.append(await asyncio.to_thread(self.server.start))

    def pause(self) -> None:
        for pid in self._pids():
            _signal(pid, signal.SIGSTOP)

    async def resume(self) -> None:
        for pid in reversed(self._pids()):
            _signal(pid, signal.SIGCONT)

    async def cut(self) -> None:
        """Every client loses its connection, in the midst of whatever it does."""
        await asyncio.to_thread(self.server.cut_connections)

    def _pids(self) -> list[int]:
        parent = self._processes[-1].pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
        return [parent, *map(int, children)]


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)

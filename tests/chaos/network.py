"""The wires between the servers, and from the clients to each: TCP proxies of ours, which can cut, stall and slow them.

As in a real partition, what was under way when a wire stalls arrives late, when it heals. Needs no root.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable, Iterator

HOST = "127.0.0.1"
CLIENTS = "clients"
"""Everybody who is no server."""
_CHUNK = 64 * 1024
_PORTS = range(20_000, 32_000)
"""Below those that outgoing connections take, so that a server that was killed finds its ports free again."""

Way = tuple[str, str]
"""From, to."""


def free_ports(start: int) -> Iterator[int]:
    """Ports that nobody listens on, from `start` (any number) on."""
    for step in range(len(_PORTS)):
        port = _PORTS[(start + step) % len(_PORTS)]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            yield port


class Network:
    """Opened for pairs of names; then traffic can be stopped by direction."""

    def __init__(self) -> None:
        self._ports: dict[Way, int] = {}
        self._servers: list[asyncio.Server] = []
        self._cut: set[Way] = set()
        self._stalled: set[Way] = set()
        self._delay_s: dict[Way, float] = {}
        self._changed = asyncio.Event()
        self._wires: dict[asyncio.Task[None], Way] = {}

    async def open(self, source: str, target: str, target_port: int, port: int) -> None:
        """`source` reaches `target` at `port` from now on."""
        way = (source, target)

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._wires[task] = way
            try:
                await self._carry(way, target_port, reader, writer)
            finally:
                del self._wires[task]

        self._servers.append(await asyncio.start_server(accept, HOST, port))
        self._ports[way] = port

    def port(self, source: str, target: str) -> int:
        return self._ports[source, target]

    def cut(self, ways: Iterable[Way]) -> None:
        """Connections over these wires break, and new ones are refused. A wire breaks as a whole, whoever opened it."""
        self._cut |= _both(ways)
        self._break()

    def stall(self, ways: Iterable[Way]) -> None:
        """Nothing passes in these directions; connections stay open, and nobody is told."""
        self._stalled |= set(ways)

    def slow(self, ways: Iterable[Way], delay_s: float) -> None:
        """Everything passes `delay_s` later, a piece at a time."""
        for way in ways:
            self._delay_s[way] = delay_s

    def heal(self) -> None:
        """All is well on all wires."""
        self._cut.clear()
        self._stalled.clear()
        self._delay_s.clear()
        self._changed.set()
        self._changed = asyncio.Event()

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        wires = list(self._wires)
        for wire in wires:
            wire.cancel()
        if wires:
            await asyncio.wait(wires)

    def _break(self) -> None:
        for wire, way in self._wires.items():
            if way in self._cut:
                wire.cancel()

    async def _carry(self, way: Way, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source, target = way
        far: asyncio.StreamWriter | None = None
        try:
            if way in self._cut:
                return
            await self._passable(way)
            answers, far = await asyncio.open_connection(HOST, port)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump((source, target), reader, far))
                group.create_task(self._pump((target, source), answers, writer))
        except (OSError, asyncio.CancelledError, BaseExceptionGroup):
            pass  # a wire that breaks is what we are here for
        finally:
            for end in (writer, far):
                if end is not None:
                    end.transport.abort()

    async def _pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            if delay_s := self._delay_s.get(way):
                await asyncio.sleep(delay_s)
            await self._passable(way)
            writer.write(data)
            await writer.drain()
        raise ConnectionError("closed by its peer")

    async def _passable(self, way: Way) -> None:
        while way in self._stalled:
            await self._changed.wait()


def _both(ways: Iterable[Way]) -> set[Way]:
    return {way for source, target in ways for way in ((source, target), (target, source))}

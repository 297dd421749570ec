"""A gateway with all its channels in a process of its own, for tests that kill it.

Says `{"http": port, "smtp": port}` when it serves. A line `hold <moment>` on its input, such as `hold after accept`: each letter
that comes stops there (tests/crash.py), for ever, and the process says `held`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from cordboard.gateway.mail.smtp import SmtpDoor
from cordboard.gateway.run import run_gateway
from cordboard.log import connect
from cordboard.log.feed import Feed
from cordboard.vault import Vault
from tests.crash import MortalVault
from tests.letters_over_http import PLENTY, SECRETS


class Hold:
    """Has the letters stop; every other caller of vault and log goes on."""

    def __init__(self) -> None:
        self.moment = ""
        self._letters: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    async def round(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        if name == "find":  # with which every letter begins
            self._letters.add(task)
        await self._stop(task, f"before {name}")
        result = await call()
        await self._stop(task, f"after {name}")
        return result

    async def _stop(self, task: asyncio.Task[Any], moment: str) -> None:
        if task in self._letters and moment == self.moment:
            print("held", flush=True)
            await asyncio.Event().wait()


class HeldLog:
    """A log whose publishers can be held."""

    def __init__(self, log: Any, hold: Hold) -> None:
        self._log, self._hold = log, hold

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    @contextlib.asynccontextmanager
    async def publisher(self, name: str) -> AsyncIterator[Any]:
        async with self._log.publisher(name) as publisher:
            yield HeldPublisher(publisher, self._hold)


class HeldPublisher:
    def __init__(self, publisher: Any, hold: Hold) -> None:
        self._publisher, self._hold = publisher, hold

    async def publish(self, fact: bytes) -> Any:
        return await self._hold.round("publish", lambda: self._publisher.publish(fact))


async def main(nats_url: str, site: str, vault_url: str) -> None:
    hold, ports = Hold(), {}

    def tell(kind: str, port: int) -> None:
        ports[kind] = port
        if len(ports) == 2:
            print(json.dumps(ports), flush=True)

    async with connect(nats_url, site, allow_lazy_fsync=True) as log, Vault.open(vault_url, bytes(32)) as vault:
        feed = Feed(log)
        gateway = run_gateway(
            HeldLog(log, hold),  # type: ignore[arg-type]
            MortalVault(vault, hold),  # type: ignore[arg-type]
            feed,
            ready=lambda port: tell("http", port),
            limits=PLENTY,
            webhook_secrets={"reviews": SECRETS[:2]},
            doors=[SmtpDoor(ready=lambda port: tell("smtp", port))],
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(gateway)
            group.create_task(feed.run())
            group.create_task(_listen(hold))


async def _listen(hold: Hold) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        hold.moment = line.decode().strip().removeprefix("hold").strip()
        print("armed", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

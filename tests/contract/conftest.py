"""The log under contract: each test runs on the memory twin and on a real NATS server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.memory import MemoryLog
from tests.logs import Log


@pytest.fixture(params=["memory", "jetstream"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Log]:
    if request.param == "memory":
        yield MemoryLog("default")
        return
    async with EmbeddedServer(tmp_path) as server, connect(server.url, "default", create=True) as connected:
        yield connected

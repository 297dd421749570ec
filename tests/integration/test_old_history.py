"""A process that plays every role finds a history that an older release wrote: it rebuilds it, and then goes on."""

import asyncio
import contextlib
import inspect
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

from cordboard.cli.addresses import Addresses
from cordboard.cli.policy import apply_policy
from cordboard.cli.roles import run_roles
from cordboard.client import Client
from cordboard.projections.history.schema import VERSION
from cordboard.settings import Settings

WEBSHOP = Path(__file__).parents[2] / "examples" / "webshop.yaml"
PATIENCE_S = 60.0
AGAIN_S = 20.0


@contextlib.asynccontextmanager
async def up(where: Path) -> AsyncIterator[Client]:
    """A client of the site `webshop` on the data directory `where`."""
    settings = Settings(site="webshop", data_dir=where, grpc_port=0, http_port=0, smtp_port=-1, create_site=True)
    ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    vault, views = (f"sqlite+aiosqlite:///{where}/{name}.db" for name in ("vault", "views"))
    roles = run_roles(
        settings,
        ("router", "projector", "gateway", "api"),
        ready.set_result,
        vault_url=vault,
        views_url=views,
        kek_file=where / "kek",
    )
    before = asyncio.all_tasks()
    site = asyncio.create_task(roles)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait([ready, site], return_when=asyncio.FIRST_COMPLETED)
        assert ready.done(), site.exception()
        assert ready.result().grpc is not None
        async with Client(str(ready.result().grpc)) as client:
            await client.ready()
            yield client
    finally:
        # A cancellation can get lost inside the NATS client (cli/process.py insists so, too).
        site.cancel()
        await asyncio.wait([site], timeout=AGAIN_S)
        while not site.done():
            for task in asyncio.all_tasks() - before:
                if inspect.iscoroutine(task.get_coro()):
                    task.cancel()
            await asyncio.wait([site], timeout=AGAIN_S)
        with contextlib.suppress(asyncio.CancelledError):
            await site


async def test_it_is_rebuilt_before_anything_reads_it(tmp_path: Path) -> None:
    async with up(tmp_path) as client:
        await apply_policy(client, WEBSHOP)
        made = await client.submit_contact(channel="task", queue="orders", text="count the shelves")
        before = await client.get_contact(made.contact_id, after=made.consistency_token)

    with contextlib.closing(sqlite3.connect(tmp_path / "views.db")) as tables, tables:
        tables.execute(f"UPDATE history_checkpoint SET version = {VERSION - 1}")
        tables.execute("ALTER TABLE history_contacts DROP COLUMN end_state")

    async with up(tmp_path) as client:
        assert await client.get_contact(made.contact_id, after=made.consistency_token) == before
    with contextlib.closing(sqlite3.connect(tmp_path / "views.db")) as tables:
        assert tables.execute("SELECT version FROM history_checkpoint").fetchone() == (VERSION,)

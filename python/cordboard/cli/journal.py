"""Reading a site's journal past the API: from a running server, or from the data directory of one that is stopped."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cordboard.cli.output import fail, stderr
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.jetstream import JetStreamLog


@contextlib.asynccontextmanager
async def open_journal(site: str, data_dir: Path, nats_url: str | None, name: str) -> AsyncIterator[JetStreamLog]:
    """The log behind `nats_url`, or else the one in `data_dir`, on a server of its own as long as the context."""
    # Reading loses nothing whatever the server's settings are.
    async with server_of(data_dir, nats_url) as url, connect(url, site, allow_lazy_fsync=True, name=name) as log:
        yield log


@contextlib.asynccontextmanager
async def server_of(data_dir: Path, nats_url: str | None) -> AsyncIterator[str]:
    """`nats_url`, or else that of a server on `data_dir` as long as the context; one that runs there is used as it runs."""
    if nats_url is not None:
        yield nats_url
        return
    if not (data_dir / "nats").is_dir():
        fail(f"{data_dir} holds no journal: give --data-dir or --nats-url")
    async with EmbeddedServer(data_dir / "nats") as server:
        yield server.url


def progress_bar(*, quiet: bool) -> Progress:
    """On stderr, gone when it is done. `quiet`: none at all."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=stderr,
        disable=quiet,
        transient=True,
    )

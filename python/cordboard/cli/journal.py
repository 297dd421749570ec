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
    async with contextlib.AsyncExitStack() as stack:
        if nats_url is None:
            if not (data_dir / "nats").is_dir():
                fail(f"{data_dir} holds no journal: give --data-dir or --nats-url")
            nats_url = (await stack.enter_async_context(EmbeddedServer(data_dir / "nats"))).url
        # Reading loses nothing whatever the server's settings are.
        yield await stack.enter_async_context(connect(nats_url, site, allow_lazy_fsync=True, name=name))


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

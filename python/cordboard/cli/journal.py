"""Reading a site's journal past the API: from a running server, the data directory of one that is stopped, or an archive."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cordboard.archive import Archive, ArchivedJournal, WithArchive, open_storage
from cordboard.cli.output import fail, stderr
from cordboard.errors import CordboardError, InvalidInput
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.jetstream import JetStreamLog
from cordboard.log.port import SiteLog
from cordboard.log.snapshot_name import parsed

T = TypeVar("T")
Past = ArchivedJournal | SiteLog


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. What goes wrong is one line on stderr and exit code 1."""
    try:
        return asyncio.run(work)
    except CordboardError as error:
        fail(escape(str(error)))


@contextlib.asynccontextmanager
async def open_past(site: str, data_dir: Path, nats_url: str | None, place: str | None, name: str) -> AsyncIterator[Past]:
    """What can be read of a site: the archive at `place` alone; or a server's log (as `open_journal`), completed,
    beside `nats_url`, by the archive for what was trimmed. Raises InvalidInput if the archive holds nothing."""
    archive = None if place is None else Archive(open_storage(place), site)
    if archive is not None and nats_url is None:
        journal = await ArchivedJournal.open(archive)
        if not await journal.last_journal_seq():
            raise InvalidInput(f"{archive.where} holds no commit")
        yield journal
        return
    async with open_journal(site, data_dir, nats_url, name) as log:
        yield log if archive is None else WithArchive(log, archive)


async def must_begin(journal: Past, from_seq: int, *, folded: bool) -> None:
    """Raises InvalidInput if that commit is no longer there, or not yet. `folded`: or if what a router knew then cannot be found:
    of a trimmed journal that takes a snapshot."""
    if from_seq > 1 and from_seq > (last := await journal.last_journal_seq()):
        raise InvalidInput(f"the journal ends at {last}: there is no commit {from_seq}")
    first = await journal.first_journal_seq()
    begin: int | None = first
    if folded and first > 1:
        begin = next((name.seq + 1 for name in parsed(await journal.snapshots.names()) if name.seq >= first), None)
    if begin is None or from_seq < begin:
        instead = "" if begin is None else f", or --from {begin}"
        raise InvalidInput(f"the journal was trimmed and begins at {first}: give --archive{instead}")


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


@contextlib.contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Callable[..., None]]:
    """Called with how much is done, of how much, and if it changed what is: a bar on a terminal's stderr, gone when it is done.
    `quiet`: none at all."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, disable=quiet or not stderr.is_terminal, transient=True) as bar:
        line = bar.add_task(what, total=None)

        def advanced(done: int, of: int, what: str | None = None) -> None:
            bar.update(line, description=what, completed=done, total=of)

        yield advanced

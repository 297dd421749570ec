"""`cordboard history`: write the read models' history anew from the journal, beside the live one."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from cordboard.archive import Archive, WithArchive, open_storage
from cordboard.cli.journal import progress, run, server_of
from cordboard.cli.options import ArchivePlace, DataDir, NatsUrl, Site
from cordboard.cli.output import AsJson, console, fail, print_json
from cordboard.errors import CordboardError
from cordboard.log import connect
from cordboard.projections.history import abandon_rebuild, rebuild_history
from cordboard.settings import Settings

history_app = typer.Typer(no_args_is_help=True, help="The history in SQL: rebuild it from the journal.")

ViewsUrl = Annotated[str | None, typer.Option("--views-url", envvar="CORDBOARD_VIEWS_URL", help="The read models' database.")]


class Rebuilt(msgspec.Struct, frozen=True):
    """The history that is live now ends with commit `seq`; `begun` was done by a rebuild before, that did not end."""

    site: str
    begun: int
    seq: int


@history_app.command("rebuild")
def rebuild(
    site: Site = "default",
    data_dir: DataDir = Path("data"),
    nats_url: NatsUrl = None,
    views_url: ViewsUrl = None,
    archive: ArchivePlace = None,
    anew: Annotated[bool, typer.Option("--anew", help="Begin with the first commit, whatever an earlier rebuild left.")] = False,
    lost_end: Annotated[
        bool,
        typer.Option("--lost-end", help="The journal lost its end and was restored: replace a history that knows more than it."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fill new tables from the journal, and put them in the place of the live ones once they are as far.

    Projector, API and gateway go on meanwhile. Ended or killed, the next rebuild goes on where this one stopped. Needs room for the
    history twice.
    """
    settings = _settings(site, data_dir, nats_url, views_url)
    with progress("rebuilding", quiet=as_json) as advanced:
        done = run(_rebuild(settings, archive, advanced, anew=anew, lost_end=lost_end))
    if as_json:
        print_json(done)
    else:
        console.print(f"[bold green]rebuilt[/]: the history of {done.site} ends with commit {done.seq}")


@history_app.command("abandon")
def abandon(data_dir: DataDir = Path("data"), views_url: ViewsUrl = None, as_json: AsJson = False) -> None:
    """Drop what a rebuild left that did not end. The live history stays as it is."""
    dropped = run(abandon_rebuild(Settings(data_dir=data_dir, views_url=views_url).embedded_views_url()))
    if as_json:
        print_json({"dropped": dropped})
    else:
        console.print("dropped" if dropped else "there was nothing to drop")


async def _rebuild(
    settings: Settings, archive: str | None, advanced: Callable[[int, int], None], *, anew: bool, lost_end: bool
) -> Rebuilt:
    told: list[int] = []

    def tell(done: int, of: int) -> None:
        told.append(done)
        advanced(done, of)

    async with (
        server_of(settings.data_dir, settings.nats_url) as url,
        connect(url, settings.site, allow_lazy_fsync=True, name="cordboard-rebuild") as server,
    ):
        trimmed = WithArchive(server, Archive(open_storage(archive), settings.site)).trimmed if archive is not None else None
        first, last = await server.first_journal_seq(), await server.last_journal_seq()
        if first > 1 and trimmed is None:
            fail(f"the journal was trimmed and begins at {first}: give --archive")
        end = last if lost_end else None
        views = settings.embedded_views_url()
        await rebuild_history(url, settings.site, views, trimmed=trimmed, anew=anew, end=end, progress=tell)
    return Rebuilt(settings.site, told[0], told[-1])


def _settings(site: str, data_dir: Path, nats_url: str | None, views_url: str | None) -> Settings:
    settings = Settings(site=site, data_dir=data_dir, nats_url=nats_url, views_url=views_url)
    if nats_url is not None:
        try:
            settings.shared_url(views_url, "views")
        except CordboardError as error:
            fail(escape(str(error)))
    return settings

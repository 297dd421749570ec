"""`cordboard site`: making a site on a NATS server, once, and looking whether every server has all of it."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from cordboard.cli.addresses import Addresses
from cordboard.cli.options import ArchivePlace, InboxMax, JournalMax, LazyFsync, MonitorUrl, NatsReplicas, NatsUrl, Site
from cordboard.cli.output import AsJson, console, fail, print_json, print_table
from cordboard.cli.roles import open_log
from cordboard.errors import CordboardError, SiteMissing
from cordboard.log.copies import OFF, Copy, Examined, examine, say
from cordboard.log.monitoring import monitoring_urls
from cordboard.settings import Settings

site_app = typer.Typer(no_args_is_help=True)


class Made(msgspec.Struct, frozen=True):
    """The site as it stands on the server. `made`: by this call; False: it was there. `inbox_id`: hex."""

    site: str
    made: bool
    inbox_id: str


@site_app.callback()
def sites() -> None:
    """Sites on a NATS server: made once, never by a role; whether every server has all of one."""


@site_app.command("create")
def create(
    site: Site = "default",
    nats_url: NatsUrl = None,
    monitor_url: MonitorUrl = None,
    replicas: NatsReplicas = None,
    inbox_max: InboxMax = None,
    journal_max: JournalMax = None,
    vault_url: Annotated[str | None, typer.Option(envvar="CORDBOARD_VAULT_URL", help="The vault: is the site new to it?")] = None,
    views_url: Annotated[str | None, typer.Option(envvar="CORDBOARD_VIEWS_URL", help="The read models: is it new to them?")] = None,
    archive: ArchivePlace = None,
    allow_lazy_fsync: LazyFsync = False,
    as_json: AsJson = False,
) -> None:
    """Make the streams of a new site. Nothing happens if they are there.

    Refused if the server has anything else of the site, or if vault, read models or archive, as far as they are named, know it:
    then it is not new. Put its disks back, or restore its archive.
    """
    settings = Settings(
        site=site,
        nats_url=nats_url,
        monitor_url=monitor_url,
        nats_replicas=replicas,
        inbox_max=inbox_max,
        journal_max=journal_max,
        archive=archive,
        allow_lazy_fsync=allow_lazy_fsync,
    )
    try:
        made = asyncio.run(_create(settings, vault_url, views_url))
    except CordboardError as error:
        fail(escape(str(error)))
    if as_json:
        print_json(made)
    elif made.made:
        console.print(f"[bold green]made[/] site {site}")
    else:
        console.print(f"site {site} is there")


async def _create(settings: Settings, vault_url: str | None, views_url: str | None) -> Made:
    addresses = Addresses(nats_url=settings.server_url(), monitor_url=settings.monitor_url)
    for create in (False, True):
        asked = msgspec.structs.replace(settings, create_site=create)
        try:
            async with open_log(asked, addresses, "cordboard-site", vault_url=vault_url, views_url=views_url) as log:
                return Made(settings.site, create, log.inbox_id.hex())
        except SiteMissing:
            if create:
                raise
    raise AssertionError("the second time it is made or refused")


@site_app.command("copies")
def show_copies(site: Site = "default", monitor_url: MonitorUrl = None, as_json: AsJson = False) -> None:
    """Has each server of the cluster the whole of inbox and journal? Exit 1 if a copy lacks messages, or a server has no
    JetStream or is silent.

    Asks the monitoring of every server (--nats-monitor-url, comma separated). A server whose disk was damaged keeps a hole in its
    copy, and NATS calls it current all the same: docs/guarantees.md says what to do about it.
    """
    if not monitoring_urls(monitor_url):
        fail("the servers' monitoring URLs are needed: --nats-monitor-url http://host:8222,…", code=2)
    told = asyncio.run(examine(monitor_url, site))
    if as_json:
        print_json(told)
    else:
        rows = [
            (
                copy.shown_stream,
                copy.server,
                f"{copy.first_seq:,}",
                f"{copy.last_seq:,}",
                f"{copy.messages:,}",
                _missing(told, copy),
            )
            for copy in sorted(told.copies, key=lambda copy: (copy.shown_stream, copy.server))
        ]
        columns = ("stream", "server", "first", "last", "messages", "missing")
        print_table(f"copies of site {site}", columns, rows, right=columns[2:])
        for copy in told.copies:
            if number := told.missing.get(copy.about):
                console.print(f"[bold red]{escape(say(copy, number))}[/]", soft_wrap=True)
        if not told.copies:
            console.print(f"[bold red]no server that answers has streams of site {escape(site)}[/]", soft_wrap=True)
        for server in told.off:
            console.print(f"[bold red]{escape(OFF.format(server=server))}[/]", soft_wrap=True)
        for url in told.silent:
            console.print(f"[bold red]{escape(url)} gives no answer[/]", soft_wrap=True)
    if not told.whole:
        raise typer.Exit(1)


def _missing(told: Examined, copy: Copy) -> str:
    number = told.missing.get(copy.about, 0)
    return f"[bold red]{number:,}[/]" if number else "0"

"""`cordboard archive`: look into the journal's archive, prove it, put the journal back on an empty server, trim what it holds."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from cordboard.archive import Archive, ArchiveReport, Header, check_archive, open_storage
from cordboard.cli.instants import parse_instant
from cordboard.cli.journal import progress, run
from cordboard.cli.options import (
    DataDir,
    InboxMax,
    JournalMax,
    KekFile,
    LazyFsync,
    MonitorUrl,
    NatsReplicas,
    NatsUrl,
    Site,
)
from cordboard.cli.output import AsJson, console, fail, print_json, print_table
from cordboard.cli.process import only_one
from cordboard.cli.restoring import Restored, Target, restore_site
from cordboard.cli.trimming import Plan, trim
from cordboard.log import StreamSettings
from cordboard.log.embedded import EmbeddedServer
from cordboard.settings import Settings
from cordboard.vault import Vault
from cordboard.vault.kek import load_kek

archive_app = typer.Typer(no_args_is_help=True, help="The second copy of the journal: list, check, restore, trim.")

Place = Annotated[
    str, typer.Option("--archive", envvar="CORDBOARD_ARCHIVE", help="A directory, or s3://bucket/prefix?endpoint=…&region=…")
]
_KIB = 1024
_MARGIN_MS = 15 * 60_000
"""What the log acknowledged may have come so much earlier, and waited; what is published needlessly again does no harm."""


class Listing(msgspec.Struct, frozen=True):
    """What an archive holds."""

    site: str
    where: str
    last_seq: int
    segments: list[Header]
    parts: list[Header]
    snapshots: list[str]


@archive_app.command("list")
def list_archive(place: Place, site: Site = "default", as_json: AsJson = False) -> None:
    """Closed segments, the parts after them, and snapshots."""
    listing = run(_list(place, site))
    if as_json:
        print_json(listing)
        return
    columns = ("first", "last", "commits", "KiB", "of KiB", "level", "last commit")
    rows = [_row(header) for header in [*listing.segments, *listing.parts]]
    print_table(f"{listing.where}, site {site}", columns, rows, right=columns[:6])
    console.print(f"{len(listing.segments)} segments, {len(listing.parts)} parts, last commit {listing.last_seq}")
    for name in listing.snapshots:
        console.print(f"  snapshot at {int(name[:16])}")


@archive_app.command("check")
def check(place: Place, site: Site = "default", as_json: AsJson = False) -> None:
    """Read everything, and compare contents, the chain of commits and the chain of segments. Exit 1 if anything is wrong."""

    async def work(advanced: Callable[[int, int], None]) -> ArchiveReport:
        return await check_archive(_archive(place, site), progress=advanced)

    with progress("checking", quiet=as_json) as advanced:
        report = run(work(advanced))
    if as_json:
        print_json(report)
    else:
        _show(report)
    if report.empty:
        fail(f"nothing is archived of site `{site}` at {escape(report.where)}: look at --archive and --site")
    if not report.clean:
        raise typer.Exit(1)


@archive_app.command("restore")
def restore(
    place: Place,
    site: Site = "default",
    data_dir: DataDir = Path("data"),
    nats_url: NatsUrl = None,
    monitor_url: MonitorUrl = None,
    from_snapshot: Annotated[
        bool,
        typer.Option(help="Put back only what the newest snapshot needs: whoever reads from the beginning needs --archive then."),
    ] = False,
    replicas: NatsReplicas = None,
    inbox_max: InboxMax = None,
    journal_max: JournalMax = None,
    allow_lazy_fsync: LazyFsync = False,
    as_json: AsJson = False,
) -> None:
    """Put the journal and its snapshots on a server that has nothing of the site; its inbox is a new one (docs/archive.md)."""

    async def work(advanced: Callable[[int, int], None]) -> Restored:
        archive = _archive(place, site)
        async with _server(data_dir, nats_url, monitor_url, make=True) as (url, monitor):
            target = Target(url, monitor, StreamSettings(replicas, inbox_max, journal_max), allow_lazy_fsync)
            return await restore_site(archive, target, from_snapshot=from_snapshot, progress=advanced)

    with progress("restoring", quiet=as_json) as advanced:
        done = run(work(advanced))
    if as_json:
        print_json(done)
        return
    console.print(f"[bold green]restored[/] commits {done.first_seq} to {done.last_seq} and {done.snapshots} snapshots of {site}")
    since = datetime.fromtimestamp((done.last_stored_ms - _MARGIN_MS) // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    console.print(f"`cordboard verify` proves it. Then: `cordboard archive republish --since {since}`,")
    console.print("`cordboard history rebuild --lost-end --anew` if the history knows more, and the roles")
    console.print("(docs/archive.md, Restoring)")


@archive_app.command("republish")
def republish(
    since: Annotated[int, typer.Option(parser=parse_instant, metavar="INSTANT", help="`archive restore` says from when on.")],
    data_dir: DataDir = Path("data"),
    vault_url: Annotated[str | None, typer.Option(envvar="CORDBOARD_VAULT_URL", help="The vault's database.")] = None,
    kek_file: KekFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """After a restore: have the gateways publish once more what customers and services sent since then. Repeats are harmless."""
    settings = Settings(data_dir=data_dir, vault_url=vault_url, kek_file=kek_file)

    async def work() -> dict[str, int]:
        # It would be made, with a key of its own, and say that there is nothing to publish.
        if vault_url is None and not (data_dir / "vault.db").is_file():
            fail(f"{data_dir} holds no vault: give --data-dir or --vault-url")
        with contextlib.ExitStack() as alone:
            if vault_url is None:
                alone.enter_context(only_one(data_dir))
            kek = load_kek(kek_file or data_dir / "kek", make=False)
            async with Vault.open(settings.embedded_vault_url(), kek, make=False) as vault:
                return await vault.publish_again(since, dry_run=dry_run)

    counts = run(work())
    if as_json:
        print_json(counts)
        return
    print_table("by gateway", ("gateway", "facts"), sorted(counts.items()), right=("facts",))
    console.print(f"{sum(counts.values())} facts {'would be' if dry_run else 'will be'} published again once the gateways run")


@archive_app.command("trim")
def trim_streams(
    place: Place,
    site: Site = "default",
    data_dir: DataDir = Path("data"),
    nats_url: NatsUrl = None,
    vault_url: Annotated[str | None, typer.Option(envvar="CORDBOARD_VAULT_URL", help="The vault's database.")] = None,
    views_url: Annotated[str | None, typer.Option(envvar="CORDBOARD_VIEWS_URL", help="The read models' database.")] = None,
    kek_file: KekFile = None,
    keep_days: Annotated[float, typer.Option(min=0, help="Never trim what is younger; the inbox keeps 7 days at least.")] = 7.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and why not more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete from journal and inbox what is archived, verified, and read by everybody. Nothing does this by itself."""
    settings = Settings(site=site, data_dir=data_dir, vault_url=vault_url, views_url=views_url, kek_file=kek_file)
    if nats_url is not None:
        settings.shared_url(vault_url, "vault")
        settings.shared_url(views_url, "views")

    async def work(advanced: Callable[[int, int], None]) -> Plan:
        async with _server(data_dir, nats_url, None, make=False) as (url, _):
            return await trim(_archive(place, site), url, settings, keep_days, dry_run=dry_run, progress=advanced)

    with progress("verifying", quiet=as_json) as advanced:
        plan = run(work(advanced))
    if as_json:
        print_json(plan)
        return
    for stream in (plan.journal, plan.inbox):
        limits = sorted((before, limit) for limit, before in stream.limits.items())
        print_table(stream.stream, ("may go before", "because of"), limits, right=("may go before",))
        console.print(f"{stream.messages} messages {'would go' if dry_run else 'went'}: what stands before {stream.below}")


def _archive(place: str, site: str) -> Archive:
    return Archive(open_storage(place), site)


async def _list(place: str, site: str) -> Listing:
    archive = _archive(place, site)
    return Listing(
        archive.site,
        archive.storage.where,
        await archive.last_seq(),
        await archive.closed(),
        await archive.parts(),
        await archive.shelf.names(),
    )


@contextlib.asynccontextmanager
async def _server(
    data_dir: Path, nats_url: str | None, monitor_url: str | None, *, make: bool
) -> AsyncIterator[tuple[str, str | None]]:
    """The server at `nats_url`, or one on the data directory (that of a running `up` is used as it runs)."""
    if nats_url is not None:
        yield nats_url, monitor_url
        return
    if not make and not (data_dir / "nats").is_dir():
        fail(f"{data_dir} holds no journal: give --data-dir or --nats-url")
    async with EmbeddedServer(data_dir / "nats") as server:
        yield server.url, server.monitor_url


def _row(header: Header) -> tuple[object, ...]:
    levels = str(header.level_min) if header.level_min == header.level_max else f"{header.level_min}–{header.level_max}"
    sizes = (-(-header.bytes // _KIB), -(-header.plain_bytes // _KIB))
    last = header.last_hash[:16] + ("" if header.closed else " (part)")
    return (header.first_seq, header.last_seq, header.count, *sizes, levels, last)


def _show(report: ArchiveReport) -> None:
    console.print(
        f"{report.segments} segments, {report.parts} parts, {report.snapshots} snapshots; {report.commits} commits "
        f"({report.first_seq}–{report.last_seq}), {report.bytes} bytes of {report.plain_bytes}"
    )
    if not report.empty:
        console.print("[bold green]sound[/]" if report.clean else f"[bold red]{len(report.problems)} problems[/]")
    for problem in report.problems:
        console.print(f"  [red]{problem.file}: {problem.what}[/]", soft_wrap=True)

"""`cordboard verify`: fold and re-decide the whole journal, check every invariant, say what is wrong."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cordboard.archive import Archive, ArchivedJournal, WithArchive, open_storage
from cordboard.cli.journal import open_journal, progress_bar
from cordboard.cli.options import ArchivePlace, DataDir, NatsUrl, Site
from cordboard.cli.output import AsJson, console, duration, fail, print_json, stderr
from cordboard.errors import CordboardError
from cordboard.router.verify import VerifyReport, verify, verify_archive


def verify_journal(
    site: Site = "default",
    data_dir: DataDir = Path("data"),
    nats_url: NatsUrl = None,
    from_seq: Annotated[int, typer.Option("--from", min=1, help="First commit to re-decide; earlier ones are folded only.")] = 1,
    archive: ArchivePlace = None,
    as_json: AsJson = False,
) -> None:
    """Re-decide every commit of the journal and compare bytes; check invariants. Exit 1 on any divergence or violation.

    Reads a running server (--nats-url), or the data directory of one that is stopped; with --archive the archive alone, or, beside
    --nats-url, for what was trimmed from the journal.
    """
    quiet = as_json or not stderr.is_terminal
    try:
        if archive is not None and nats_url is None:
            report = asyncio.run(_verify_archive(Archive(open_storage(archive), site), from_seq, quiet=quiet))
        else:
            report = asyncio.run(_verify(site, data_dir, nats_url, archive, from_seq, quiet=quiet))
    except CordboardError as error:
        fail(str(error))
    if as_json:
        print_json(report)
    else:
        show(report)
    if not report.clean:
        raise typer.Exit(1)


async def _verify(
    site: str, data_dir: Path, nats_url: str | None, archive: str | None, from_seq: int, *, quiet: bool
) -> VerifyReport:
    async with open_journal(site, data_dir, nats_url, "cordboard-verify") as server:
        log = server if archive is None else WithArchive(server, Archive(open_storage(archive), site))
        if from_seq < (first := await log.first_journal_seq()):
            fail(f"the journal was trimmed and begins at {first}: give --archive, or --from {first + 1}")
        with progress_bar(quiet=quiet) as bar:
            line = bar.add_task("verifying", total=None)
            return await verify(log, from_seq=from_seq, progress=lambda done, total: bar.update(line, completed=done, total=total))


async def _verify_archive(archive: Archive, from_seq: int, *, quiet: bool) -> VerifyReport:
    journal = await ArchivedJournal.open(archive)
    if not await journal.last_journal_seq():
        fail(f"{archive.where} holds no commit")
    with progress_bar(quiet=quiet) as bar:
        line = bar.add_task("verifying", total=None)
        return await verify_archive(
            journal, from_seq=from_seq, progress=lambda done, total: bar.update(line, completed=done, total=total)
        )


def show(report: VerifyReport) -> None:
    """The report for people."""
    console.print(
        f"{report.commits} commits ({report.first_seq}–{report.last_seq}), {report.events} events, {report.inputs} inputs: "
        f"{report.accepted} accepted, {report.refused} refused, {report.duplicates} duplicates, {report.quarantined} quarantined"
    )
    if report.folded_only:
        said = ", ".join(f"{count} of level {level}" for level, count in sorted(report.levels.items()))
        console.print(
            f"[yellow]re-decided {report.commits - report.folded_only} commits, folded only {report.folded_only}[/]: {said}"
        )
    colour = "green" if report.clean else "red"
    lost = "not read" if report.lost is None else str(report.lost)
    counts = f"divergences {report.divergence_count}, violations {report.violation_count}, lost {lost}"
    memory = f"peak memory {report.peak_memory_bytes / 1024**2:.0f} MiB"
    console.print(f"[bold {colour}]{counts}[/] in {duration(report.duration_ms)}, {memory}")
    for finding in [*report.divergences, *report.violations]:
        console.print(f"  [red]commit {finding.seq}: {finding.what}[/]", soft_wrap=True)

"""`cordboard verify`: fold and re-decide the whole journal, check every invariant, say what is wrong."""

from pathlib import Path
from typing import Annotated

import typer

from cordboard.archive import ArchivedJournal
from cordboard.cli.journal import must_begin, open_past, progress, run
from cordboard.cli.options import ArchivePlace, DataDir, NatsUrl, Site
from cordboard.cli.output import AsJson, console, duration, print_json
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
    report = run(_verify(site, data_dir, nats_url, archive, from_seq, quiet=as_json))
    if as_json:
        print_json(report)
    else:
        show(report)
    if not report.clean:
        raise typer.Exit(1)


async def _verify(
    site: str, data_dir: Path, nats_url: str | None, archive: str | None, from_seq: int, *, quiet: bool
) -> VerifyReport:
    async with open_past(site, data_dir, nats_url, archive, "cordboard-verify") as journal:
        await must_begin(journal, from_seq, folded=True)
        with progress("verifying", quiet=quiet) as advanced:
            if isinstance(journal, ArchivedJournal):
                return await verify_archive(journal, from_seq=from_seq, progress=advanced)
            return await verify(journal, from_seq=from_seq, progress=advanced)


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

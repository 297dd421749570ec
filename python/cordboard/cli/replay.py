"""`cordboard replay`: the journal line by line; or, with another policy, what would have come of the same customers and agents."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cordboard.cli.journal import must_begin, open_past, progress, run
from cordboard.cli.options import ArchivePlace, DataDir, NatsUrl, Site
from cordboard.cli.output import AsJson, console, duration, print_json, print_table
from cordboard.cli.problems import show_problems
from cordboard.errors import InvalidInput
from cordboard.log.port import Journal
from cordboard.policy import CompiledSite, PolicyErrors, load
from cordboard.router.kpi import Kpi
from cordboard.router.replay import bounds, told
from cordboard.router.whatif import WhatIf, what_if

COLOURS = {">": "cyan", "c": "bold"}
"""By the first letter of a line: inputs, commits."""


def replay(
    site: Site = "default",
    data_dir: DataDir = Path("data"),
    nats_url: NatsUrl = None,
    from_seq: Annotated[int, typer.Option("--from", min=1, help="First commit.")] = 1,
    to_seq: Annotated[int | None, typer.Option("--to", min=1, help="Last commit; the end as it is now unless given.")] = None,
    archive: ArchivePlace = None,
    policy: Annotated[Path | None, typer.Option(help="Decide again under this policy, and compare.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what the journal says; with --policy, what another policy would have made of it.

    Reads a running server (--nats-url), or the data directory of one that is stopped; with --archive the archive alone, or, beside
    --nats-url, for what was trimmed from the journal. Without --policy nothing is decided again: a line for every fact's verdict
    and every event (--json: an object a commit). With it, decisions are exact up to the first that differs; from there on the
    figures are an estimate (docs/replay.md).
    """
    try:
        other = load(policy) if policy else None
    except PolicyErrors as errors:
        show_problems(errors, as_json=as_json)
        raise typer.Exit(1) from None
    run(_replay(site, data_dir, nats_url, archive, from_seq, to_seq, other, as_json=as_json))


async def _replay(
    site: str,
    data_dir: Path,
    nats_url: str | None,
    archive: str | None,
    from_seq: int,
    to_seq: int | None,
    other: CompiledSite | None,
    *,
    as_json: bool,
) -> None:
    if other is not None and other.policy.site != site:
        raise InvalidInput(f"the policy is one of site {other.policy.site}, the journal of {site}")
    async with open_past(site, data_dir, nats_url, archive, "cordboard-replay") as journal:
        await must_begin(journal, from_seq, folded=other is not None)
        if other is None:
            await _tell(journal, from_seq, to_seq, as_json=as_json)
            return
        with progress("comparing", quiet=as_json) as advanced:
            report = await what_if(
                journal,
                other.compiled,
                from_seq=from_seq,
                to_seq=to_seq,
                progress=lambda what, done, of: advanced(done, of, what),
            )
    if as_json:
        print_json(_plain(report))
    else:
        show(report)


async def _tell(journal: Journal, from_seq: int, to_seq: int | None, *, as_json: bool) -> None:
    first, last = await bounds(journal, from_seq, to_seq)
    # A terminal that shows the lines needs no bar.
    with progress("reading", quiet=console.is_terminal) as advanced:
        async for commit in told(journal, first, last):
            if as_json:
                print_json(commit)
            else:
                for text in commit.lines:
                    console.print(text, style=COLOURS.get(text[:1]), markup=False, soft_wrap=True)
            advanced(commit.seq - first + 1, last - first + 1)


def show(report: WhatIf) -> None:
    """The comparison for people."""
    if report.diverged_seq is None:
        console.print(
            f"commits {report.first_seq}–{report.last_seq}: [bold green]every decision is the same[/], and so are all figures"
        )
    else:
        until = f"commits {report.first_seq}–{report.last_seq}: exact up to commit {report.diverged_seq}"
        console.print(f"{until}, [bold yellow]an estimate from there on[/]")
        console.print(f"first difference: {report.difference}", soft_wrap=True)
    columns = ("queue", "", "answered", "abandoned", "other", "in target", "mean wait", "longest wait")
    rows = [row for queue in report.queues for row in _rows(queue.queue, queue.recorded, queue.instead)]
    print_table("Visits that ended", columns, rows, right=columns[2:])
    if report.diverged_seq is not None:
        console.print(f"[dim]{report.label}. {report.modelled:,} responses are modelled.[/]", soft_wrap=True)


def _rows(queue: str, recorded: Kpi, instead: Kpi) -> list[tuple[object, ...]]:
    return [(queue, "recorded", *_cells(recorded)), ("", "instead", *_cells(instead))]


def _cells(kpi: Kpi) -> tuple[object, ...]:
    level = kpi.service_level
    longest = duration(kpi.wait_max_ms) if kpi.answered else "–"
    in_target = "–" if level is None else f"{level:.1f} %"
    return kpi.answered, kpi.abandoned, kpi.other, in_target, duration(kpi.mean_wait_ms), longest


def _plain(report: WhatIf) -> dict[str, Any]:
    """For programs: `estimate` says whether any figure is one."""
    return {
        "first_seq": report.first_seq,
        "last_seq": report.last_seq,
        "estimate": report.diverged_seq is not None,
        "label": report.label if report.diverged_seq is not None else None,
        "diverged_seq": report.diverged_seq,
        "difference": report.difference or None,
        "modelled": report.modelled,
        "not_modelled": report.not_modelled,
        "queues": [{"queue": each.queue, "recorded": each.recorded, "instead": each.instead} for each in report.queues],
    }

"""`cordboard replay`: the journal line by line; or, with another policy, what would have come of the same customers and agents."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from cordboard.cli.journal import open_journal, progress_bar
from cordboard.cli.options import DataDir, NatsUrl, Site
from cordboard.cli.output import AsJson, console, duration, fail, print_json, print_table, stderr
from cordboard.cli.problems import show_problems
from cordboard.errors import CordboardError, InvalidInput
from cordboard.log.port import SiteLog
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
    policy: Annotated[Path | None, typer.Option(help="Decide again under this policy, and compare.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what the journal says; with --policy, what another policy would have made of it.

    Reads a running server (--nats-url), or the data directory of one that is stopped. Without --policy nothing is decided again: a
    line for every fact's verdict and every event (--json: an object a commit). With it, decisions are exact up to the first that
    differs; from there on the figures are an estimate (docs/replay.md).
    """
    try:
        other = load(policy) if policy else None
        asyncio.run(_replay(site, data_dir, nats_url, from_seq, to_seq, other, as_json=as_json))
    except PolicyErrors as errors:
        show_problems(errors, as_json=as_json)
        raise typer.Exit(1) from None
    except CordboardError as error:
        fail(str(error))


async def _replay(
    site: str, data_dir: Path, nats_url: str | None, from_seq: int, to_seq: int | None, other: CompiledSite | None, *, as_json: bool
) -> None:
    if other is not None and other.policy.site != site:
        raise InvalidInput(f"the policy is one of site {other.policy.site}, the journal of {site}")
    async with open_journal(site, data_dir, nats_url, "cordboard-replay") as log:
        if other is None:
            await _tell(log, from_seq, to_seq, as_json=as_json)
            return
        report = await _compare(log, from_seq, to_seq, other, quiet=as_json or not stderr.is_terminal)
    if as_json:
        print_json(_plain(report))
    else:
        show(report)


async def _tell(log: SiteLog, from_seq: int, to_seq: int | None, *, as_json: bool) -> None:
    first, last = await bounds(log, from_seq, to_seq)
    # A terminal that shows the lines needs no bar.
    with progress_bar(quiet=console.is_terminal or not stderr.is_terminal) as bar:
        line = bar.add_task("reading", total=last - first + 1)
        async for commit in told(log, first, last):
            if as_json:
                print_json(commit)
            else:
                for text in commit.lines:
                    console.print(text, style=COLOURS.get(text[:1]), markup=False, soft_wrap=True)
            bar.advance(line)


async def _compare(log: SiteLog, from_seq: int, to_seq: int | None, other: CompiledSite, *, quiet: bool) -> WhatIf:
    with progress_bar(quiet=quiet) as bar:
        line = bar.add_task("comparing", total=None)
        return await what_if(
            log,
            other.compiled,
            from_seq=from_seq,
            to_seq=to_seq,
            progress=lambda what, done, of: bar.update(line, description=what, completed=done, total=of),
        )


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

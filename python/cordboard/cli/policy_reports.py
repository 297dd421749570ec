"""`cordboard policy coverage|classify|confusion`: what a policy makes of contacts, without a running site."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.markup import escape

from cordboard.cli.output import AsJson, console, fail, print_json, print_table
from cordboard.cli.problems import show_problems
from cordboard.events.policy import Policy
from cordboard.policy import PolicyErrors, load, load_agents
from cordboard.policy.classify import DEFAULT_RULE, Signals
from cordboard.policy.coverage import Cell, coverage
from cordboard.policy.explain import Explanation, explain
from cordboard.policy.kinds import spell_requirement
from cordboard.policy.labelled import Judged, accuracy, confusion, judge, load_labelled
from cordboard.policy.needles import TEXT_MAX
from cordboard.policy.problems import did_you_mean

File = Annotated[Path, typer.Argument(help="The policy, YAML.", show_default=False)]


def show_coverage(
    file: File,
    agents: Annotated[Path | None, typer.Option(help="An agents file: mark what none of them can serve.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print topic × channel: which rules and entry points lead there, and to which queue. Exit 0 whether or not there are gaps."""
    try:
        policy = load(file).policy
        cells = coverage(policy, None if agents is None else load_agents(agents, policy))
    except PolicyErrors as errors:
        _stop(errors, as_json)
    gaps = sum(cell.gap for cell in cells)
    unserved = sum(bool(cell.unserved) for cell in cells)
    if as_json:
        print_json({"cells": [_cell_document(cell) for cell in cells], "gaps": gaps, "unserved": unserved})
        return
    channels = [channel.name for channel in policy.channels]
    rows = [[topic.name, *(_cell_text(cell) for cell in cells if cell.topic == topic.name)] for topic in policy.topics]
    print_table("Coverage", ["topic", *channels], rows, wrap=channels)
    said = "" if agents is None else f"; in {unserved} nobody could serve some language"
    console.print(f"{len(cells)} cells, {gaps} gaps (marked –){said}", soft_wrap=True)


def classify_text(
    file: File,
    text: Annotated[str, typer.Argument(help="Subject and text; - reads them from standard input.", show_default=False)],
    channel: Annotated[str, typer.Option(help="The channel it comes in on.")],
    entry_point: Annotated[str | None, typer.Option(help="The door it comes in through.")] = None,
    language: Annotated[str | None, typer.Option(help="As the page or form declares it.")] = None,
    sender: Annotated[str | None, typer.Option(help="The sender's mail address.")] = None,
    segment: Annotated[str | None, typer.Option(help="The customer's segment.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="A field of the form or webhook, name=value.")] = None,
    automatic: Annotated[bool, typer.Option("--automatic", help="A machine wrote it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a contact would be about, where it would go, and why."""
    try:
        policy = load(file).policy
    except PolicyErrors as errors:
        _stop(errors, as_json)
    _known("channel", channel, [one.name for one in policy.channels])
    doors = [one.name for one in policy.entry_points if one.channel == channel]
    if entry_point is not None:
        _known(f"entry point of {channel}", entry_point, doors)
    pairs = [given.partition("=") for given in field or []]
    if any(not separator for _, separator, _ in pairs):
        fail("write a field as name=value", code=2)
    signals = Signals(
        channel=channel,
        entry_point=entry_point,
        address=sender.lower() if sender else None,
        text=sys.stdin.read(TEXT_MAX) if text == "-" else text,
        language=language,
        fields={name: value for name, _, value in pairs},
        segment=segment,
        automatic=automatic,
    )
    explanation = explain(policy, signals)
    if as_json:
        print_json(_explanation_document(explanation))
    else:
        _show_explanation(explanation)


def show_confusion(
    file: File,
    labelled: Annotated[
        Path, typer.Argument(help="Labelled texts: language, channel, topic, text between tabs.", show_default=False)
    ],
    split: Annotated[str | None, typer.Option(help="Only texts of this split.")] = None,
    as_json: AsJson = False,
) -> None:
    """Classify texts whose topic is known, and print how often that comes out: by split and language, and topic by topic."""
    try:
        policy = load(file).policy
        texts = load_labelled(labelled, policy)
    except PolicyErrors as errors:
        _stop(errors, as_json)
    judged = [one for one in judge(policy, texts) if split is None or one.labelled.split == split]
    if not judged:
        fail("there are no such texts")
    if as_json:
        print_json(
            {
                **_figures(judged),
                "splits": _by(judged, "split"),
                "languages": _by(judged, "language"),
                "confusion": confusion(judged),
            }
        )
        return
    _show_figures(judged)
    _show_confusion(policy, judged)


def add_commands(app: typer.Typer) -> None:
    """Put the three commands into the `policy` group."""
    app.command("coverage")(show_coverage)
    app.command("classify")(classify_text)
    app.command("confusion")(show_confusion)


def _stop(errors: PolicyErrors, as_json: bool) -> NoReturn:
    show_problems(errors, as_json=as_json)
    raise typer.Exit(1) from errors


def _known(what: str, word: str, known: list[str]) -> None:
    if word not in known:
        fail(escape(f"unknown {what} `{word}`: {did_you_mean(word, known) or 'there is none'}"), code=2)


def _cell_document(cell: Cell) -> dict[str, Any]:
    return {
        "topic": cell.topic,
        "channel": cell.channel,
        "rules": cell.rules,
        "entry_points": cell.entry_points,
        "default": cell.default,
        "queues": cell.queues,
        "gap": cell.gap,
        "unserved": [{"queue": queue, "language": language} for queue, language in cell.unserved],
    }


def _cell_text(cell: Cell) -> str:
    if cell.gap:
        return "[bold red]–[/]"
    ways = [*cell.rules, *(f"door {door}" for door in cell.entry_points), *(["default"] if cell.default else [])]
    lines = [f"[green]→ {', '.join(cell.queues)}[/]", f"[dim]{', '.join(ways)}[/]"]
    lines += [f"[bold red]nobody: {queue} {language}[/]" for queue, language in cell.unserved]
    return "\n".join(lines)


def _explanation_document(explanation: Explanation) -> dict[str, Any]:
    found = explanation.found
    return {
        "rule": found.rule,
        "topic": found.topic,
        "queue": found.queue,
        "queue_from": explanation.queue_from,
        "language": found.language,
        "language_from": explanation.language_from,
        "requirements": [spell_requirement(requirement) for requirement in found.requirements],
        "priority": found.priority,
        "new_case": found.new_case,
        "keywords": explanation.keywords,
        "failed": [{"rule": rule, "condition": condition} for rule, condition in explanation.failed],
    }


def _show_explanation(explanation: Explanation) -> None:
    found = explanation.found
    because = f", because of {', '.join(explanation.keywords)}" if explanation.keywords else ""
    said = [
        ("rule", found.rule + because),
        ("topic", found.topic or "none"),
        ("queue", f"{found.queue} (said by the {explanation.queue_from})"),
        ("language", f"{found.language or 'unknown'} ({explanation.language_from})"),
        ("requires", ", ".join(spell_requirement(one) for one in found.requirements) or "nothing"),
        ("priority", str(found.priority)),
    ]
    if found.new_case:
        said.append(("case", "a new one"))
    for word, value in said:
        console.print(f"[bold]{word + ':':<10}[/]{escape(value)}", soft_wrap=True)
    # Rules whose words are not in the text explain nothing; those that were near do.
    near = [f"{rule} ({condition})" for rule, condition in explanation.failed if condition != "keywords"]
    if near:
        console.print(f"[dim]not before, for their conditions: {escape(', '.join(near))}[/]", soft_wrap=True)


def _figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """`decided`: texts that some rule caught; the others were left to the default."""
    decided = [one for one in judged if one.found.rule != DEFAULT_RULE]
    return {
        "texts": len(judged),
        "accuracy": round(accuracy(judged), 4),
        "decided": round(len(decided) / len(judged), 4),
        "accuracy_decided": round(accuracy(decided), 4),
        "language_right": round(sum(one.found.language == one.labelled.language for one in judged) / len(judged), 4),
        "language_wrong": round(sum(one.found.language not in (one.labelled.language, None) for one in judged) / len(judged), 4),
    }


def _by(judged: Sequence[Judged], column: str) -> dict[str, dict[str, Any]]:
    values = dict.fromkeys(getattr(one.labelled, column) for one in judged)
    return {value: _figures([one for one in judged if getattr(one.labelled, column) == value]) for value in values}


def _show_figures(judged: Sequence[Judged]) -> None:
    groups = {"all": _figures(judged)} | {key or "no split": figures for key, figures in _by(judged, "split").items()}
    for split in dict.fromkeys(one.labelled.split for one in judged):
        inside = [one for one in judged if one.labelled.split == split]
        groups |= {f"{split} {language}".strip(): figures for language, figures in _by(inside, "language").items()}
    shares = ("accuracy", "decided", "accuracy_decided", "language_right", "language_wrong")
    columns = ["", "texts", *(share.replace("_", " ") for share in shares)]
    rows = [[name, figures["texts"], *(f"{figures[share]:.1%}" for share in shares)] for name, figures in groups.items()]
    print_table("Accuracy", columns, rows, right=columns[1:])


def _show_confusion(policy: Policy, judged: Sequence[Judged]) -> None:
    """Rows: as labelled. Columns: as classified, by number, for they would not fit by name."""
    table = confusion(judged)
    found = {one.topic for one in judged} | set(table)
    names = [topic.name for topic in policy.topics if topic.name in found] + sorted(found - {topic.name for topic in policy.topics})
    columns = ["labelled as", *(str(number) for number in range(1, len(names) + 1))]
    rows = [
        [f"{number} {name}", *(_count(table.get(name, {}).get(other, 0), name == other) for other in names)]
        for number, name in enumerate(names, 1)
    ]
    print_table("Confusion (columns: classified as)", columns, rows, right=columns[1:])


def _count(number: int, right: bool) -> str:
    if not number:
        return "[dim]·[/]"
    return f"[green]{number}[/]" if right else f"[red]{number}[/]"

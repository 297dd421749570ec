"""`cordboard explain …`: why a contact waits, why an agent is not offered it."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.contacts import ContactArgument, plain
from cordboard.cli.instants import instant, parse_instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, print_json, print_table
from cordboard.v1.explain_service_pb2 import Obstacle

explain_app = typer.Typer(help="Explain: why a contact waits, why an agent is not offered it.", no_args_is_help=True)
At = Annotated[
    str,
    typer.Option("--at", help="A position of the journal (`seq` in a timeline) or an instant (2026-11-22T09:30+01:00); none: now."),
]
POSITION_DIGITS = 18
"""More have no place in a request; less than a date has."""
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="At most so many lines.")]


@explain_app.command("contact")
def explain_contact(
    contact_id: ContactArgument, at: At = "", limit: Limit = 20, target: Target = DEFAULT_TARGET, as_json: AsJson = False
) -> None:
    """What stands between a waiting contact and each member of its queues, the nearest first."""
    position, at_ms = _moment(at)
    found = call(target, lambda client: client.explain_contact(contact_id, position=position, at_ms=at_ms, limit=limit))
    if as_json:
        print_json(plain(found))
        return
    _say(found.position, found.at_ms, found.folded_from, found.sentences)
    _list("nearest agents", "agent", found.agents)


@explain_app.command("agent")
def explain_agent(
    agent: Annotated[str, typer.Argument(help="The agent's person id.")],
    at: At = "",
    limit: Limit = 20,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """What stands between an agent and each contact that waits in the agent's queues, in their order."""
    position, at_ms = _moment(at)
    found = call(target, lambda client: client.explain_agent(agent, position=position, at_ms=at_ms, limit=limit))
    if as_json:
        print_json(plain(found))
        return
    _say(found.position, found.at_ms, found.folded_from, found.sentences)
    _list("first contacts", "contact", found.contacts)


def _moment(at: str) -> tuple[int, int]:
    """Position and instant: at most one of them is given. Raises BadParameter."""
    if at.isascii() and at.isdigit() and len(at) <= POSITION_DIGITS:
        if int(at) == 0:
            raise typer.BadParameter("there is no position 0: the journal begins with 1")
        return int(at), 0
    return 0, parse_instant(at) if at else 0


def _say(position: int, at_ms: int, folded_from: int, sentences: Iterable[str]) -> None:
    commits = position - folded_from
    folded = f"{commits} commit{'' if commits == 1 else 's'} folded from {folded_from or 'the beginning'}"
    console.print(f"[dim]position {position}, {instant(at_ms)}; {folded}[/]")
    for sentence in sentences:
        console.print(escape(sentence), soft_wrap=True)


def _list(title: str, what: str, obstacles: Iterable[Obstacle]) -> None:
    rows = [(each.id, each.queue, str(each.rank), each.hindrance, each.sentence) for each in obstacles]
    if rows:
        print_table(title, (what, "queue", "rank", "hindrance", "because"), rows, right=("rank",))

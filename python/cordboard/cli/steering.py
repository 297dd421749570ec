"""`cordboard contacts transfer|pick|requeue|priority`: where a supervisor sends a contact, whatever the order says."""

from typing import Annotated

import typer

from cordboard.cli.calls import call
from cordboard.cli.contacts import ContactArgument, plain
from cordboard.cli.instants import instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, print_json

By = Annotated[str, typer.Option("--by", help="Person id of the supervisor who orders it; stands in the timeline.")]
Reason = Annotated[str, typer.Option("--reason", help="Why: a reason of the policy; stands in the timeline.")]


def add_commands(app: typer.Typer) -> None:
    """Put these into `contacts`."""
    app.command()(transfer)
    app.command()(pick)
    app.command()(requeue)
    app.command()(priority)


def transfer(
    contact_id: ContactArgument,
    queue: Annotated[str, typer.Argument(help="The queue to move it to; with --to, the one it is in if left out.")] = "",
    to: Annotated[str, typer.Option("--to", help="Person id of the agent who is offered it first.")] = "",
    by: By = "",
    reason: Reason = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Move a contact to another queue, or to a certain agent; its earlier waits are credited."""
    if not queue and not to:
        raise typer.BadParameter("name a queue, or an agent with --to")
    done = call(target, lambda client: client.transfer_contact(contact_id, queue, to_agent=to, by=by, reason=reason))
    if as_json:
        print_json(plain(done))
    else:
        console.print(f"now in {done.queue}, visit {done.visit}{f', offered to {to} first' if to else ''}")


def pick(
    contact_id: ContactArgument,
    agent: Annotated[str, typer.Argument(help="Person id of the agent who gets it.")],
    by: By = "",
    reason: Reason = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Offer a waiting contact to an agent at once, whatever order and limits say."""
    done = call(target, lambda client: client.pick_contact(contact_id, agent, by=by, reason=reason))
    if as_json:
        print_json(plain(done))
    else:
        console.print(f"offered to {agent}: attempt {done.attempt}, open until {instant(done.expires_ms)}")


def requeue(
    contact_id: ContactArgument, by: By = "", reason: Reason = "", target: Target = DEFAULT_TARGET, as_json: AsJson = False
) -> None:
    """Take a contact out of its agent's hands; it waits again with its place in the order."""
    done = call(target, lambda client: client.requeue_contact(contact_id, by=by, reason=reason))
    print_json(plain(done)) if as_json else console.print(f"waits again, visit {done.visit}")


def priority(
    contact_id: ContactArgument,
    wanted: Annotated[int, typer.Argument(metavar="PRIORITY", min=0, max=100, help="0 to 100; higher is sooner.")],
    by: By = "",
    reason: Reason = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Give a live contact another priority."""
    done = call(target, lambda client: client.set_priority(contact_id, wanted, by=by, reason=reason))
    print_json(plain(done)) if as_json else console.print(f"priority {wanted}")

"""The groups whose commands are written in several files."""

import typer

from cordboard.cli import agents_file, engagements, parking, staffing, steering
from cordboard.cli.agents import agents_app as agents
from cordboard.cli.contacts import contacts_app as contacts

callbacks = typer.Typer(help="Callbacks: what is planned.", no_args_is_help=True)


@callbacks.callback()
def _group() -> None:
    """A group, though it has one command."""


staffing.add_commands(callbacks)
steering.add_commands(contacts)
parking.add_commands(contacts)
engagements.add_commands(contacts)
agents_file.add_commands(agents)

__all__ = ["agents", "callbacks", "contacts"]

"""The groups whose commands are written in several files."""

from cordboard.cli import agents_file, engagements, parking, steering
from cordboard.cli.agents import agents_app as agents
from cordboard.cli.contacts import contacts_app as contacts

steering.add_commands(contacts)
parking.add_commands(contacts)
engagements.add_commands(contacts)
agents_file.add_commands(agents)

__all__ = ["agents", "contacts"]

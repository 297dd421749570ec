"""The groups whose commands are written in several files."""

from cordboard.cli import agents_file, engagements, missed, next_steps, parking, staffing, steering
from cordboard.cli.agents import agents_app as agents
from cordboard.cli.callbacks import callbacks_app as callbacks
from cordboard.cli.contacts import contacts_app as contacts

staffing.add_commands(callbacks)
missed.add_commands(callbacks)
steering.add_commands(contacts)
parking.add_commands(contacts)
engagements.add_commands(contacts)
next_steps.add_commands(contacts)
agents_file.add_commands(agents)

__all__ = ["agents", "callbacks", "contacts"]

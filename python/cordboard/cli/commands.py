"""All commands by name."""

import typer

from cordboard.cli import agents_file, engagements, parking, steering
from cordboard.cli.agents import agents_app
from cordboard.cli.archive import archive_app
from cordboard.cli.asyncapi import asyncapi_document
from cordboard.cli.contacts import contacts_app, timeline
from cordboard.cli.customer import customer_app
from cordboard.cli.demo import demo
from cordboard.cli.effects import effects_app
from cordboard.cli.explain import explain_app
from cordboard.cli.policy import policy_app
from cordboard.cli.queues import queues_app
from cordboard.cli.replay import replay
from cordboard.cli.top import top
from cordboard.cli.topics import topics
from cordboard.cli.up import run, up
from cordboard.cli.verify import verify_journal


def register(app: typer.Typer) -> None:
    """Put every command into `app`."""
    app.command()(up)
    app.command()(run)
    app.command()(demo)
    app.command()(top)
    app.add_typer(queues_app, name="queues")
    app.command()(topics)
    steering.add_commands(contacts_app)
    parking.add_commands(contacts_app)
    engagements.add_commands(contacts_app)
    app.add_typer(contacts_app, name="contacts")
    app.command()(timeline)
    agents_file.add_commands(agents_app)
    app.add_typer(agents_app, name="agents")
    app.add_typer(effects_app, name="effects")
    app.add_typer(explain_app, name="explain")
    app.add_typer(customer_app, name="customer")
    app.add_typer(policy_app, name="policy")
    app.add_typer(archive_app, name="archive")
    app.command("verify")(verify_journal)
    app.command("replay")(replay)
    app.command("asyncapi")(asyncapi_document)

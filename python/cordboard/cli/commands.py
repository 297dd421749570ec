"""All commands by name."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "up": "up:up",
    "run": "up:run",
    "demo": "demo:demo",
    "top": "top:top",
    "queues": "queues:queues_app",
    "doors": "doors:doors",
    "callbacks": "joined:callbacks",
    "promises": "promises:promises_app",
    "slas": "slas:slas",
    "topics": "topics:topics",
    "contacts": "joined:contacts",
    "timeline": "contacts:timeline",
    "agents": "joined:agents",
    "effects": "effects:effects_app",
    "quarantine": "quarantine:quarantine_app",
    "explain": "explain:explain_app",
    "customer": "customer:customer_app",
    "policy": "policy:policy_app",
    "site": "site:site_app",
    "engine": "engine:engine_app",
    "archive": "archive:archive_app",
    "history": "history:history_app",
    "verify": "verify:verify_journal",
    "replay": "replay:replay",
    "asyncapi": "asyncapi:asyncapi_document",
}
"""Name: module in cordboard.cli, and what it has there: a function, or a group of commands."""


class Commands(TyperGroup):
    """Imports a command when it is asked for: `cordboard agents list` needs neither a gateway nor a database."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Their names, for lists and for "did you mean".
        self.commands = {name: TyperCommand(name) for name in COMMANDS}

    def get_command(self, _ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        if (place := COMMANDS.get(cmd_name)) is None:
            return None
        module, attribute = place.split(":")
        found = getattr(import_module(f"cordboard.cli.{module}"), attribute)
        command = typer.main.get_command(found if isinstance(found, typer.Typer) else _alone(found))
        command.name = cmd_name
        assert isinstance(command, TyperCommand | TyperGroup)
        return command


def _alone(function: Any) -> typer.Typer:
    app = typer.Typer(rich_markup_mode="rich", pretty_exceptions_show_locals=False, add_completion=False)
    app.command()(function)
    return app

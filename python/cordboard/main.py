"""The command `cordboard`."""

from typing import Annotated

import typer

import cordboard
from cordboard.cli.commands import Commands

app = typer.Typer(
    name="cordboard",
    cls=Commands,
    help="An event-sourced omnichannel routing engine.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(cordboard.__version__)
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_say_version, is_eager=True)] = False,
) -> None:
    """An event-sourced omnichannel routing engine."""


def main() -> None:
    """Entry point of the installed script."""
    app()


if __name__ == "__main__":
    main()

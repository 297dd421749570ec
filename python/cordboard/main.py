"""The command `cordboard`."""

import typer

from cordboard.cli import commands

app = typer.Typer(
    name="cordboard",
    help="An event-sourced omnichannel routing engine.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
commands.register(app)


def main() -> None:
    """Entry point of the installed script."""
    app()


if __name__ == "__main__":
    main()

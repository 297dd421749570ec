"""`cordboard engine …`: the level at which the site is decided: show it, adopt a newer one."""

from typing import Annotated

import typer

from cordboard.cli.calls import call
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, print_json

engine_app = typer.Typer(help="The engine's level: show it, adopt a newer one.", no_args_is_help=True)


@engine_app.command()
def show(target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """The level in force, and the newest one that the router which leads decides."""
    engine = call(target, lambda client: client.get_engine())
    if as_json:
        print_json({"level": engine.level, "level_max": engine.level_max or None, "epoch": engine.epoch})
        return
    newer = f", and could adopt {engine.level_max}" if engine.level_max > engine.level else ""
    console.print(f"level [bold]{engine.level}[/] is in force; the router of epoch {engine.epoch} leads{newer}")


@engine_app.command()
def adopt(
    level: Annotated[int, typer.Argument(min=1, help="The level to decide at from now on.")],
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Decide at a newer level from now on. For good: a role whose build does not know it (router, projector, gateway, API) stops.

    Do it when every role of the site runs the new build.
    """
    adopted = call(target, lambda client: client.adopt_level(level))
    if as_json:
        print_json({"level": adopted.level})
    else:
        console.print(f"level [bold]{adopted.level}[/] is in force")

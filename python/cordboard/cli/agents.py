"""`cordboard agents list|presence`: who is there and what they have in hand. (apply, check, export: agents_file.py)"""

from typing import Annotated, Literal, cast

import typer

from cordboard.cli.calls import call
from cordboard.cli.contacts import instant, plain
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, print_json, print_table
from cordboard.v1.board_service_pb2 import AgentRow, ChannelLoad
from cordboard.v1.types_pb2 import Presence

agents_app = typer.Typer(help="Agents: list, presence, and the agents file.", no_args_is_help=True)


@agents_app.command("list")
def list_agents(target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Every agent: presence and since when, load per channel."""
    boards = call(target, lambda client: client.get_boards())
    if as_json:
        print_json([plain(row) for row in boards.agents])
        return
    rows = [
        (
            row.person or row.agent_id,
            row.name,
            presence(row),
            instant(row.since_ms),
            f"{row.load}/{row.capacity}",
            channels(row),
            row.parked,
            row.handled,
        )
        for row in boards.agents
    ]
    print_table(
        f"{len(rows)} agents",
        ("agent", "name", "presence", "since", "load", "channels", "parked", "handled"),
        rows,
        right=("load", "parked", "handled"),
    )


@agents_app.command("presence")
def set_presence(
    agent: Annotated[str, typer.Argument(help="The agent's person id.")],
    wanted: Annotated[str, typer.Argument(metavar="PRESENCE", help="ready, not_ready or offline.")],
    reason: Annotated[str, typer.Option(help="Why not ready: a word of the policy.")] = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Set an agent's presence."""
    if wanted not in ("ready", "not_ready", "offline"):
        raise typer.BadParameter("use ready, not_ready or offline")
    word = cast(Literal["ready", "not_ready", "offline"], wanted)
    done = call(target, lambda client: client.set_presence(agent, word, reason=reason))
    if as_json:
        print_json(plain(done))
    else:
        console.print(f"{agent} is {word_of(done.effective)}")


def presence(row: AgentRow) -> str:
    """Effective presence; `ready → not_ready` while a wish waits for the work to end."""
    now = word_of(row.effective) + (f" ({row.effective_reason})" if row.effective_reason else "")
    return now if row.requested == row.effective else f"{now} → {word_of(row.requested)}"


def channels(row: AgentRow) -> str:
    """`chat 2/3  task off`: work at hand of what is possible."""

    def count(load: ChannelLoad) -> int:
        return load.offered + load.connecting + load.engaged + load.wrapping

    return "  ".join(f"{load.channel} {count(load)}/{load.max_concurrent}{'' if load.on else ' off'}" for load in row.channels)


def word_of(value: Presence.ValueType) -> str:
    return Presence.Name(value).removeprefix("PRESENCE_").lower()

"""`cordboard agents list|presence|force|leaves|work|periods`: who is there, with what. (apply, check, export: agents_file.py)"""

from typing import Annotated, Literal, cast

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
from cordboard.cli.instants import instant, parse_instant
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
    if boards.site.agents and not boards.agents:
        console.print(f"{boards.site.agents} agents; the policy's monitoring shows groups only: see `cordboard queues`")
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


@agents_app.command("force")
def force_presence(
    agent: Annotated[str, typer.Argument(help="The agent's person id.")],
    wanted: Annotated[str, typer.Argument(metavar="PRESENCE", help="not_ready or offline.")],
    reason: Annotated[str, typer.Option(help="Why: a reason of the policy.")] = "",
    by: Annotated[str, typer.Option(help="Who decided so: a person id.")] = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """As a supervisor, make an agent not ready or offline. Who speaks live finishes first."""
    if wanted not in ("not_ready", "offline"):
        raise typer.BadParameter("use not_ready or offline")
    word = cast(Literal["not_ready", "offline"], wanted)
    done = call(target, lambda client: client.force_presence(agent, word, reason=reason, by=by))
    print_json(plain(done)) if as_json else console.print(escape(f"{agent} is {word_of(done.effective)}"))


@agents_app.command("leaves")
def schedule_agent(
    agent: Annotated[str, typer.Argument(help="The agent's person id.")],
    at: Annotated[str, typer.Argument(help="When: 2026-11-22T17:00+01:00 (UTC unless it says so); `never` takes it back.")],
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Say when an agent leaves (break, end of shift): no offer that would run over."""
    leaves_at_ms = 0 if at == "never" else parse_instant(at)
    done = call(target, lambda client: client.schedule_agent(agent, leaves_at_ms))
    said = f"leaves at {instant(leaves_at_ms)}" if leaves_at_ms else "is not known to leave"
    print_json(plain(done)) if as_json else console.print(escape(f"{agent} {said}"))


@agents_app.command("work")
def report_work(
    agent: Annotated[str, typer.Argument(help="The agent's person id.")],
    channel: Annotated[str, typer.Argument(help="The channel whose cost it takes.")],
    work: Annotated[str, typer.Argument(help="What the work is called where it comes from.")],
    over: Annotated[bool, typer.Option("--over", help="It is over.")] = False,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Report work from elsewhere (an outbound or internal call): it takes capacity until it is over."""
    done = call(target, lambda client: client.report_work(agent, channel, work, not over))
    print_json(plain(done)) if as_json else console.print(escape(f"{work} {'is over' if over else 'takes capacity'}"))


@agents_app.command("periods")
def list_periods(target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """How old agents' references are, and when it is forgotten whose the oldest were."""
    found = call(target, lambda client: client.list_periods())
    if as_json:
        print_json([plain(period) for period in found.periods])
        return
    rows = [
        (
            period.name,
            instant(period.began_at_ms),
            str(period.references),
            str(period.in_use) if period.HasField("in_use") else "–",
            instant(period.left_at_ms) if period.HasField("left_at_ms") else "",
            instant(period.forgotten_at_ms) if period.HasField("forgotten_at_ms") else "",
        )
        for period in found.periods
    ]
    kept = f"for {found.agent_detail_days} days after they are given up" if found.agent_detail_days else "for ever"
    columns = ("period", "began", "references", "in use", "given up", "forgotten")
    print_table(f"whose they are is known {kept}", columns, rows, right=("references", "in use"))


def presence(row: AgentRow) -> str:
    """Effective presence; `ready → not_ready` while a wish waits for the work to end; and what else keeps offers away."""
    now = word_of(row.effective) + (f" ({row.effective_reason})" if row.effective_reason else "")
    notes = [
        *(["desk lost"] if row.desk_lost else []),
        *(["reserved"] if row.reserved_for else []),
        *([f"leaves {instant(row.leaves_at_ms)}"] if row.HasField("leaves_at_ms") else []),
    ]
    wanted = "" if row.requested == row.effective else f" → {word_of(row.requested)}"
    return now + wanted + "".join(f", {note}" for note in notes)


def channels(row: AgentRow) -> str:
    """`chat 2/3  task off`: work at hand of what is possible."""

    def count(load: ChannelLoad) -> int:
        return load.offered + load.connecting + load.engaged + load.wrapping

    outside = [f"elsewhere {row.outside}"] if row.outside else []
    here = [f"{load.channel} {count(load)}/{load.max_concurrent}{'' if load.on else ' off'}" for load in row.channels]
    return "  ".join([*here, *outside])


def word_of(value: Presence.ValueType) -> str:
    return Presence.Name(value).removeprefix("PRESENCE_").lower()

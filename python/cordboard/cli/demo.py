"""`cordboard demo`: the whole engine and a crowd, then a report and a verification."""

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvloop
from rich.console import Group
from rich.live import Live

from cordboard.cli.agents_file import apply_agents
from cordboard.cli.doors import door_state
from cordboard.cli.output import AsJson, console, fail, print_json, stderr
from cordboard.cli.process import leaves
from cordboard.cli.queues import queue_table
from cordboard.client import Client, ClientError
from cordboard.demo.engine import Engine
from cordboard.demo.report import Report
from cordboard.demo.run import Plan, Show
from cordboard.demo.run import demo as run_demo
from cordboard.demo.show import show
from cordboard.errors import CordboardError
from cordboard.policy import load
from cordboard.v1.board_service_pb2 import QueueRow

EXAMPLES = Path("examples")
LINE_EVERY_S = 5.0
FRAME_S = 0.5


def demo(
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long contacts arrive.")] = 30.0,
    json_file: Annotated[Path | None, typer.Option(help="Write the report there as JSON.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the engine running afterwards, until Ctrl-C.")] = False,
    chats: Annotated[float, typer.Option(min=0, max=200, help="Chats a second.")] = Plan().chats_per_second,
    tasks: Annotated[float, typer.Option(min=0, max=200, help="Tasks a second.")] = Plan().tasks_per_second,
    mails: Annotated[float, typer.Option(min=0, max=200, help="Mails a second.")] = Plan().mails_per_second,
    forms: Annotated[float, typer.Option(min=0, max=200, help="Forms a second.")] = Plan().forms_per_second,
    webhooks: Annotated[float, typer.Option(min=0, max=200, help="Signed payloads a second.")] = Plan().webhooks_per_second,
    callbacks: Annotated[
        float, typer.Option(min=0, max=200, help="Callbacks a second that customers name a time for; 0: nobody is called at all.")
    ] = Plan().callbacks_per_second,
    away: Annotated[
        int, typer.Option(min=0, max=100, help="Percent of the agents who are called to a meeting in the middle.")
    ] = Plan().away_percent,
    seed: Annotated[int, typer.Option(help="Of the crowd's dice.")] = 1,
    policy: Annotated[Path, typer.Option(help="The site's policy.")] = EXAMPLES / "webshop.yaml",
    agents: Annotated[Path, typer.Option(help="The agents file.")] = EXAMPLES / "agents.yaml",
    data_dir: Annotated[Path | None, typer.Option(help="Keep the journal there (default: a temporary directory).")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole engine with a crowd of customers, services and agents over real sockets; report, and verify the journal.

    Exit 0 only if nothing was lost, every promised call has its end or is due later, and the journal holds no violation and no
    divergence. A run of at least the usual length and rates must also have kept a call of each kind, and shown a chat door that
    turned busy and open again.
    """
    plan = Plan(
        seconds=seconds,
        chats_per_second=chats,
        tasks_per_second=tasks,
        mails_per_second=mails,
        forms_per_second=forms,
        webhooks_per_second=webhooks,
        callbacks_per_second=callbacks,
        away_percent=away,
        seed=seed,
    )

    async def arrange(client: Client) -> list[str]:
        applied = await apply_agents(client, agents)
        for failure in applied.failures:
            stderr.print(f"[red]{failure}[/]")
        return [agent.declaration.person async for agent in client.list_agents()]

    def tell(report: Report) -> None:
        if as_json:
            print_json(report)
        else:
            show(report, console)
        if json_file is not None:
            _write(report, json_file)

    stay = _keep if keep else None
    try:
        report = uvloop.run(run_demo(plan, load(policy).policy, arrange, Show(_say, _boards), tell, data_dir=data_dir, keep=stay))
    except (CordboardError, ClientError) as error:
        fail(str(error))
    except BaseExceptionGroup as group:
        for problem in leaves(group):
            stderr.print(f"[bold red]error:[/] {type(problem).__name__}: {problem}")
        raise typer.Exit(1) from group
    if not report.good:
        raise typer.Exit(1)


def _write(report: Report, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    _say(f"written to {path}")


def _say(text: str) -> None:
    stderr.print(f"[dim]{text}[/]", soft_wrap=True)


async def _boards(client: Client) -> None:
    """A live table on a terminal, a line now and then elsewhere."""
    rows: dict[tuple[str, str], QueueRow] = {}
    if not stderr.is_terminal:
        while True:
            await asyncio.sleep(LINE_EVERY_S)
            with contextlib.suppress(ClientError):
                boards = await client.get_boards()
                site, waiting = boards.site, sum(row.waiting for row in boards.queues if not row.channel)
                counts = f"contacts {site.contacts}, open {site.open}, waiting {waiting}, agents ready {site.agents_ready}"
                _say(f"{counts}; {await _shown(client)}")
    with Live(console=stderr, auto_refresh=False, transient=True) as live:
        async for change in client.watch_boards(interval_ms=int(FRAME_S * 1_000)):
            rows.update({(row.queue, row.channel): row for row in change.queues})
            live.update(Group(queue_table(rows.values(), change.at_ms), await _shown(client)), refresh=True)


async def _shown(client: Client) -> str:
    """What customers are shown of doors, and how many calls are promised."""
    with contextlib.suppress(ClientError):
        doors = [f"{door.entry_point} {door_state(door) or '…'}" for door in (await client.get_availability()).doors]
        live = [promise async for promise in client.list_promises() if not promise.outcome]
        return f"{', '.join(doors)}; calls promised {len(live)}"
    return ""


async def _keep(engine: Engine) -> None:
    _say(f"still running: gRPC {engine.grpc}, chat http://{engine.http}/chat, NATS {engine.nats_url}; Ctrl-C ends it")
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()

"""`cordboard queues …`: every queue right now; open, close, speak to who waits."""

from collections.abc import Iterable
from typing import Annotated, Literal, cast

import typer
from rich.markup import escape
from rich.table import Table

from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
from cordboard.cli.instants import instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, duration, print_json
from cordboard.v1.board_service_pb2 import QueueRow

COLUMNS = (
    "queue",
    "waiting",
    "longest",
    "expected",
    "engaged",
    "parked",
    "ready",
    "visits",
    "answered",
    "abandoned",
    "SL",
    "SLAs",
    "ASA",
    "AHT",
)


queues_app = typer.Typer(help="Queues: how they stand, open and close them, speak to who waits.", invoke_without_command=True)
Queue = Annotated[str, typer.Argument(help="A queue of the policy.")]
By = Annotated[str, typer.Option(help="Who decided so: a person id.")]
Why = Annotated[str, typer.Option("--reason", help="Why: a reason of the policy.")]


@queues_app.callback()
def queues(context: typer.Context, target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Every queue: waiting, longest wait, expected wait, visits by outcome, service level."""
    if context.invoked_subcommand is not None:
        return
    boards = call(target, lambda client: client.get_boards())
    if as_json:
        print_json([plain(row) for row in boards.queues])
    else:
        console.print(queue_table(boards.queues, boards.at_ms))


@queues_app.command("mode")
def set_mode(
    queue: Queue,
    mode: Annotated[str, typer.Argument(help="open, closed or emergency.")],
    by: By = "",
    reason: Why = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Open a queue for new contacts, or close it; `emergency` moves on or ends at once who waits."""
    if mode not in ("open", "closed", "emergency"):
        raise typer.BadParameter("use open, closed or emergency")
    word = cast(Literal["open", "closed", "emergency"], mode)
    done = call(target, lambda client: client.set_queue_mode(queue, word, by=by, reason=reason))
    until = f"; who waits is served until {instant(done.close_at_ms)}" if done.close_at_ms and mode == "closed" else ""
    print_json(plain(done)) if as_json else console.print(escape(f"{queue} is {mode}{until}"))


@queues_app.command("say")
def broadcast(
    queue: Queue,
    text: Annotated[str, typer.Argument(help="What they are told, at most 2000 characters.")],
    by: By = "",
    reason: Why = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Tell every customer something who waits in a queue now."""
    done = call(target, lambda client: client.broadcast_text(queue, text, by=by, reason=reason))
    print_json(plain(done)) if as_json else console.print(escape(f"everybody who waits in {queue} is told"))


def queue_table(rows: Iterable[QueueRow], now_ms: int) -> Table:
    """The board of queues as of `now_ms` (Unix ms): a row a queue, all its channels together."""
    table = Table(title="Queues", title_justify="left", title_style="bold", header_style="cyan")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "queue" else "right", no_wrap=True)
    for row in sorted((row for row in rows if row.queue and not row.channel), key=lambda row: row.queue):
        longest = max(0, now_ms - row.oldest_since_ms) if row.HasField("oldest_since_ms") else None
        table.add_row(
            row.queue if row.mode in ("", "open") else f"{row.queue} [red]{row.mode}[/]",
            f"[yellow]{row.waiting}[/]" if row.waiting else "0",
            duration(longest),
            _expected(row, longest),
            "–" if row.work_withheld else str(row.engaged),
            str(row.parked),
            ready(row),
            str(row.visits),
            str(row.answered),
            str(row.abandoned + row.abandoned_after_transfer),
            f"{row.service_level_permille / 10:.0f} %" if row.HasField("service_level_permille") else "–",
            slas(row),
            duration(row.asa_ms if row.HasField("asa_ms") else None),
            duration(row.aht_ms if row.HasField("aht_ms") else None),
        )
    return table


def _expected(row: QueueRow, longest: int | None) -> str:
    if row.work_withheld or row.agents_withheld:
        return "–"
    return duration(max(row.expected_base_ms, longest or 0)) if row.HasField("expected_base_ms") else "unknown"


def slas(row: QueueRow) -> str:
    """`2 at risk, 1 broken`; a dash where nothing is promised, or nothing has ended yet."""
    risk = f"[yellow]{row.slas_at_risk} at risk[/]" if row.slas_at_risk else ""
    broken = f"[red]{row.slas_broken} broken[/]" if row.slas_broken else ""
    return ", ".join(word for word in (risk, broken) if word) or (f"{row.slas_met} met" if row.slas_met else "–")


def ready(row: QueueRow) -> str:
    """`3/8`, of them `(1 reserved)`; a dash where monitoring shows no figures about so few."""
    if row.agents_withheld:
        return "–"
    reserved = f" ({row.reserved} reserved)" if row.reserved else ""
    return f"{row.members_ready}/{row.members}{reserved}"

"""`cordboard queues`: every queue right now."""

from collections.abc import Iterable

from rich.table import Table

from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
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
    "ASA",
    "AHT",
)


def queues(target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Every queue: waiting, longest wait, expected wait, visits by outcome, service level."""
    boards = call(target, lambda client: client.get_boards())
    if as_json:
        print_json([plain(row) for row in boards.queues])
    else:
        console.print(queue_table(boards.queues, boards.at_ms))


def queue_table(rows: Iterable[QueueRow], now_ms: int) -> Table:
    """The board of queues as of `now_ms` (Unix ms): a row a queue, all its channels together."""
    table = Table(title="Queues", title_justify="left", title_style="bold", header_style="cyan")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "queue" else "right", no_wrap=True)
    for row in sorted((row for row in rows if row.queue and not row.channel), key=lambda row: row.queue):
        longest = max(0, now_ms - row.oldest_since_ms) if row.HasField("oldest_since_ms") else None
        expected = max(row.expected_base_ms, longest or 0) if row.HasField("expected_base_ms") else None
        table.add_row(
            row.queue,
            f"[yellow]{row.waiting}[/]" if row.waiting else "0",
            duration(longest),
            duration(expected) if expected is not None else "unknown",
            str(row.engaged),
            str(row.parked),
            str(row.members_ready),
            str(row.visits),
            str(row.answered),
            str(row.abandoned + row.abandoned_after_transfer),
            f"{row.service_level_permille / 10:.0f} %" if row.HasField("service_level_permille") else "–",
            duration(row.asa_ms if row.HasField("asa_ms") else None),
            duration(row.aht_ms if row.HasField("aht_ms") else None),
        )
    return table

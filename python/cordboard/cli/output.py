"""How the CLI speaks: tables for people, one JSON document (or a line an item) for programs, errors on stderr."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

PLAIN_WIDTH = 160
"""Columns where no terminal says otherwise: tables in logs must not be cut."""
console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
stderr = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Target = Annotated[str, typer.Option("--target", envvar="CORDBOARD_TARGET", help="The gRPC API, host:port.")]
DEFAULT_TARGET = "127.0.0.1:7401"


def print_json(value: Any) -> None:
    """One JSON document on stdout, on one line; Structs included. Give ids as hex: bytes would come out as base64."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = (), wrap: Sequence[str] = ()
) -> None:
    """A table for people. `right` names the columns that hold figures, `wrap` those that may take several lines."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="cyan", expand=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=column not in wrap, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """One thing for people, a line a field."""
    for name, value in fields.items():
        console.print(f"[cyan]{name:>20}[/]  {escape(str(value))}", soft_wrap=True)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Say what is wrong on stderr and exit."""
    stderr.print(f"[bold red]error:[/] {message}")
    raise typer.Exit(code)


def duration(ms: int | None) -> str:
    """Milliseconds as people read them: 850 ms, 12.4 s, 3 min 05 s, 2 h 10 min."""
    if ms is None:
        return "–"
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms / 1_000:.1f} s"
    if ms < 3_600_000:
        return f"{ms // 60_000} min {ms % 60_000 // 1_000:02d} s"
    return f"{ms // 3_600_000} h {ms % 3_600_000 // 60_000:02d} min"

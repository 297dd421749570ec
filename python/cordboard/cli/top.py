"""`cordboard top`: live boards in the terminal."""

import asyncio
import contextlib
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table

from cordboard.cli.agents import channels, presence
from cordboard.cli.calls import nobody_at, reached
from cordboard.cli.contacts import plain
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, fail, print_json
from cordboard.cli.queues import queue_table
from cordboard.client import Client, ClientError
from cordboard.v1.board_service_pb2 import AgentRow, QueueRow, SiteRow, WatchBoardsResponse

AGENTS_SHOWN = 30
DAYS_FEW = 60


class Screen:
    """The newest row of every queue and agent, from deltas."""

    def __init__(self) -> None:
        self._queues: dict[tuple[str, str], QueueRow] = {}
        self._agents: dict[str, AgentRow] = {}
        self._site = SiteRow()
        self.at_ms = 0
        self._put_aside = 0

    def take(self, change: WatchBoardsResponse) -> None:
        if change.complete:
            self._queues.clear()
            self._agents.clear()
        self._queues.update({(row.queue, row.channel): row for row in change.queues})
        self._agents.update({row.agent_id: row for row in change.agents})
        for gone in change.removed_agent_ids:
            self._agents.pop(gone, None)
        if change.HasField("site"):
            self._site = change.site
        self.at_ms = max(self.at_ms, change.at_ms)
        self._put_aside = change.quarantine_open

    def draw(self) -> Group:
        """Queues, the busiest agents, and what is on its way outside."""
        table = Table(title=f"Agents ({len(self._agents)})", title_justify="left", title_style="bold", header_style="cyan")
        for column in ("agent", "presence", "load", "channels", "parked", "handled"):
            table.add_column(column, no_wrap=True)
        busiest = sorted(self._agents.values(), key=lambda row: (-row.load, row.person, row.agent_id))
        for row in busiest[:AGENTS_SHOWN]:
            load, figures = f"{row.load}/{row.capacity}", (str(row.parked), str(row.handled))
            table.add_row(row.person or row.agent_id, presence(row), load, channels(row), *figures)
        effects = f"Outside effects: {self._site.effects_open} open, {self._site.effects_failed} dead letters"
        away = ", ".join(f"{count} {reason or 'without a reason'}" for reason, count in sorted(self._site.absences.items()))
        absences = f"Not ready: {away or 'nobody'}"
        warnings = [*days_warning(self._site)]
        if self._put_aside:
            warnings.append(f"[red]{self._put_aside} messages or facts could not be read: `cordboard quarantine list`[/]")
        return Group(queue_table(self._queues.values(), self.at_ms), table, absences, effects, *warnings)


def days_warning(site: SiteRow) -> list[str]:
    """What to do before the days of the policy run out; nothing while there are enough."""
    if not site.HasField("days_left") or site.days_left >= DAYS_FEW:
        return []
    return [f"[yellow]The policy knows {site.days_left} more days: publish it again (`cordboard policy apply`)[/]"]


def top(
    target: Target = DEFAULT_TARGET,
    interval_ms: Annotated[int, typer.Option(min=50, max=60_000, help="How often to show changes.")] = 500,
    as_json: AsJson = False,
) -> None:
    """Live boards: queues and agents, until Ctrl-C. With --json one line a change."""
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_watch(target, interval_ms, as_json))
        except TimeoutError:
            fail(nobody_at(target))
        except ClientError as error:
            fail(f"{error.message} ({error.reason})")


async def _watch(target: str, interval_ms: int, as_json: bool) -> None:
    screen = Screen()
    async with Client(target) as client:
        await reached(client)
        with Live(console=console, screen=not as_json and console.is_terminal, auto_refresh=False) as live:
            async for change in client.watch_boards(interval_ms=interval_ms):
                if as_json:
                    print_json(plain(change))
                    continue
                screen.take(change)
                live.update(screen.draw(), refresh=True)

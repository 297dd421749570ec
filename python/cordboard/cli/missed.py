"""`cordboard callbacks missed`: who came in vain. `cordboard callbacks take`: call one of them back."""

from typing import Annotated

import typer

from cordboard.cli.callbacks import At, Exact, RequestId, Within, hours_given, instant_given, say_promise
from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
from cordboard.cli.instants import instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, print_json, print_table
from cordboard.client import Client
from cordboard.client.callbacks import NewCallback
from cordboard.v1.callback_service_pb2 import MissedContact

COLUMNS = ("contact", "missed", "queue", "channel", "why", "topic", "entry point", "since")


def missed(
    queue: Annotated[str, typer.Option(help="Only of this queue.")] = "",
    settled: Annotated[bool, typer.Option("--settled", help="Also those who need no call any more, or cannot be called.")] = False,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Who came in vain, or was not called as promised, and is still to be called; longest ago first."""

    async def read(client: Client) -> list[MissedContact]:
        return [one async for one in client.list_missed_contacts(queue, include_settled=settled)]

    found = call(target, read)
    if as_json:
        print_json([plain(one) for one in found])
        return
    rows = [
        (one.contact_id, instant(one.missed_at_ms), one.queue, one.channel, _why(one), one.topic, one.entry_point, _since(one))
        for one in found
    ]
    print_table("came in vain", COLUMNS, rows)
    if not found:
        console.print("nobody is to be called")


def take(
    contact_id: Annotated[str, typer.Argument(help="A contact that came in vain: 32 hexadecimal digits.")],
    number: Annotated[str, typer.Option(help="The telephone number to call; else the customer's own.")] = "",
    at: At = "",
    exact: Exact = False,
    within: Within = None,
    request_id: RequestId = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Promise a call to who came in vain, or was not called as promised, about what they came for."""
    wanted = NewCallback(
        missed_contact_id=contact_id, number=number, wish_ms=instant_given(at), exact=exact, hours=hours_given(within)
    )
    if request_id:
        wanted["request_id"] = request_id
    say_promise(call(target, lambda client: client.book_callback(**wanted)).promise, as_json)


def _why(one: MissedContact) -> str:
    return f"[red]{one.missed}: {one.promise_reason}[/]" if one.promise_reason else one.missed


def _since(one: MissedContact) -> str:
    if one.reason:
        return f"[dim]{one.reason}[/]"
    return f"settled {instant(one.settled_at_ms)}" if one.settled_at_ms else "[yellow]to be called[/]"


def add_commands(callbacks: typer.Typer) -> None:
    callbacks.command()(missed)
    callbacks.command()(take)

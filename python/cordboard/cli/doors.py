"""`cordboard doors`: what customers are shown of entry points before they come in."""

from typing import Annotated, Any

import typer

from cordboard.cli.calls import call
from cordboard.cli.instants import instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, print_json, print_table
from cordboard.policy.duration import format_duration
from cordboard.v1.availability_service_pb2 import Door, DoorState

COLUMNS = ("entry point", "channel", "queue", "shown", "since", "expected wait", "why", "until", "referral", "turned away")
COLOURS = {"open": "green", "busy": "yellow", "listen_only": "cyan", "closed": "red"}


def doors(
    entry_points: Annotated[list[str] | None, typer.Argument(help="Only these.", show_default=False)] = None,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """What customers are shown: open, busy, closed, listen_only (messages are taken, and answered later); and the wait."""
    found = call(target, lambda client: client.get_availability(entry_points or ()))
    if as_json:
        print_json({"doors": [_plain(door) for door in found.doors], "at_ms": found.at_ms})
        return
    print_table("doors", COLUMNS, [_row(door) for door in found.doors], right=("expected wait", "turned away"))


def door_state(door: Door) -> str:
    """`open`, `busy` …; empty: the router has said nothing yet."""
    if door.state == DoorState.DOOR_STATE_UNSPECIFIED:
        return ""
    return DoorState.Name(door.state).removeprefix("DOOR_STATE_").lower()


def _plain(door: Door) -> dict[str, Any]:
    return {
        "entry_point": door.entry_point,
        "channel": door.channel,
        "queue": door.queue,
        "state": door_state(door) or None,
        "cause": door.cause or None,
        "expected_wait_ms": door.expected_wait_ms if door.HasField("expected_wait_ms") else None,
        "until_ms": door.until_ms or None,
        "referral": door.referral or None,
        "since_ms": door.since_ms or None,
        "turned_away": door.turned_away,
    }


def _row(door: Door) -> tuple[str, ...]:
    state = door_state(door)
    told = format_duration(door.expected_wait_ms) if door.expected_wait_ms else "none"
    wait = told if door.HasField("expected_wait_ms") else ""
    return (
        door.entry_point,
        door.channel,
        door.queue,
        f"[{COLOURS[state]}]{state}[/]" if state else "",
        instant(door.since_ms),
        wait,
        door.cause,
        instant(door.until_ms),
        door.referral,
        str(door.turned_away or ""),
    )

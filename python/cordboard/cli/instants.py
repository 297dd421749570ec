"""Instants as people give them on the command line, and read them there."""

import time
from datetime import UTC, datetime, tzinfo

import typer

from cordboard.policy.duration import NotADuration, parse_duration


def parse_instant(text: str, zone: tzinfo = UTC) -> int:
    """Unix ms of `2026-11-22` or `2026-11-22T09:30+01:00`; by the clocks of `zone`, unless it says otherwise.

    Raises BadParameter.
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no instant: write 2026-11-22 or 2026-11-22T09:30+01:00") from error
    at = given if given.tzinfo is not None else given.replace(tzinfo=zone)
    return int(at.timestamp() * 1_000)


def parse_promised(text: str) -> int:
    """Unix ms of `2026-11-23T14:00+01:00`: what customers are promised is told by a certain clock. Raises BadParameter."""
    at_ms = parse_instant(text)
    if datetime.fromisoformat(text).tzinfo is None:
        raise typer.BadParameter(f"{text!r} does not say by which clock: write 2026-11-23T14:00+01:00, or 2026-11-23T13:00Z")
    return at_ms


def now_ms() -> int:
    """What is left of a time is counted from now, not from the last commit: where nothing happens that may be long ago."""
    return time.time_ns() // 1_000_000


def parse_span(text: str) -> int:
    """Milliseconds of `2h`, `3d`. Raises BadParameter."""
    try:
        return parse_duration(text)
    except NotADuration as error:
        raise typer.BadParameter(f"{text!r} is no duration: {error.suggestion}") from error


def instant(at_ms: int) -> str:
    """UTC to the millisecond, as the journal has it: what `parse_instant` reads. Empty for 0."""
    return f"{datetime.fromtimestamp(at_ms / 1_000, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + "Z" if at_ms else ""

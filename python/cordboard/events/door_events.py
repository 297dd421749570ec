"""Events of doors: what customers are shown before they come in, and told when they do."""

from typing import Literal

import msgspec

from cordboard.events.bounds import DurationMs, Ms, Name
from cordboard.events.fact import DoorState

DoorCause = Literal["emergency", "closed", "closed_hours", "unstaffed", "full", "expected_wait"]
"""Why an entry point is not open."""


class DoorTurned(msgspec.Struct, frozen=True, array_like=True, tag=86):
    """What customers are shown of an entry point from now on.

    Until `held_until_ms` it turns only if nobody could be served otherwise.
    """

    at_ms: Ms
    entry_point: Name
    state: DoorState
    cause: DoorCause | None
    expected_wait_ms: DurationMs | None
    until_ms: Ms | None
    referral: Name | None
    held_until_ms: Ms


class WaitExpected(msgspec.Struct, frozen=True, array_like=True, tag=87):
    """What the contact was likely to wait when it joined the queue, and what its customer is told (`said_ms`)."""

    at_ms: Ms
    queue: Name
    p50_ms: DurationMs
    p80_ms: DurationMs
    p90_ms: DurationMs
    said_ms: DurationMs

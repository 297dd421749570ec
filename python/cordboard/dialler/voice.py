"""The `voice` port: how a customer's telephone is rung. A telephone gateway speaks it; what is simulated speaks it, too."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Protocol

from cordboard.errors import CordboardError

Unreached = Literal["no_answer", "busy", "voicemail", "wrong_person", "invalid_number", "refused"]
"""What is heard instead of the customer. `refused`: somebody hung up on the ring, or does not want to be called."""


class VoiceUnavailable(CordboardError):
    """Nobody was rung: the telephone gateway is away, or takes no more calls. The message names no number."""

    reason = "voice_unavailable"


@dataclass(frozen=True, slots=True)
class Call:
    """Ring `number` (digits, perhaps behind a `+`) for `ring_s` seconds at most. `call_id` is this attempt's own."""

    call_id: str
    number: str
    ring_s: float


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody took the call after `ring_ms`; from here on there is a connection, until `hang_up`."""

    ring_ms: int


@dataclass(frozen=True, slots=True)
class NotReached:
    """It rang for `ring_ms`, and nobody is connected."""

    outcome: Unreached
    ring_ms: int


class Voice(Protocol):
    """What rings. Every method may run for many calls at once."""

    async def dial(self, call: Call) -> Answered | NotReached:
        """Returns when it is known. Cancelled, it stops ringing before it ends. Raises VoiceUnavailable."""
        ...

    async def hang_up(self, call_id: str) -> None:
        """The connection ends. Of a call that has none: nothing happens. Raises VoiceUnavailable."""
        ...

    async def connected(self) -> Collection[str]:
        """The calls of this site that are connected now, by `call_id`, whichever process dialled them. Raises VoiceUnavailable."""
        ...

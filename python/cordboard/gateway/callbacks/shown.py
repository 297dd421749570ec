"""What callbacks look like over HTTP: what customers send, and what they are shown."""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import INSTANT_MAX_MS

Ms = Annotated[int, msgspec.Meta(ge=0, le=INSTANT_MAX_MS)]


class FreeSlot(msgspec.Struct, frozen=True):
    """`local` is the beginning on the clock of the answer's zone."""

    begin_ms: int
    local: str


class FreeSlots(msgspec.Struct, frozen=True, omit_defaults=True):
    """Slots with room, in the order of time. Nothing is held: somebody else may be faster. `next_ms`: when the next one begins that
    is not among them; only a page says so."""

    entry_point: str
    zone: str
    slot_ms: int
    slots: list[FreeSlot]
    next_ms: int | None = None


class NewBooking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`begin_ms`: that slot or none; without it as soon as there is room. `consent`: the customer wishes to be called."""

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    consent: bool
    begin_ms: Ms | None = None
    name: Annotated[str, msgspec.Meta(max_length=80, pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]*(?!\n)$")] = ""
    text: Annotated[str, msgspec.Meta(max_length=2_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]*$")] = ""


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`move` to the slot that begins then, or `cancel`."""

    action: Literal["move", "cancel"]
    begin_ms: Ms | None = None


class Promised(msgspec.Struct, frozen=True, omit_defaults=True):
    """A promise as its customer is shown it. Times are Unix ms, `local…` on the clock of `zone`; `manage` and `calendar` are paths
    on this server. `state`: promised, waiting, calling, ended, and then `outcome`. `alternatives`: slots with room that can be had
    instead, while it is at risk or after it was missed."""

    reference: str
    entry_point: str
    state: str
    due_ms: int
    local: str
    zone: str
    from_ms: int
    until_ms: int
    local_from: str
    local_until: str
    slot_ms: int
    manage: str
    calendar: str
    outcome: str | None = None
    at_risk: bool = False
    alternatives: list[FreeSlot] = []


class NotPromised(msgspec.Struct, frozen=True):
    """Why not, and slots that could be had instead, the nearest first."""

    reason: str
    message: str
    alternatives: list[FreeSlot]

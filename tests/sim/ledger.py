"""What the outside was told, written down as it was told: the checker holds the journal against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cordboard.log.port import FactPosition


@dataclass(frozen=True, slots=True)
class Told:
    """A caller heard this of their fact: accepted at `seq` with these events, or refused for `reason`."""

    fact_id: bytes
    seq: int | None
    events: tuple[Any, ...]
    reason: str | None


@dataclass(slots=True)
class Ledger:
    acknowledged: list[tuple[bytes, FactPosition]] = field(default_factory=list)
    """Facts as bytes, and where the log said they are."""
    told: list[Told] = field(default_factory=list)
    letters: dict[tuple[str, str], tuple[bytes, bytes]] = field(default_factory=dict)
    """(gateway, external id) → (contact, fact id) as its sender was told first."""
    broken: list[str] = field(default_factory=list)
    """Promises that were seen to be broken on the way."""

    def acknowledge(self, fact: bytes, place: FactPosition) -> None:
        self.acknowledged.append((fact, place))

    def admitted(self, gateway: str, external_id: str, contact: bytes, fact_id: bytes) -> None:
        first = self.letters.setdefault((gateway, external_id), (contact, fact_id))
        if first != (contact, fact_id):
            self.broken.append(f"letter {external_id} became contact {contact.hex()}, and had become {first[0].hex()} before")

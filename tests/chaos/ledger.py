"""What was acknowledged, written down by who heard it, after hearing it. A process killed in between knows less than is true,
never more.

Lines: `said <fact id> <fact>`, `acked <fact id> <frame> <index> <Unix ms>`, `took <contact> <door> <Unix ms>`. Handed to the kernel
one write a line: a killed process loses none (the machine itself is not killed here).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cordboard.log.port import FactPosition


@dataclass(frozen=True, slots=True)
class Ack:
    """The fact `fact_id` was said to be durable at this place of the inbox."""

    fact_id: bytes
    position: FactPosition
    at_ms: int


@dataclass(frozen=True, slots=True)
class Took:
    """A door of the engine confirmed this contact to the outside (HTTP 202, gRPC OK)."""

    contact: bytes
    door: str
    at_ms: int


@dataclass
class Account:
    """Everything that a ledger says."""

    said: dict[bytes, bytes] = field(default_factory=dict)
    acks: list[Ack] = field(default_factory=list)
    took: list[Took] = field(default_factory=list)

    def open(self) -> dict[bytes, bytes]:
        """Facts that were said, and of which no acknowledgement was written down."""
        heard = {ack.fact_id for ack in self.acks}
        return {fact_id: fact for fact_id, fact in self.said.items() if fact_id not in heard}


class Ledger:
    """Appends to a file; `account` is what stood there before."""

    def __init__(self, path: Path) -> None:
        self.account = read(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # A line that was cut off by a kill must not run into the next one.
        os.write(self._file, b"\n")

    def say(self, fact_id: bytes, fact: bytes) -> None:
        self.account.said[fact_id] = fact
        self._write(f"said {fact_id.hex()} {fact.hex()}")

    def acked(self, fact_id: bytes, position: FactPosition) -> None:
        self._write(f"acked {fact_id.hex()} {position.inbox_seq} {position.index} {now_ms()}")

    def took(self, contact: bytes, door: str) -> None:
        self._write(f"took {contact.hex()} {door} {now_ms()}")

    def close(self) -> None:
        os.close(self._file)

    def _write(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def read(path: Path) -> Account:
    """What the ledger at `path` says; nothing if there is none."""
    account = Account()
    for words in _lines(path):
        match words:
            case ["said", fact_id, fact]:
                account.said[bytes.fromhex(fact_id)] = bytes.fromhex(fact)
            case ["acked", fact_id, inbox_seq, index, at_ms]:
                account.acks.append(Ack(bytes.fromhex(fact_id), FactPosition(int(inbox_seq), int(index)), int(at_ms)))
            case ["took", contact, door, at_ms]:
                account.took.append(Took(bytes.fromhex(contact), door, int(at_ms)))
    return account


def _lines(path: Path) -> Iterator[list[str]]:
    if not path.exists():
        return
    with path.open(encoding="ascii") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield line.split()

"""What a snapshot is called, and which of many may go.

A name says what the bytes must be: position, the hash of the commit there, level, and the hash of the state. The newest ones serve
recovery. Older ones stay for questions about the past, the fewer the farther back: to reach any position between two that are kept,
no more commits are folded than an eighth of those that came after it (or what lies between two snapshots as they are taken). So
their number grows with the logarithm of the journal's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

KEPT = 3
"""So many of the newest stay whatever the distance: one of them may be broken."""
SHARE = 8
_NAME = re.compile(r"^(\d{16})-([0-9a-f]{64})-(\d+)-([0-9a-f]{64})$")


@dataclass(frozen=True, slots=True)
class SnapshotName:
    seq: int
    commit_hash: bytes
    level: int
    state_hash: bytes

    def __str__(self) -> str:
        return f"{self.seq:016d}-{self.commit_hash.hex()}-{self.level}-{self.state_hash.hex()}"

    @classmethod
    def parse(cls, name: str) -> SnapshotName | None:
        """None if it is not one of ours."""
        found = _NAME.match(name)
        if found is None:
            return None
        return cls(int(found[1]), bytes.fromhex(found[2]), int(found[3]), bytes.fromhex(found[4]))


def parsed(names: Iterable[str]) -> list[SnapshotName]:
    """Those that are ours, by position."""
    return sorted((name for each in names if (name := SnapshotName.parse(each))), key=_seq)


def superfluous(known: Sequence[SnapshotName], share: int = SHARE) -> list[SnapshotName]:
    """Those that may go: without them a fold between their neighbours is still short for how far back it is."""
    if not known:
        return []
    newer, *rest = sorted(known, key=_seq, reverse=True)
    last, gone = newer.seq, []
    for index, name in enumerate(rest, 1):
        older_seq = rest[index].seq if index < len(rest) else 0
        if index >= KEPT and (newer.seq - older_seq) * share <= last - newer.seq:
            gone.append(name)
        else:
            newer = name
    return gone


def dispensable(known: Sequence[SnapshotName]) -> list[SnapshotName]:
    """Those that go where there is no room for another: by halves coarser for the past, then all but the newest ones, then all but
    the newest. None: there is no other."""
    share = SHARE
    while share := share // 2:
        if gone := superfluous(known, share):
            return gone
    newest_first = sorted(known, key=_seq, reverse=True)
    return newest_first[KEPT:] or newest_first[1:]


def _seq(name: SnapshotName) -> int:
    return name.seq

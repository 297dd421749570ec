"""Is this still the journal that somebody has read? A site that was restored lost its last commits, and gives their positions anew.

Every restore makes a new inbox with a random id of its own, and every commit says which inbox it was written from. So position and
inbox together name one commit for ever, and whoever keeps both notices when another one has taken its place (ADR 16).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field
from typing import Protocol

from cordboard.codec import decode_commit
from cordboard.errors import JournalReplaced, LogUnavailable, NotFound
from cordboard.events import Commit
from cordboard.events.bounds import ID_BYTES

logger = logging.getLogger(__name__)


RETRY_S = 0.5
TIME_BYTES = 8
MARK_BYTES = 32 + TIME_BYTES


class StoredCommit(Protocol):
    """One message of a journal."""

    @property
    def data(self) -> bytes: ...


class Readable(Protocol):
    """What is asked of a site's log."""

    async def last_journal_seq(self) -> int: ...
    async def read_commit(self, seq: int) -> StoredCommit: ...


@dataclass(frozen=True, slots=True)
class Branch:
    """A place in one history of a site: commit `seq`, written from the inbox with this id.

    `mark`, where somebody keeps it, says more of the commit: hash of the one before, and its time. It also tells apart what a
    cluster gives anew that has lost its last commits without any restore, as when a disk that was behind came back alone.
    """

    seq: int
    inbox: bytes
    mark: bytes | None = field(default=None, compare=False)

    @classmethod
    def of(cls, commit: Commit) -> Branch:
        """Its full name."""
        return cls(commit.seq, commit.consumed.inbox_id, commit.prev_hash + commit.at_ms.to_bytes(TIME_BYTES, "big"))

    def is_of(self, commit: Commit) -> bool:
        """Is this the commit that is meant?"""
        found = Branch.of(commit)
        return found == self and self.mark in (None, found.mark)


def name_of(commit: Commit) -> bytes:
    """Sixteen bytes that no other commit has, whatever becomes of the journal: of its inbox, the commit before and its time.

    What else is asked of outside effects, tokens and operators is named by it, so that nothing is taken for what stood at the
    same position before the journal lost its end.
    """
    named = commit.consumed.inbox_id + commit.prev_hash + commit.at_ms.to_bytes(TIME_BYTES, "big")
    return hashlib.blake2b(named, digest_size=ID_BYTES, person=b"cb-commit").digest()


@dataclass(frozen=True, slots=True)
class Position:
    """Commit `seq` of a journal that was written in this epoch: the name of the commit that the epoch began with.

    Whoever goes on with a journal that lost its end takes over first, so of two commits that were given one position each is of
    another epoch; and epochs are few, so a follower can name every position that it has seen.
    """

    seq: int
    epoch: bytes


NOWHERE = Branch(0, bytes(ID_BYTES), bytes(MARK_BYTES))
"""Nothing was read yet."""


async def still_there(log: Readable, known: Branch) -> bool:
    """Does the journal hold this very commit? True as well if it was trimmed away: only what everybody has read is.

    Waits while the log does not answer.
    """
    if not known.seq:
        return True
    while True:
        try:
            return known.is_of(decode_commit((await log.read_commit(known.seq)).data))
        except NotFound:
            return await log.last_journal_seq() >= known.seq
        except LogUnavailable as error:
            logger.info("whether commit %d is still the same is not known yet: %s", known.seq, error)
            await asyncio.sleep(RETRY_S)


async def require_same(log: Readable, known: Branch, who: str) -> None:
    """Raises JournalReplaced unless the journal is one that `who`, who has read it up to `known`, can go on with."""
    if not await still_there(log, known):
        raise JournalReplaced(
            f"{who} has read the journal up to commit {known.seq}, and the journal does not hold that commit (any more): the site "
            "was restored from its archive meanwhile, or this is another one (docs/archive.md, Restoring)"
        )

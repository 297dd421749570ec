"""Commits between the subscription and the tables: checked, decoded, in order, and not more than fit in memory."""

import asyncio
import contextlib
import logging
from collections import deque

from cordboard import codec
from cordboard.branch import Branch
from cordboard.errors import JournalCorrupt, JournalReplaced
from cordboard.events import Commit

HELD_MAX = 8192
HELD_BYTES_MAX = 16 * 1024 * 1024
BATCH_MAX = 1024
BATCH_ENTRIES_MAX = 2048
"""A batch is folded on the event loop, which other roles of the process share: some 30 ms at most."""

logger = logging.getLogger(__name__)


def replaced(seq: int) -> str:
    """What to say of a journal that does not hold what the history has read."""
    return (
        f"the history has read commit {seq}, which the journal does not hold (any more): the site was restored from its archive, "
        "or this is another one. `cordboard history rebuild --lost-end --anew` writes it anew (docs/archive.md, Restoring)"
    )


class Arrivals:
    """One spell of a subscription. It is over when `end` or `fail` was called; what was taken before `end` is still handed out."""

    def __init__(self, site: str, known: Branch) -> None:
        """`known`: the last commit that was read before. If the journal still has it, it comes first once more, and is compared."""
        self.expected = known.seq + 1
        self.gap = ""
        """What ended the spell, if that was a message after the next one."""
        self._first = known.seq + 1
        self._known: Branch | None = known if known.seq else None
        self._site = site
        self._held: deque[tuple[int, Commit]] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._failure: Exception | None = None
        self._over = asyncio.Event()

    @property
    def begin(self) -> int:
        """From where on the journal is to be asked for."""
        return self._first if self._known is None else self._known.seq

    @property
    def over(self) -> bool:
        """Nothing more is taken."""
        return self._over.is_set()

    def take(self, seq: int, data: bytes) -> None:
        """A message came. Never raises: FastStream would log it and go on with the next one, which must not happen."""
        if self.over:
            return
        try:
            self._take(seq, data)
        except Exception as error:  # noqa: BLE001  whatever it is, it stops the projector
            self.fail(error)

    def end(self, reason: str) -> None:
        """Subscribe anew once what is held has been written."""
        if not self.over:
            logger.info("history: new subscription from the checkpoint: %s", reason)
            self.close()

    def fail(self, error: Exception) -> None:
        """Stop the projector."""
        self._failure = self._failure or error
        self.close()

    def close(self) -> None:
        """Take nothing more."""
        self._over.set()
        self._changed.set()

    async def pause(self, time_s: float) -> None:
        """Sleep, but not longer than the spell lasts."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(time_s):
                await self._over.wait()

    async def batch(self) -> list[Commit]:
        """All that is held, within limits, as soon as there is any; empty when the spell is over. Raises what was failed with."""
        while True:
            if self._failure is not None:
                raise self._failure
            if self._held:
                return self._batch()
            if self.over:
                return []
            self._changed.clear()
            await self._changed.wait()

    def _take(self, seq: int, data: bytes) -> None:
        if self._known is not None and seq == self._known.seq:
            self._compare(self._known, data)
            return
        if seq < self.expected:
            if self.expected == self._first:
                # The client renews a consumer of which nothing had come yet from the journal's very beginning.
                self.end(f"commit {seq} came where {self.expected} was asked for")
            return
        if seq > self.expected:
            self.gap = f"commit {self.expected} is missing: {seq} came"
            self.end(self.gap)
            return
        commit = codec.decode_commit(data)
        if (commit.site, commit.seq) != (self._site, seq):
            raise JournalCorrupt(f"position {seq} of site {self._site!r} holds commit {commit.seq} of site {commit.site!r}")
        self.expected += 1
        self._held.append((len(data), commit))
        self._bytes += len(data)
        self._changed.set()
        if len(self._held) >= HELD_MAX or self._bytes >= HELD_BYTES_MAX:
            # A push subscription cannot be slowed down without losing messages, so it is ended and begun again.
            self.end("catching up")

    def _compare(self, known: Branch, data: bytes) -> None:
        if not known.is_of(codec.decode_commit(data)):
            raise JournalReplaced(replaced(known.seq))
        self._known = None

    def _batch(self) -> list[Commit]:
        commits: list[Commit] = []
        entries = 0
        while self._held and len(commits) < BATCH_MAX and entries < BATCH_ENTRIES_MAX:
            size, commit = self._held.popleft()
            self._bytes -= size
            entries += len(commit.entries)
            commits.append(commit)
        return commits

"""How far the router is behind, as seen from here: the INBOX's last frame against what the newest commit has consumed."""

import asyncio
import logging

from cordboard.errors import CordboardError
from cordboard.events import Commit
from cordboard.log.port import Backlog, SiteLog

logger = logging.getLogger(__name__)

_EVERY_S = 0.25


class BacklogView:
    """A fold (`apply`) and a look at the inbox every quarter second (`run`); `backlog` is what they show together.

    The frame that the router is reading right now is not counted. The age is measured on the loop's clock: how long ago the oldest
    frame still unread was first seen to be there.
    """

    def __init__(self, log: SiteLog) -> None:
        self._log = log
        self._inbox_id: bytes | None = None
        self._consumed = 0
        self._last = 0
        self._seen: list[tuple[int, float]] = []

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        if commit.consumed.inbox_id == self._log.inbox_id:
            self._consumed = commit.consumed.inbox_seq

    @property
    def backlog(self) -> Backlog:
        frames = max(0, self._last - self._consumed)
        if not frames:
            return Backlog(0, 0)
        now = asyncio.get_running_loop().time()
        oldest = next((at for last, at in self._seen if last > self._consumed), now)
        return Backlog(frames, int((now - oldest) * 1000))

    async def run(self) -> None:
        """Looks, for ever. While the log does not answer, the last look stands and grows older."""
        clock = asyncio.get_running_loop().time
        while True:
            try:
                self._last = await self._log.last_inbox_seq()
            except CordboardError as error:
                logger.warning("the inbox does not answer: %s", error.reason)
            else:
                self._seen = [(last, at) for last, at in self._seen if last > self._consumed]
                if self._last > self._consumed and (not self._seen or self._seen[-1][0] < self._last):
                    self._seen.append((self._last, clock()))
            await asyncio.sleep(_EVERY_S)

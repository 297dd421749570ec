"""How far the router has decided what the inbox holds: whoever wonders whether a fact counts already can wait for its verdict."""

import asyncio
import logging

from cordboard.errors import CordboardError
from cordboard.events import Commit
from cordboard.log.feed import Feed
from cordboard.log.port import SiteLog

logger = logging.getLogger(__name__)


class Settlement:
    """A fold, to be attached after those whose state one wants to ask once this says so."""

    def __init__(self, log: SiteLog, feed: Feed) -> None:
        self._log = log
        self._feed = feed
        self._decided = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        consumed = commit.consumed
        if consumed.inbox_id != self._log.inbox_id:
            return
        # A turn that goes on in the next commit may have left facts of this frame for it.
        whole = consumed.facts_done and not commit.continued
        self._decided = consumed.inbox_seq if whole else max(self._decided, consumed.inbox_seq - 1)
        still: list[tuple[int, asyncio.Future[None]]] = []
        for seq_wanted, settled in self._waiting:
            if seq_wanted > self._decided:
                still.append((seq_wanted, settled))
            elif not settled.done():
                settled.set_result(None)
        self._waiting = [waiter for waiter in still if not waiter[1].done()]

    async def reached(self, seq: int, timeout_s: float) -> bool:
        """Have the folds seen commit `seq`? Waits for `timeout_s` seconds at most."""
        return await self._feed.reached(seq, timeout_s)

    async def settled(self, timeout_s: float) -> bool:
        """Have the folds seen the verdict on every fact that is in the inbox now? Waits for `timeout_s` seconds at most."""
        try:
            async with asyncio.timeout(timeout_s):
                last = await self._log.last_inbox_seq()
                if last > self._decided:
                    settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting.append((last, settled))
                    await settled
        except TimeoutError:
            return False
        except CordboardError as error:
            logger.warning("the inbox does not answer: %s", error)
            return False
        return True

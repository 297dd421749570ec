"""One follower of the journal a process: every commit is decoded once and folded into everything that wants it."""

import asyncio
import bisect
import heapq
import itertools
import logging
from collections.abc import Callable
from contextlib import aclosing

from cordboard import metrics
from cordboard.branch import NOWHERE, Branch, Position, name_of, require_same
from cordboard.codec import decode_commit
from cordboard.errors import CordboardError, JournalCorrupt
from cordboard.events import Commit
from cordboard.log.backlog import BacklogGauge
from cordboard.log.port import Backlog, SiteLog, Stored

_log = logging.getLogger(__name__)

_SLICE_S = 0.005
"""While a long journal is folded, others get their turn on the loop this often."""
_PATIENCE_S = 2.0
_LOOK_S = 0.25
"""How often the inbox's end is looked at, for the backlog."""

Fold = Callable[[int, Commit], None]


class Feed:
    """`attach` folds, then `run`. Folds are called in the order of attaching, with (seq, commit), without gaps."""

    def __init__(self, log: SiteLog) -> None:
        self._log = log
        self._folds: list[Fold] = []
        self._position = 0
        self._epochs: list[Position] = []
        """Where each begins, in order."""
        self._last: Commit | None = None
        self._gauge = BacklogGauge(log.inbox_id)
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def attach(self, fold: Fold) -> None:
        """Before `run`: a fold that came later would miss commits."""
        self._folds.append(fold)

    @property
    def position(self) -> int:
        """The last commit that all folds have seen."""
        return self._position

    def at(self, seq: int) -> Position:
        """What commit `seq`, which all folds have seen, is called for ever, if the feed began at the journal's first one."""
        found = bisect.bisect_right(self._epochs, seq, key=lambda begun: begun.seq)
        return Position(seq, self._epochs[found - 1].epoch if found else NOWHERE.inbox)

    @property
    def backlog(self) -> Backlog:
        """How far the router is behind the inbox, as this process sees it."""
        return self._gauge.backlog(asyncio.get_running_loop().time())

    async def run(self, from_seq: int = 1) -> None:
        """Fold the journal from `from_seq` on, until cancelled. Raises JournalCorrupt (also if it was restored meanwhile, and ended
        otherwise than what was folded), LogUnavailable, and what a fold raises."""
        self._position = from_seq - 1
        metrics.at("boards", self._position)
        self._epochs.clear()
        self._last = None
        looks = asyncio.create_task(self._look(), name="backlog")
        try:
            async with aclosing(self._log.follow_journal(from_seq)) as journal:
                async for messages in journal:
                    await self._fold(messages)
        finally:
            looks.cancel()
            await asyncio.wait([looks])

    async def reached(self, seq: int, timeout_s: float) -> bool:
        """True as soon as `position` is at least `seq`; False if that takes longer than `timeout_s`."""
        if self._position >= seq:
            return True
        arrival: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (seq, next(self._order), arrival)
        heapq.heappush(self._waiting, waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await arrival
        except TimeoutError:
            return self._position >= seq
        finally:
            if arrival.cancelled() and waiter in self._waiting:
                self._waiting.remove(waiter)
                heapq.heapify(self._waiting)
        return True

    async def caught_up(self) -> None:
        """Wait until the folds have read what the journal holds at this moment. Raises LogUnavailable."""
        last = await self._log.last_journal_seq()
        while not await self.reached(last, _PATIENCE_S):
            _log.info("catching up: %d of %d commits", self._position, last)

    async def _fold(self, messages: list[Stored]) -> None:
        clock = asyncio.get_running_loop().time
        until_s = clock() + _SLICE_S
        for message in messages:
            commit = decode_commit(message.data)
            if commit.seq != message.seq:
                raise JournalCorrupt(f"the commit at position {message.seq} calls itself {commit.seq}")
            await self._compare(commit)
            for fold in self._folds:
                fold(message.seq, commit)
            self._gauge.consumed(commit.consumed)
            self._position = message.seq
            if clock() >= until_s:
                self._arrive()
                await asyncio.sleep(0)
                until_s = clock() + _SLICE_S
        self._arrive()

    async def _compare(self, commit: Commit) -> None:
        """With the one before. Where another inbox begins the site was restored: is what was folded up to now still there?"""
        last, self._last = self._last, commit
        if last is not None and last.consumed.inbox_id != commit.consumed.inbox_id:
            await require_same(self._log, Branch.of(last), "this process")
        elif last is not None and last.epoch == commit.epoch:
            return
        self._epochs.append(Position(commit.seq, name_of(commit)))

    def _arrive(self) -> None:
        metrics.at("boards", self._position)
        while self._waiting and self._waiting[0][0] <= self._position:
            _, _, arrival = heapq.heappop(self._waiting)
            if not arrival.done():
                arrival.set_result(None)

    async def _look(self) -> None:
        """While the log does not answer, the last look stands and grows older."""
        clock = asyncio.get_running_loop().time
        while True:
            try:
                self._gauge.seen(await self._log.last_inbox_seq(), clock())
                metrics.BACKLOG.set(self.backlog.frames)
                metrics.BACKLOG_S.set(self.backlog.age_ms / 1000)
            except CordboardError as error:
                _log.warning("the inbox does not answer: %s", error)
            except Exception:  # noqa: BLE001 - nobody waits for this task: doors would go by its last look for ever
                _log.exception("the inbox's end could not be looked at")
            await asyncio.sleep(_LOOK_S)

"""How far everybody of this process is behind the journal, and the router behind the inbox: looked at every few seconds.

One look feeds readiness and metrics, so that they cannot contradict each other.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import NoReturn

from cordboard import metrics
from cordboard.cli.vitals import Vitals
from cordboard.errors import CordboardError
from cordboard.log.backlog import Lag
from cordboard.log.port import Backlog, SiteLog

logger = logging.getLogger(__name__)
LOOK_S = 5.0
LAG_MAX = 1_000
"""A follower that many commits behind, and not moving, is not ready."""
STILL_MS = 60_000
"""Nor is one that stands for so long before the next commit, were it the only one: its database or storage hangs without a word."""
SILENCE_S = 20.0
"""A log that has not said for so long where its journal ends is an alarm: longer than an election takes, and the look it cost."""
FOLLOWERS: Mapping[metrics.Follower, tuple[str, ...]] = {
    "router": ("router",),
    "boards": ("gateway", "api", "dialler"),
    "history": ("projector",),
    "archive": ("archiver",),
}
"""Who reads the journal for which roles."""
WHAT: Mapping[metrics.Follower, str] = {
    "router": "the router's fold",
    "boards": "what is shown",
    "history": "the history",
    "archive": "the archive",
}


class Lags:
    """The followers of one process that plays `roles`. `look` at them as often as you like."""

    def __init__(self, log: SiteLog, vitals: Vitals, roles: Collection[str]) -> None:
        self._log = log
        self._vitals = vitals
        self._roles = {
            follower: mine for follower, served in FOLLOWERS.items() if (mine := [role for role in served if role in roles])
        }
        self._lags = {follower: Lag() for follower in self._roles}
        self._inbox = Lag()
        self._before: dict[metrics.Follower, int] = {}
        self._clock = asyncio.get_running_loop().time
        self._heard_at_s = self._clock()
        vitals.notices["log"] = self._silence

    async def look(self) -> None:
        """Once. Raises LogUnavailable."""
        # Positions first: whoever goes on meanwhile is a little less far behind than is said, never the other way round.
        positions = {follower: metrics.position(follower) for follower in self._roles}
        read = metrics.inbox_position()
        last = await self._log.last_journal_seq()
        now_s = self._heard_at_s = self._clock()
        for follower, position in positions.items():
            if position is None:
                continue  # its role is starting, and says so itself
            self._lags[follower].read(position)
            self._lags[follower].seen(last, now_s)
            behind = self._lags[follower].backlog(now_s)
            metrics.LAG.labels(follower).set(behind.frames)
            metrics.LAG_S.labels(follower).set(behind.age_ms / 1000)
            self._judge(follower, position, behind)
        if "router" in self._roles:
            self._inbox.read(read)
            self._inbox.seen(await self._log.last_inbox_seq(), now_s)
            backlog = self._inbox.backlog(now_s)
            metrics.BACKLOG.set(backlog.frames)
            metrics.BACKLOG_S.set(backlog.age_ms / 1000)

    def _judge(self, follower: metrics.Follower, position: int, behind: Backlog) -> None:
        # At the first look nobody can say that it stands still: it may have subscribed a moment ago.
        moves = follower not in self._before or position > self._before[follower]
        self._before[follower] = position
        stuck = (behind.frames > LAG_MAX or behind.age_ms > STILL_MS) and not moves
        for role in self._roles[follower]:
            self._vitals.behind(role, f"{WHAT[follower]} is {behind.frames} commits behind and stands still" if stuck else "")

    def _silence(self) -> str:
        """Nobody becomes unready by it: a role that is started anew would not be answered either."""
        silent_s = self._clock() - self._heard_at_s
        if silent_s < SILENCE_S:
            return ""
        return f"NATS has not told this process for {silent_s:.0f} s where the journal ends: its work waits until it does"


async def watch_lags(lags: Lags) -> NoReturn:
    """Look for ever."""
    while True:
        try:
            async with asyncio.timeout(LOOK_S):
                await lags.look()
        except (CordboardError, TimeoutError) as error:
            logger.debug("how far everybody is behind is not known: %s", error or "the log does not answer")
        await asyncio.sleep(LOOK_S)

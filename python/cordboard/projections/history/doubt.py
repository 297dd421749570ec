"""Was a fact that stayed pending for long decided after all? The router has forgotten its id; the history has not."""

from cordboard.errors import LogUnavailable
from cordboard.log.port import SiteLog
from cordboard.projections.history.reader import DecidedAt, HistoryReader

CATCH_UP_S = 5.0


async def decided_at(history: HistoryReader, log: SiteLog, fact_id: bytes) -> DecidedAt | None:
    """Where the journal, as it is now, holds the first verdict on the fact; None if it holds none.

    Raises LogUnavailable while the history is behind: a "no" from an old page could make one contact two.
    """
    last = await log.last_journal_seq()
    if not await history.reached(last, CATCH_UP_S):
        raise LogUnavailable(f"the history has not reached commit {last} yet; the fact stays pending")
    return await history.decided(fact_id)

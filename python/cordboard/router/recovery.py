"""Recovery: the newest snapshot, then the journal folded to its end. Nothing is decided again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from cordboard._core import Router
from cordboard.log.port import Journal, SiteLog, Stored
from cordboard.router import snapshots
from cordboard.router.core import CoreThread
from cordboard.router.reading import commits_between, patiently

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """A router at the end of the journal, and the position of the snapshot it began with (0: none)."""

    router: Router
    snapshot_seq: int


async def recover(log: SiteLog, core: CoreThread) -> Recovered:
    """A router at the end of the journal. Raises JournalCorrupt if the journal contradicts itself.

    "The end" may move on while another router leads; whoever takes over next learns that from the fence.
    """
    last = await patiently(log.last_journal_seq, "end of the journal")
    router = await snapshots.newest(log, core, last)
    if router is None:
        router = Router(log.site)
    base = router.position().seq
    while router.position().seq < last:
        await fold(log, core, router, last)
        last = await patiently(log.last_journal_seq, "end of the journal")
    logger.info("recovered at %d: snapshot at %d and %d commits", last, base, last - base)
    return Recovered(router, base)


async def fold(log: Journal, core: CoreThread, router: Router, last: int) -> None:
    """Bring `router` to position `last`. While the core folds one batch, the next one is read."""
    folding: asyncio.Task[None] | None = None
    try:
        async with contextlib.aclosing(commits_between(log, router.position().seq + 1, last)) as batches:
            async for batch in batches:
                if folding is not None:
                    await folding
                folding = asyncio.create_task(core.run(partial(_apply, router, batch)), name="fold")
        if folding is not None:
            await folding
    finally:
        if folding is not None and not folding.done():
            folding.cancel()
            await asyncio.wait([folding])


def _apply(router: Router, batch: Sequence[Stored]) -> None:
    router.fold([stored.data for stored in batch])

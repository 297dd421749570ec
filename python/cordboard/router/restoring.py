"""Which of an archive's snapshots can be trusted: the core itself takes it in and its state is what its name says."""

from __future__ import annotations

from cordboard.log.port import Journal
from cordboard.router import snapshots
from cordboard.router.core import CoreThread


async def newest_sound_snapshot(journal: Journal, up_to: int) -> int | None:
    """The position of the newest snapshot at or below `up_to` from which a router can begin; None if there is none."""
    async with CoreThread() as core:
        router = await snapshots.newest(journal, core, up_to)
        return None if router is None else router.position().seq

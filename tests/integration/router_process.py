"""A router in a process of its own, for tests that kill it. Says `leading <epoch>` when it leads."""

import asyncio
import sys

from cordboard.log import connect
from cordboard.router import run_router


async def main(url: str, site: str) -> None:
    async with connect(url, site, allow_lazy_fsync=True) as log:
        await run_router(log, snapshot_every=20, snapshot_gap_s=0, leading=lambda epoch: print("leading", epoch, flush=True))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

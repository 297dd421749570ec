"""A dialler in a process of its own, for tests that kill it. Its telephone rings for ever. Says `ready`, then `ringing NUMBER`."""

from __future__ import annotations

import asyncio
import sys

from cordboard.dialler import Answered, Call, NotReached, run_dialler
from cordboard.log import connect
from cordboard.log.feed import Feed
from cordboard.vault import Vault


class Endless:
    """Implements Voice."""

    async def dial(self, call: Call) -> Answered | NotReached:
        print("ringing", call.number, flush=True)
        await asyncio.Event().wait()
        raise AssertionError

    async def hang_up(self, call_id: str) -> None:
        """There is no connection."""


async def main(url: str, site: str, vault_url: str) -> None:
    async with connect(url, site, allow_lazy_fsync=True) as log, Vault.open(vault_url, bytes(32)) as vault:
        feed = Feed(log)
        async with asyncio.TaskGroup() as group:
            group.create_task(run_dialler(log, vault, feed, url, site, Endless(), ready=lambda: print("ready", flush=True)))
            group.create_task(feed.run())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

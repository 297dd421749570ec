"""A board in a process of its own: folds the journal as an API process does, and says when it had folded what.

`python -m tests.benchmarks.board NATS_URL SITE`. Lines on standard input: `expect N` (N more verdicts from now on; answers `done`
once they are folded), `seen` (answers with what was folded since the last such line, as `Seen` in hexadecimal).
"""

import asyncio
import struct
import sys
import time

import uvloop

from cordboard.cli.process import collect_rarely
from cordboard.events.commit import INPUT_TAG, Commit
from cordboard.log import connect
from cordboard.log.feed import Feed
from cordboard.projections.boards import Boards

SEEN = struct.Struct("<QQQ")
"""A commit: the inbox was read up to this frame, and so many facts of it; folded at this time (monotonic ns)."""


class Board:
    """Counts verdicts after the boards have folded them."""

    def __init__(self) -> None:
        self._seen: list[bytes] = []
        self._folded = self._expected = 0
        self._reached = asyncio.Event()

    def count(self, _seq: int, commit: Commit) -> None:
        self._folded += sum(1 for entry in commit.entries if entry.tag == INPUT_TAG)
        self._seen.append(SEEN.pack(commit.consumed.inbox_seq, commit.consumed.facts_done, time.monotonic_ns()))
        if self._folded >= self._expected:
            self._reached.set()

    async def answer(self, line: str) -> str:
        word, _, rest = line.partition(" ")
        if word == "expect":
            self._expected += int(rest)
            if self._folded < self._expected:
                self._reached.clear()
                await self._reached.wait()
            return "done"
        seen, self._seen = self._seen, []
        return b"".join(seen).hex()


async def main(url: str, site: str) -> None:
    collect_rarely()  # as every role does
    async with connect(url, site, allow_lazy_fsync=True) as log:
        feed, boards, board = Feed(log), Boards(), Board()
        feed.attach(boards.apply)
        feed.attach(board.count)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(feed.run())
            while line := await asyncio.to_thread(sys.stdin.readline):
                print(await board.answer(line.strip()), flush=True)
            following.cancel()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))

"""How long nobody leads: from the kill, or from the word to end, to the first commit of the next epoch.

Real router processes on one server with fsync: one leads, two stand by, and whoever ended is replaced. The site is at rest, so
that no commit says sooner than the beats that somebody lives. What is measured ends when a follower in this process has the commit.
"""

import asyncio
import signal
from pathlib import Path

from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from tests.benchmarks.rows import QUICK, League, Row
from tests.routers import SITE, Epochs, RouterProcess, epochs, routers

LEAGUE: League = "leadership"
TIMES = 3 if QUICK else 20
BY_COMMAND = not QUICK
"""A quick look starts what `cordboard run router` runs, without the command line, which takes longer to load than all else."""
SETTLED_S = 1.0
"""Long enough for everybody to have heard everybody."""
PHASES = 5
BEAT_S = 0.25


async def rows(directory: Path) -> list[Row]:
    """Kill the leader TIMES times, and tell it to end as often."""
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    killed: list[float] = []
    told: list[float] = []
    async with (
        EmbeddedServer(directory / "nats") as server,
        connect(server.url, SITE, create=True) as log,
        routers(server, directory) as them,
        epochs(log) as history,
    ):
        await them.three(by_command=BY_COMMAND)
        for number in range(2 * TIMES):
            # At every part of the beat alike.
            await asyncio.sleep(SETTLED_S + number // 2 % PHASES * BEAT_S / PHASES)
            sent, taken_s = (signal.SIGTERM, told) if number % 2 else (signal.SIGKILL, killed)
            # Whoever leads now, by the journal: were it not the one that we saw take over, no gap would be measured but a guess.
            leader = await them.leader(history.epoch)
            taken_s.append(await _gap(leader, sent, history))
            await leader.ends()
            await (await them.start(by_command=BY_COMMAND)).stands_by()
    return [
        Row("takeover_s", LEAGUE, tuple(killed), f"{TIMES} kills (SIGKILL), two stand by"),
        Row("handover_ms", LEAGUE, tuple(1000 * gap for gap in told), f"{TIMES} hand-overs (SIGTERM), two stand by"),
    ]


async def _gap(leader: RouterProcess, number: signal.Signals, history: Epochs) -> float:
    epoch, began = history.epoch + 1, asyncio.get_running_loop().time()
    leader.send(number)
    return await history.taken_over(epoch) - began

"""The dialler: rings who was promised a call as soon as an agent waits for them, and says what became of it.

Time matters here (an agent waits), and a call must not be made twice, so there is no work queue as answers have one: every dialler
hears of every dial from the journal, and whoever claims it first rings. Nothing rings that the journal knows to be over.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cordboard import metrics
from cordboard.dialler import gateway
from cordboard.dialler.attempt import Attempt, Bench
from cordboard.dialler.dials import KIND, Dial, Dials, fact_id
from cordboard.dialler.voice import Voice
from cordboard.events.fact import EffectDone
from cordboard.log.claims import open_claims
from cordboard.log.feed import Feed
from cordboard.log.port import SiteLog
from cordboard.vault import Vault
from cordboard.vault.clock import now_ms

logger = logging.getLogger(__name__)
NAME = "dialler"
SWEEP_S = 60.0
DEAF_MAX = 5
"""So many calls in a row that the gateway does not hang up: the others are tried at the next look."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one process."""

    ringing: int = 64
    """Calls that ring at once; who is connected does not count."""


DEFAULT_LIMITS = Limits()


class Calls:
    """The attempts that this process attends to, from the fold's word to the end of the ring; and the end of every talk, whichever
    process began it: that one may be gone."""

    def __init__(self, bench: Bench, dials: Dials) -> None:
        self._bench = bench
        self._dials = dials
        self._tasks: asyncio.TaskGroup | None = None
        self._ends: dict[bytes, asyncio.Future[bool]] = {}
        """Of each contact whose attempt has not ended: whether it ended in a connection."""
        dials.asked, dials.over, dials.left = self._ask, self._over, self._left

    async def run(self, sweep_s: float) -> None:
        """Until cancelled: what rings then is hung up, and said to have failed on our side. The folds have read the journal."""
        async with asyncio.TaskGroup() as self._tasks:
            try:
                for dial in self._dials.live():
                    self._ask(dial)
                await self._sweep(sweep_s)
            finally:
                self._tasks = None

    async def _sweep(self, sweep_s: float) -> None:
        """Whoever rang may have died before it hung up, or said that the effect is over."""
        before: set[Dial] = set()
        while True:
            await self._hang_up_leftovers()
            await asyncio.sleep(sweep_s)
            outlived = self._dials.outlived()
            for dial in outlived:
                if dial in before:
                    logger.info("dial %s was left open: it is over", dial.name)
                    await self._bench.say(EffectDone(fact_id(self._bench.site, dial, "over"), *dial.place))
            before = set(outlived)

    async def _hang_up_leftovers(self) -> None:
        # The journal is asked after the gateway: who is connected just now is no leftover.
        deaf = 0
        left = self._dials.leftover(await gateway.connected(self._bench.voice))
        for name in random.sample(left, len(left)):  # so that a few that it never hangs up do not stand before all others
            logger.info("dial %s was left connected: hanging up", name)
            if not await gateway.hang_up(self._bench.voice, name):
                deaf += 1
                if deaf == DEAF_MAX:
                    return  # it is away, and is asked again at the next look

    def _ask(self, dial: Dial) -> None:
        if self._tasks is None:
            return  # not yet, and `run` will see it; or no more
        ended = self._ends[dial.contact] = asyncio.get_running_loop().create_future()
        task = self._tasks.create_task(Attempt(self._bench, dial, ended).see_through(), name="dial")
        task.add_done_callback(partial(self._forget, dial.contact, ended))

    def _forget(self, contact: bytes, ended: asyncio.Future[bool], _task: asyncio.Task[None]) -> None:
        if self._ends.get(contact) is ended:
            del self._ends[contact]

    def _over(self, dial: Dial, connected: bool) -> None:
        ended = self._ends.pop(dial.contact, None)
        if ended is not None and not ended.done():
            ended.set_result(connected)

    def _left(self, name: str) -> None:
        if self._tasks is not None:
            self._tasks.create_task(gateway.hang_up(self._bench.voice, name), name="hang up")


async def run_dialler(
    log: SiteLog,
    vault: Vault,
    feed: Feed,
    nats_url: str,
    site: str,
    voice: Voice,
    *,
    limits: Limits = DEFAULT_LIMITS,
    sweep_s: float = SWEEP_S,
    ready: Callable[[], None] | None = None,
) -> None:
    """Ring until cancelled. Start it before `feed.run()`: its fold is attached before the first await. `ready` is called once dials
    are taken. Several processes may do this for one site. Raises ConfigurationError, LogUnavailable."""
    dials = Dials()
    feed.attach(dials.apply)
    async with log.publisher(NAME) as publisher, open_claims(nats_url, site, KIND) as claims:
        room = asyncio.Semaphore(limits.ringing)
        bench = Bench(site, vault, voice, claims, publisher, room, now_ms)
        calls = Calls(bench, dials)
        await feed.caught_up()
        metrics.RINGING.set(0)
        if ready is not None:
            ready()
        await calls.run(sweep_s)

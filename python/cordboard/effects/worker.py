"""The worker: takes an item, tries the effect, and says what became of it as a fact, before the item is done with."""

import asyncio
import hashlib
import logging
import traceback
from dataclasses import dataclass
from typing import Protocol

from cordboard import codec
from cordboard.effects.attempt import Deferred, Limits, Parcel, Retries, Transport, Undeliverable
from cordboard.effects.fold import Effect, Effects, Place
from cordboard.effects.lanes import Crowded, Lanes
from cordboard.effects.origins import Origins
from cordboard.effects.settlement import Settlement
from cordboard.errors import InvalidInput, LogUnavailable, Overloaded, VaultUnavailable
from cordboard.events import Fact
from cordboard.events.bounds import ID_BYTES
from cordboard.events.fact import EffectDone, EffectFailed, EffectFailure
from cordboard.log.port import Publisher
from cordboard.log.work import WorkItem, decode_item

logger = logging.getLogger(__name__)
SETTLE_S = 5.0
AWAY_S = 5.0
"""The pause when something of our own is away: the vault, the router."""
FINISH_S = 10.0
"""How long a stop waits for dialogues that are under way: broken off, one that the far side has just taken would be repeated."""
_CROWDED_MAX_S = 60.0
_PUBLISH_AGAIN_S = 1.0


class Delivery(Protocol):
    """An item as its queue handed it out: for the `count`th time, `age_s` seconds after it was queued."""

    @property
    def data(self) -> bytes: ...
    @property
    def count(self) -> int: ...
    @property
    def age_s(self) -> float: ...

    async def done(self) -> None:
        """The item leaves the queue. If that fails it comes again, and is found to be over."""
        ...

    async def again(self, after_s: float) -> None:
        """It is handed out again, to whomever."""
        ...

    async def working(self) -> None:
        """It is still in hand: nobody else may have it yet."""
        ...


@dataclass(frozen=True, slots=True)
class Bench:
    """What all workers of a process share."""

    site: str
    effects: Effects
    origins: Origins
    settlement: Settlement
    publisher: Publisher
    limits: Limits
    retries: Retries
    report_s: float
    """How often the queue is told what is still in hand; well below the time after which it would think otherwise."""


class Worker:
    """The hands for one kind of effect. `take` deliveries while `run` runs."""

    def __init__(self, bench: Bench, transport: Transport | None) -> None:
        self._bench = bench
        self._transport = transport
        self._lanes = Lanes(bench.limits)
        self._room = asyncio.Semaphore(bench.limits.waiting)
        self._in_hand: set[Delivery] = set()
        self._tried: set[Place] = set()
        self._said: dict[Place, int] = {}
        """Rounds whose outcome this process has published and the router may not have decided yet."""
        self._handing_over: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self.taken = 0

    async def run(self) -> None:
        """Until cancelled: what is being handed over is finished then; what else is in hand is handed out again after a while."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                try:
                    while True:
                        await asyncio.sleep(self._bench.report_s)
                        self._forget_decided()
                        for delivery in list(self._in_hand):
                            await delivery.working()
                finally:
                    self._tasks = None
        finally:
            await self._finish()

    async def _finish(self) -> None:
        if self._handing_over:
            _, left = await asyncio.wait(self._handing_over, timeout=FINISH_S)
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left)

    async def take(self, delivery: Delivery) -> None:
        """Begin with it; returns once there is room for another. While stopping nothing is begun."""
        self.taken += 1
        self._in_hand.add(delivery)
        try:
            await self._room.acquire()
        except BaseException:
            self._in_hand.discard(delivery)
            raise
        if self._tasks is not None:
            self._tasks.create_task(self._work(delivery))

    @property
    def full(self) -> bool:
        """Nothing more is taken at present."""
        return self._room.locked()

    def _forget_decided(self) -> None:
        """Drop what the router has decided meanwhile."""
        now = self._bench.effects.get
        self._said = {
            place: number
            for place, number in self._said.items()
            if (effect := now(place)) is not None and effect.failed is None and effect.round == number
        }

    async def _work(self, delivery: Delivery) -> None:
        try:
            again_s = await self._try(delivery)
            if again_s is None:
                await delivery.done()
            else:
                await delivery.again(again_s)
        finally:
            self._in_hand.discard(delivery)
            self._room.release()

    async def _try(self, delivery: Delivery) -> float | None:
        """None: the item is done with. Else the seconds after which it is to come again."""
        try:
            item = decode_item(delivery.data)
        except InvalidInput as error:
            logger.error("an item that cannot be read is dropped; if it was an effect, it will be queued again: %s", error)
            return None
        place = (item.seq, item.entry)
        if not await self._certain(item, delivery):
            return AWAY_S
        effect = self._bench.effects.get(place)
        if effect is None or effect.failed is not None or effect.round != item.round or self._said.get(place) == item.round:
            return None
        if place in self._tried:
            return AWAY_S
        self._tried.add(place)
        try:
            return await self._attempt(effect, delivery)
        finally:
            self._tried.discard(place)

    async def _certain(self, item: WorkItem, delivery: Delivery) -> bool:
        """The folds know the effect and, if this may be a repeat, everything that was said of it."""
        settlement = self._bench.settlement
        if not await settlement.reached(max(item.asked, item.seq), SETTLE_S):
            return False
        return (not item.swept and delivery.count == 1) or await settlement.settled(SETTLE_S)

    async def _attempt(self, effect: Effect, delivery: Delivery) -> float | None:
        try:
            await self._carry_out(effect)
        except Undeliverable as error:
            logger.warning("effect %d.%d cannot be delivered: %s: %s", *effect.place, error.failure, error)
            await self._say(effect, error.failure)
        except Deferred as error:
            pause_s = self._bench.retries.next_s(delivery.age_s, delivery.count)
            if pause_s is None:
                logger.warning("effect %d.%d is given up after %d tries: %s", *effect.place, delivery.count, error)
                await self._say(effect, "unreachable")
                return None
            longest_s = max(self._bench.retries.delays_s)
            logger.info("effect %d.%d is deferred: %s", *effect.place, error)
            return max(pause_s, min(error.after_s, longest_s))
        except Crowded:
            return min(self._bench.limits.crowded_s * 2.0 ** min(delivery.count - 1, 16), _CROWDED_MAX_S)
        except (VaultUnavailable, Overloaded) as error:
            logger.warning("effect %d.%d waits for the vault: %s", *effect.place, error)
            return AWAY_S
        return None

    async def _carry_out(self, effect: Effect) -> None:
        """Send it, and say so. Raises Deferred, Undeliverable, Crowded, VaultUnavailable, Overloaded: then nothing is said."""
        policy = self._bench.origins.policy
        if self._transport is None or policy is None:
            raise Undeliverable("not_configured", f"this process has nothing that sends {effect.kind}")
        try:
            parcel = await self._transport.prepare(effect, self._bench.origins.get(effect.contact), policy)
        except (Undeliverable, VaultUnavailable, Overloaded):
            raise
        except Exception as error:
            raise _stumbled(effect, error) from error
        async with self._lanes.slot(parcel.destination):
            handing_over = asyncio.create_task(self._hand_over(effect, parcel))
            self._handing_over.add(handing_over)
            handing_over.add_done_callback(self._handed_over)
            await asyncio.shield(handing_over)

    async def _hand_over(self, effect: Effect, parcel: Parcel) -> None:
        try:
            await parcel.send()
        except (Deferred, Undeliverable):
            raise
        except Exception as error:
            raise _stumbled(effect, error) from error
        await self._say(effect, None)

    def _handed_over(self, task: asyncio.Task[None]) -> None:
        self._handing_over.discard(task)
        if not task.cancelled():
            task.exception()  # while stopping nobody else asks

    async def _say(self, effect: Effect, failure: EffectFailure | None) -> None:
        """Publish the outcome; returns when it is durable, however long that takes."""
        fact = outcome_fact(self._bench.site, effect, failure)
        data = codec.check_fact(fact)
        self._said[effect.place] = effect.round
        while True:
            try:
                await self._bench.publisher.publish(data)
                return
            except (LogUnavailable, Overloaded) as error:
                logger.warning("the outcome of effect %d.%d is not durable yet: %s", *effect.place, error)
                await asyncio.sleep(_PUBLISH_AGAIN_S)


def _stumbled(effect: Effect, error: Exception) -> Deferred:
    """One message that a transport stumbles over must not stop all others; it is tried again, and becomes a dead letter."""
    # Where, but not in what words: those may be somebody's.
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("effect %d.%d: the transport failed unexpectedly: %s\n%s", *effect.place, type(error).__name__, where)
    return Deferred(f"unexpected {type(error).__name__}")


def outcome_fact(site: str, effect: Effect, failure: EffectFailure | None) -> Fact:
    """The same outcome of the same round is the same fact, whoever says it."""
    seq, entry = effect.place
    said = f"{site}|{effect.commit.hex()}|{seq}|{entry}|{effect.round}|{failure or 'done'}".encode()
    fact_id = hashlib.blake2b(said, digest_size=ID_BYTES, person=b"cb-effect-end").digest()
    return EffectDone(fact_id, seq, entry) if failure is None else EffectFailed(fact_id, seq, entry, failure)

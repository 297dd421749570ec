"""Hands items of the work queues to workers, by FastStream's pull subscribers.

One item a pull: larger pulls wait until they are full. Acknowledged by hand alone, since every other policy of the framework
discards or repeats items when something fails. A consumer that vanishes on the server makes no sound, so somebody looks.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn

from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub

from cordboard.effects.worker import Delivery, Worker
from cordboard.errors import ConfigurationError, CordboardError
from cordboard.log.obedient import obedient
from cordboard.log.subjects import work_stream, work_subject
from cordboard.log.work import WorkQueue, consumer_name
from cordboard.vault.clock import now_ms

logger = logging.getLogger(__name__)
PULL_S = 5.0
LOOK_S = 5.0
RETRY_S = 0.5
Take = Callable[[Delivery], Awaitable[None]]


class Taken:
    """A delivery of FastStream's. What cannot be told the server now it finds out by itself, when the time to work is over."""

    def __init__(self, message: NatsMessage) -> None:
        raw: Any = message.raw_message
        self._message = message
        self._queued_ms = int(raw.metadata.timestamp.timestamp() * 1_000)
        self.data: bytes = raw.data
        self.count: int = raw.metadata.num_delivered

    @property
    def age_s(self) -> float:
        return max(0, now_ms() - self._queued_ms) / 1_000

    async def done(self) -> None:
        await _told(self._message.ack_sync())

    async def again(self, after_s: float) -> None:
        await _told(self._message.nack(after_s))

    async def working(self) -> None:
        await _told(self._message.in_progress())


def work_broker(nats_url: str, site: str, takers: Mapping[str, Take]) -> NatsBroker:
    """FastStream's broker with a subscriber for each kind. Streams and consumers must be there."""
    broker = NatsBroker(
        [url.strip() for url in nats_url.split(",")],
        name=f"cordboard-effects-{site}",
        apply_types=False,
        logger=None,
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        ping_interval=5,
        max_outstanding_pings=2,
        graceful_timeout=1.0,
        drain_timeout=5,
    )
    for kind, take in takers.items():
        _subscribe(broker, site, kind, take)
    return broker


def _subscribe(broker: NatsBroker, site: str, kind: str, take: Take) -> None:
    @broker.subscriber(
        work_subject(site, kind),
        stream=JStream(work_stream(site, kind), declare=False),
        durable=consumer_name(kind),
        pull_sub=PullSub(batch_size=1, timeout=PULL_S),
        ack_policy=AckPolicy.MANUAL,
        decoder=_taken,
        no_reply=True,
        title=f"work-{kind}",
        description=f"Effects of kind {kind} that are to happen: places in the journal, each a msgpack array.",
    )
    async def work(delivery: Taken) -> None:
        await take(delivery)


async def pull_work(
    nats_url: str, site: str, queues: Mapping[str, WorkQueue], workers: Mapping[str, Worker], lost: Callable[[], None]
) -> NoReturn:
    """Feed the workers for ever. `lost` is called when a queue was gone and made anew, so that it is filled again."""
    while True:
        broker = work_broker(nats_url, site, {kind: worker.take for kind, worker in workers.items()})
        try:
            await obedient(broker.start())
            await _stalled(queues, workers, lost)
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001  NATS is away: ask again
            logger.warning("the work queues cannot be read: %s: %s", type(error).__name__, error)
        finally:
            await _stop(broker)
        await asyncio.sleep(RETRY_S)


async def _stalled(queues: Mapping[str, WorkQueue], workers: Mapping[str, Worker], lost: Callable[[], None]) -> None:
    """Returns when new subscriptions are needed: a consumer is gone, or nobody pulls."""
    idle = dict.fromkeys(queues, 0)
    taken = {kind: worker.taken for kind, worker in workers.items()}
    while True:
        await asyncio.sleep(LOOK_S)
        for kind, queue in queues.items():
            worker = workers[kind]
            try:
                state = await queue.state()
            except CordboardError as error:
                logger.info("%s", error)
                continue
            if state is None:
                logger.error("the queue of %s effects was gone; it is made anew", kind)
                await queue.declare()
                lost()
                return
            busy = worker.full or worker.taken != taken[kind] or (state.pulls > 0 and not state.waiting)
            taken[kind] = worker.taken
            idle[kind] = 0 if busy else idle[kind] + 1
            if idle[kind] > 1:
                logger.warning("nobody takes %s effects from their queue: subscribing again", kind)
                return


async def _taken(message: NatsMessage) -> Taken:
    return Taken(message)


async def _told(telling: Awaitable[None]) -> None:
    try:
        await telling
    except Exception as error:  # noqa: BLE001  NATS is away: the item comes again
        logger.info("the work queue was not told: %r", error)


async def _stop(broker: NatsBroker) -> None:
    with contextlib.suppress(Exception):  # unsubscribing and draining need a server, which may be away
        await broker.stop()
    with contextlib.suppress(Exception):
        await broker.connection.close()

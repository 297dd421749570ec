"""Effects of one site: from the journal into work queues, out of them into the world, and what became of it into the inbox."""

import asyncio
import contextlib
from collections.abc import Callable

from cordboard.effects.attempt import Limits, Retries, Transport
from cordboard.effects.dispatcher import SWEEP_S, Dispatcher
from cordboard.effects.fold import Effects
from cordboard.effects.mail import MailOut, MailTransport
from cordboard.effects.origins import Origins
from cordboard.effects.queue import pull_work
from cordboard.effects.settlement import Settlement
from cordboard.effects.webhook import WebhookOut, WebhookTransport
from cordboard.effects.worker import Bench, Worker
from cordboard.log.feed import Feed
from cordboard.log.port import SiteLog
from cordboard.log.work import WorkSettings, work_queues
from cordboard.vault import Vault

NAME = "effects"
DEFAULT_LIMITS = Limits()
DEFAULT_RETRIES = Retries()
DEFAULT_QUEUES = WorkSettings()


async def run_effects(
    log: SiteLog,
    vault: Vault,
    feed: Feed,
    nats_url: str,
    site: str,
    *,
    mail: MailOut | None = None,
    webhook: WebhookOut | None = None,
    limits: Limits = DEFAULT_LIMITS,
    retries: Retries = DEFAULT_RETRIES,
    queues: WorkSettings = DEFAULT_QUEUES,
    sweep_s: float = SWEEP_S,
    ready: Callable[[], None] | None = None,
) -> None:
    """Carry out effects until cancelled. Start it before `feed.run()`: its folds are attached before the first await.

    Effects whose transport is None become dead letters (`not_configured`). `ready` is called once work is taken. Several processes
    may do this for one site. Raises ConfigurationError, LogUnavailable.
    """
    effects = Effects()
    origins, settlement = Origins(effects), Settlement(log, feed)
    # In this order: origins ask effects, and whoever waits for a settlement asks both.
    for fold in (effects.apply, origins.apply, settlement.apply):
        feed.attach(fold)
    dispatcher = Dispatcher(effects, settlement, sweep_s)
    posts = None if webhook is None else WebhookTransport(webhook, vault, site)
    transports: dict[str, Transport | None] = {
        "mail": None if mail is None else MailTransport(mail, vault, site),
        "webhook": posts,
    }
    async with (
        posts or contextlib.nullcontext(),
        log.publisher(NAME) as publisher,
        work_queues(nats_url, site, tuple(transports), queues) as declared,
    ):
        bench = Bench(site, effects, origins, settlement, publisher, limits, retries, queues.ack_wait_s / 3)
        by_kind = {queue.kind: queue for queue in declared}
        workers = {kind: Worker(bench, transport) for kind, transport in transports.items()}
        async with asyncio.TaskGroup() as group:
            await feed.caught_up()
            for kind, worker in workers.items():
                group.create_task(worker.run(), name=f"effects-{kind}")
            group.create_task(dispatcher.run(by_kind), name="effects-dispatcher")
            group.create_task(pull_work(nats_url, site, by_kind, workers, dispatcher.look), name="effects-pull")
            if ready is not None:
                ready()

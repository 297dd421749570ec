"""Where the parts are put together: which role runs what, and how it stops.

A role runs until it is cancelled. An error in one ends the process, so that whatever supervises it sees it: a role that limps is
worse than one that is started again. The one exception is a router that was told to step down: it begins anew as a follower.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from cordboard.api import run_api
from cordboard.cli.vitals import Vitals, serve_vitals
from cordboard.errors import CordboardError, SteppedDown
from cordboard.gateway import run_gateway
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.feed import Feed
from cordboard.log.port import SiteLog
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.history import HistoryReader, run_history
from cordboard.projections.history.doubt import was_decided
from cordboard.router import run_router
from cordboard.settings import Settings
from cordboard.vault import Acceptance, Vault
from cordboard.vault.kek import load_kek

logger = logging.getLogger(__name__)
ROLES = ("router", "projector", "gateway", "api")
QUIET_S = 5.0
LAG_MAX = 1_000
"""A history that many commits behind, and not moving, is not ready."""


@dataclass(slots=True)
class Addresses:
    """Where a process can be reached once it is up. `nats_pid` only for an embedded server."""

    nats_url: str
    nats_pid: int | None = None
    monitor_url: str | None = None
    grpc: str | None = None
    http: str | None = None
    smtp: str | None = None


@dataclass(slots=True)
class _Ready:
    """Collects the ports that roles report, then says so once."""

    addresses: Addresses
    waiting: set[str]
    say: Callable[[Addresses], None]
    host: str
    done: bool = field(default=False)

    def mark(self, role: str, port: int) -> None:
        setattr(self.addresses, "grpc" if role == "api" else "http", f"{self.host}:{port}")
        self.waiting.discard(role)
        self.settle()

    def settle(self) -> None:
        if not self.waiting and not self.done:
            self.done = True
            self.say(self.addresses)


async def lead(log: SiteLog, vitals: Vitals | None = None) -> None:
    """The router role: when another router takes over, stand by, and lead again when it has fallen silent."""
    vitals = vitals or Vitals.of(())
    while True:
        try:
            return await run_router(log, leading=lambda _epoch: vitals.ready("router"))
        except SteppedDown as reason:
            logger.warning("stepped down: %s; waiting until the journal is quiet", reason)
            # A standby is as ready as it can be: an upgrade must not wait for it to lead.
            vitals.ready("router")
            await until_quiet(log, QUIET_S)


async def until_quiet(log: SiteLog, quiet_s: float) -> None:
    """Wait until the journal has not grown for `quiet_s`: two routers that both took over again at once would do so for ever.

    A router that leads commits every second while anybody is offered, connecting or wrapping up.
    """
    clock = asyncio.get_running_loop().time
    seen, since_s = -1, clock()
    while clock() - since_s < quiet_s:
        await asyncio.sleep(quiet_s / 5)
        try:
            last = await log.last_journal_seq()
        except CordboardError as error:
            logger.warning("the journal does not answer: %s", error)
            last = -1
        if last < 0 or last != seen:
            seen, since_s = last, clock()


async def watch_projector(log: SiteLog, views_url: str, vitals: Vitals) -> None:
    """Say for ever whether the history keeps up with the journal."""
    before = -1
    while True:
        try:
            last = await log.last_journal_seq()
            async with HistoryReader.open(views_url) as history:
                at = await history.checkpoint()
            keeps_up = last - at <= LAG_MAX or at > before >= 0
            vitals.ready("projector", "" if keeps_up else f"the history is {last - at} commits behind and stands still")
            before = at
        except CordboardError as error:
            vitals.ready("projector", str(error))
        await asyncio.sleep(QUIET_S)


@contextlib.asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[Addresses]:
    if settings.nats_url is not None:
        yield Addresses(nats_url=settings.nats_url, monitor_url=settings.monitor_url)
        return
    async with EmbeddedServer(settings.data_dir / "nats") as server:
        yield Addresses(nats_url=server.url, nats_pid=server.pid, monitor_url=server.monitor_url)


async def run_roles(
    settings: Settings,
    roles: tuple[str, ...],
    say_ready: Callable[[Addresses], None],
    *,
    vault_url: str | None = None,
    views_url: str | None = None,
    kek_file: Path | None = None,
) -> None:
    """Run `roles` in this process until cancelled. `say_ready` is called once every port is open.

    Raises ConfigurationError before anything is started, if the settings contradict themselves.
    """
    settings.check_listen()
    async with contextlib.AsyncExitStack() as stack:
        addresses = await stack.enter_async_context(_server(settings))
        log = await stack.enter_async_context(
            connect(
                addresses.nats_url,
                settings.site,
                allow_lazy_fsync=settings.allow_lazy_fsync,
                monitor_url=addresses.monitor_url,
                name="cordboard-" + "-".join(roles),
            )
        )
        vitals = Vitals.of(role for role in roles if role in ("router", "projector"))
        ready = _Ready(addresses, {role for role in roles if role in ("api", "gateway")}, say_ready, settings.host)
        tasks: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        if "router" in roles:
            tasks.append(("router", lambda: lead(log, vitals)))
        if "projector" in roles:
            assert views_url is not None
            url = views_url
            tasks.append(("projector", lambda: run_history(addresses.nats_url, settings.site, url)))
            if settings.health_port >= 0:
                tasks.append(("projector's watch", lambda: watch_projector(log, url, vitals)))
        if settings.health_port >= 0:
            tasks.append(("health", lambda: _health(settings, vitals)))
        if "gateway" in roles or "api" in roles:
            tasks += await _faces(settings, roles, log, ready, stack, vault_url, views_url, kek_file)
        async with asyncio.TaskGroup() as group:
            for name, role in tasks:
                group.create_task(_named(name, role), name=name)
            ready.settle()


async def _faces(
    settings: Settings,
    roles: tuple[str, ...],
    log: SiteLog,
    ready: _Ready,
    stack: contextlib.AsyncExitStack,
    vault_url: str | None,
    views_url: str | None,
    kek_file: Path | None,
) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    """The roles that face the outside share one vault, one follower of the journal and its boards, and the history."""
    assert vault_url is not None and views_url is not None
    vault = await stack.enter_async_context(Vault.open(vault_url, load_kek(kek_file)))
    history = await stack.enter_async_context(HistoryReader.open(views_url))
    feed, boards, desks = Feed(log), Boards(), Desks()
    feed.attach(boards.apply)
    tasks: list[tuple[str, Callable[[], Awaitable[None]]]] = []

    def expected_wait_ms(queue: str) -> int | None:
        row = boards.queue(queue)
        return None if row is None else row.expected_wait_ms(boards.at_ms)

    async def decided(acceptance: Acceptance) -> bool:
        return await was_decided(history, log, acceptance.fact_id)

    def gateway() -> Awaitable[None]:
        return run_gateway(
            log,
            vault,
            feed,
            host=settings.host,
            port=settings.http_port,
            grace_s=settings.grace_s,
            insecure_listen=settings.insecure_listen,
            ready=lambda port: ready.mark("gateway", port),
            expected_wait_ms=expected_wait_ms,
            decided=decided,
        )

    def api() -> Awaitable[None]:
        return run_api(
            log,
            vault,
            boards,
            desks,
            feed,
            history,
            host=settings.host,
            port=settings.grpc_port,
            insecure_listen=settings.insecure_listen,
            ready=lambda port: ready.mark("api", port),
        )

    if "gateway" in roles:
        tasks.append(("gateway", gateway))
    if "api" in roles:
        feed.attach(desks.apply)
        tasks.append(("api", api))
    return [*tasks, ("feed", feed.run)]


async def _health(settings: Settings, vitals: Vitals) -> None:
    await serve_vitals(vitals, settings.host, settings.health_port, insecure_listen=settings.insecure_listen)


async def _named(name: str, role: Callable[[], Awaitable[None]]) -> None:
    try:
        await role()
    except asyncio.CancelledError:
        raise
    except Exception:
        logger.exception("the %s role failed", name)
        raise
    raise RuntimeError(f"the {name} role ended by itself")

"""Where the parts are put together: which role runs what, and how it stops.

A role runs until it is cancelled. An error in one ends the process, so that whatever supervises it sees it: a role that limps is
worse than one that is started again. The one exception is a router that was told to step down: it begins anew as a follower.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from cordboard.cli.faces import Addresses, Faces, Ports
from cordboard.cli.vitals import Vitals, serve_vitals
from cordboard.errors import CordboardError, SteppedDown
from cordboard.log import StreamSettings, connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.port import SiteLog
from cordboard.projections.history import HistoryReader, run_history
from cordboard.router import run_router
from cordboard.settings import Settings

logger = logging.getLogger(__name__)
ROLES = ("router", "projector", "gateway", "api")
QUIET_S = 5.0
LAG_MAX = 1_000
"""A history that many commits behind, and not moving, is not ready."""


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
                settings=StreamSettings(replicas=settings.nats_replicas),
                name="cordboard-" + "-".join(roles),
            )
        )
        vitals = Vitals.of(role for role in roles if role in ("router", "projector"))
        ports = Ports.of(settings, roles, addresses, say_ready)
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
            assert vault_url is not None and views_url is not None
            tasks += (await Faces.open(settings, log, ports, stack, vault_url, views_url, kek_file)).roles(roles)
        async with asyncio.TaskGroup() as group:
            for name, role in tasks:
                group.create_task(_named(name, role), name=name)
            ports.settle()


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

"""Where the parts are put together: which role runs what, and how it stops.

Each role is imported by the process that plays it: a router needs neither web servers nor databases (tests/unit/test_cli_words.py).

A role runs until it is cancelled. An error in one ends the process, so that whatever supervises it sees it: a role that limps is
worse than one that is started again. The one exception is a router that another has overtaken: it begins anew as a standby.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cordboard import metrics
from cordboard.archive import Archive, WithArchive, open_storage, run_archiver
from cordboard.cli.addresses import Addresses, Ports
from cordboard.cli.lags import Lags, watch_lags
from cordboard.cli.lost_site import told, who_knows
from cordboard.cli.vitals import Vitals, serve_vitals
from cordboard.errors import SiteMissing
from cordboard.log import StreamSettings, connect, copies
from cordboard.log.ailments import Ailments
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.jetstream import JetStreamLog
from cordboard.log.monitoring import monitoring_urls
from cordboard.log.port import SiteLog
from cordboard.log.usage import watch_usage
from cordboard.settings import Settings

if TYPE_CHECKING:
    from cordboard.projections.history import Trimmed
    from cordboard.router import Standing

logger = logging.getLogger(__name__)
Role = Callable[[], Awaitable[None]]
ROLES = ("router", "projector", "gateway", "api", "archiver", "dialler")
HAND_OVER_S = 5.0
"""So long the end of a process may wait for the journal to take its last commit."""


async def lead(log: SiteLog, vitals: Vitals | None = None, *, at_once: bool = False) -> None:
    """The router role: stand by, and lead when it is our turn. Cancelled while it leads, it hands over before it ends.

    `at_once`: no other router can lead, so none is listened for at the start.
    """
    from cordboard.router import serve_router

    vitals = vitals or Vitals.of(())
    stop = asyncio.Event()
    serving = asyncio.create_task(
        serve_router(log, stop=stop, at_once=at_once, standing=partial(_tell, vitals)), name="serve router"
    )
    try:
        await asyncio.wait([serving])
        serving.result()
    except asyncio.CancelledError:
        stop.set()
        _, late = await asyncio.wait([serving], timeout=HAND_OVER_S)
        if late:
            logger.warning("ending without a hand-over: the journal did not take it in %.0f s", HAND_OVER_S)
        elif not serving.cancelled() and (error := serving.exception()) is not None:
            logger.warning("ending without a hand-over: %s", error)
        raise
    finally:
        serving.cancel()
        await asyncio.wait([serving])


def _tell(vitals: Vitals, standing: "Standing") -> None:
    # A standby is as ready as it can be: an upgrade must not wait for it to lead.
    match standing.phase:
        case "leading":
            vitals.ready("router", says=f"leading since epoch {standing.epoch}")
        case "standby":
            vitals.ready("router", says=f"standing by, epoch {standing.epoch}")
        case "reading":
            vitals.ready("router", "reading the journal")


async def project(
    nats_url: str, site: str, views_url: str, vitals: Vitals, following: asyncio.Event, trimmed: "Trimmed | None" = None
) -> None:
    """The projector role. It is ready once it follows the journal, and while it does not fall behind.

    `following` is set once the tables are of this release: those of an older one are rebuilt before.
    """
    from cordboard.projections.history import run_history

    def said(why_not: str) -> None:
        vitals.ready("projector", why_not)
        if not why_not:
            following.set()

    await run_history(nats_url, site, views_url, trimmed=trimmed, said=said)


async def keep_archive(log: SiteLog, archive: Archive, vitals: Vitals) -> None:
    """The archiver role. It is ready while the storage takes what comes."""

    def said(position: int, why_not: str) -> None:
        vitals.ready("archiver", why_not)
        metrics.at("archive", position)
        if why_not:
            metrics.ARCHIVE_FAILURES.inc()

    await run_archiver(log, archive, said=said)


@contextlib.asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[Addresses]:
    if settings.nats_url is not None:
        yield Addresses(nats_url=settings.nats_url, monitor_url=settings.monitor_url)
        return
    async with EmbeddedServer(settings.data_dir / "nats") as server:
        yield Addresses(nats_url=server.url, nats_pid=server.pid, monitor_url=server.monitor_url)


@contextlib.asynccontextmanager
async def open_log(
    settings: Settings, addresses: Addresses, name: str, *, vault_url: str | None, views_url: str | None
) -> AsyncIterator[JetStreamLog]:
    """The site's log; a new one if `settings.create_site` says so and nobody knows the site.

    Raises SiteMissing, with what others know of the site; Conflict, LogUnavailable, ConfigurationError as `connect`.
    """
    known = await who_knows(settings, vault_url, views_url) if settings.create_site else []
    log = connect(
        addresses.nats_url,
        settings.site,
        create=settings.create_site and not known,
        allow_lazy_fsync=settings.allow_lazy_fsync,
        monitor_url=addresses.monitor_url,
        settings=StreamSettings(settings.nats_replicas, settings.inbox_max, settings.journal_max),
        name=name,
    )
    async with contextlib.AsyncExitStack() as stack:
        try:
            opened = await stack.enter_async_context(log)
        except SiteMissing as missing:
            raise told(missing, known or await who_knows(settings, vault_url, views_url)) from missing
        yield opened


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
        server = await stack.enter_async_context(
            open_log(settings, addresses, "cordboard-" + "-".join(roles), vault_url=vault_url, views_url=views_url)
        )
        # What was trimmed from the journal comes from the archive, for whoever reads it from the beginning.
        archive = Archive(open_storage(settings.archive), settings.site) if settings.archive is not None else None
        log = WithArchive(server, archive) if archive is not None else server
        vitals = Vitals.of(roles)
        ports = Ports.of(settings, roles, addresses, say_ready)
        deciding = _deciding(settings, roles, server, log, vitals, Ailments(addresses.monitor_url))
        async with asyncio.TaskGroup() as group:
            begin = partial(_begin, group)
            for name, role in deciding:
                begin(name, role)
            if settings.health_port >= 0:
                begin("health", lambda: _health(settings, vitals))
                begin("lags", lambda: watch_lags(Lags(log, vitals, roles)))
            if "projector" in roles:
                assert views_url is not None
                following = asyncio.Event()
                trimmed = log.trimmed if isinstance(log, WithArchive) else None
                begin("projector", partial(project, addresses.nats_url, settings.site, views_url, vitals, following, trimmed))
                # Who reads the history ends on tables of an older release, which in this process nobody else would rebuild.
                await following.wait()
            # All of them are put together before any runs: each attaches its fold to the feed.
            facing = await _facing(settings, roles, log, ports, vitals, stack, vault_url, views_url, kek_file)
            for name, role in facing:
                begin(name, role)
            ports.settle()


def _deciding(
    settings: Settings, roles: tuple[str, ...], server: JetStreamLog, log: SiteLog, vitals: Vitals, ailments: Ailments
) -> list[tuple[str, Role]]:
    """Router and archiver, and who watches what their streams take, and the servers. Raises ConfigurationError."""
    tasks: list[tuple[str, Role]] = []
    if "router" in roles:
        tasks.append(("router", lambda: lead(log, vitals, at_once=settings.nats_url is None)))
    if "archiver" in roles:
        kept = Archive(open_storage(settings.archive_place()), settings.site)
        tasks.append(("archiver", lambda: keep_archive(server, kept, vitals)))
    if tasks:
        tasks.append(("alarms", lambda: watch_usage(server, vitals.sound)))
        vitals.notices["nats"] = ailments.notice
        tasks.append(("ailments", ailments.run))
        if settings.nats_url is not None and monitoring_urls(settings.monitor_url):
            watch = copies.Watch(settings.monitor_url, settings.site)
            vitals.notices["copies"] = watch.notice
            tasks.append(("copies", watch.run))
    return tasks


async def _facing(
    settings: Settings,
    roles: tuple[str, ...],
    log: SiteLog,
    ports: Ports,
    vitals: Vitals,
    stack: contextlib.AsyncExitStack,
    vault_url: str | None,
    views_url: str | None,
    kek_file: Path | None,
) -> list[tuple[str, Role]]:
    """Gateway, API and dialler, with what they share opened into `stack`. Raises what `Faces.open` raises."""
    if "gateway" in roles or "api" in roles:
        from cordboard.cli.faces import Faces

        assert vault_url is not None and views_url is not None
        return (await Faces.open(settings, log, ports, vitals, stack, vault_url, views_url, kek_file)).roles(roles)
    if "dialler" in roles:
        from cordboard.cli.dialling import dial_alone

        assert vault_url is not None
        return await dial_alone(settings, log, ports.addresses.nats_url, vitals, stack, vault_url, kek_file)
    return []


async def _health(settings: Settings, vitals: Vitals) -> None:
    await serve_vitals(vitals, settings.host, settings.health_port, insecure_listen=settings.insecure_listen)


def _begin(group: asyncio.TaskGroup, name: str, role: Role) -> None:
    group.create_task(_named(name, role), name=name)


async def _named(name: str, role: Role) -> None:
    try:
        await role()
    except asyncio.CancelledError:
        raise
    except Exception:
        logger.exception("the %s role failed", name)
        raise
    raise RuntimeError(f"the {name} role ended by itself")

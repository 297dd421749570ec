"""One run of chaos: build the site, let people work, strike, heal, wait until all is quiet, and look at what is left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from cordboard.log import StreamSettings, connect
from cordboard.log.port import SiteLog
from tests.chaos.afterwards import Follower, boards_agree, examine, settled, told
from tests.chaos.checker import Findings
from tests.chaos.cluster import Cluster, cluster
from tests.chaos.crew import Crew, Databases, crew
from tests.chaos.nemesis import WELL_S, Nemesis
from tests.chaos.network import free_ports
from tests.chaos.plan import ALL, HOLD_S, WAIT_S, Span, faults
from tests.chaos.postgres import Postgres
from tests.chaos.report import Report, rows
from tests.chaos.site import SITE
from tests.postgres import own_server

_log = logging.getLogger(__name__)
MIB = 1024**2
STREAM_MIB = 128
LASTS_S = 1_800
"""A stream of that size is not full after so many seconds; a longer run gets larger ones."""
OPEN_S = 120.0


class NotRunning(Exception):
    """The site did not come up, so nothing can be shown; the text says what was waited for."""


@dataclass(frozen=True)
class Course:
    """What a run does: strike for `seconds`, or `most` times, with `rate` contacts a second. `doors`: gateway, API, archiver."""

    seed: int
    seconds: float
    rate: float = 12.0
    kinds: Sequence[str] = ALL
    hold_s: Span = HOLD_S
    wait_s: Span = WAIT_S
    most: int | None = None
    doors: bool = True


async def run(course: Course, directory: Path | None = None) -> Report:
    """Strike, then judge. What stands on disk stays if `directory` was given or if something was found, and is removed otherwise.

    Raises NotRunning.
    """
    place = directory or Path(tempfile.mkdtemp(prefix="cordboard-chaos-"))
    place.mkdir(parents=True, exist_ok=True)
    keep = True
    try:
        with own_server(durable=True) as (server, processes):
            report = await _run(course, place, Postgres(server, processes))
        keep = directory is not None or not report.clean
        return report
    finally:
        if keep:
            _log.warning("logs, ledgers and streams stay in %s", place)
        else:
            shutil.rmtree(place, ignore_errors=True)


async def _run(course: Course, place: Path, postgres: Postgres) -> Report:
    databases = Databases.of(postgres.server)
    ports = free_ports(course.seed * 101)
    async with contextlib.AsyncExitStack() as stack:
        room = STREAM_MIB * MIB * (1 + int(course.seconds // LASTS_S))
        streams = StreamSettings(replicas=3, inbox_max_bytes=room, journal_max_bytes=room)
        servers = await stack.enter_async_context(cluster(place, ports, small_disk=3 * room if "disk full" in course.kinds else 0))
        await _until_up(servers)
        _log.info("three servers are up")
        log = await stack.enter_async_context(
            connect(servers.urls, SITE, create=True, monitor_url=servers.monitor_urls, settings=streams, name="chaos")
        )
        people = await stack.enter_async_context(
            crew(place, servers, databases, ports, course.seed, course.rate, doors=course.doors)
        )
        follower = Follower()
        following = asyncio.create_task(follower.run(log))
        nemesis = Nemesis(servers, people, postgres)
        try:
            visitors = asyncio.create_task(people.visit())
            await _until_open(people, follower, following)
            _log.info("contacts come and end")
            plan = islice(faults(course.seed, course.kinds, course.hold_s, course.wait_s), course.most)
            await nemesis.run(plan, asyncio.get_running_loop().time() + course.seconds)
            visitors.cancel()
            await asyncio.wait([visitors])
            stopped = await _quieten(people, servers, follower, log)
        finally:
            following.cancel()
            await asyncio.wait([following])
        if not following.cancelled():
            stopped.append(f"a follower of the journal ended: {following.exception()!r}")
        _log.info("all is quiet: judging %d commits", len(follower.commits))
        stopped += nemesis.violations
        found = await examine(follower, log, servers, people, databases, place, stopped=stopped)
        return _report(course, found, nemesis, people, servers, follower)


async def _until_up(servers: Cluster) -> None:
    if not await servers.until(servers.healthy, WELL_S):
        raise NotRunning("three healthy servers")


async def _until_open(people: Crew, follower: Follower, following: asyncio.Task[None]) -> None:
    """Every publisher and both doors have had an acknowledgement, and contacts end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(OPEN_S):
            while not following.done():
                accounts = people.accounts()
                doors = {took.door for account in accounts.values() for took in account.took}
                voices = [name for name, account in accounts.items() if account.acks]
                come = doors == {"form", "api"} or not people.doors
                if come and len(voices) == len(people.sources) + 1 and follower.boards.site().ended:
                    return
                await asyncio.sleep(0.25)
    raise NotRunning("contacts that arrive by every door, and end")


async def _quieten(people: Crew, servers: Cluster, follower: Follower, log: SiteLog) -> list[str]:
    """No more contacts; those there are come to their end; then everybody goes home."""
    found = [] if await servers.until(servers.well, WELL_S) else [f"the cluster was not whole {WELL_S:.0f} s after the last fault"]
    for source in people.sources:
        await source.stop()
    found += await told(settled(follower, log))
    if people.doors and not found:
        found += await told(boards_agree(follower, people))
    await asyncio.gather(*(one.stop() for one in people.everybody if one not in (people.projector, people.archiver)))
    return found


def _report(course: Course, found: Findings, nemesis: Nemesis, people: Crew, servers: Cluster, follower: Follower) -> Report:
    accounts = people.accounts()
    acks = {name: [ack.at_ms for ack in account.acks] + [took.at_ms for took in account.took] for name, account in accounts.items()}
    unasked = {"a follower of the journal": len(follower.stops)} if follower.stops else {}
    processes = [*people.everybody, *(server.process for server in servers.servers.values())]
    unasked |= {process.name: len(process.ended_by_itself) for process in processes if process.ended_by_itself}
    return Report(
        seed=course.seed,
        seconds=course.seconds,
        faults=sum((fault.untried is None) + (fault.companion is not None) for fault in nemesis.struck),
        acknowledged=found.acknowledged,
        commits=len(follower.commits),
        lost=found.lost,
        doubled=found.doubled,
        violations=found.violations,
        rows=rows(nemesis.struck, acks, follower.times),
        skipped=nemesis.skipped,
        unasked=unasked,
        struck=[asdict(fault) for fault in nemesis.struck],
    )

"""Once all is healed and quiet: the journal against the ledgers, against itself, against the history, and copy against copy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from cordboard import codec
from cordboard.client import Client, ClientError
from cordboard.errors import CordboardError, JournalCorrupt
from cordboard.events import Commit
from cordboard.log.port import SiteLog
from cordboard.log.subjects import inbox_stream, journal_stream
from cordboard.projections.boards import Boards
from cordboard.projections.history import HistoryReader
from cordboard.projections.history.schema import tables
from cordboard.projections.history.store import prepare, store
from cordboard.router.reading import commits_between
from cordboard.router.verify import verify
from cordboard.sql import open_engine
from cordboard.vault.schema import intake
from tests.chaos.archive import archive_agrees
from tests.chaos.checker import Findings, record
from tests.chaos.cluster import NAMES, Cluster
from tests.chaos.crew import Crew, Databases
from tests.chaos.ledger import Account
from tests.chaos.network import HOST
from tests.chaos.processes import RESTART_S
from tests.chaos.site import SITE
from tests.chaos.step_down import digests, led_by

SETTLE_S = 120.0
AT_ONCE = 500
CHECK_S = 300.0
COPY = "journal"
SHOWN = 5
"""Differences of one kind that are told one by one."""


class Follower:
    """Reads the journal along with everybody else, and as everybody else begins again where it stopped.

    A server whose disk was tampered with may show a gap until it has caught up; a follower may stop at one, never go past it.
    """

    def __init__(self) -> None:
        self.stops: list[str] = []
        self.commits: list[Commit] = []
        self.times: list[int] = []
        """When the server stored each commit (Unix ms)."""
        self.boards = Boards()

    async def run(self, log: SiteLog) -> None:
        while True:
            try:
                await self._follow(log)
            except JournalCorrupt as error:
                self.stops.append(str(error))
                await asyncio.sleep(RESTART_S)

    async def _follow(self, log: SiteLog) -> None:
        async with contextlib.aclosing(log.follow_journal(len(self.commits) + 1)) as batches:
            async for batch in batches:
                for stored in batch:
                    commit = codec.decode_commit(stored.data)
                    self.commits.append(commit)
                    self.times.append(stored.stored_ms)
                    self.boards.apply(stored.seq, commit)


async def settled(follower: Follower, log: SiteLog) -> list[str]:
    """Wait until nobody waits and nobody works. What did not come to its end in SETTLE_S is said."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            while True:
                last = await log.last_inbox_seq()
                consumed = follower.commits[-1].consumed if follower.commits else None
                read = consumed is not None and (consumed.inbox_seq > last or (consumed.inbox_seq == last and consumed.facts_done))
                if read and not follower.boards.site().open:
                    return []
                await asyncio.sleep(0.25)
    consumed_at = follower.commits[-1].consumed.inbox_seq if follower.commits else 0
    return [
        f"{follower.boards.site().open} contacts are still open {SETTLE_S:.0f} s after everything was healed;"
        f" frame {consumed_at} of {await log.last_inbox_seq()} consumed"
    ]


async def boards_agree(follower: Follower, crew: Crew) -> list[str]:
    """What the API's follower shows is the fold of the journal."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            while True:
                with contextlib.suppress(ClientError):
                    async with Client(f"{HOST}:{crew.grpc_port}") as client:
                        shown = (await client.get_boards()).site
                    own = follower.boards.site()
                    if (shown.open, dict(shown.ended), shown.agents_ready) == (own.open, own.ended, own.agents_ready):
                        return []
                await asyncio.sleep(0.5)
    return ["the API's boards are not the fold of the journal"]


async def history_agrees(commits: list[Commit], views_url: str, scratch: Path) -> list[str]:
    """The history's tables are the fold of the journal, row by row."""
    async with HistoryReader.open(views_url) as reader:
        if not await reader.reached(len(commits), SETTLE_S):
            return [f"the history stands at {await reader.checkpoint()} of {len(commits)}"]
    engine = open_engine(f"sqlite+aiosqlite:///{scratch / 'fold.db'}", "write", durable=False, name="chaos")
    try:
        await prepare(engine, SITE)
        for start in range(0, len(commits), AT_ONCE):
            await store(engine, commits[start : start + AT_ONCE])
        own = await _dump(engine)
    finally:
        await engine.dispose()
    engine = open_engine(views_url, "read", durable=False, name="chaos")
    try:
        theirs = await _dump(engine)
    finally:
        await engine.dispose()
    return [
        f"history: table {name} has {len(theirs[name])} rows, the fold of the journal {len(rows)}, and they differ"
        for name, rows in own.items()
        if rows != theirs[name]
    ]


async def vault_holds(accounts: Iterable[Account], vault_url: str) -> list[str]:
    """The vault has what came in of every contact that a door has confirmed: it is asked before."""
    engine = open_engine(vault_url, "read", durable=True, name="chaos")
    try:
        async with engine.connect() as connection:
            held = set((await connection.execute(select(intake.c.contact))).scalars())
    finally:
        await engine.dispose()
    took = [took for account in accounts for took in account.took]
    return [
        f"{one.door}: contact {one.contact.hex()} was confirmed, and is not in the vault" for one in took if one.contact not in held
    ]


async def _dump(engine: Any) -> dict[str, set[tuple[Any, ...]]]:
    found = {}
    async with engine.connect() as connection:
        for table in tables.sorted_tables:
            found[table.name] = {tuple(row) for row in await connection.execute(select(table))}
    return found


async def verified(log: SiteLog) -> list[str]:
    """`cordboard verify`: decided again, byte for byte; invariants; no fact of a consumed frame without its input."""
    report = await verify(log)
    told = [f"verify: commit {finding.seq}: {finding.what}" for finding in [*report.divergences, *report.violations]]
    if report.lost:
        told.append(f"verify: {report.lost} facts of consumed frames have no input")
    return told


async def copies_agree(cluster: Cluster, log: SiteLog) -> list[str]:
    """Each server leads each stream once, and what it reads from its own disk is what the others read from theirs."""
    told: list[str] = []
    ends = {inbox_stream(SITE): await log.last_inbox_seq(), journal_stream(SITE): await log.last_journal_seq()}
    for stream, last in ends.items():
        copies: dict[str, dict[int, bytes | None]] = {}
        leader = await cluster.stream_leader(stream)
        first = leader.name if leader is not None else ""
        for name in sorted(NAMES, key=lambda name: name != first):
            if not await led_by(cluster, stream, name):
                told.append(f"{name} would not lead {stream}: its copy was not compared")
                continue
            copies[name] = await digests(cluster, stream, last)
        told += _differences(stream, last, copies)
    return told


def _differences(stream: str, last: int, copies: dict[str, dict[int, bytes | None]]) -> list[str]:
    told = []
    for seq in range(1, last + 1):
        held = {name: copy[seq] for name, copy in copies.items()}
        if None in held.values():
            told.append(f"{stream} {seq}: missing on {', '.join(name for name, digest in held.items() if digest is None)}")
        elif len(set(held.values())) > 1:
            told.append(f"{stream} {seq}: the copies differ")
    return [*told[:SHOWN], f"{stream}: {len(told) - SHOWN} more"] if len(told) > SHOWN else told


async def examine(
    follower: Follower, log: SiteLog, cluster: Cluster, crew: Crew, databases: Databases, scratch: Path, *, stopped: list[str]
) -> Findings:
    """All checks. Nobody writes any more; `stopped` is what was found before that."""
    try:
        async with asyncio.timeout(CHECK_S):
            commits = await _whole(log)
    except (CordboardError, TimeoutError) as error:
        commits = []
        stopped = [*stopped, f"the journal cannot be read: {error!r}"]
    keep(commits, scratch / COPY)
    found = record(commits).findings(crew.accounts())
    found.violations += stopped
    if [codec.encode(commit) for commit in follower.commits] != [
        codec.encode(commit) for commit in commits[: len(follower.commits)]
    ]:
        found.violations.append("a follower was told another journal than there is now")
    found.violations += await told(verified(log))
    found.violations += await told(history_agrees(commits, databases.views, scratch))
    if crew.doors:
        found.lost += await told(vault_holds(crew.accounts().values(), databases.vault))
        found.violations += await told(archive_agrees(crew.archive_disk.archive, commits))
    found.violations += await told(copies_agree(cluster, log))
    return found


async def told(check: Awaitable[list[str]]) -> list[str]:
    """What a check says; a check that cannot be made is a finding too."""
    try:
        async with asyncio.timeout(CHECK_S):
            return await check
    except (CordboardError, TimeoutError) as error:
        return [f"a check could not be made: {error!r}"]


def keep(commits: list[Commit], path: Path) -> None:
    """Write the copy that is judged where it can be judged again."""
    path.write_bytes(msgspec.msgpack.encode([codec.encode(commit) for commit in commits]))


def kept(path: Path) -> list[Commit]:
    """The copy that `keep` wrote."""
    return [codec.decode_commit(data) for data in msgspec.msgpack.decode(path.read_bytes(), type=list[bytes])]


async def _whole(log: SiteLog) -> list[Commit]:
    """The journal as it is now, read anew."""
    last = await log.last_journal_seq()
    return [codec.decode_commit(stored.data) async for batch in commits_between(log, 1, last) for stored in batch]

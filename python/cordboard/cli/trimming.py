"""What may go from journal and inbox, and why not more: every limit is named, and the lowest one counts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

import msgspec

from cordboard.archive import Archive, ArchivedJournal
from cordboard.archive.digest import blake3
from cordboard.branch import require_same, still_there
from cordboard.codec import decode_commit
from cordboard.errors import ArchiveCorrupt
from cordboard.log import connect
from cordboard.log.jetstream import JetStream, JetStreamLog
from cordboard.log.trimming import first_younger, purge_below, slowest_reader
from cordboard.projections.history import HistoryReader
from cordboard.router.restoring import newest_sound_snapshot
from cordboard.settings import Settings
from cordboard.vault import Vault
from cordboard.vault.kek import load_kek

INBOX_DAYS = 7.0
_DAY_MS = 86_400_000


class StreamPlan(msgspec.Struct, frozen=True):
    """Everything of a stream before `below` may go: `messages` of them, or none if that is 0. `limits`: what each reason allows."""

    stream: str
    below: int
    messages: int
    limits: dict[str, int]


class Plan(msgspec.Struct, frozen=True):
    """What goes, or would go if it is a dry run."""

    journal: StreamPlan
    inbox: StreamPlan
    dry_run: bool


async def trim(
    archive: Archive, nats_url: str, settings: Settings, keep_days: float, *, dry_run: bool, progress: Callable[[int, int], None]
) -> Plan:
    """Work out what may go, prove that the archive holds it, and delete it unless `dry_run`.

    Raises ArchiveCorrupt if the archive does not hold what would go, exactly as the journal has it; nothing is deleted then.
    """
    # Reading and purging lose nothing of what is acknowledged, whatever the server's settings are.
    async with connect(nats_url, settings.site, allow_lazy_fsync=True, name="cordboard-trim") as log:
        # The server's clock stamped what is stored.
        now_ms = await log.server_time_ms()
        snapshot = await newest_sound_snapshot(await ArchivedJournal.open(archive), await log.last_journal_seq())
        journal = await _plan(log.journal, await _journal_limits(archive, log, settings, snapshot, now_ms - keep_days * _DAY_MS))
        await _prove(archive, log, journal, progress)
        inbox_age_ms = now_ms - max(keep_days, INBOX_DAYS) * _DAY_MS
        inbox = await _plan(log.inbox, await _inbox_limits(log, snapshot, inbox_age_ms))
        if not dry_run:
            for stream, plan in ((log.inbox, inbox), (log.journal, journal)):
                if plan.messages:
                    await purge_below(stream, plan.below)
        return Plan(journal, inbox, dry_run)


async def _journal_limits(
    archive: Archive, log: JetStreamLog, settings: Settings, snapshot: int | None, before_ms: float
) -> dict[str, int]:
    closed = await archive.closed()
    async with HistoryReader.open(settings.embedded_views_url()) as history:
        read = await history.read_up_to()
        await require_same(log, read, "the history")
    kek_file = settings.kek_file or settings.data_dir / "kek"
    async with Vault.open(settings.embedded_vault_url(), load_kek(kek_file, make=False), make=False) as vault:
        erased, known = await vault.erased_up_to_commit(settings.site)
    if known is not None and not await still_there(log, known):
        erased = 0  # of the journal before the restore: the vault looks at this one at its next start
    limits = {
        "archived in closed segments": closed[-1].last_seq + 1 if closed else 1,
        "newest archived snapshot that is sound": snapshot or 1,
        "read by the history": read.seq + 1,
        "erasures carried out by the vault": erased + 1,
        "age": await first_younger(log.journal, int(before_ms)),
        # The last commit stays: whoever follows sees by it that this is the journal it knows.
        "end of the journal": max(1, await log.last_journal_seq()),
    }
    if (delivered := await slowest_reader(log.journal)) is not None:
        limits["slowest follower now"] = delivered + 1
    return limits


async def _inbox_limits(log: JetStreamLog, snapshot: int | None, before_ms: float) -> dict[str, int]:
    limits = {
        "consumed by the newest archived snapshot": await _consumed(log, snapshot),
        "age": await first_younger(log.inbox, int(before_ms)),
    }
    if (delivered := await slowest_reader(log.inbox)) is not None:
        limits["slowest follower now"] = delivered + 1
    return limits


async def _consumed(log: JetStreamLog, snapshot: int | None) -> int:
    """The first frame that a router which begins with this snapshot may want again."""
    if snapshot is None or snapshot < await log.first_journal_seq():
        return 1
    consumed = decode_commit((await log.read_commit(snapshot)).data).consumed
    return max(1, consumed.inbox_seq) if consumed.inbox_id == log.inbox_id else 1


async def _plan(stream: JetStream, limits: dict[str, int]) -> StreamPlan:
    first, below = await stream.first(), min(limits.values())
    return StreamPlan(stream.name, max(first, below), max(0, below - first), limits)


async def _prove(archive: Archive, log: JetStreamLog, plan: StreamPlan, progress: Callable[[int, int], None]) -> None:
    """Every commit that would go stands in the archive, unbroken, and joins on to the one that stays."""
    if not plan.messages:
        return
    first, before = plan.below - plan.messages, b""
    async with aclosing(archive.commits(first, plan.below - 1)) as segments:
        async for links in segments:
            before = links[-1].hash
            progress(links[-1].seq - first + 1, plan.messages)
    if blake3((await log.read_commit(plan.below - 1)).data) != before:
        raise ArchiveCorrupt(f"{archive.where} holds another commit at {plan.below - 1} than the journal: nothing is trimmed")

"""The archive beside a real NATS server: what is lost with the server, what comes back, and what may be trimmed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest
from typer.testing import CliRunner

from cordboard.archive import Archive, ArchivedJournal, ArchiveSettings, WithArchive, check_archive, open_storage
from cordboard.branch import Branch, still_there
from cordboard.cli import trimming
from cordboard.cli.restoring import Restored, Target, restore_site
from cordboard.cli.trimming import Plan
from cordboard.errors import Conflict, InvalidInput, JournalCorrupt, NotFound
from cordboard.events.event import ContactQueued
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.feed import Feed
from cordboard.log.jetstream import JetStreamLog
from cordboard.log.port import SiteLog
from cordboard.log.subjects import journal_stream
from cordboard.main import app
from cordboard.projections.boards import Boards
from cordboard.projections.history import HistoryReader, run_history
from cordboard.router.verify import verify, verify_archive
from cordboard.settings import Settings
from cordboard.vault import Vault
from cordboard.vault.kek import load_kek
from tests.archives import PATIENCE_S, SITE, archived, archiving, caught_up, commits, lived, write_all
from tests.written_site import WrittenSite, mail, routed

OFTEN = {"snapshot_every": 10}
CONTACTS = 60


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(open_storage(str(tmp_path / "archive")), SITE)


@contextlib.asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[tuple[EmbeddedServer, JetStreamLog]]:
    async with EmbeddedServer(directory) as server, connect(server.url, SITE, create=True) as log:
        yield server, log


def nothing(_done: int, _all: int) -> None:
    return


async def restored(archive: Archive, server: EmbeddedServer, *, from_snapshot: bool = False) -> Restored:
    return await restore_site(archive, Target(server.url, server.monitor_url), from_snapshot=from_snapshot, progress=nothing)


async def sound(log: SiteLog) -> None:
    report = await verify(log)
    assert (report.divergences, report.violations, report.lost) == ([], [], 0)


@pytest.mark.parametrize("kind", ["directory", "s3"])
async def test_two_archivers_beside_a_working_site(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    place = str(tmp_path / "archive") if kind == "directory" else request.getfixturevalue("s3_place")
    first, second = (Archive(open_storage(place), SITE) for _ in range(2))
    other = ArchiveSettings(part_s=0.03, segment_bytes=15_000, snapshot_s=0.05)
    async with serving(tmp_path / "nats") as (_, log):
        async with archiving(log, first), archiving(log, second, other):
            await lived(log, CONTACTS, **OFTEN)
            await caught_up(log, first)
        report = await check_archive(first)
        assert (report.problems, report.last_seq) == ([], await log.last_journal_seq())
        assert report.segments > 1
        assert await archived(first) == await commits(log)
        assert (await verify_archive(await ArchivedJournal.open(second))).clean


async def test_what_is_lost_with_the_server_comes_back(tmp_path: Path, archive: Archive) -> None:
    """The whole store goes; on an empty server the journal goes on where the archive ends, with another inbox."""
    async with serving(tmp_path / "lost") as (server, log):
        async with archiving(log, archive):
            await lived(log, CONTACTS, **OFTEN)
            await caught_up(log, archive)
            async with asyncio.timeout(PATIENCE_S):
                while not await archive.shelf.names():  # noqa: ASYNC110 - a directory tells nobody
                    await asyncio.sleep(0.02)
        before, lost_inbox = await commits(log), log.inbox_id
        await lived(log, 5, seed=3, before=CONTACTS)
        lost = Branch(await log.last_journal_seq(), lost_inbox)
        assert lost.seq > len(before) and await still_there(log, lost)
        os.kill(server.pid, signal.SIGKILL)
    shutil.rmtree(tmp_path / "lost")

    async with EmbeddedServer(tmp_path / "new") as server:
        done = await restored(archive, server)
        assert (done.first_seq, done.last_seq, done.commits) == (1, len(before), len(before))
        assert done.snapshots == len(await archive.shelf.names()) > 0
        async with connect(server.url, SITE) as log:
            assert [(each.seq, each.data) for each in await commits(log)] == [(each.seq, each.data) for each in before]
            assert log.inbox_id != lost_inbox and done.inbox_id == log.inbox_id.hex()
            await sound(log)
            async with archiving(log, archive):
                come = CONTACTS
                while come == CONTACTS or await log.last_journal_seq() <= lost.seq:  # until that position is given a second time
                    await lived(log, 20, seed=come, before=come)
                    come += 20
                await caught_up(log, archive)
            await sound(log)
            assert not await still_there(log, lost)
            assert await still_there(log, Branch(len(before), lost_inbox)), "what was archived is as it was"
            boards = await folded(log)
            assert (boards.site().contacts, boards.site().open) == (come, 0)
        assert (await check_archive(archive)).clean
        assert (await verify_archive(await ArchivedJournal.open(archive))).clean


async def test_a_journal_can_begin_at_its_newest_snapshot(tmp_path: Path, archive: Archive) -> None:
    async with serving(tmp_path / "lost") as (_, log):
        await lived(log, CONTACTS, **OFTEN)
        await (await write_all(log, archive)).copy_snapshot()
        before = await commits(log)
    async with EmbeddedServer(tmp_path / "new") as server:
        done = await restored(archive, server, from_snapshot=True)
        assert 1 < done.first_seq < done.last_seq == len(before)
        async with connect(server.url, SITE) as log:
            assert await log.first_journal_seq() == done.first_seq
            await lived(WithArchive(log, archive), 10, seed=2, before=CONTACTS)
            with pytest.raises(JournalCorrupt):
                await folded(log)
            await sound(WithArchive(log, archive))
            assert (await verify(log, from_seq=done.first_seq + 1)).clean, "the state before it is in the snapshot"


async def test_nothing_is_restored_over_anything(tmp_path: Path, archive: Archive) -> None:
    async with serving(tmp_path / "nats") as (server, log):
        with pytest.raises(InvalidInput, match="holds no commit"):
            await restored(archive, server)
        await lived(log, 5)
        await write_all(log, archive)
        before = await commits(log)
        with pytest.raises(InvalidInput, match="no snapshot"):
            await restored(archive, server, from_snapshot=True)
        with pytest.raises(Conflict, match="only where the site has none"):
            await restored(archive, server)
        assert await commits(log) == before


async def test_the_inbox_of_a_restored_site_is_a_new_one_though_an_empty_one_is_there(tmp_path: Path, archive: Archive) -> None:
    async with serving(tmp_path / "lost") as (_, log):
        await lived(log, 5)
        await write_all(log, archive)
    async with serving(tmp_path / "new") as (server, log):
        found = log.inbox_id
        connection = await nats.connect(server.url)
        await connection.jetstream().delete_stream(journal_stream(SITE))
        await connection.close()
        done = await restored(archive, server)
        assert done.inbox_id != found.hex()


class Site:
    """A journal with history and vault beside it, as `cordboard up` keeps them."""

    def __init__(self, data_dir: Path, server: EmbeddedServer, log: JetStreamLog, archive: Archive) -> None:
        self.settings = Settings(site=SITE, data_dir=data_dir)
        self.server, self.log, self.archive = server, log, archive

    async def history(self, log: WithArchive | None = None) -> list[object]:
        """Bring the history to the end of the journal; every contact it knows."""
        url = self.settings.embedded_views_url()
        trimmed = log.trimmed if log is not None else None
        task = asyncio.create_task(run_history(self.server.url, SITE, url, trimmed=trimmed))
        try:
            async with HistoryReader.open(url) as reader:
                assert await reader.reached(await self.log.last_journal_seq(), PATIENCE_S), task
                return list((await reader.list_contacts(limit=500))[0])
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def erased_up_to(self, seq: int) -> None:
        async with Vault.open(self.settings.embedded_vault_url(), load_kek(self.settings.data_dir / "kek")) as vault:
            await vault.mark_erased_up_to(SITE, Branch(seq, self.log.inbox_id))

    async def trim(self, *, keep_days: float = 0.0, dry_run: bool = False) -> Plan:
        return await trimming.trim(self.archive, self.server.url, self.settings, keep_days, dry_run=dry_run, progress=nothing)


@pytest.fixture
async def site(tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(trimming, "INBOX_DAYS", 0.0)
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    async with serving(data_dir / "nats") as (server, log):
        await lived(log, CONTACTS, **OFTEN)
        await (await write_all(log, archive)).copy_snapshot()
        site = Site(data_dir, server, log, archive)
        await site.erased_up_to(0)  # the roles make the vault, and no tool does
        yield site


async def test_nothing_is_trimmed_that_somebody_still_needs(site: Site) -> None:
    last = await site.log.last_journal_seq()
    closed = (await site.archive.closed())[-1].last_seq
    snapshot = int((await site.archive.shelf.names())[-1][:16])
    plan = await site.trim(dry_run=True)
    assert plan.journal.limits["read by the history"] == 1 and plan.journal.messages == 0
    await site.history()
    plan = await site.trim(dry_run=True)
    assert plan.journal.limits["erasures carried out by the vault"] == 1 and plan.journal.messages == 0
    await site.erased_up_to(last)
    assert (await site.trim(keep_days=1, dry_run=True)).journal.messages == 0
    plan = await site.trim(dry_run=True)
    assert plan.journal.below == min(closed + 1, snapshot, last) > 1
    assert plan.journal.limits["archived in closed segments"] == closed + 1
    assert plan.journal.limits["newest archived snapshot that is sound"] == snapshot
    slow = {"durable_name": "slow", "deliver_policy": "all", "ack_policy": "explicit"}
    request = {"stream_name": site.log.journal.name, "config": slow, "action": "create"}
    await site.log._wire.call(f"CONSUMER.CREATE.{site.log.journal.name}.slow", request)
    plan = await site.trim(dry_run=True)
    assert plan.journal.limits["slowest follower now"] == 1 and plan.journal.messages == 0
    assert await site.log.first_journal_seq() == 1, "dry runs"


async def test_a_trimmed_journal_goes_on_and_is_whole_with_its_archive(site: Site) -> None:
    before, contacts = await commits(site.log), await site.history()
    await site.erased_up_to(len(before))
    plan = await site.trim()
    assert plan.journal.messages > 0 and plan.inbox.messages > 0
    assert await site.log.first_journal_seq() == plan.journal.below == plan.journal.messages + 1
    assert await site.log.first_inbox_seq() == plan.inbox.below
    again = await site.trim()
    assert (again.journal.messages, again.inbox.messages) == (0, 0)

    both = WithArchive(site.log, site.archive)
    await lived(both, 10, seed=2, before=CONTACTS)
    await write_all(site.log, site.archive)
    assert [each.data for each in (await commits(both))[: len(before)]] == [each.data for each in before]
    assert await both.read_commit(1) == before[0]
    await sound(both)
    boards = await folded(both)
    assert (boards.site().contacts, boards.site().open) == (CONTACTS + 10, 0)
    with pytest.raises(JournalCorrupt):
        await folded(site.log)

    (site.settings.data_dir / "views.db").unlink()
    rebuilt = await site.history(both)
    assert len(rebuilt) == len(contacts) + 10


async def test_what_the_archive_lacks_or_tells_otherwise_is_not_trimmed(site: Site) -> None:
    last = await site.log.last_journal_seq()
    await site.history()
    await site.erased_up_to(last)
    keys = await site.archive.closed_keys()
    root = Path(site.archive.storage.where)
    kept = (root / keys[0]).read_bytes()
    (root / keys[0]).write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    with pytest.raises(JournalCorrupt):
        await site.trim()
    (root / keys[0]).unlink()
    with pytest.raises(NotFound):
        await site.trim()
    assert await site.log.first_journal_seq() == 1
    (root / keys[0]).write_bytes(kept)
    assert (await site.trim()).journal.messages > 0


async def folded(log: SiteLog) -> Boards:
    """The boards of a process that starts now."""
    feed, boards = Feed(log), Boards()
    feed.attach(boards.apply)
    running = asyncio.create_task(feed.run())
    caught = asyncio.create_task(feed.caught_up())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait([running, caught], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        return boards
    finally:
        for task in (running, caught):
            task.cancel()
        await asyncio.wait([running, caught])


async def run(*arguments: str) -> tuple[int, str]:
    """A command, on a thread of its own: it brings its own loop."""
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    return done.exit_code, done.output


async def test_what_customers_sent_in_the_lost_seconds_is_published_again_and_counts_once(tmp_path: Path, archive: Archive) -> None:
    data, place = tmp_path / "data", ("--archive", archive.storage.where)
    data.mkdir()
    vault_url, kek = Settings(site=SITE, data_dir=data).embedded_vault_url(), load_kek(data / "kek")
    async with serving(data / "nats") as (_, log), Vault.open(vault_url, kek) as vault, routed(log):
        site = WrittenSite(log, vault)
        await site.open()
        await site.adopt()
        kept = await site.entrance.admit(mail(1))
        await site.queued(kept.contact)
        await write_all(log, archive)
        lost = await site.entrance.admit(mail(2))
        await site.queued(lost.contact)
        await site.shut()
    shutil.rmtree(data / "nats")

    code, said = await run("archive", "restore", *place, "--data-dir", str(data))
    assert code == 0
    (since,) = re.findall(r"republish --since (\S+)`", said)
    for flags in (("--dry-run",), ()):
        code, said = await run("archive", "republish", "--since", since, "--data-dir", str(data), "--json", *flags)
        assert (code, json.loads(said)) == (0, {"mail": 2}), "the archive does not know which of them it has"

    async with (
        EmbeddedServer(data / "nats") as server,
        connect(server.url, SITE) as log,
        Vault.open(vault_url, kek) as vault,
        routed(log),
    ):
        site = WrittenSite(log, vault)
        await site.open()
        assert site.record.of(kept.contact, ContactQueued) and not site.record.of(lost.contact, ContactQueued)
        assert await site.intake.sweep_once(0) == 2
        await site.decided(3)
        assert (await site.entrance.admit(mail(2))).contact == lost.contact, "its sender's own repeat"
        for contact in (kept.contact, lost.contact):
            assert len(site.record.of(contact, ContactQueued)) == 1
        assert await vault.pending(0, 10) == []
        await site.shut()
        await sound(log)


async def test_the_commands(tmp_path: Path, archive: Archive) -> None:
    data, place = tmp_path / "data", str(tmp_path / "archive")
    up = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cordboard.main", "up", "--site", SITE, "--data-dir", str(data), "--archive", place, "--json"),
        *("--grpc-port", "0", "--http-port", "0", "--smtp-port", "-1"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert up.stdout is not None
    ready = json.loads(await up.stdout.readline())
    assert "archiver" in ready["roles"]
    async with connect(ready["nats_url"], SITE, monitor_url=ready["monitor_url"]) as log:
        async with asyncio.timeout(PATIENCE_S):
            while not await log.last_journal_seq():  # noqa: ASYNC110 - the router tells nobody here
                await asyncio.sleep(0.05)
        await caught_up(log, archive)
    up.terminate()
    assert await up.wait() == 0

    code, said = await run("archive", "list", "--archive", place, "--json")
    assert code == 0 and json.loads(said)["last_seq"] >= 1
    code, said = await run("archive", "list", "--archive", place)
    assert code == 0 and "(part)" in said
    code, said = await run("archive", "check", "--archive", place)
    assert code == 0 and "sound" in said
    code, said = await run("verify", "--archive", place, "--json")
    assert code == 0 and json.loads(said)["commits"] >= 1
    told = [await run("replay", "--to", "1", *where) for where in (("--archive", place), ("--data-dir", str(data)))]
    assert told[0] == told[1] and told[0][0] == 0 and told[0][1].startswith("commit 1 ")
    code, said = await run("archive", "trim", "--archive", place, "--data-dir", str(data), "--dry-run", "--json")
    assert code == 0 and json.loads(said)["journal"]["messages"] == 0
    code, said = await run("archive", "restore", "--archive", place, "--data-dir", str(data))
    assert code == 1 and "only where the site has none" in " ".join(said.split())
    code, said = await run("archive", "restore", "--archive", place, "--data-dir", str(tmp_path / "new"), "--json")
    done = json.loads(said)
    assert code == 0 and done["first_seq"] == 1 and done["last_stored_ms"] > 0
    code, said = await run("archive", "republish", "--since", "2026-01-01T00:00Z", "--data-dir", str(data), "--json")
    assert code == 0 and json.loads(said) == {}, "nobody has sent anything"
    code, said = await run("verify", "--data-dir", str(tmp_path / "new"), "--json")
    assert code == 0 and json.loads(said)["commits"] >= 1

    part = Path(place) / (await archive.part_keys())[0]
    part.write_bytes(part.read_bytes()[:-1])
    for arguments in (("archive", "check"), ("verify",), ("replay",)):
        code, _ = await run(*arguments, "--archive", place)
        assert code == 1
    code, said = await run("archive", "list", "--archive", "ftp://host")
    assert code == 1 and "directory or s3://" in " ".join(said.split())

"""A history rebuilt beside the live one: the same tables, whatever happened while it was written."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from cordboard import codec, metrics
from cordboard.errors import ConfigurationError, Conflict
from cordboard.events import Commit
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.port import SiteLog
from cordboard.main import app
from cordboard.projections.history import HistoryReader, abandon_rebuild, arrivals, projector, rebuild_history, run_history
from cordboard.projections.history.claim import CLAIM_LOCK, Still, claimed
from cordboard.projections.history.rebuild import NEXT, OLD, Rebuild
from cordboard.projections.history.schema import VERSION
from cordboard.projections.history.store import position, prepare, store
from cordboard.sql import is_sqlite
from tests.contract.test_history import a_day, a_matter, dump, opened
from tests.journal import SITE, commit
from tests.postgres import eventually

PATIENCE_S = 60.0


def a_journal() -> list[Commit]:
    """A day, and commits about nobody to its end."""
    day = a_day()
    return [*day, *(commit(seq, 100_000 + seq) for seq in range(len(day) + 1, len(day) + 21))]


class Site:
    """A server with a journal."""

    def __init__(self, url: str, log: SiteLog) -> None:
        self.url, self.log = url, log

    async def append(self, commits: list[Commit]) -> None:
        async with self.log.appender() as appender:
            for one in commits:
                await appender.append(one.seq, codec.encode(one))

    @contextlib.asynccontextmanager
    async def projecting(self, views: str) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(run_history(self.url, SITE, views))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])
        assert task.cancelled()

    async def rebuild(self, views: str, *, anew: bool = False) -> list[tuple[int, int]]:
        """What was said of its progress."""
        told: list[tuple[int, int]] = []
        async with asyncio.timeout(PATIENCE_S):
            await rebuild_history(self.url, SITE, views, anew=anew, progress=lambda done, of: told.append((done, of)))
        return told


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with EmbeddedServer(tmp_path / "nats") as server, connect(server.url, SITE, create=True) as log:
        yield Site(server.url, log)


@pytest.fixture
async def views(database_url: str) -> AsyncIterator[AsyncEngine]:
    async with opened(database_url) as engine:
        yield engine


async def names(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set(await connection.run_sync(lambda inner: inspect(inner).get_table_names()))


async def test_it_gives_the_same_tables_again_and_again(site: Site, database_url: str, views: AsyncEngine) -> None:
    journal = a_journal()
    await site.append(journal)
    await store(views, journal)
    live = await dump(views)
    for _ in range(3):  # the indexes' names change with each
        told = await site.rebuild(database_url)
        assert told[-1] == (len(journal), len(journal))
        assert await dump(views) == live
        assert not {name for name in await names(views) if name.startswith((NEXT, OLD))}
    async with HistoryReader.open(database_url) as reader:
        assert len((await reader.list_contacts())[0]) == 3
    await prepare(views, SITE)


async def test_from_checkpoints_and_from_zero_on_both_databases_alike(new_database: Callable[[], str], site: Site) -> None:
    """Tables that were folded in pieces, by lives of a projector that each began at a checkpoint, against rebuilt ones."""
    journal = a_matter()
    url = new_database()
    for end in (3, 9, len(journal)):
        await site.append(journal[await site.log.last_journal_seq() : end])
        async with site.projecting(url), HistoryReader.open(url) as reader:
            assert await reader.reached(end, PATIENCE_S)
    async with opened(url) as engine:
        pieces = await dump(engine)
        await site.rebuild(url)
        assert await dump(engine) == pieces


async def test_the_projector_goes_on_while_it_is_rebuilt_and_after(site: Site, database_url: str) -> None:
    journal = a_journal()
    await site.append(journal[:20])
    async with site.projecting(database_url) as projector, HistoryReader.open(database_url) as reader:
        assert await reader.reached(20, PATIENCE_S)
        seen: list[int] = []

        async def look() -> None:
            while True:
                seen.append(await reader.checkpoint())
                await asyncio.sleep(0)

        looking = asyncio.create_task(look())
        await asyncio.gather(site.rebuild(database_url), site.append(journal[20:]))
        assert await reader.reached(len(journal), PATIENCE_S)
        looking.cancel()
        await asyncio.wait([looking])
        assert looking.cancelled(), "no reader met tables that were not there"
        assert seen == sorted(seen), "nobody was shown an older history than before"
        assert not projector.done()
    async with opened(database_url) as engine:
        followed = await dump(engine)
        await site.rebuild(database_url)
        assert await dump(engine) == followed


@pytest.mark.parametrize("anew", [False, True])
async def test_one_that_was_killed_is_taken_up_again(
    site: Site, database_url: str, views: AsyncEngine, monkeypatch: pytest.MonkeyPatch, anew: bool
) -> None:
    monkeypatch.setattr(arrivals, "BATCH_MAX", 5)
    journal = a_journal()
    await site.append(journal)
    await store(views, journal)
    live = await dump(views)

    class Killed(Exception):
        pass

    def die(done: int, _of: int) -> None:
        if done >= 10:
            raise Killed

    with pytest.raises(Killed):
        await rebuild_history(site.url, SITE, database_url, progress=die)
    assert await dump(views) == live, "the live tables are as they were"
    told = await site.rebuild(database_url, anew=anew)
    assert told[0] == ((0 if anew else 10), len(journal))
    assert await dump(views) == live


async def test_one_that_was_killed_can_be_forgotten(database_url: str, views: AsyncEngine) -> None:
    await Rebuild.begin(views, SITE, lambda _done, _of: None)
    assert any(name.startswith(NEXT) for name in await names(views))
    assert await abandon_rebuild(database_url)
    assert not any(name.startswith(NEXT) for name in await names(views))
    assert not await abandon_rebuild(database_url)


async def test_live_tables_that_went_on_are_not_replaced_by_older_ones(views: AsyncEngine) -> None:
    journal = a_journal()
    rebuild = await Rebuild.begin(views, SITE, lambda _done, _of: None)
    await store(views, journal[:10], rebuild.history)
    await store(views, journal[:11])
    live = await dump(views)
    assert not await rebuild.reached(10)
    assert not await rebuild._exchange()
    assert await dump(views) == live
    await store(views, journal[10:11], rebuild.history)
    assert await rebuild.reached(11)
    assert await dump(views) == live


async def test_a_history_that_knows_more_than_a_restored_journal_is_replaced_if_that_is_said(views: AsyncEngine) -> None:
    journal = a_journal()
    await store(views, journal)
    rebuild = await Rebuild.begin(views, SITE, lambda _done, _of: None, end=30)
    await store(views, journal[:30], rebuild.history)
    assert await rebuild.reached(30)
    async with views.connect() as connection:
        assert await position(connection) == 30


async def test_the_command_says_what_it_did_and_what_it_takes(site: Site, database_url: str, views: AsyncEngine) -> None:
    journal = a_journal()
    await site.append(journal)
    await store(views, journal[:7])
    at = ["--nats-url", site.url, "--site", SITE, "--views-url", database_url, "--json"]
    code, out, err = await cordboard("history", "rebuild", *at)
    if database_url.startswith("sqlite"):
        assert code == 1 and "give a PostgreSQL URL" in err
        return
    assert (code, json.loads(out)) == (0, {"site": SITE, "begun": 0, "seq": len(journal)}), err
    code, out, err = await cordboard("history", "abandon", "--views-url", database_url)
    assert (code, out.strip()) == (0, "there was nothing to drop"), err


async def cordboard(*arguments: str) -> tuple[int, str, str]:
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    return done.exit_code, done.stdout, " ".join(done.stderr.split())


async def test_a_projector_rebuilds_the_tables_of_an_older_release_by_itself(
    site: Site, database_url: str, views: AsyncEngine
) -> None:
    journal = a_journal()
    await site.append(journal)
    await store(views, journal)
    live = await dump(views)
    async with views.begin() as connection:
        await connection.execute(text(f"UPDATE history_checkpoint SET version = {VERSION - 1}"))
        await connection.execute(text("CREATE TABLE history_forgotten (word INTEGER)"))
        await connection.execute(text("DELETE FROM history_visits"))
    with pytest.raises(ConfigurationError, match="cordboard history rebuild"):
        async with HistoryReader.open(database_url):
            pass
    said: list[str] = []
    before = metrics.REGISTRY.get_sample_value("cordboard_history_rebuilds_total") or 0
    projector = asyncio.create_task(run_history(site.url, SITE, database_url, said=said.append))
    metrics.at("history", 0)
    async with asyncio.timeout(PATIENCE_S):
        # Not sooner: a cancellation in the midst of a transaction leaves an SQLite file locked for a while.
        while metrics.position("history") != len(journal):
            await asyncio.wait([projector], timeout=0.05)
            assert not projector.done()
    projector.cancel()
    await asyncio.wait([projector])
    assert said[0].startswith("rebuilding the history: 0 of") and said[-1] == ""
    assert metrics.REGISTRY.get_sample_value("cordboard_history_rebuilds_total") == before + 1
    assert await dump(views) == live
    assert "history_forgotten" not in await names(views)


async def test_one_is_rebuilt_by_one_alone(site: Site, database_url: str, views: AsyncEngine) -> None:
    journal = a_journal()
    await site.append(journal)
    await store(views, journal)
    live = await dump(views)
    async with opened(database_url) as other, claimed(other) as still:
        for refused in (site.rebuild(database_url), abandon_rebuild(database_url)):
            with pytest.raises(Conflict, match="somebody else is rebuilding") as conflict:
                await refused
            assert conflict.value.reason == "rebuild_running"
        await still()
    done = await asyncio.gather(*(site.rebuild(database_url) for _ in range(3)), return_exceptions=True)
    assert {type(one) for one in done} <= {list, Conflict} and any(isinstance(one, list) for one in done)
    assert await dump(views) == live


async def test_who_has_lost_the_right_to_rebuild_stops(views: AsyncEngine) -> None:
    if is_sqlite(views):
        return  # a file's lock ends with the process
    journal = a_journal()
    await store(views, journal[:5])
    async with opened(str(views.url.render_as_string(hide_password=False))) as other, claimed(other) as still:
        rebuild = await Rebuild.begin(views, SITE, lambda _done, _of: None, still=still)
        assert not await rebuild.reached(0)
        async with views.begin() as connection:
            holders = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = :key AND pid <> pg_backend_pid()"
            await connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM ({holders}) AS held"), {"key": CLAIM_LOCK})
        with pytest.raises(DBAPIError):
            await rebuild.reached(0)
        async with claimed(views):
            pass


async def test_two_projectors_of_a_new_release_rebuild_once(site: Site, database_url: str, views: AsyncEngine) -> None:
    journal = a_journal()
    await site.append(journal)
    await store(views, journal)
    live = await dump(views)
    async with views.begin() as connection:
        await connection.execute(text(f"UPDATE history_checkpoint SET version = {VERSION - 1}"))
    before = metrics.REGISTRY.get_sample_value("cordboard_history_rebuilds_total") or 0
    said: list[str] = []
    async with claimed(views):
        waiting = asyncio.create_task(run_history(site.url, SITE, database_url, said=said.append))
        await eventually(lambda: said or waiting.done(), "it to say what it waits for")
        assert said[0].startswith("the history is of an older release: somebody else")
        rebuild = await Rebuild.begin(views, SITE, lambda _done, _of: None)
        await store(views, journal, rebuild.history)
        assert await rebuild.reached(len(journal))
    await eventually(lambda: not said[-1] or waiting.done(), "it to follow the journal")
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert metrics.REGISTRY.get_sample_value("cordboard_history_rebuilds_total") == before + 1
    assert not [word for word in said if word.startswith("rebuilding")]
    assert await dump(views) == live


async def test_who_gets_the_claim_after_a_rebuild_does_not_rebuild_again(
    site: Site, database_url: str, views: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It saw the old tables, and before it had the claim another projector gave back its own, having rebuilt them."""
    await site.append(a_journal())
    await prepare(views, SITE)
    async with views.begin() as connection:
        await connection.execute(text(f"UPDATE history_checkpoint SET version = {VERSION - 1}"))
    before = metrics.REGISTRY.get_sample_value("cordboard_history_rebuilds_total") or 0

    @contextlib.asynccontextmanager
    async def late(engine: AsyncEngine) -> AsyncIterator[Still]:
        monkeypatch.undo()
        await site.rebuild(database_url)
        async with claimed(engine) as still:
            yield still

    monkeypatch.setattr(projector, "claimed", late)
    said: list[str] = []
    following = asyncio.create_task(run_history(site.url, SITE, database_url, said=said.append))
    await eventually(lambda: said or following.done(), "it to follow the journal")
    following.cancel()
    await asyncio.wait([following])
    assert said == [""]
    assert metrics.REGISTRY.get_sample_value("cordboard_history_rebuilds_total") == before + 1


async def test_another_site_s_history_is_left_alone(views: AsyncEngine) -> None:
    with pytest.raises(ConfigurationError, match="belongs to site"):
        await Rebuild.begin(views, "another", lambda _done, _of: None)


async def test_what_a_release_of_another_version_left_is_not_taken_up(views: AsyncEngine) -> None:
    journal = a_journal()
    left = await Rebuild.begin(views, SITE, lambda _done, _of: None)
    await store(views, journal[:3], left.history)
    async with views.begin() as connection:
        await connection.execute(text(f"UPDATE {NEXT}checkpoint SET version = {VERSION + 1}"))
    begun = await Rebuild.begin(views, SITE, lambda _done, _of: None)
    await store(views, journal[:1], begun.history)

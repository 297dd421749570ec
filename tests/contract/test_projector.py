"""The projector on a real NATS server: it goes on from its checkpoint whatever happens to server, consumer or itself."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from sqlalchemy.exc import OperationalError

from cordboard import codec
from cordboard.branch import Branch
from cordboard.cli import lags
from cordboard.cli.lags import Lags
from cordboard.cli.vitals import Vitals, exposition
from cordboard.errors import HistoryUnavailable, JournalCorrupt, JournalReplaced
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.jetstream import JetStreamLog
from cordboard.log.port import Stored
from cordboard.log.subjects import journal_stream, journal_subject
from cordboard.projections.history import HistoryReader, arrivals, projector, run_history
from tests.journal import SITE, an_id, commit, from_inbox
from tests.postgres import eventually

PATIENCE_S = 60


class World:
    """A server, its journal, and a history beside it."""

    def __init__(self, server: EmbeddedServer, log: JetStreamLog, url: str, reader: HistoryReader) -> None:
        self.server, self.log, self.url, self.reader = server, log, url, reader

    async def append(self, first: int, last: int, inbox: str = "inbox", late_ms: int = 0) -> None:
        async with self.log.appender() as appender:
            for seq in range(first, last + 1):
                await appender.append(seq, codec.encode(from_inbox(inbox, commit(seq, seq + late_ms))))

    async def reached(self, seq: int) -> None:
        assert await self.reader.reached(seq, PATIENCE_S), f"the history stayed at {await self.reader.checkpoint()}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        task = asyncio.create_task(run_history(self.server.url, SITE, self.url))
        try:
            yield task
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, JournalCorrupt):
                await task

    async def vanish(self) -> int:
        """Delete every consumer of the journal behind the clients' backs; returns how many there were."""
        connection = await nats.connect(self.server.url)
        manager = connection.jsm()
        consumers = await manager.consumers_info(journal_stream(SITE))
        for consumer in consumers:
            await manager.delete_consumer(journal_stream(SITE), consumer.name)
        await connection.close()
        return len(consumers)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'views.db'}"


@asynccontextmanager
async def world(tmp_path: Path, url: str) -> AsyncIterator[World]:
    async with (
        EmbeddedServer(tmp_path / "nats") as server,
        connect(server.url, SITE, create=True) as log,
        HistoryReader.open(url) as reader,
    ):
        yield World(server, log, url, reader)


async def test_it_follows_and_goes_on_from_its_checkpoint(tmp_path: Path, database_url: str) -> None:
    async with world(tmp_path, database_url) as here:
        await here.append(1, 20)
        async with here.running():
            await here.reached(20)
            await here.append(21, 25)
            await here.reached(25)
        await here.append(26, 40)
        assert await here.reader.checkpoint() == 25
        async with here.running():
            await here.reached(40)


async def test_two_projectors_do_not_disturb_each_other(tmp_path: Path, database_url: str) -> None:
    async with world(tmp_path, database_url) as here, here.running() as one, here.running() as two:
        await here.append(1, 60)
        await here.reached(60)
        assert not one.done() and not two.done()


async def test_it_catches_up_in_bounded_memory(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "HELD_MAX", 16)
    monkeypatch.setattr(arrivals, "BATCH_MAX", 5)
    async with world(tmp_path, url) as here:
        await here.append(1, 200)
        async with here.running():
            await here.reached(200)


async def test_it_survives_the_death_of_the_server(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, url) as here, here.running() as task:
        await here.append(1, 10)
        await here.reached(10)
        os.kill(here.server.pid, signal.SIGKILL)
        await here.append(11, 20)
        await here.reached(20)
        assert not task.done()


async def test_it_waits_for_a_server_that_is_not_there_yet(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, url) as here:
        port, address = here.server.url.rsplit(":", 1)[1], here.server.url
        await here.append(1, 3)
    task = asyncio.create_task(run_history(address, SITE, url))
    async with EmbeddedServer(tmp_path / "nats", port=int(port)) as server, HistoryReader.open(url) as reader:
        assert server.url == address
        assert await reader.reached(3, PATIENCE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_it_can_be_cancelled_while_the_server_is_away(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, url) as here:
        await here.append(1, 3)
        stack = contextlib.AsyncExitStack()
        task = await stack.enter_async_context(here.running())
        await here.reached(3)
    assert not task.done()
    await stack.aclose()
    assert task.cancelled()


@pytest.mark.parametrize("before", [0, 10])
async def test_it_notices_a_consumer_that_vanished(tmp_path: Path, url: str, before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projector, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(projector, "WATCH_S", 0.3)
    async with world(tmp_path, url) as here:
        await here.append(1, 10)
        async with here.running():
            await here.reached(10)
        async with here.running() as task:
            await here.append(11, 10 + before)
            await here.reached(10 + before)
            await eventually(here.vanish, "a consumer to delete")
            await here.append(11 + before, 30)
            await here.reached(30)
            assert not task.done()


async def test_one_that_stands_still_says_so_and_is_ready_again_when_it_has_caught_up(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its consumer is deleted behind its back, and the journal goes on: readiness and metrics tell of it until it has noticed."""
    monkeypatch.setattr(projector, "WATCH_S", 0.5)
    monkeypatch.setattr(lags, "LAG_MAX", 5)
    vitals = Vitals.of(["projector"])
    async with world(tmp_path, url) as here:
        look = Lags(here.log, vitals, ["projector"])
        projecting = run_history(here.server.url, SITE, here.url, said=lambda why_not: vitals.ready("projector", why_not))
        task = asyncio.create_task(projecting)

        def told() -> tuple[bool, bool]:
            text = exposition(vitals, "")[0].decode()
            (lag,) = (line for line in text.splitlines() if line.startswith('cordboard_follower_lag_commits{follower="history"}'))
            assert ('cordboard_ready{role="projector"} 1.0' in text) == (not vitals.why_not("projector"))
            return not vitals.why_not("projector"), lag.endswith(" 0.0")

        async def stands_still() -> bool:
            """It may notice between two looks: then it is done to it again."""
            await here.vanish()
            last = await here.log.last_journal_seq()
            await here.append(last + 1, last + 10)
            await look.look()
            await look.look()
            return told() == (False, False)

        async def caught_up() -> bool:
            await look.look()
            return told() == (True, True)

        await here.append(1, 10)
        await here.reached(10)
        await eventually(caught_up, "readiness")
        await eventually(stands_still, "that it says that it stands still")
        await eventually(caught_up, "readiness again")
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])


async def test_a_commit_out_of_place_stops_it(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, url) as here:
        await here.append(1, 3)
        async with here.running() as task:
            await here.reached(3)
            connection = await nats.connect(here.server.url)
            await connection.jetstream().publish(journal_subject(SITE), codec.encode(commit(5, 5)))
            await connection.close()
            with pytest.raises(JournalCorrupt):
                await asyncio.wait_for(task, PATIENCE_S)
        assert await here.reader.checkpoint() == 3


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x90"])
async def test_bytes_that_are_no_commit_stop_it(tmp_path: Path, url: str, data: bytes) -> None:
    async with world(tmp_path, url) as here:
        await here.append(1, 2)
        connection = await nats.connect(here.server.url)
        await connection.jetstream().publish(journal_subject(SITE), data)
        await connection.close()
        async with here.running() as task:
            with pytest.raises(JournalCorrupt):
                await asyncio.wait_for(task, PATIENCE_S)


async def test_a_journal_shorter_than_the_history_stops_it(tmp_path: Path, url: str) -> None:
    async with world(tmp_path, url) as here:
        await here.append(1, 5)
        async with here.running():
            await here.reached(5)
    async with world(tmp_path / "another", url) as here:
        await here.append(1, 3)
        with pytest.raises(JournalReplaced, match="does not hold"):
            await asyncio.wait_for(run_history(here.server.url, SITE, url), PATIENCE_S)


@pytest.mark.parametrize(("trimmed_to", "inbox", "late_ms"), [(0, "another", 0), (7, "another", 0), (0, "inbox", 1_000)])
async def test_a_restored_journal_that_has_grown_past_the_history_stops_it(
    tmp_path: Path, url: str, trimmed_to: int, inbox: str, late_ms: int
) -> None:
    """Positions 4 and 5 were lost and given again: rows of both would be a history of nothing. The last case is no restore: a disk
    that was behind came back alone, with the inbox that it had."""
    async with world(tmp_path, url) as here:
        await here.append(1, 5)
        async with here.running():
            await here.reached(5)
    async with world(tmp_path / "restored", url) as here:
        await here.append(1, 3)
        await here.append(4, 9, inbox, late_ms)
        whole = [Stored(seq, 0, (await here.log.read_commit(seq)).data) for seq in range(1, trimmed_to)]
        if trimmed_to:
            await here.log.journal.purge(trimmed_to)

        async def trimmed(first: int) -> AsyncGenerator[list[Stored], None]:
            if whole[max(0, first - 1) :]:
                yield whole[max(0, first - 1) :]

        with pytest.raises(JournalReplaced, match="read commit 5"):
            await asyncio.wait_for(run_history(here.server.url, SITE, url, trimmed=trimmed), PATIENCE_S)
        assert await here.reader.read_up_to() == Branch(5, an_id("inbox"))


async def test_a_database_that_goes_away_is_waited_for(tmp_path: Path, url: str) -> None:
    said: list[str] = []
    async with world(tmp_path, url) as here:
        await here.append(1, 2)
        task = asyncio.create_task(run_history(here.server.url, SITE, url, said=said.append))
        await here.reached(2)
        assert said == [""]
        broken = pytest.MonkeyPatch()

        async def fail(*_: object) -> int:
            raise OperationalError("INSERT", {}, OSError("the disk is gone"))

        broken.setattr(projector, "store", fail)
        await here.append(3, 3)
        await eventually(lambda: len(said) > 1, "it to say why it does not go on")
        assert said[1] == "the history's database failed: OSError: the disk is gone"
        broken.undo()
        await here.reached(3)
        assert said[-1] == "" and not task.done()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_a_database_that_is_not_there_at_the_start_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "views.db").write_bytes(b"no database at all, but a text" * 40)
    with pytest.raises(HistoryUnavailable, match="the history's database failed: DatabaseError: file is not a database"):
        await run_history("nats://127.0.0.1:1", SITE, f"sqlite+aiosqlite:///{tmp_path / 'views.db'}")

"""What the feed promises to those who fold the journal, on both kinds of log."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from cordboard.codec import encode
from cordboard.errors import CordboardError, JournalCorrupt, JournalReplaced
from cordboard.events.commit import Consumed
from cordboard.log import connect
from cordboard.log import feed as feed_module
from cordboard.log.backlog import BacklogGauge
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.feed import Feed
from cordboard.log.jetstream import JetStreamLog
from cordboard.log.memory import MemoryLog
from cordboard.log.port import Backlog, Stored
from tests.journal import SITE, from_inbox
from tests.journal import commit as a_commit
from tests.logs import SILENCE_S, Log, until


async def put_real_commits(log: Log, first: int, last: int) -> None:
    async with log.appender() as appender:
        await asyncio.gather(*(appender.append(seq, encode(a_commit(seq, seq * 10))) for seq in range(first, last + 1)))


async def test_the_feed_folds_every_commit_once_in_order(log: Log) -> None:
    await put_real_commits(log, 1, 50)
    feed = Feed(log)
    seen: list[tuple[str, int]] = []
    feed.attach(lambda seq, commit: seen.append(("one", seq)))
    feed.attach(lambda seq, commit: seen.append(("two", commit.at_ms // 10)))
    assert not await feed.reached(1, 0)
    running = asyncio.create_task(feed.run())
    assert await feed.reached(50, SILENCE_S)
    ahead = asyncio.create_task(feed.reached(60, SILENCE_S))
    assert not await feed.reached(61, 0.001)
    await put_real_commits(log, 51, 60)
    assert await ahead
    assert feed.position == 60
    assert seen == [(fold, seq) for seq in range(1, 61) for fold in ("one", "two")]
    running.cancel()
    await asyncio.wait([running])


async def test_the_feed_starts_at_a_position(log: Log) -> None:
    await put_real_commits(log, 1, 9)
    feed = Feed(log)
    seen: list[int] = []
    feed.attach(lambda seq, commit: seen.append(seq))
    running = asyncio.create_task(feed.run(5))
    assert await feed.reached(9, SILENCE_S)
    assert seen == [5, 6, 7, 8, 9]
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize("data", [b"no commit", encode(a_commit(7, 0))])
async def test_the_feed_never_skips(log: Log, data: bytes) -> None:
    async with log.appender() as appender:
        await appender.append(1, data)
    with pytest.raises(JournalCorrupt):
        await Feed(log).run()


class Restored(MemoryLog):
    """A log whose server is restored from an archive that ends at `kept`, and goes on, while it is followed."""

    def __init__(self, kept: int) -> None:
        super().__init__(SITE)
        self._kept = kept

    async def follow_journal(self, from_seq: int) -> AsyncGenerator[list[Stored], None]:
        before = [Stored(seq, 0, encode(a_commit(seq, seq))) for seq in range(1, 6)]
        after = [Stored(seq, 0, encode(from_inbox("another", a_commit(seq, seq)))) for seq in range(self._kept + 1, 9)]
        yield before
        self._server.journal.messages[:] = before[: self._kept] + after
        yield [stored for stored in after if stored.seq > 5]
        await asyncio.Event().wait()


async def test_the_feed_never_goes_on_with_a_journal_that_lost_what_was_folded() -> None:
    feed = Feed(Restored(4))
    with pytest.raises(JournalReplaced, match="up to commit 5"):
        await feed.run()
    assert feed.position == 5


async def test_the_feed_goes_on_with_a_restored_journal_that_lost_nothing() -> None:
    feed = Feed(Restored(5))
    running = asyncio.create_task(feed.run())
    assert await feed.reached(8, SILENCE_S)
    assert [feed.at(seq).seq for seq in (5, 6, 8)] == [5, 6, 8]
    assert feed.at(1).epoch == feed.at(5).epoch != feed.at(6).epoch == feed.at(8).epoch
    running.cancel()
    await asyncio.wait([running])


@asynccontextmanager
async def serving(disk: Path, port: int = 0) -> AsyncIterator[tuple[EmbeddedServer, JetStreamLog]]:
    async with EmbeddedServer(disk, port=port) as server, connect(server.url, SITE, create=True) as log:
        yield server, log


async def test_who_follows_a_journal_that_a_stale_disk_put_back_is_told(tmp_path: Path) -> None:
    """The server was away for a moment, with the inbox it had, and the next commit is there: the one before it is another. What a
    token names, too."""
    disk, behind = tmp_path / "nats", tmp_path / "behind"
    async with serving(disk) as (_, log):
        await put_real_commits(log, 1, 3)
    shutil.copytree(disk, behind)
    async with AsyncExitStack() as stack:
        async with serving(disk) as (server, log):
            port = int(server.url.rsplit(":", 1)[1])
            await put_real_commits(log, 4, 5)
            feed = Feed(await stack.enter_async_context(connect(server.url, SITE)))
            running = asyncio.create_task(feed.run())
            assert await feed.reached(5, SILENCE_S)
        shutil.rmtree(disk)
        behind.rename(disk)
        async with serving(disk, port=await a_free_port()) as (_, log), log.appender() as appender:
            for seq in range(4, 10):
                await appender.append(seq, encode(replace(a_commit(seq, 1_000 + seq), epoch=2)))
        async with serving(disk, port=port) as (_, log):
            with pytest.raises(JournalReplaced, match="message 5 was read before"):
                await asyncio.wait_for(running, SILENCE_S)
            anew = Feed(log)
            running = asyncio.create_task(anew.run())
            assert await anew.reached(9, SILENCE_S)
            assert anew.at(3) == feed.at(3) and anew.at(5) != feed.at(5)
            running.cancel()
            await asyncio.wait([running])


async def a_free_port() -> int:
    """Whoever follows does not ask there."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        return port


async def test_a_fold_that_fails_ends_the_feed(log: Log) -> None:
    def fail(seq: int, commit: object) -> None:
        raise CordboardError("no")

    await put_real_commits(log, 1, 1)
    feed = Feed(log)
    feed.attach(fail)
    with pytest.raises(CordboardError, match="no"):
        await feed.run()
    assert feed.position == 0


class Stumbling(MemoryLog):
    """A log that answers with what nobody expects, at first."""

    stumbles = 2

    async def last_inbox_seq(self) -> int:
        if self.stumbles:
            self.stumbles -= 1
            raise KeyError("state")
        return await super().last_inbox_seq()


async def test_one_look_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(feed_module, "_LOOK_S", 0.01)
    log = Stumbling(SITE)
    feed = Feed(log)
    running = asyncio.create_task(feed.run())
    async with log.publisher("test") as publisher:
        await publisher.publish(b"fact")
    await until(lambda: feed.backlog.frames == 1)
    assert caplog.text.count("the inbox's end could not be looked at") == 2
    running.cancel()
    await asyncio.wait([running])


async def test_the_feed_shows_the_backlog(log: Log) -> None:
    feed = Feed(log)
    assert feed.backlog == Backlog(0, 0)
    async with log.publisher("test") as publisher:
        for n in range(3):
            await publisher.publish(b"%d" % n)
    running = asyncio.create_task(feed.run())
    await until(lambda: feed.backlog.frames == 3)
    running.cancel()
    await asyncio.wait([running])


def test_the_gauge_counts_frames_not_begun_and_dates_the_oldest() -> None:
    gauge = BacklogGauge(b"inbox")
    assert gauge.backlog(0) == Backlog(0, 0)
    gauge.seen(3, now_s=10)
    gauge.seen(5, now_s=11)
    assert gauge.backlog(12) == Backlog(5, 2000)
    gauge.consumed(Consumed(b"another", 5, 1))
    assert gauge.backlog(12) == Backlog(5, 2000)
    gauge.consumed(Consumed(b"inbox", 3, 2))
    assert gauge.backlog(12) == Backlog(2, 1000)
    gauge.consumed(Consumed(b"inbox", 5, 0))
    assert gauge.backlog(12) == Backlog(1, 1000)
    gauge.consumed(Consumed(b"inbox", 5, 1))
    assert gauge.backlog(12) == Backlog(0, 0)

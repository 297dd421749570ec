"""What only a real server shows: declared streams, proof of fsync, lost consumers, flow control."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import nats
import pytest
from typer.testing import CliRunner

from cordboard.errors import ConfigurationError, JournalCorrupt, LogUnavailable
from cordboard.log import StreamSettings, connect, durability, reader, wire
from cordboard.log.embedded import EmbeddedServer, _binary, _free_port
from cordboard.log.jetstream import JetStreamLog
from cordboard.log.stream import Unanswered
from cordboard.log.wire import open_wire
from cordboard.main import app
from tests.postgres import eventually

MIB = 1024 * 1024


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(tmp_path / "nats") as running:
        yield running


@asynccontextmanager
async def foreign_server(directory: Path, sync: str, *, jetstream: bool = True, more: str = "") -> AsyncIterator[tuple[str, str]]:
    """A server that is not ours, configured with `more`: its URL and its monitoring URL."""
    port = _free_port(0)
    monitor = _free_port(0, avoid=port)
    config = directory / "foreign.conf"
    store = f'jetstream {{\n  store_dir: "{directory}/js"\n  {sync}\n}}\n' if jetstream else ""
    config.write_text(f'listen: "127.0.0.1:{port}"\nhttp: "127.0.0.1:{monitor}"\n{store}{more}')
    process = await asyncio.create_subprocess_exec(_binary(), "-c", str(config), stderr=subprocess.DEVNULL)

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    try:
        await eventually(listens, "the foreign server listens")
        yield f"nats://127.0.0.1:{port}", f"http://127.0.0.1:{monitor}"
    finally:
        process.terminate()
        await process.wait()


# --- proof of fsync


async def test_a_server_that_fsyncs_lazily_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with foreign_server(tmp_path, "") as (url, monitor):
        with pytest.raises(ConfigurationError, match=durability.MONITOR_ENV):
            async with connect(url, "default"):
                pass
        with pytest.raises(ConfigurationError, match="sync_interval: always"):
            async with connect(url, "default", monitor_url=monitor):
                pass
        monkeypatch.setenv(durability.MONITOR_ENV, monitor)
        with pytest.raises(ConfigurationError, match="sync_interval: always"):
            async with connect(url, "default"):
                pass
        async with connect(url, "default", create=True, allow_lazy_fsync=True) as log:
            assert await log.last_inbox_seq() == 0


async def test_a_server_that_fsyncs_always_is_accepted_with_proof(tmp_path: Path, server: EmbeddedServer) -> None:
    async with foreign_server(tmp_path, "sync_interval: always") as (url, monitor):
        async with connect(url, "default", create=True, monitor_url=monitor) as log:
            assert await log.last_inbox_seq() == 0
        with pytest.raises(ConfigurationError, match="is not the monitoring of"):
            async with connect(url, "default", monitor_url=server.monitor_url):
                pass
        async with connect(url, "default", monitor_url=f"{server.monitor_url}, {monitor}"):
            pass
        with pytest.raises(ConfigurationError, match="no answer"):
            async with connect(url, "default", monitor_url=url.replace("nats", "http")):
                pass


async def test_one_silent_server_of_three_forbids_no_start_and_two_do(tmp_path: Path, server: EmbeddedServer) -> None:
    silent = f"http://127.0.0.1:{_free_port(0)}"
    async with foreign_server(tmp_path, "sync_interval: always") as (url, monitor):
        async with connect(url, "default", create=True, monitor_url=f"{silent}, {monitor}, {server.monitor_url}"):
            pass
        for too_few in (f"{monitor}, {silent}", f"{monitor}, {silent}, {silent}"):
            with pytest.raises(ConfigurationError, match="no answer"):
                async with connect(url, "default", monitor_url=too_few):
                    pass


async def test_a_server_without_jetstream_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cordboard.log.jetstream.CONNECT_S", 0.2)
    async with foreign_server(tmp_path, "", jetstream=False) as (url, _monitor):
        with pytest.raises(LogUnavailable, match="JetStream does not answer"):
            async with connect(url, "default", allow_lazy_fsync=True):
                pass


async def test_copies_are_those_of_one_account_and_a_server_without_jetstream_has_none(tmp_path: Path) -> None:
    frames = {"ours": 3, "theirs": 5}
    accounts = "".join(f"{name} {{ jetstream: enabled, users: [{{user: {name}, password: x}}] }}\n" for name in frames)
    places = {name: tmp_path / name for name in ("on", "off")}
    for place in places.values():
        place.mkdir()
    async with (
        foreign_server(places["on"], "", more=f'server_name: "on"\naccounts {{\n{accounts}}}\n') as (url, on),
        foreign_server(places["off"], "", jetstream=False, more='server_name: "off"\n') as (_, off),
    ):
        for name, number in frames.items():
            client = await nats.connect(url.replace("//", f"//{name}:x@"))
            await client.jetstream().add_stream(name="INBOX_default", subjects=["frames"])
            for _ in range(number):
                await client.jetstream().publish("frames", b"frame")
            await client.close()
        told = await asyncio.to_thread(CliRunner().invoke, app, ["site", "copies", "--nats-monitor-url", f"{on},{off}", "--json"])
        found = json.loads(told.output)
        assert {copy["account"]: copy["messages"] for copy in found["copies"]} == frames
        assert (told.exit_code, found["missing"], found["off"], found["silent"]) == (1, {}, ["off"], [])
        shown = await asyncio.to_thread(CliRunner().invoke, app, ["site", "copies", "--nats-monitor-url", f"{on},{off}"])
        assert "INBOX_default of account theirs" in shown.output and "off has no copy of anything" in shown.output
        alone = await asyncio.to_thread(CliRunner().invoke, app, ["site", "copies", "--nats-monitor-url", on])
        assert (alone.exit_code, "has no copy" in alone.output) == (0, False)


async def test_no_server_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CONNECT_S", 0.2)
    with pytest.raises(LogUnavailable, match="no NATS server answers"):
        async with connect(f"nats://127.0.0.1:{_free_port(0)}", "default"):
            pass


@pytest.mark.parametrize("site", ["", "A", "a.b", "a b", "x" * 33, "*"])
async def test_a_site_must_be_nameable(site: str) -> None:
    with pytest.raises(ConfigurationError, match="site"):
        async with connect("nats://127.0.0.1:1", site):
            pass


async def test_a_connection_whose_writer_somebody_gave_up_is_left_all_the_same(server: EmbeddedServer) -> None:
    """As a task that reconnects leaves it, if it is cancelled while it waits for the end of the writer before."""
    async with open_wire(server.url, "test") as connection:
        transport: Any = connection.client._transport
        writer = transport._io_writer
        writer._protocol._get_close_waiter(writer).cancel()


async def test_who_is_cancelled_while_a_connection_is_left_is_cancelled(server: EmbeddedServer) -> None:
    left = asyncio.Event()

    async def use() -> None:
        async with open_wire(server.url, "test") as connection:
            transport: Any = connection.client._transport
            writer = transport._io_writer
            writer._protocol._get_close_waiter(writer).cancel()
            await left.wait()

    task = asyncio.create_task(use())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# --- streams


async def stream(server: EmbeddedServer, verb: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
    async with open_wire(server.url, "test") as connection:
        return await connection.call(verb, request)


async def test_streams_are_declared_as_the_journal_needs_them(server: EmbeddedServer) -> None:
    async with connect(server.url, "default", create=True), connect(server.url, "default", create=True):
        for name in ("INBOX_default", "JOURNAL_default"):
            config = (await stream(server, f"STREAM.INFO.{name}"))["config"]
            assert config["storage"] == "file"
            assert config["discard"] == "new"
            assert config["deny_delete"]
            assert not config["deny_purge"]
            assert config["compression"] == "none"
            assert config["num_replicas"] == 1
            assert config["max_bytes"] > 0


async def test_everyone_learns_the_same_inbox_id(server: EmbeddedServer) -> None:
    async def inbox_id() -> bytes:
        async with connect(server.url, "default", create=True) as log:
            return log.inbox_id

    assert len(set(await asyncio.gather(*(inbox_id() for _ in range(8))))) == 1


async def test_a_stream_grows_and_never_shrinks(server: EmbeddedServer) -> None:
    for asked, found in ((64 * MIB, 64), (128 * MIB, 128), (32 * MIB, 128), (None, 128)):
        async with connect(server.url, "default", create=True, settings=StreamSettings(inbox_max_bytes=asked)):
            config = (await stream(server, "STREAM.INFO.INBOX_default"))["config"]
            assert config["max_bytes"] == found * MIB


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("storage", "memory"),
        ("discard", "old"),
        ("deny_delete", False),
        ("max_age", 3_600_000_000_000),
        ("max_msgs", 10),
        ("max_msgs_per_subject", 10),
        ("compression", "s2"),
        ("retention", "workqueue"),
        ("subjects", ["elsewhere"]),
        ("max_msg_size", 1024),
        ("allow_rollup_hdrs", True),
    ],
)
async def test_a_stream_that_would_forget_or_refuse_is_not_used(server: EmbeddedServer, field: str, value: object) -> None:
    async with connect(server.url, "good", create=True):
        config = (await stream(server, "STREAM.INFO.JOURNAL_good"))["config"]
    bad = config | {"name": "JOURNAL_bad", "subjects": ["cordboard.bad.journal"], "metadata": {}, "max_bytes": MIB} | {field: value}
    await stream(server, "STREAM.CREATE.JOURNAL_bad", bad)
    with pytest.raises(ConfigurationError, match=f"JOURNAL_bad.* {field} "):
        async with connect(server.url, "bad", create=True):
            pass
    after = (await stream(server, "STREAM.INFO.JOURNAL_bad"))["config"]
    assert after[field] == value if field != "deny_delete" else not after.get(field)


async def test_an_inbox_without_an_id_is_not_used(server: EmbeddedServer) -> None:
    async with connect(server.url, "good", create=True):
        config = (await stream(server, "STREAM.INFO.INBOX_good"))["config"]
    bad = config | {"name": "INBOX_bad", "subjects": ["cordboard.bad.inbox"], "metadata": {}}
    await stream(server, "STREAM.CREATE.INBOX_bad", bad)
    with pytest.raises(ConfigurationError, match=r"cordboard\.inbox_id"):
        async with connect(server.url, "bad", create=True):
            pass


async def test_a_request_that_nobody_took_is_sent_again(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an election: the first request reaches nobody. A consumer that is asked for twice is one, and delivers once."""
    monkeypatch.setattr(wire, "TRY_S", 0.02)
    async with connect(server.url, "default", create=True) as log:
        await fill(log, 3, 8)
        sent: list[str] = []
        publish = log._wire.client.publish

        async def first_is_lost(subject: str, *arguments: Any, **options: Any) -> None:
            sent.append(subject)
            create = "CONSUMER.CREATE" in subject
            if not create or sent.count(subject) > 1:
                await publish(subject, *arguments, **options)
            if create and sent.count(subject) == 2:
                await publish(subject, *arguments, **options)

        monkeypatch.setattr(log._wire.client, "publish", first_is_lost)
        async with aclosing(log.follow_inbox(1)) as lists:
            found = [stored.seq for stored in await anext(lists)]
            await fill(log, 2, 8)
            while len(found) < 5:
                found += [stored.seq for stored in await anext(lists)]
        creates = [subject for subject in sent if "CONSUMER.CREATE" in subject]
        assert found == [1, 2, 3, 4, 5]
        assert len(creates) >= 2 and len(set(creates)) == 1, "the same consumer"


async def test_a_request_that_nobody_ever_takes_is_unanswered(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "TRY_S", 0.01)
    async with open_wire(server.url, "test") as connection:
        sent: list[str] = []

        async def lost(subject: str, *_arguments: Any, **_options: Any) -> None:
            sent.append(subject)

        monkeypatch.setattr(connection.client, "publish", lost)
        with pytest.raises(Unanswered):
            await connection.call("INFO", timeout=0.1)
        assert len(sent) > 1
        await asyncio.sleep(0)
        assert not connection._asked, "nothing is waited for any more"


# --- following


async def fill(log: JetStreamLog, count: int, size: int) -> None:
    answers = [await log.inbox.send(n.to_bytes(4, "big") * (size // 4)) for n in range(1, count + 1)]
    await asyncio.gather(*answers)


async def test_a_replay_larger_than_the_servers_window_arrives_whole(server: EmbeddedServer) -> None:
    async with connect(server.url, "default", create=True) as log:
        await fill(log, 1500, 40_000)
        expected = 1
        async with aclosing(log.follow_inbox(1)) as lists:
            async for messages in lists:
                for message in messages:
                    assert (message.seq, message.data[:4]) == (expected, expected.to_bytes(4, "big"))
                    expected += 1
                if expected > 1500:
                    break


async def test_a_follower_whose_consumer_is_deleted_goes_on(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(reader, "_SILENCE_S", 0.25)
    async with connect(server.url, "default", create=True) as log:
        seen: list[int] = []

        async def follow() -> None:
            async with aclosing(log.follow_inbox(1)) as lists:
                async for messages in lists:
                    seen.extend(message.seq for message in messages)

        following = asyncio.create_task(follow())
        await fill(log, 5, 8)
        await eventually(lambda: len(seen) == 5, "the first five are seen")
        names = (await stream(server, "CONSUMER.NAMES.INBOX_default"))["consumers"]
        assert len(names) == 1
        await stream(server, f"CONSUMER.DELETE.INBOX_default.{names[0]}")
        await fill(log, 5, 8)
        await eventually(lambda: len(seen) == 10, "the rest is seen")
        assert seen == list(range(1, 11))
        following.cancel()
        await asyncio.wait([following])


async def test_a_follower_that_stops_leaves_no_consumer_behind(server: EmbeddedServer) -> None:
    async with connect(server.url, "default", create=True) as log:
        await fill(log, 1, 8)
        async with aclosing(log.follow_inbox(1)) as lists:
            await anext(lists)
        assert not (await stream(server, "CONSUMER.NAMES.INBOX_default"))["consumers"]


async def test_what_was_trimmed_is_never_skipped_in_silence(server: EmbeddedServer) -> None:
    async with connect(server.url, "default", create=True) as log:
        await fill(log, 10, 8)
        await stream(server, "STREAM.PURGE.INBOX_default", {"seq": 6})
        with pytest.raises(JournalCorrupt, match="expected message 3, the next one is 6"):
            async with aclosing(log.follow_inbox(3)) as lists:
                await anext(lists)
        async with aclosing(log.follow_inbox(6)) as lists:
            assert (await anext(lists))[0].seq == 6


async def test_a_stream_that_is_gone_is_an_error(server: EmbeddedServer) -> None:
    async with connect(server.url, "default", create=True) as log:
        await stream(server, "STREAM.DELETE.JOURNAL_default")
        with pytest.raises(JournalCorrupt, match="is gone"):
            async with aclosing(log.follow_journal(1)) as lists:
                await anext(lists)


async def test_a_purged_stream_says_where_it_begins_and_how_full_it_is(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server, connect(server.url, "default", create=True) as log:
        async with log.appender() as appender:
            for seq in range(1, 6):
                await appender.append(seq, bytes(1000))
        inbox, journal = await log.usage()  # there are no snapshots
        assert (inbox.stream, inbox.bytes, inbox.percent) == ("INBOX_default", 0, 0)
        assert journal.stream == "JOURNAL_default" and journal.max_bytes > journal.bytes > 5000
        assert await log.journal.purge(4) == 3
        assert (await log.first_journal_seq(), await log.last_journal_seq()) == (4, 5)
        assert await log.journal.purge(6) == 2
        assert (await log.first_journal_seq(), await log.last_journal_seq()) == (6, 5)
        async with log.appender() as appender:
            await appender.append(6, b"goes on")

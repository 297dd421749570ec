"""The work queue on a real server: an item is there once, until somebody has done it, whatever happens to server and consumer."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cordboard.errors import ConfigurationError, InvalidInput
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.subjects import work_stream, work_subject
from cordboard.log.wire import open_wire
from cordboard.log.work import WorkItem, WorkQueue, WorkSettings, WorkState, decode_item, work_queues
from tests.logs import until
from tests.postgres import eventually


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(tmp_path) as server:
        yield server


@pytest.fixture
async def queue(server: EmbeddedServer) -> AsyncIterator[WorkQueue]:
    async with work_queues(server.url, "default", ["mail"], WorkSettings()) as (queue,):
        yield queue


class Hands:
    """Takes items by hand, as any client of NATS would."""

    def __init__(self, server: EmbeddedServer, queue: WorkQueue) -> None:
        self._server, self._queue = server, queue

    async def __aenter__(self) -> "Hands":
        self._connecting = open_wire(self._server.url, "hands")
        wire = await self._connecting.__aenter__()
        self._pulls = await wire.client.jetstream().pull_subscribe_bind(durable=self._queue.consumer, stream=self._queue.stream)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connecting.__aexit__(None, None, None)

    async def take(self):  # type: ignore[no-untyped-def]  # NATS' own message
        return (await self._pulls.fetch(1, timeout=5))[0]


def an_item(seq: int, number: int = 1) -> WorkItem:
    return WorkItem(seq, 2, number, seq)


async def test_an_item_is_there_once_until_it_is_done(server: EmbeddedServer, queue: WorkQueue) -> None:
    assert await queue.put(an_item(1))
    async with open_wire(server.url, "later") as wire:  # another process, long after the window for repeated message ids
        await wire.call(f"STREAM.UPDATE.{queue.stream}", (await config(wire, queue)) | {"duplicate_window": 100_000_000})
        await asyncio.sleep(0.3)
    assert not await queue.put(an_item(1))
    assert await queue.put(an_item(1, 2)) and await queue.put(an_item(2))
    async with Hands(server, queue) as hands:
        taken = [await hands.take() for _ in range(3)]
        assert [decode_item(message.data) for message in taken] == [an_item(1), an_item(1, 2), an_item(2)]
        assert not await queue.put(an_item(1))  # in somebody's hands
        for message in taken:
            await message.ack_sync()
    state = await queue.state()
    assert state is not None and (state.waiting, state.taken) == (0, 0)
    # The server forgets ids of messages now and then, a busy one later.
    await eventually(lambda: queue.put(an_item(1)), "the item to be put once more")


async def test_what_is_not_done_comes_again_when_told_or_when_nothing_is_heard(server: EmbeddedServer) -> None:
    impatient = work_queues(server.url, "default", ["mail"], WorkSettings(ack_wait_s=0.3))
    async with impatient as (queue,), Hands(server, queue) as hands:
        await queue.put(an_item(1))
        first = await hands.take()
        await first.nak(0.05)
        again = await hands.take()
        assert again.metadata.num_delivered == 2
        third = await hands.take()  # nothing was heard of the second
        assert third.metadata.num_delivered == 3 and decode_item(third.data) == an_item(1)


async def test_many_may_wait_for_another_attempt_and_stop_nobody(server: EmbeddedServer, queue: WorkQueue) -> None:
    await asyncio.gather(*(queue.put(an_item(seq)) for seq in range(1, 1_501)))
    async with Hands(server, queue) as hands:
        for _ in range(1_500):
            await (await hands.take()).nak(3_600)
        await queue.put(an_item(2_000))
        assert decode_item((await hands.take()).data) == an_item(2_000)


async def test_items_outlive_the_server(server: EmbeddedServer) -> None:
    impatient = work_queues(server.url, "default", ["mail"], WorkSettings(ack_wait_s=0.3))
    async with impatient as (queue,), Hands(server, queue) as hands:
        await queue.put(an_item(1))
        await hands.take()
        pid = server.pid
        os.kill(pid, signal.SIGKILL)
        putting = asyncio.create_task(queue.put(an_item(2)))
        await until(lambda: server.pid != pid)
        assert await putting
        async with Hands(server, queue) as others:
            found = set()
            while found != {1, 2}:
                message = await others.take()
                found.add(decode_item(message.data).seq)
                await message.ack_sync()


async def test_a_full_queue_is_asked_again(server: EmbeddedServer) -> None:
    async with work_queues(server.url, "default", ["mail"], WorkSettings(max_bytes=400)) as (queue,):
        await queue.put(an_item(1))
        await queue.put(an_item(2))
        waiting = asyncio.gather(*(queue.put(an_item(seq)) for seq in range(3, 8)))
        async with Hands(server, queue) as hands:
            for _ in range(7):
                await (await hands.take()).ack_sync()
        assert all(await waiting)


async def test_a_consumer_or_stream_that_is_gone_is_noticed_and_made_anew(server: EmbeddedServer, queue: WorkQueue) -> None:
    await queue.put(an_item(1))
    async with open_wire(server.url, "nemesis") as wire:
        await wire.call(f"CONSUMER.DELETE.{queue.stream}.{queue.consumer}")
        assert await queue.state() is None
        await queue.declare()
        assert await queue.state() == WorkState(waiting=1, taken=0, pulls=0)
        await wire.call(f"STREAM.DELETE.{queue.stream}")
        assert await queue.state() is None
        await queue.declare()
        assert await queue.put(an_item(1))


async def test_a_stream_that_could_hold_an_item_twice_is_refused(server: EmbeddedServer) -> None:
    async with work_queues(server.url, "default", ["mail"], WorkSettings()) as (queue,), open_wire(server.url, "nemesis") as wire:
        loose = (await config(wire, queue)) | {"discard_new_per_subject": False}
        await wire.call(f"STREAM.UPDATE.{queue.stream}", loose)
        with pytest.raises(ConfigurationError, match="discard_new_per_subject"):
            await queue.declare()
        await wire.call(f"STREAM.UPDATE.{queue.stream}", loose | {"max_msgs_per_subject": -1})
        with pytest.raises(ConfigurationError, match="max_msgs_per_subject"):
            await queue.declare()


def test_names_hold_nothing_strange() -> None:
    assert (work_stream("default", "mail"), work_subject("default", "mail")) == (
        "WORK_default_mail",
        "cordboard.default.work.mail.>",
    )
    for kind in ("", "Mail", "a.b", "*", ">", "x" * 33):
        with pytest.raises(InvalidInput):
            work_subject("default", kind)


def test_what_is_no_item_is_refused() -> None:
    for data in (b"", b"\x00", b"\x93\x01\x02\x03", b"\x94\x01\x02\x00\x04", b"\xff" * 64):
        with pytest.raises(InvalidInput):
            decode_item(data)


async def config(wire, queue: WorkQueue):  # type: ignore[no-untyped-def]
    return (await wire.call(f"STREAM.INFO.{queue.stream}"))["config"]

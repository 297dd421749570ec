"""Snapshots that are lost or damaged: said to be so, and passed over. On the memory twin and on a real NATS server."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any, Literal

import pytest

from cordboard.errors import LogUnavailable, NotFound, SnapshotDamaged
from cordboard.log import subjects
from cordboard.log.jetstream import JetStreamLog
from cordboard.log.memory import MemoryLog, MemoryServer, MemorySnapshots
from cordboard.log.snapshot_name import KEPT, SnapshotName, parsed
from cordboard.router import snapshots as router_snapshots
from cordboard.router.core import CoreThread
from cordboard.router.recovery import recover
from tests.archives import lived
from tests.logs import SILENCE_S, Log

Harm = Literal["a chunk is gone", "a bit is wrong", "the description is wrong"]
HARMS: tuple[Harm, ...] = ("a chunk is gone", "a bit is wrong", "the description is wrong")
LARGE = bytes(range(256)) * 2_000
"""Several chunks."""


class Bucket:
    """The stream under a site's snapshots, to look at and to harm."""

    def __init__(self, log: JetStreamLog) -> None:
        self._wire = log._wire
        self._bucket = subjects.snapshot_bucket(log.site)
        self.stream = f"OBJ_{self._bucket}"

    async def ask(self, verb: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
        return await self._wire.call(f"STREAM.{verb}.{self.stream}", request)

    async def last(self, subject: str) -> dict[str, Any]:
        message: dict[str, Any] = (await self.ask("MSG.GET", {"last_by_subj": subject}))["message"]
        return message

    def described(self, name: str) -> str:
        return f"$O.{self._bucket}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"

    async def harm(self, name: str, harm: Harm) -> None:
        described = self.described(name)
        info = json.loads(base64.b64decode((await self.last(described))["data"]))
        chunk = await self.last(f"$O.{self._bucket}.C.{info['nuid']}")
        jetstream = self._wire.client.jetstream()
        if harm == "the description is wrong":
            await jetstream.publish(described, json.dumps(info | {"chunks": "all"}).encode())
            return
        if harm == "a bit is wrong":
            data = bytearray(base64.b64decode(chunk["data"]))
            data[7] ^= 1
            await jetstream.publish(chunk["subject"], bytes(data))
        await self.ask("MSG.DELETE", {"seq": chunk["seq"]})


async def harm(log: Log, name: str, how: Harm) -> None:
    if isinstance(log, JetStreamLog):
        await Bucket(log).harm(name, how)
    else:
        log._server.snapshots.torn.add(name)


async def two_kept(log: Log) -> list[SnapshotName]:
    """The two newest snapshots of a router that has lived as long as it takes."""
    came = 0
    while len(kept := parsed(await log.snapshots.names())) < 2:
        await lived(log, 10, seed=came + 1, before=came, snapshot_every=4)
        came += 10
    return kept[-2:]


@pytest.mark.parametrize("how", HARMS)
async def test_a_damaged_one_is_said_to_be_so_at_once(log: Log, how: Harm) -> None:
    for name in ("1", "2"):
        await log.snapshots.put(name, LARGE)
    await harm(log, "2", how)
    async with asyncio.timeout(SILENCE_S):
        with pytest.raises(SnapshotDamaged):
            await log.snapshots.get("2")
    assert await log.snapshots.get("1") == LARGE
    await log.snapshots.put("2", LARGE)
    assert await log.snapshots.get("2") == LARGE, "what is stored anew is whole"
    await harm(log, "2", how)
    await log.snapshots.delete("2")
    assert await log.snapshots.names() == ["1"]


@pytest.mark.parametrize("how", HARMS)
async def test_recovery_takes_the_next_older_one(log: Log, how: Harm, caplog: pytest.LogCaptureFixture) -> None:
    older, newest = await two_kept(log)
    await harm(log, str(newest), how)
    async with asyncio.timeout(SILENCE_S), CoreThread() as core:
        recovered = await recover(log, core)
        assert recovered.snapshot_seq == older.seq
        assert recovered.router.position().seq == await log.last_journal_seq()
    assert f"snapshot at {newest.seq} is passed over" in caplog.text


class Stubborn(MemorySnapshots):
    """A store that answers, but does not give one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.never = ""
        self.asked = 0

    async def get(self, name: str) -> bytes:
        if name == self.never:
            self.asked += 1
            raise LogUnavailable("the snapshot store does not answer")
        return await super().get(name)


async def test_one_that_never_comes_is_passed_over_while_the_log_answers() -> None:
    server = MemoryServer("default")
    server.snapshots = kept = Stubborn()
    log = MemoryLog("default", server=server)
    older, newest = await two_kept(log)
    kept.never = str(newest)
    async with asyncio.timeout(SILENCE_S), CoreThread() as core:
        assert (await recover(log, core)).snapshot_seq == older.seq
    assert kept.asked == router_snapshots.TRIES


async def bound(log: Log, snapshots: int) -> None:
    """From now on the store has room for so many of LARGE, and a little more."""
    room = snapshots * (len(LARGE) + 2_000) + len(LARGE) // 2
    if isinstance(log, JetStreamLog):
        bucket = Bucket(log)
        config = (await bucket.ask("INFO"))["config"]
        await bucket.ask("UPDATE", config | {"max_bytes": room})
    else:
        log._server.snapshots.max_bytes = room


def named(number: int) -> SnapshotName:
    return SnapshotName(5_000 * number, bytes(32), 2, bytes(32))


async def stored(log: Log) -> list[int]:
    return [name.seq // 5_000 for name in parsed(await log.snapshots.names())]


async def test_where_there_is_no_room_the_past_gives_way(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    assert await router_snapshots.store(log, named(1), LARGE)
    await bound(log, 8)
    for number in range(2, 41):
        assert await router_snapshots.store(log, named(number), LARGE), "one that is not stored is one more to fold"
    kept = await stored(log)
    assert kept[-KEPT:] == [38, 39, 40] and kept[0] < 38
    for number in kept:
        assert await log.snapshots.get(str(named(number))) == LARGE
    assert "older ones give way" in caplog.text


async def test_the_newest_gives_way_to_none_that_has_no_room_either(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    for number in (1, 2, 3):
        assert await router_snapshots.store(log, named(number), LARGE)
    await bound(log, 3)
    assert not await router_snapshots.store(log, named(4), 4 * LARGE)
    assert await stored(log) == [3]
    assert await log.snapshots.get(str(named(3))) == LARGE
    assert "snapshot at 20000 is not stored" in caplog.text
    assert await router_snapshots.store(log, named(5), LARGE), "what did not fit has left nothing"
    assert await stored(log) == [3, 5]


async def test_one_that_was_thinned_out_meanwhile_is_not_there(log: Log) -> None:
    await log.snapshots.put("1", LARGE)
    await log.snapshots.delete("1")
    with pytest.raises(NotFound):
        await log.snapshots.get("1")


async def test_reading_makes_no_bucket(log: Log) -> None:
    await log.snapshots.delete("1")
    assert await log.snapshots.names() == []
    with pytest.raises(NotFound):
        await log.snapshots.get("1")
    async with CoreThread() as core:
        assert (await recover(log, core)).snapshot_seq == 0
    if isinstance(log, JetStreamLog):
        assert Bucket(log).stream not in (await log._wire.call("STREAM.NAMES"))["streams"]
    await log.snapshots.put("1", b"")
    assert await log.snapshots.names() == ["1"]

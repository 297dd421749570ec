"""The stream under a site's snapshots: bounded, and without what writers that died left in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.js import api

from cordboard.errors import LogUnavailable
from cordboard.log import StreamSettings, connect, subjects
from cordboard.log import snapshots as snapshots_module
from cordboard.log.bucket import BUCKET_MAX
from cordboard.log.embedded import STORE_MAX, EmbeddedServer
from cordboard.log.jetstream import JetStreamLog

SITE = "default"
BUCKET = subjects.snapshot_bucket(SITE)
LARGE = bytes(range(256)) * 2_000
"""Four chunks."""


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[JetStreamLog]:
    async with EmbeddedServer(tmp_path) as server, connect(server.url, SITE, create=True) as connected:
        yield connected


async def state(log: JetStreamLog) -> dict[str, Any]:
    return await log._wire.call(f"STREAM.INFO.OBJ_{BUCKET}", {"subjects_filter": ">"})


async def chunks(log: JetStreamLog) -> list[int]:
    """How many each object has, whether anything describes it or not."""
    subjects_held = (await state(log))["state"].get("subjects") or {}
    return sorted(count for subject, count in subjects_held.items() if subject.startswith(f"$O.{BUCKET}.C."))


async def die_writing(log: JetStreamLog) -> None:
    """What a router leaves that was killed after the second chunk."""
    jetstream = log._wire.client.jetstream()
    for _ in range(2):
        await jetstream.publish(f"$O.{BUCKET}.C.DIED", LARGE[:1000])


async def test_what_a_dead_writer_left_goes_with_the_next_snapshot(log: JetStreamLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await log.snapshots.put("1", LARGE)
    await log.snapshots.put("2", LARGE)
    await die_writing(log)
    await log.snapshots.delete("1")
    await log.snapshots.put("3", LARGE)
    assert await chunks(log) == [2, 4, 4], "somebody could be writing it still"
    monkeypatch.setattr(snapshots_module, "ABANDONED_S", 0.0)
    await log.snapshots.put("4", LARGE)
    assert await chunks(log) == [4, 4, 4]
    assert await log.snapshots.names() == ["2", "3", "4"]
    for name in ("2", "3", "4"):
        assert await log.snapshots.get(name) == LARGE
    assert (await state(log))["state"]["num_subjects"] == 6, "of what was deleted no mark is left"


async def test_a_name_that_comes_again_is_not_taken_for_the_mark_of_its_deletion(
    log: JetStreamLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots_module, "ABANDONED_S", 0.0)
    for _ in range(3):
        await log.snapshots.put("1", LARGE)
        await log.snapshots.delete("1")
    await log.snapshots.put("1", LARGE)
    await log.snapshots.put("2", b"")
    assert await log.snapshots.get("1") == LARGE


async def test_it_has_a_bound_and_says_how_full_it_is(log: JetStreamLog) -> None:
    assert len(await log.usage()) == 2
    await log.snapshots.put("1", LARGE)
    *_, bucket = await log.usage()
    assert (bucket.stream, bucket.max_bytes) == (f"OBJ_{BUCKET}", BUCKET_MAX)
    assert bucket.bytes > len(LARGE)


async def test_one_that_was_made_without_a_bound_gets_one(log: JetStreamLog) -> None:
    old = await log._wire.client.jetstream().create_object_store(BUCKET, api.ObjectStoreConfig(storage=api.StorageType.FILE))
    await old.put("1", LARGE)
    await log.snapshots.put("2", LARGE)
    assert (await state(log))["config"]["max_bytes"] == BUCKET_MAX
    assert await log.snapshots.get("1") == await log.snapshots.get("2") == LARGE


async def test_one_that_was_taken_away_is_made_anew(log: JetStreamLog) -> None:
    await log.snapshots.put("1", LARGE)
    await log._wire.call(f"STREAM.DELETE.OBJ_{BUCKET}")
    with pytest.raises(LogUnavailable):
        await log.snapshots.put("2", LARGE)
    await log.snapshots.put("2", LARGE)
    assert await log.snapshots.names() == ["2"]


@pytest.mark.parametrize("exists", [False, True])
async def test_a_server_without_room_for_the_bound_keeps_snapshots_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, exists: bool
) -> None:
    journal_max = STORE_MAX - 3 * 1024**3  # the inbox has most of the rest
    settings = StreamSettings(journal_max_bytes=journal_max)
    async with EmbeddedServer(tmp_path) as server, connect(server.url, SITE, create=True, settings=settings) as log:
        if exists:
            config = api.ObjectStoreConfig(storage=api.StorageType.FILE)
            await log._wire.client.jetstream().create_object_store(BUCKET, config)
        await log.snapshots.put("1", LARGE)
        assert await log.snapshots.get("1") == LARGE
        assert (await state(log))["config"]["max_bytes"] == -1
    assert f"OBJ_{BUCKET} {'stays as it is' if exists else 'has no bound'}" in caplog.text

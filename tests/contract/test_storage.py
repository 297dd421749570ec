"""The archive's storage under contract: each test runs on a directory and on a real S3-compatible server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from cordboard.archive import Storage, open_storage
from cordboard.errors import ArchiveUnavailable, ConfigurationError, NotFound
from tests.s3 import S3Server


@pytest.fixture(params=["directory", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "archive") if request.param == "directory" else request.getfixturevalue("s3_place"))


async def test_what_is_there_stays_as_it_is(storage: Storage) -> None:
    assert await storage.put_if_absent("a/segments/1", b"first")
    assert not await storage.put_if_absent("a/segments/1", b"second, and longer")
    assert await storage.get("a/segments/1") == b"first"


async def test_of_many_writers_one_wins_and_its_file_is_whole(storage: Storage) -> None:
    bodies = [bytes([number]) * 200_000 for number in range(8)]
    won = await asyncio.gather(*(storage.put_if_absent("a/segments/7", body) for body in bodies))
    assert won.count(True) == 1
    assert await storage.get("a/segments/7") == bodies[won.index(True)]
    assert await storage.keys("a/segments/") == ["a/segments/7"]


async def test_keys_are_sorted_and_of_one_folder(storage: Storage) -> None:
    for key in ("a/open/2", "a/open/10", "a/openly/1", "b/open/1", "a/open/1"):
        await storage.put_if_absent(key, b"x")
    assert await storage.keys("a/open/") == ["a/open/1", "a/open/10", "a/open/2"]
    assert await storage.keys("nobody/open/") == []


async def test_more_keys_than_one_page_holds(storage: Storage) -> None:
    gate = asyncio.Semaphore(32)

    async def put(number: int) -> None:
        async with gate:
            await storage.put_if_absent(f"a/open/{number:06d}", b"x")

    await asyncio.gather(*(put(number) for number in range(1_100)))
    assert await storage.keys("a/open/") == [f"a/open/{number:06d}" for number in range(1_100)]


async def test_the_head_of_a_file(storage: Storage) -> None:
    await storage.put_if_absent("a/x", b"0123456789")
    assert await storage.head("a/x", 4) == b"0123"
    assert await storage.head("a/x", 4_000) == b"0123456789"
    with pytest.raises(NotFound):
        await storage.head("a/y", 4)


async def test_deleting_what_is_gone_does_nothing(storage: Storage) -> None:
    await storage.put_if_absent("a/x", b"x")
    await storage.delete("a/x")
    await storage.delete("a/x")
    with pytest.raises(NotFound):
        await storage.get("a/x")
    assert await storage.put_if_absent("a/x", b"again")


async def test_a_half_written_file_is_never_seen(tmp_path: Path) -> None:
    """What a crash in the middle of writing leaves in a directory."""
    storage = open_storage(str(tmp_path))
    await storage.put_if_absent("a/open/1", b"x")
    (tmp_path / "a" / "open" / ".aside-0011").write_bytes(b"half")
    assert await storage.keys("a/open/") == ["a/open/1"]


async def test_what_writers_left_that_died_goes_with_the_next_file(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "open"
    await open_storage(str(tmp_path)).put_if_absent("a/open/1", b"x")
    for name, age_s in ((".aside-dead", 7_200), (".aside-writing", 60)):
        (folder / name).write_bytes(b"half")
        at_s = (folder / name).stat().st_mtime - age_s
        os.utime(folder / name, (at_s, at_s))
    await open_storage(str(tmp_path)).put_if_absent("a/open/2", b"y")
    assert sorted(path.name for path in folder.iterdir()) == [".aside-writing", "1", "2"]


async def test_a_storage_that_is_away_is_told_from_one_that_refuses(
    s3: S3Server, s3_place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    away = open_storage(s3_place.replace(f":{s3.port}", ":1"))
    with pytest.raises(ArchiveUnavailable):
        await away.keys("a/open/")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(ConfigurationError):
        await open_storage(s3_place).keys("a/open/")
    (tmp_path / "a").write_text("not a directory")
    with pytest.raises(ArchiveUnavailable):
        await open_storage(str(tmp_path)).put_if_absent("a/open/1", b"x")


async def test_a_bucket_that_is_not_there(s3: S3Server, s3_place: str) -> None:
    with pytest.raises(ConfigurationError, match="no such bucket"):
        await open_storage(s3_place.replace("s3://cordboard/", "s3://nobody-made-this/")).get("a/x")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("ftp://host/x", "directory or s3://"),
        ("s3:///prefix", "s3://bucket/prefix"),
        ("s3://key:secret@bucket/prefix", "not from the URL"),
        ("s3://bucket?region=x&retries=7", "retries"),
        (__file__, "no directory"),
    ],
)
def test_places_that_are_none(place: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        open_storage(place)

"""The archive on a directory: what is written can be read and proven, whatever dies in between; what is broken is found."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from cordboard.archive import Archive, ArchivedJournal, Archiver, ArchiveSettings, check_archive, open_storage, run_archiver
from cordboard.archive.directory import DirectoryStorage
from cordboard.errors import ArchiveCorrupt, ArchiveUnavailable, ConfigurationError, NotFound
from cordboard.log.memory import MemoryLog, MemorySnapshots
from cordboard.log.port import Stored
from cordboard.router.verify import verify_archive
from tests.archives import (
    QUICK,
    SITE,
    Away,
    Died,
    Frail,
    archived,
    archiving,
    beginning,
    caught_up,
    commits,
    holding,
    journal,
    write_all,
)
from tests.logs import until

CONTACTS = 120


@pytest.fixture(scope="module")
def written() -> MemoryLog:
    """A journal of some dozens of commits, and a snapshot or two."""
    return asyncio.run(journal(CONTACTS, snapshot_every=20))


def archive_in(path: Path) -> Archive:
    return Archive(open_storage(str(path)), SITE)


async def in_segments_and_parts(log: MemoryLog, archive: Archive, segment_bytes: int, every: int = 3) -> Archiver:
    """Write the journal, `every` so many commits, so that its last third stands in parts."""
    last = await log.last_journal_seq()
    await write_all(beginning(log, last * 2 // 3), archive, ArchiveSettings(segment_bytes=segment_bytes), range(0, last, every))
    return await write_all(log, archive, ArchiveSettings(), range(0, last, every))


async def sound(archive: Archive, log: MemoryLog) -> None:
    report = await check_archive(archive)
    assert report.problems == []
    assert await archived(archive) == await commits(log)
    assert (report.first_seq, report.last_seq, report.commits) == (1, await log.last_journal_seq(), await log.last_journal_seq())


async def test_a_journal_is_archived_in_segments_and_the_rest_in_parts(written: MemoryLog, tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    await in_segments_and_parts(written, archive, 9_000)
    closed, parts = await archive.closed(), await archive.parts()
    assert len(closed) > 2 and parts
    assert all(segment.closed for segment in closed) and not any(part.closed for part in parts)
    assert [segment.previous for segment in closed[1:]] == [segment.hash for segment in closed[:-1]]
    assert min(part.first_seq for part in parts) == closed[-1].last_seq + 1, "parts of closed segments are gone"
    await sound(archive, written)


async def test_any_stretch_can_be_read(written: MemoryLog, tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    await write_all(written, archive)
    everything = await commits(written)
    for first, last in ((1, 1), (3, 17), (2, len(everything)), (len(everything), len(everything))):
        found = [each.stored async for links in archive.commits(first, last) for each in links]
        assert found == everything[first - 1 : last]
    with pytest.raises(ArchiveCorrupt, match=f"commit {len(everything) + 1} is in no file"):
        _ = [links async for links in archive.commits(1, len(everything) + 1)]


async def test_whoever_asks_around_a_place_reads_its_file_once(
    written: MemoryLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an explanation does, that looks for an instant."""
    archive, read = archive_in(tmp_path), list[str]()
    await in_segments_and_parts(written, archive, 9_000)
    get = archive.storage.get

    async def counted(key: str) -> bytes:
        read.append(key)
        return await get(key)

    monkeypatch.setattr(archive.storage, "get", counted)
    alone, everything = await ArchivedJournal.open(archive), await commits(written)
    assert [await alone.read_commit(seq) for seq in range(len(everything), 0, -1)] == list(reversed(everything))
    files = [*(await archive.closed()), *(await archive.parts())]
    assert len(read) == len(set(read)) == len(files) < len(everything)


async def test_the_archive_alone_is_decided_again(written: MemoryLog, tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    archiver = await write_all(written, archive)
    await archiver.copy_snapshot()
    alone = await ArchivedJournal.open(archive)
    report = await verify_archive(alone)
    assert report.clean and report.commits == await written.last_journal_seq() and report.lost is None
    (name, *_) = reversed(await archive.shelf.names())
    begun = int(name[:16]) + 1
    assert (await verify_archive(alone, from_seq=begun)).clean
    assert await alone.read_commit(begun) == await written.read_commit(begun)
    with pytest.raises(NotFound):
        await alone.read_commit(report.last_seq + 1)


@pytest.mark.parametrize("done", [False, True])
async def test_an_archiver_that_dies_in_any_operation_goes_on_afterwards(written: MemoryLog, tmp_path: Path, done: bool) -> None:
    last = 30
    log, settings = beginning(written, last), ArchiveSettings(segment_bytes=6_000)
    steps, count, alive = range(0, last, 4), 0, False
    while not alive:
        count += 1
        path = tmp_path / str(count)
        try:
            frail = Archive(Frail(open_storage(str(path)), count, done=done), SITE)
            await write_all(beginning(written, 22), frail, settings, steps)
            alive = True
        except Died:
            pass
        before = {key: (path / key).read_bytes() for key in await archive_in(path).closed_keys()}
        await write_all(log, archive_in(path), settings, steps)
        await sound(archive_in(path), log)
        assert all((path / key).read_bytes() == data for key, data in before.items()), "a closed segment changed"
    assert len(before) > 1, "too little was written for this to show anything"


@pytest.mark.parametrize("behind", [1, 7, 30])
async def test_two_archivers_at_once_are_harmless(written: MemoryLog, tmp_path: Path, behind: int) -> None:
    """The second one is `behind` commits late, closes at other sizes, and does not know of the first."""
    archive, everything = archive_in(tmp_path), await commits(written)
    one = Archiver(written, archive, QUICK)
    other = Archiver(written, archive_in(tmp_path), ArchiveSettings(segment_bytes=31_000))
    for each in (one, other):
        await each.resume()
    for index, stored in enumerate(everything):
        one.take(stored)
        if index % 5 == 0 or one.full:
            await one.flush()
        if index >= behind:
            other.take(everything[index - behind])
            if index % 3 == 0 or other.full:
                await other.flush()
        assert (await check_archive(archive)).problems == []
    for stored in everything[-behind:]:
        other.take(stored)
    await other.flush()
    await one.flush()
    await sound(archive, written)


async def test_what_comes_while_another_closes_the_segment_is_stored_at_once(written: MemoryLog, tmp_path: Path) -> None:
    archive, everything = archive_in(tmp_path), await commits(written)
    slowly = ArchiveSettings(segment_age_s=900)
    one, other = (Archiver(written, archive_in(tmp_path), slowly) for _ in range(2))
    for each in (one, other):
        await each.resume()
    await told(one, everything[:10])
    await told(other, everything[:10])
    for each in (one, other):
        each._open_since -= 1_000  # the quarter of an hour of their segments is over
    await told(one, everything[10:20])
    # One of them is killed here. The other has more to put into the same segment, and finds it closed.
    await told(other, everything[10:24])
    assert (await check_archive(archive)).last_seq == other.stored_to == 24
    await told(other, everything[24:30])
    report = await check_archive(archive)
    assert (report.problems, report.last_seq, other.stored_to) == ([], 30, 30)
    again = Archiver(written, archive_in(tmp_path), slowly)
    await again.resume()
    assert again.stored_to == 30


async def test_a_gap_between_parts_is_filled_from_the_journal(written: MemoryLog, tmp_path: Path) -> None:
    archive, everything = archive_in(tmp_path), await commits(written)
    one = Archiver(written, archive, ArchiveSettings())
    await one.resume()
    for begin in range(0, 30, 10):
        await told(one, everything[begin : begin + 10])
    await archive.storage.delete(archive.part_key(11))
    assert await archive.last_seq() == 10
    again = await write_all(written, archive_in(tmp_path), ArchiveSettings(segment_bytes=20_000), range(5, len(everything), 7))
    assert again.stored_to == len(everything)
    await sound(archive, written)


async def told(archiver: Archiver, what: list[Stored]) -> None:
    for stored in what:
        archiver.take(stored)
    await archiver.flush()


async def test_a_storage_that_is_away_is_waited_for(written: MemoryLog, tmp_path: Path) -> None:
    storage = Away(open_storage(str(tmp_path)))
    log = beginning(written, 20)
    async with archiving(log, Archive(storage, SITE)) as said:
        await caught_up(log, archive_in(tmp_path))
        storage.away = True
        for stored in (await commits(written))[20:]:
            await log._server.journal.send(stored.data)
        async with asyncio.timeout(60):
            await until(lambda: any("it is away" in why for _, why in said))
        storage.away = False
        await caught_up(log, archive_in(tmp_path))
        async with asyncio.timeout(60):
            await until(lambda: said[-1] == (len(log._server.journal.messages), ""))
    assert any("it is away" in why for _, why in said)
    assert [each.data for each in await archived(archive_in(tmp_path))] == [each.data for each in await commits(written)]


async def test_a_disk_that_is_no_longer_mounted_is_waited_for(written: MemoryLog, tmp_path: Path) -> None:
    mounted, elsewhere = tmp_path / "mounted", tmp_path / "elsewhere"
    everything = await commits(written)
    log = beginning(written, 20)
    async with archiving(log, archive_in(mounted)) as said:
        await caught_up(log, archive_in(mounted))
        mounted.rename(elsewhere)
        mounted.mkdir()  # what an unmounted disk leaves
        for stored in everything[20:]:
            await log._server.journal.send(stored.data)
        async with asyncio.timeout(60):
            await until(lambda: "is its disk mounted?" in said[-1][1])
        assert not list(mounted.iterdir()), "no second archive has begun on the wrong disk"
        mounted.rmdir()
        elsewhere.rename(mounted)
        await caught_up(log, archive_in(mounted))
    assert [each.data for each in await archived(archive_in(mounted))] == [each.data for each in everything]


async def test_an_archive_begins_in_a_directory_that_is_there(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "disk" / "archive"))
    with pytest.raises(ArchiveUnavailable, match="disk is not there: make it, or mount its disk"):
        await storage.put_if_absent("a/open/1", b"x")
    (tmp_path / "disk").mkdir()  # it was not made: this would raise
    assert await storage.put_if_absent("a/open/1", b"x")


class Deaf(MemorySnapshots):
    """Swallows a cancellation, as clients on `asyncio.wait_for` may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def names(self) -> list[str]:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return []
        raise AssertionError


async def test_a_cancellation_that_gets_lost_ends_it_all_the_same(written: MemoryLog, tmp_path: Path) -> None:
    log = holding(await commits(written))
    log._snapshots = deaf = Deaf()  # type: ignore[assignment]
    task = asyncio.create_task(run_archiver(log, archive_in(tmp_path), QUICK))
    await deaf.asked.wait()
    task.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait([task])
    assert task.cancelled()


async def test_another_journal_is_refused(written: MemoryLog, tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    await write_all(written, archive)
    another = await journal(CONTACTS * 2, seed=2)
    with pytest.raises(ArchiveCorrupt, match="two journals"):
        await write_all(another, archive)
    with pytest.raises(ArchiveCorrupt, match="lost its end"):
        await write_all(beginning(written, 10), archive)
    await sound(archive, written)


async def test_two_journals_at_once_are_noticed(written: MemoryLog, tmp_path: Path) -> None:
    """Both began with an empty archive: at the latest when it closes a segment, the second one finds what is not its own."""
    archive, another = archive_in(tmp_path), await journal(5, seed=2)
    archiver = Archiver(another, archive, ArchiveSettings(segment_bytes=1))
    await archiver.resume()
    await write_all(written, archive)
    for stored in (await commits(another))[:3]:
        archiver.take(stored)
    with pytest.raises(ArchiveCorrupt, match="two journals"):
        await archiver.flush()


class Trimmed(MemoryLog):
    """A journal that begins later than it did."""

    async def first_journal_seq(self) -> int:
        return 12


async def test_a_gap_between_archive_and_journal_is_refused(written: MemoryLog, tmp_path: Path) -> None:
    await write_all(beginning(written, 10), archive_in(tmp_path))
    trimmed = holding(await commits(written), kind=Trimmed)
    with pytest.raises(ArchiveCorrupt, match="ends at 10, the journal begins at 12"):
        await write_all(trimmed, archive_in(tmp_path))


async def test_every_changed_byte_is_found(written: MemoryLog, tmp_path: Path) -> None:
    """A bit in each of some hundreds of places, over every file; also files cut short, exchanged, and gone."""
    whole = tmp_path / "whole"
    snapshots = {name: await written.snapshots.get(name) for name in await written.snapshots.names()}
    first = min(snapshots)
    log = holding((await commits(written))[: int(first[:16]) + 14], {first: snapshots[first]})
    # Few files: each change has all of them read.
    archiver = await in_segments_and_parts(log, archive_in(whole), 9_000, every=await log.last_journal_seq() // 6)
    await archiver.copy_snapshot()
    files = sorted(path.relative_to(whole) for path in whole.rglob("*.cb?"))
    assert {path.parts[1] for path in files} == {"open", "segments", "snapshots"}
    broken = tmp_path / "broken"
    shutil.copytree(whole, broken)
    assert (await check_archive(archive_in(broken))).clean
    for file in files:
        data = (whole / file).read_bytes()
        header = data.index(b"\n", data.index(b"\n") + 1)
        places = {*range(0, header + 1, 13), *range(header, len(data), max(1, len(data) // 15)), len(data) - 1}
        for place in sorted(places):
            (broken / file).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            assert not (await check_archive(archive_in(broken))).clean, f"{file}, byte {place}"
        (broken / file).write_bytes(data[: len(data) // 2])
        assert not (await check_archive(archive_in(broken))).clean, f"{file}, cut short"
        (broken / file).write_bytes(data)
    closed = [file for file in files if file.parts[1] == "segments"]
    (broken / closed[1]).unlink()
    assert not (await check_archive(archive_in(broken))).clean
    shutil.copy(whole / closed[0], broken / closed[1])
    assert not (await check_archive(archive_in(broken))).clean


@pytest.mark.parametrize("kept", ["segments", "parts"])
async def test_an_archive_that_lost_its_beginning_says_where_it_begins(written: MemoryLog, tmp_path: Path, kept: str) -> None:
    """A rule of a bucket's life cycle does that. What is left is read as what it is."""
    archive = archive_in(tmp_path)
    await in_segments_and_parts(written, archive, 9_000)
    keys = await archive.closed_keys()
    for key in keys[:2] if kept == "segments" else keys:
        await archive.storage.delete(key)
    archive = archive_in(tmp_path)
    first = await archive.first_seq()
    report = await check_archive(archive)
    wrong = [problem.what for problem in report.problems]
    assert f"the archive begins here, at {first}: commits 1 to {first - 1} are gone" in wrong
    assert kept == "parts" or len(wrong) == 1, "the rest is whole"
    assert (report.first_seq, report.last_seq) == (first, await written.last_journal_seq())
    with pytest.raises(NotFound, match=f"begins at {first}, not at 1"):
        await archived(archive)


async def test_snapshots_are_kept_only_if_they_are_of_this_journal(written: MemoryLog, tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    archiver = await write_all(written, archive)
    newest = sorted(await written.snapshots.names())[-1]
    forged = holding(await commits(written), {newest.replace(newest.split("-")[1], "0" * 64): b"of another journal"})
    stranger = Archiver(forged, archive, QUICK)
    await stranger.resume()
    await stranger.copy_snapshot()
    assert await archive.shelf.names() == []
    await archiver.copy_snapshot()
    assert await archive.shelf.names() == [newest]
    assert await archive.shelf.get(newest) == await written.snapshots.get(newest)


async def test_several_sites_share_one_place(written: MemoryLog, tmp_path: Path) -> None:
    storage = DirectoryStorage(tmp_path)
    await write_all(written, Archive(storage, SITE))
    assert await Archive(storage, "elsewhere").last_seq() == 0
    shutil.move(tmp_path / SITE, tmp_path / "elsewhere")
    with pytest.raises(ArchiveCorrupt, match="belongs elsewhere"):
        await Archive(storage, "elsewhere").last_seq()
    with pytest.raises(ConfigurationError):
        Archive(storage, "../x")


@pytest.mark.parametrize("wrong", [{"segment_bytes": 0}, {"segment_bytes": 10**9}, {"part_s": 0}])
def test_settings_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        ArchiveSettings(**wrong)  # type: ignore[arg-type]

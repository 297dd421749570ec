"""Reading all of an archive and proving it: contents, chain of commits, chain of segments, snapshots."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cordboard.archive.archive import Archive
from cordboard.archive.digest import ZEROS, blake3
from cordboard.archive.segment import Header, Link
from cordboard.errors import ArchiveCorrupt, NotFound
from cordboard.log.snapshot_name import SnapshotName, parsed

Progress = Callable[[int, int], None]
PROBLEMS_MAX = 1_000


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a file."""

    file: str
    what: str


class ArchiveReport(msgspec.Struct, kw_only=True):
    """`last_seq` is how far an unbroken chain goes from `first_seq`. No `problems`: everything is as it was written."""

    site: str
    where: str
    first_seq: int = 0
    last_seq: int = 0
    segments: int = 0
    parts: int = 0
    snapshots: int = 0
    commits: int = 0
    bytes: int = 0
    plain_bytes: int = 0
    problems: list[Problem] = []

    @property
    def clean(self) -> bool:
        return not self.problems

    @property
    def empty(self) -> bool:
        return not (self.segments or self.parts or self.snapshots or self.problems)

    def wrong(self, file: str, what: str) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(file, what))


async def check_archive(archive: Archive, *, progress: Progress | None = None) -> ArchiveReport:
    """Read every file. `progress(done, all)` counts files. Raises ArchiveUnavailable, ConfigurationError."""
    report = ArchiveReport(site=archive.site, where=archive.storage.where)
    closed, parts, names = await archive.closed_keys(), await archive.part_keys(), parsed(await archive.shelf.names())
    total, done = len(closed) + len(parts) + len(names), 0
    chain = _Chain(report, {name.seq for name in names})
    for key in [*closed, *parts]:
        await _segment(archive, chain, key, report)
        done += 1
        if progress is not None:
            progress(done, total)
    chain.end()
    for name in names:
        await _snapshot(archive, chain, name, report)
        done += 1
        if progress is not None:
            progress(done, total)
    return report


async def _segment(archive: Archive, chain: _Chain, key: str, report: ArchiveReport) -> None:
    try:
        header, links = await archive.read(key)
    except NotFound:
        return  # a part that was tidied up meanwhile
    except ArchiveCorrupt as error:
        report.wrong(key, str(error))
        chain.broken = True
        return
    report.bytes += header.bytes
    report.plain_bytes += header.plain_bytes
    if header.closed:
        report.segments += 1
        chain.closed(key, header, links)
    else:
        report.parts += 1
        chain.part(key, header, links)


async def _snapshot(archive: Archive, chain: _Chain, name: SnapshotName, report: ArchiveReport) -> None:
    file = f"{archive.site}/snapshots/{name}"
    report.snapshots += 1
    try:
        await archive.shelf.get(str(name))
    except NotFound:
        return  # thinned out meanwhile
    except ArchiveCorrupt as error:
        report.wrong(file, str(error))
    if name.seq in chain.hashes and chain.hashes[name.seq] != name.commit_hash:
        report.wrong(file, "it belongs to another journal: its commit is not the one in the archive")


class _Chain:
    """What is known while the files are read in order."""

    def __init__(self, report: ArchiveReport, wanted: set[int]) -> None:
        self.hashes: dict[int, bytes] = {}
        """Of the commits that snapshots name."""
        self.broken = False
        self._report = report
        self._wanted = wanted
        self._end: bytes | None = None
        self._previous = ZEROS.hex()
        self._headers = {self._previous}
        self._parts: list[tuple[str, Header, list[Link]]] = []

    def closed(self, key: str, header: Header, links: list[Link]) -> None:
        if not self._report.commits and self._begins(key, header):
            self._previous = header.previous
        if header.previous != self._previous and not self.broken:
            self._report.wrong(key, "it names another segment as the one before it")
        self._previous = header.hash
        self._headers.add(header.hash)
        if not self._report.commits:
            self._report.first_seq = header.first_seq
        elif header.first_seq != self._report.last_seq + 1:
            self._report.wrong(key, f"it begins at {header.first_seq} where {self._report.last_seq + 1} is due")
        elif self._end is not None and links[0].prev_hash != self._end:
            self._report.wrong(key, "the hash chain forks: its first commit does not follow the last one before it")
        self._take(links)

    def _begins(self, key: str, header: Header) -> bool:
        """Is the archive's beginning gone? No archiver begins later, and nothing of Cordboard's deletes a segment."""
        gone = header.first_seq > 1 and not self.broken
        if gone:
            self._report.wrong(key, f"the archive begins here, at {header.first_seq}: commits 1 to {header.first_seq - 1} are gone")
        return gone

    def part(self, key: str, header: Header, links: list[Link]) -> None:
        """Parts are small and few: they are kept until all are there, since they may overlap."""
        self._parts.append((key, header, links))

    def end(self) -> None:
        self._parts.sort(key=lambda part: part[1].first_seq)
        for key, header, _ in self._parts:
            if header.previous not in self._headers and not self.broken:
                self._report.wrong(key, "it names a segment as the one before it that is not there")
        known: dict[int, bytes] = {}
        if self._end is not None:
            known[self._report.last_seq] = self._end
        for key, header, links in self._parts:
            if any(known.get(each.seq, each.hash) != each.hash for each in links):
                self._report.wrong(key, "it contradicts what another file says of the same commits")
                continue
            fresh = [each for each in links if each.seq > self._report.last_seq] if self._report.commits else links
            if not fresh:
                continue
            if not self._report.commits:
                self._begins(key, header)
                self._report.first_seq = header.first_seq
            elif fresh[0].seq != self._report.last_seq + 1:
                self._report.wrong(key, f"it begins at {header.first_seq} where {self._report.last_seq + 1} is due")
                continue
            elif self._end is not None and fresh[0].prev_hash != self._end:
                self._report.wrong(key, "the hash chain forks: it does not follow the commit before it")
                continue
            known |= {each.seq: each.hash for each in fresh}
            self._take(fresh)

    def _take(self, links: list[Link]) -> None:
        self._report.last_seq, self._end = links[-1].seq, links[-1].hash
        self._report.commits += len(links)
        for each in links:
            if each.seq in self._wanted:
                self.hashes[each.seq] = blake3(each.stored.data)

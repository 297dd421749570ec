"""One site's archive, to read: closed segments, the parts after them, snapshots.

    <site>/segments/<first seq>.cbs     closed: never changes
    <site>/open/<first seq>.cbs         parts of what will be the next segment; gone once that is closed
    <site>/snapshots/<name>.cbz

A file's key says where it begins, its header where it ends. Parts may overlap closed segments and each other (two archivers, or one
that died before it had tidied up); they all tell the same chain of commits, so the reader takes whichever covers what comes next.
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from cordboard.archive import segment
from cordboard.archive.segment import HEAD_BYTES, Header, Link
from cordboard.archive.shelf import Shelf
from cordboard.archive.storage import Storage
from cordboard.errors import ArchiveCorrupt, NotFound
from cordboard.log.port import Stored
from cordboard.log.subjects import check_site

_AT_ONCE = 16
_ENDING = ".cbs"
_WALKED_AGAIN = 3


class Archive:
    """Raises ConfigurationError for a name that cannot be a site's."""

    def __init__(self, storage: Storage, site: str) -> None:
        self.storage = storage
        self.site = check_site(site)
        self.shelf = Shelf(storage, site)
        self._closed: dict[str, Header] = {}
        self._held: list[Link] = []

    @property
    def where(self) -> str:
        return f"{self.storage.where} ({self.site})"

    def closed_key(self, first: int) -> str:
        return f"{self.site}/segments/{first:016d}{_ENDING}"

    def part_key(self, first: int) -> str:
        return f"{self.site}/open/{first:016d}{_ENDING}"

    async def closed_keys(self) -> list[str]:
        return await self._keys("segments")

    async def part_keys(self) -> list[str]:
        return await self._keys("open")

    async def _keys(self, folder: str) -> list[str]:
        return [key for key in await self.storage.keys(f"{self.site}/{folder}/") if key.endswith(_ENDING)]

    async def header(self, key: str) -> Header:
        """Raises NotFound, ArchiveCorrupt."""
        if (known := self._closed.get(key)) is not None:
            return known
        header = segment.read_header(key, await self.storage.head(key, HEAD_BYTES))
        self._check(key, header)
        if header.closed:
            self._closed[key] = header
        return header

    async def read(self, key: str) -> tuple[Header, list[Link]]:
        """A whole file, proven in itself. Raises NotFound, ArchiveCorrupt."""
        data = await self.storage.get(key)
        header, links = await asyncio.to_thread(segment.read, key, data)
        self._check(key, header)
        return header, links

    async def closed(self) -> list[Header]:
        """The closed segments' headers, by position."""
        return await self._headers(await self.closed_keys())

    async def parts(self) -> list[Header]:
        """Those of the parts that go beyond the last closed segment. One that is tidied up meanwhile is left out."""
        closed = await self.closed_keys()
        end = (await self.header(closed[-1])).last_seq if closed else 0
        return [header for header in await self._headers(await self.part_keys()) if header.last_seq > end]

    async def last_seq(self) -> int:
        """The last archived commit; 0: none."""
        position = 0
        for header in sorted([*(await self._last_closed()), *(await self.parts())], key=_first):
            if not position or header.first_seq <= position + 1:
                position = max(position, header.last_seq)
        return position

    async def first_seq(self) -> int:
        """The first archived commit; 1 if there is none."""
        keys = (await self.closed_keys())[:1] or (await self.part_keys())[:1]
        return (await self.header(keys[0])).first_seq if keys else 1

    async def commits(self, first: int, last: int | None = None) -> AsyncGenerator[list[Link], None]:
        """Commits `first` to `last` (or as far as they go), a file at a time, each file proven and joined to the one before.

        Raises ArchiveCorrupt if they do not reach `last`, NotFound if `first` lies before the archive's beginning.
        """
        position, before, missed = first, None, 0
        while last is None or position <= last:
            closed, parts = await self.closed(), await self.parts()
            if position < (await self.first_seq()):
                raise NotFound(f"{self.where} begins at {await self.first_seq()}, not at {position}")
            while (found := _covering(closed, parts, position)) is not None and (last is None or position <= last):
                try:
                    _, links = await self.read(self._key(found))
                except NotFound:
                    break  # a part that became a segment meanwhile
                links = [each for each in links if each.seq >= position and (last is None or each.seq <= last)]
                _join(before, links, position)
                position, before = links[-1].seq + 1, links[-1].hash
                missed = 0
                yield links
            else:
                if found is None:
                    break
            missed += 1
            if missed > _WALKED_AGAIN:
                raise ArchiveCorrupt(f"{self.where}: no file holds commit {position}, though one is listed")
        if last is not None and position <= last:
            raise ArchiveCorrupt(f"{self.where}: commit {position} is in no file, wanted were {first} to {last}")

    async def commit(self, seq: int) -> Stored:
        """One commit. Its file is held until another one is asked for: who looks for an instant asks around a place.

        Raises NotFound if it is in no file, ArchiveCorrupt.
        """
        for _ in range(_WALKED_AGAIN + 1):
            held = self._held
            if held and held[0].seq <= seq <= held[-1].seq:
                return held[seq - held[0].seq].stored
            found = _covering(await self.closed(), await self.parts(), seq)
            if found is None:
                break
            with suppress(NotFound):  # a part that became a segment meanwhile
                _, self._held = await self.read(self._key(found))
        raise NotFound(f"{self.where} has no commit {seq}")

    def _key(self, header: Header) -> str:
        return self.closed_key(header.first_seq) if header.closed else self.part_key(header.first_seq)

    async def _last_closed(self) -> list[Header]:
        return [await self.header(key) for key in (await self.closed_keys())[-1:]]

    async def _headers(self, keys: Sequence[str]) -> list[Header]:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(key: str) -> Header | None:
            async with gate:
                try:
                    return await self.header(key)
                except NotFound:
                    return None

        return [header for header in await asyncio.gather(*map(one, keys)) if header is not None]

    def _check(self, key: str, header: Header) -> None:
        if header.site != self.site or key != self._key(header):
            raise ArchiveCorrupt(f"{key} holds {header.first_seq} to {header.last_seq} of {header.site!r}: it belongs elsewhere")


def _covering(closed: Sequence[Header], parts: Sequence[Header], position: int) -> Header | None:
    """The file that holds `position` and goes farthest; a closed one rather than a part."""
    index = bisect.bisect_right(closed, position, key=_first) - 1
    if index >= 0 and closed[index].last_seq >= position:
        return closed[index]
    fitting = [header for header in parts if header.first_seq <= position <= header.last_seq]
    return max(fitting, key=_last, default=None)


def _join(before: bytes | None, links: Sequence[Link], position: int) -> None:
    if not links or links[0].seq != position:
        raise ArchiveCorrupt(f"commit {position} is in no file")
    if before is not None and links[0].prev_hash != before:
        raise ArchiveCorrupt(f"the hash chain forks at commit {position}: two files tell different journals")


def _first(header: Header) -> int:
    return header.first_seq


def _last(header: Header) -> int:
    return header.last_seq

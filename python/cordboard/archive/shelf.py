"""The archive's snapshots: the router's own, packed, each under its name."""

from __future__ import annotations

import asyncio

import msgspec

from cordboard.archive.digest import blake3
from cordboard.archive.sealed import expand, seal, squeeze, unseal
from cordboard.archive.storage import Storage
from cordboard.errors import ArchiveCorrupt, NotFound
from cordboard.log.snapshot_name import SnapshotName

KIND = b"cordboard snapshot"
FORMAT = "zstd of a state of cordboard's core"
SNAPSHOT_MAX = 1024 * 1024 * 1024
_LEVEL = 3
_ENDING = ".cbz"


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What a packed snapshot says of itself; `name` is the router's name for it, `content` the BLAKE3 of the zstd bytes."""

    format: str = FORMAT
    site: str
    name: str
    plain_bytes: int
    bytes: int
    content: str


class Shelf:
    """The `SnapshotReader` port on an archive, and what puts snapshots there. Names that are not the router's are not seen."""

    def __init__(self, storage: Storage, site: str) -> None:
        self._storage = storage
        self._site = site
        self._prefix = f"{site}/snapshots/"

    async def names(self) -> list[str]:
        """Sorted by position."""
        found = (key.removeprefix(self._prefix) for key in await self._storage.keys(self._prefix))
        return [name for key in found if key.endswith(_ENDING) and SnapshotName.parse(name := key.removesuffix(_ENDING))]

    async def get(self, name: str) -> bytes:
        """Raises NotFound, ArchiveUnavailable, ArchiveCorrupt."""
        key = self._key(name)
        return await asyncio.to_thread(self._unpack, key, name, await self._storage.get(key))

    async def put(self, name: str, data: bytes) -> None:
        """Keep it, unless one of that name is there."""
        packed = await asyncio.to_thread(self._pack, name, data)
        await self._storage.put_if_absent(self._key(name), packed)

    async def delete(self, name: str) -> None:
        await self._storage.delete(self._key(name))

    def _key(self, name: str) -> str:
        if SnapshotName.parse(name) is None:
            raise NotFound(f"no snapshot {name}")
        return f"{self._prefix}{name}{_ENDING}"

    def _pack(self, name: str, data: bytes) -> bytes:
        body = squeeze(data, _LEVEL)
        label = Label(site=self._site, name=name, plain_bytes=len(data), bytes=len(body), content=blake3(body).hex())
        return seal(KIND, msgspec.json.encode(label), body)

    def _unpack(self, key: str, name: str, data: bytes) -> bytes:
        line, body = unseal(KIND, key, data)
        try:
            label = msgspec.json.decode(line, type=Label)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ArchiveCorrupt(f"{key}: the header cannot be read: {error}") from error
        if msgspec.json.encode(label) != line or label.format != FORMAT:
            raise ArchiveCorrupt(f"{key}: the header is not in the form that this release writes")
        if (label.site, label.name, label.bytes) != (self._site, name, len(body)):
            raise ArchiveCorrupt(f"{key}: it is another snapshot, or not all of it")
        return expand(key, body, size=label.plain_bytes, content=label.content, most=SNAPSHOT_MAX)

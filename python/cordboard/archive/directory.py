"""An archive in a directory: a file is written aside, synced, and then linked under its name, which fails if the name is taken.

A disk that is no longer mounted leaves an empty directory under the same name. So each archive has a mark of its own, and who has
seen it works on nothing else; and the directory above must be there already, which one on that disk is not.
"""

import asyncio
import errno
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from cordboard.archive.storage import FILE_MAX
from cordboard.errors import ArchiveUnavailable, ConfigurationError, InvalidInput, NotFound

T = TypeVar("T")
_ASIDE = ".aside-"
_DEAD_S = 3_600
"""A file that was written aside so long before ours is one whose writer died: nobody takes that long over it."""
_MARK = ".cordboard-archive"
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)
_NOT_ALLOWED = (errno.EACCES, errno.EROFS)


class DirectoryStorage:
    """The `Storage` port. The directory is made when the first file is written, in one that is there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._mark: str | None = None
        """What stands in its mark, once we have seen it."""
        self._swept: set[Path] = set()
        """Folders without leftovers of writers that died."""

    @property
    def where(self) -> str:
        return str(self._root)

    async def put_if_absent(self, key: str, data: bytes) -> bool:
        if len(data) > FILE_MAX:
            raise InvalidInput(f"{key}: {len(data)} bytes are too many for one file")
        return await _aside(lambda: self._put(key, data))

    async def get(self, key: str) -> bytes:
        return await _aside(lambda: self._path(key).read_bytes())

    async def head(self, key: str, size: int) -> bytes:
        def read() -> bytes:
            with self._path(key).open("rb") as file:
                return file.read(size)

        return await _aside(read)

    async def keys(self, prefix: str) -> list[str]:
        return await _aside(lambda: self._keys(prefix))

    async def delete(self, key: str) -> None:
        await _aside(lambda: self._path(key).unlink(missing_ok=True))

    def _path(self, key: str) -> Path:
        """Raises ArchiveUnavailable: our disk is not there."""
        found = self._found_mark()
        if self._mark is not None and found != self._mark:
            raise ArchiveUnavailable(f"{self._root} is not the archive that it was a moment ago: is its disk mounted?")
        self._mark = found
        return self._root.joinpath(*key.split("/"))

    def _found_mark(self) -> str | None:
        try:
            return (self._root / _MARK).read_text("ascii", "replace")
        except FileNotFoundError:
            return None

    def _put(self, key: str, data: bytes) -> bool:
        path = self._path(key)
        if self._mark is None:
            self._make_mark()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._place(path, data)

    def _make_mark(self) -> None:
        """Of several at once one wins."""
        try:
            self._root.mkdir(exist_ok=True, mode=0o700)
            with suppress(PermissionError):  # it may be one that we may enter and not read
                _sync(self._root.parent)
        except FileNotFoundError:
            raise ArchiveUnavailable(f"{self._root.parent} is not there: make it, or mount its disk") from None
        self._place(self._root / _MARK, secrets.token_hex(16).encode())
        self._mark = self._found_mark()

    def _place(self, path: Path, data: bytes) -> bool:
        aside = path.parent / f"{_ASIDE}{secrets.token_hex(8)}"
        try:
            with aside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._sweep(aside)
            placed = True
            try:
                os.link(aside, path)
            except FileExistsError:
                placed = False  # by one who died before its name was on disk, perhaps
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                raise ConfigurationError(
                    f"{path.parent} is on a file system without hard links, which an archive needs to put files in place"
                ) from error
            for directory in (path.parent, *path.parent.parents):
                _sync(directory)
                if directory == self._root:
                    break
            return placed
        finally:
            with suppress(FileNotFoundError):
                aside.unlink()

    def _sweep(self, ours: Path) -> None:
        """Once a folder: remove what writers left that died, by the clock of the file system."""
        if ours.parent in self._swept:
            return
        now_s = ours.stat().st_mtime
        for left in ours.parent.glob(f"{_ASIDE}*"):
            with suppress(FileNotFoundError):
                if now_s - left.stat().st_mtime > _DEAD_S:
                    left.unlink()
        self._swept.add(ours.parent)

    def _keys(self, prefix: str) -> list[str]:
        folder = self._path(prefix.rstrip("/"))
        found = folder.iterdir() if folder.is_dir() else iter(())
        return sorted(f"{prefix}{path.name}" for path in found if path.is_file() and not path.name.startswith(_ASIDE))


def _sync(directory: Path) -> None:
    """So that a new name survives a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _aside(work: Callable[[], T]) -> T:
    """On a thread, so that a slow disk does not hold up the loop."""
    try:
        return await asyncio.to_thread(work)
    except FileNotFoundError as error:
        raise NotFound(f"the archive has no {error.filename}") from error
    except OSError as error:
        if error.errno in _NOT_ALLOWED:
            raise ConfigurationError(f"the archive: {error}") from error
        raise ArchiveUnavailable(f"the archive: {error}") from error

"""The archive beside a run of chaos: a disk of its own that gets full or goes away, and whether it holds the journal afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from cordboard import codec
from cordboard.archive import Archive, check_archive, open_storage
from cordboard.events import Commit
from tests.chaos.ballast import fill
from tests.chaos.site import SITE

SETTLE_S = 120.0
DISK_BYTES = 64 * 1024**2


class ArchiveDisk:
    """Where the archiver writes. `small`: it has a file system of its own, so that it can be full; else it can only go away."""

    def __init__(self, directory: Path) -> None:
        self._disk = directory / "archive-disk"
        self._disk.mkdir()
        self.place = self._disk / "archive"
        self.place.mkdir()
        self.small = False

    @property
    def archive(self) -> Archive:
        return Archive(open_storage(str(self.place)), SITE)

    @contextlib.contextmanager
    def mounted(self) -> Iterator[None]:
        """For the life of a run, where this user may mount one."""
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "cordboard-chaos", str(self._disk)]
        with contextlib.suppress(OSError):
            self.small = subprocess.run(command, check=False, capture_output=True).returncode == 0
        self.place.mkdir(exist_ok=True)
        try:
            yield
        finally:
            if self.small:
                subprocess.run(["umount", str(self._disk)], check=False, capture_output=True)

    def fill(self) -> None:
        """Not a byte is left."""
        fill(self._disk / "ballast")

    def empty(self) -> None:
        (self._disk / "ballast").unlink()

    def take_away(self) -> None:
        """What is asked of the storage fails, as of a share whose server is gone."""
        self.place.rename(self._disk / "elsewhere")
        self.place.touch()

    def bring_back(self) -> None:
        self.place.unlink()
        (self._disk / "elsewhere").rename(self.place)


async def archive_agrees(archive: Archive, commits: Sequence[Commit]) -> list[str]:
    """The archive gets to the end of the journal, is sound, and holds the same bytes."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            while await archive.last_seq() < len(commits):  # noqa: ASYNC110 - a directory tells nobody
                await asyncio.sleep(0.25)
    report = await check_archive(archive)
    if report.problems or (report.first_seq, report.last_seq) != (1, len(commits)):
        told = [f"archive: {problem.file}: {problem.what}" for problem in report.problems]
        return [*told, f"the archive holds {report.first_seq} to {report.last_seq} of {len(commits)} commits"]
    held = [link.stored.data async for links in archive.commits(1) for link in links]
    different = [seq for seq, (data, commit) in enumerate(zip(held, commits, strict=True), 1) if data != codec.encode(commit)]
    return [f"the archive holds other commits than the journal, the first one at {different[0]}"] if different else []

"""Journals that earlier commits of this repository recorded: every story told, and kept as it was decided then.

`python -m tests.golden.journals NAME` records today's; what is recorded is never recorded again (docs/adr/0003).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import zstandard

from cordboard._core import LEVEL
from tests.scenarios.story import STORIES, Telling, parse

DIRECTORY = Path(__file__).parent / "journals"
LONG = "quarantine"
"""The story that is told on until a commit carries the state's hash."""
LONG_COMMITS = 1_001
PLAIN_MAX = 8 * 1024 * 1024

Journals = dict[str, list[bytes]]
"""The commits of each story, in order."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A file of them: recorded at `level` by the build of `commit`."""

    path: Path
    level: int
    commit: str

    def read(self) -> Journals:
        plain = zstandard.ZstdDecompressor().decompress(self.path.read_bytes(), max_output_size=PLAIN_MAX)
        return msgspec.msgpack.decode(plain, type=Journals)


def goldens() -> list[Golden]:
    """From the oldest level on. Their names are level-N-COMMIT.zst."""
    found = []
    for path in sorted(DIRECTORY.glob("*.zst")):
        _, level, commit = path.stem.split("-")
        found.append(Golden(path, int(level), commit))
    return found


def record() -> Journals:
    """Every story, told to today's core."""
    return {path.stem: told(path) for path in STORIES}


def told(path: Path) -> list[bytes]:
    telling = Telling()
    for block in parse(path.read_text()):
        if block.commands:
            said = telling.tell(block.commands)
            assert said == block.transcript, f"{path.name}: tell the stories first"
    while path.stem == LONG and len(telling.commits) < LONG_COMMITS:
        telling.tell(["raw c1"])
    return telling.commits


def _write(commit: str) -> None:
    plain = msgspec.msgpack.encode(record())
    path = DIRECTORY / f"level-{LEVEL}-{commit}.zst"
    with path.open("xb") as file:
        file.write(zstandard.ZstdCompressor(level=19, write_content_size=True).compress(plain))
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    _write(sys.argv[1])

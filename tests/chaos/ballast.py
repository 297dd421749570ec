"""Filling a disk."""

from __future__ import annotations

import os
from pathlib import Path

PIECE = 1024**2


def fill(path: Path) -> None:
    """Write until the disk takes nothing more, however small."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        piece = PIECE
        while piece:
            try:
                os.write(file, bytes(piece))
            except OSError:
                piece //= 2
    finally:
        os.close(file)

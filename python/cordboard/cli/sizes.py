"""Sizes as people write them: 64GiB, 500MiB, or bytes."""

import re

import typer

_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]iB|B)?", re.IGNORECASE)
_UNITS = {"b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
BYTES_MAX = 1 << 60


def parse_size(text: str) -> int:
    """In bytes; at least one. Raises BadParameter."""
    found = _SIZE.fullmatch(text.strip())
    size = int(found[1]) * _UNITS[(found[2] or "B").lower()] if found else 0
    if not 0 < size <= BYTES_MAX:
        raise typer.BadParameter(f"{text!r} is no size: write for example 64GiB, or a number of bytes")
    return size

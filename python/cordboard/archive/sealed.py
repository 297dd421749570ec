"""The form of every file of the archive: a line that says what it is, a line of JSON that says the rest, then zstd."""

from __future__ import annotations

import zstandard

from cordboard.archive.digest import blake3
from cordboard.errors import ArchiveCorrupt

HEADER_MAX = 4096
"""Bytes of the two lines together."""


def seal(kind: bytes, header: bytes, body: bytes) -> bytes:
    return b"\n".join((kind, header, body))


def unseal(kind: bytes, key: str, data: bytes) -> tuple[bytes, bytes]:
    """The header's JSON and the body. Raises ArchiveCorrupt if it is not a file of that kind."""
    found, _, rest = data.partition(b"\n")
    header, newline, body = rest.partition(b"\n")
    if found != kind or not newline or len(found) + len(header) > HEADER_MAX:
        raise ArchiveCorrupt(f"{key} is not a {kind.decode()!r}")
    return header, body


def squeeze(plain: bytes, level: int) -> bytes:
    return zstandard.ZstdCompressor(level=level, write_content_size=True).compress(plain)


def expand(key: str, body: bytes, *, size: int, content: str, most: int) -> bytes:
    """The plain bytes, `size` of them, of a body whose hash is `content`. Raises ArchiveCorrupt, before it unpacks anything."""
    if blake3(body).hex() != content:
        raise ArchiveCorrupt(f"{key}: the content is not what the header says, its hash differs")
    try:
        if not 0 <= size <= most or zstandard.frame_content_size(body) != size:
            raise ArchiveCorrupt(f"{key}: the content does not have the size that the header says")
        return zstandard.ZstdDecompressor().decompress(body)
    except zstandard.ZstdError as error:
        raise ArchiveCorrupt(f"{key}: the content cannot be unpacked: {error}") from error

"""A segment: some consecutive commits in one file, with everything that is needed to read and to prove them.

cordboard journal segment
{"format": "zstd of (stored_ms u64be, length u32be, commit)*", "site": "webshop", "first_seq": 1, …}
<zstd>
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from cordboard import codec
from cordboard.archive.digest import ZEROS, blake3
from cordboard.archive.sealed import HEADER_MAX, expand, seal, squeeze, unseal
from cordboard.errors import ArchiveCorrupt, JournalCorrupt
from cordboard.events.commit import COMMIT_MAX
from cordboard.log.port import Stored

KIND = b"cordboard journal segment"
FORMAT = "zstd of (stored_ms u64be, length u32be, commit)*"
PLAIN_MAX = 96 * 1024 * 1024
HEAD_BYTES = len(KIND) + HEADER_MAX + 2
_COMMIT = struct.Struct(">QI")
_CLOSED_LEVEL, _PART_LEVEL = 9, 3


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a segment says of itself. Hashes are BLAKE3 in hexadecimal, times Unix ms.

    `first_prev_hash` is the hash of the commit before the first, `last_hash` that of the last; `content` of the zstd bytes;
    `previous` of the header of the last closed segment before this one (zeros: there is none). `closed`: it will never change, and
    a segment that is not closed is a part of the one that comes next.
    """

    format: str
    site: str
    closed: bool
    first_seq: int
    last_seq: int
    first_prev_hash: str
    last_hash: str
    level_min: int
    level_max: int
    first_stored_ms: int
    last_stored_ms: int
    count: int
    plain_bytes: int
    bytes: int
    content: str
    previous: str

    @property
    def hash(self) -> str:
        """What the next segment names as its `previous`."""
        return blake3(msgspec.json.encode(self)).hex()


@dataclass(frozen=True, slots=True)
class Link:
    """A commit as a link of the chain."""

    stored: Stored
    prev_hash: bytes
    hash: bytes
    level: int

    @property
    def seq(self) -> int:
        return self.stored.seq


def link(site: str, stored: Stored) -> Link:
    """Raises JournalCorrupt if it is no commit, another site's, or not the one of its position."""
    commit = codec.decode_commit(stored.data)
    if (commit.site, commit.seq) != (site, stored.seq):
        raise JournalCorrupt(f"the commit at {stored.seq} of {site!r} calls itself {commit.seq} of {commit.site!r}")
    return Link(stored, commit.prev_hash, blake3(stored.data), commit.level)


def join(before: bytes | None, links: Sequence[Link], first: int) -> None:
    """Raises JournalCorrupt unless `links` begin at `first` after the commit with hash `before` (None: not known), one after the
    other."""
    for expected, each in enumerate(links, first):
        if each.seq != expected:
            raise JournalCorrupt(f"commit {each.seq} stands where {expected} is due")
        if before is not None and each.prev_hash != before:
            raise JournalCorrupt(f"the hash chain forks at commit {each.seq}: it does not follow the commit before it")
        before = each.hash


def write(site: str, links: Sequence[Link], *, closed: bool, previous: str) -> tuple[Header, bytes]:
    """The file with `links`, which are joined already."""
    plain = b"".join(_COMMIT.pack(each.stored.stored_ms, len(each.stored.data)) + each.stored.data for each in links)
    body = squeeze(plain, _CLOSED_LEVEL if closed else _PART_LEVEL)
    levels = [each.level for each in links]
    header = Header(
        format=FORMAT,
        site=site,
        closed=closed,
        first_seq=links[0].seq,
        last_seq=links[-1].seq,
        first_prev_hash=links[0].prev_hash.hex(),
        last_hash=links[-1].hash.hex(),
        level_min=min(levels),
        level_max=max(levels),
        first_stored_ms=links[0].stored.stored_ms,
        last_stored_ms=links[-1].stored.stored_ms,
        count=len(links),
        plain_bytes=len(plain),
        bytes=len(body),
        content=blake3(body).hex(),
        previous=previous,
    )
    return header, seal(KIND, msgspec.json.encode(header), body)


def read_header(key: str, data: bytes) -> Header:
    """From the first HEAD_BYTES of a file, or all of it. Raises ArchiveCorrupt."""
    line, _ = unseal(KIND, key, data)
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveCorrupt(f"{key}: the header cannot be read: {error}") from error
    if header.format != FORMAT or msgspec.json.encode(header) != line:
        raise ArchiveCorrupt(f"{key}: the header is not in the form that this release writes")
    if not 1 <= header.first_seq <= header.last_seq or header.count != header.last_seq - header.first_seq + 1:
        raise ArchiveCorrupt(f"{key}: {header.count} commits cannot be {header.first_seq} to {header.last_seq}")
    return header


def read(key: str, data: bytes) -> tuple[Header, list[Link]]:
    """Header and commits, proven against each other: hash of the content, chain, counts, levels. Raises ArchiveCorrupt."""
    header = read_header(key, data)
    _, body = unseal(KIND, key, data)
    if len(body) != header.bytes:
        raise ArchiveCorrupt(f"{key}: {len(body)} bytes of content, the header says {header.bytes}")
    plain = expand(key, body, size=header.plain_bytes, content=header.content, most=PLAIN_MAX)
    try:
        links = [link(header.site, stored) for stored in _unpack(key, plain, header.first_seq)]
        join(bytes.fromhex(header.first_prev_hash), links, header.first_seq)
    except ArchiveCorrupt:
        raise
    except (JournalCorrupt, ValueError) as error:
        raise ArchiveCorrupt(f"{key}: {error}") from error
    levels = [each.level for each in links]
    said = (header.count, header.last_hash, header.level_min, header.level_max, header.first_stored_ms, header.last_stored_ms)
    times = (links[0].stored.stored_ms, links[-1].stored.stored_ms) if links else ()
    if not links or said != (len(links), links[-1].hash.hex(), min(levels), max(levels), *times):
        raise ArchiveCorrupt(f"{key}: the header does not describe the commits behind it")
    if header.first_seq == 1 and links[0].prev_hash != ZEROS:
        raise ArchiveCorrupt(f"{key}: the first commit of all names one before it")
    return header, links


def _unpack(key: str, plain: bytes, seq: int) -> list[Stored]:
    found: list[Stored] = []
    at = 0
    while at < len(plain):
        if len(plain) - at < _COMMIT.size:
            raise ArchiveCorrupt(f"{key}: the content ends in the middle of a commit")
        stored_ms, length = _COMMIT.unpack_from(plain, at)
        at += _COMMIT.size
        if length > COMMIT_MAX or length > len(plain) - at:
            raise ArchiveCorrupt(f"{key}: the content ends in the middle of a commit")
        found.append(Stored(seq + len(found), stored_ms, plain[at : at + length]))
        at += length
    return found

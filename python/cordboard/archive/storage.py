"""The port of the archive's storage: whole files under keys, written once.

Two implementations under the same contract tests (tests/contract/test_storage.py): `directory` and `s3`.
"""

from typing import Protocol

FILE_MAX = 1024 * 1024 * 1024
"""Bytes of one file: a snapshot may be large, a segment is small."""


class Storage(Protocol):
    """Keys are slash-separated tokens of [A-Za-z0-9._-]. Every method raises ArchiveUnavailable if the storage does not answer, and
    ConfigurationError if it does not let us in."""

    @property
    def where(self) -> str:
        """For people; without secrets."""
        ...

    async def put_if_absent(self, key: str, data: bytes) -> bool:
        """Store durably, all or nothing. False: there is a file of that key already, and it stays as it is."""
        ...

    async def get(self, key: str) -> bytes:
        """Raises NotFound."""
        ...

    async def head(self, key: str, size: int) -> bytes:
        """The first `size` bytes, or fewer if there are no more. Raises NotFound."""
        ...

    async def keys(self, prefix: str) -> list[str]:
        """Every key that begins with `prefix`, which ends in a slash; sorted."""
        ...

    async def delete(self, key: str) -> None:
        """Does nothing if there is none."""
        ...

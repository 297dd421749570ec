"""From what an operator writes to a storage."""

from pathlib import Path

from cordboard.archive.directory import DirectoryStorage
from cordboard.archive.s3 import S3Storage
from cordboard.archive.storage import Storage
from cordboard.errors import ConfigurationError


def open_storage(place: str) -> Storage:
    """`s3://…` or a directory. Raises ConfigurationError if it is neither."""
    if place.startswith("s3://"):
        return S3Storage(place)
    if "://" in place:
        raise ConfigurationError(f"an archive is a directory or s3://bucket/prefix, not {place.split('://')[0]}://…")
    path = Path(place)
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"{path} is no directory")
    return DirectoryStorage(path)

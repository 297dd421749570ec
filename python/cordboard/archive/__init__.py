"""The archive: a second copy of the journal, in a directory or S3-compatible storage, that needs nothing but itself to be read."""

from cordboard.archive.archive import Archive
from cordboard.archive.archiver import Archiver, ArchiveSettings, run_archiver
from cordboard.archive.check import ArchiveReport, check_archive
from cordboard.archive.journal import ArchivedJournal, WithArchive
from cordboard.archive.open import open_storage
from cordboard.archive.segment import Header
from cordboard.archive.storage import Storage

__all__ = [
    "Archive",
    "ArchiveReport",
    "ArchiveSettings",
    "ArchivedJournal",
    "Archiver",
    "Header",
    "Storage",
    "WithArchive",
    "check_archive",
    "open_storage",
    "run_archiver",
]

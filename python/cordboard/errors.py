"""Everything that can go wrong, typed. `reason` is a stable word for programs, the message is for people."""


class CordboardError(Exception):
    """The root. Each subclass says whose mistake it is."""

    reason: str = "error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class InvalidInput(CordboardError):
    """The caller's mistake: a malformed or out-of-bounds value. Nothing was written."""

    reason = "invalid_input"


class NotFound(CordboardError):
    """What was named does not exist."""

    reason = "not_found"


class Conflict(CordboardError):
    """What was asked contradicts what stands; `reason` says how. Nothing was written."""

    reason = "conflict"


class FactRefused(CordboardError):
    """The router looked at the fact and refused it; `reason` is the verdict's."""

    reason = "refused"


class Overloaded(CordboardError):
    """A bounded queue is full, or the router is too far behind: try again later."""

    reason = "overloaded"


class LogUnavailable(CordboardError):
    """The log did not acknowledge in time. The outcome is unknown: retry with the same ids."""

    reason = "log_unavailable"


class StoreFull(LogUnavailable):
    """The log's server has no room for it, and will have none until something goes."""

    reason = "store_full"


class VaultUnavailable(CordboardError):
    """The vault's database did not answer or could not write. Nothing was confirmed: retry with the same ids."""

    reason = "vault_unavailable"


class HistoryUnavailable(CordboardError):
    """The history's database did not answer or could not write. Nothing is written halfway: try again."""

    reason = "history_unavailable"


class SiteMissing(CordboardError):
    """The log's server has no streams of the site, and nobody asked for new ones: they are still to be made, or elsewhere."""

    reason = "site_missing"


class OutcomeUnknown(CordboardError):
    """Durable, but no verdict seen before the deadline. Retry with the same request id."""

    reason = "outcome_unknown"


class SteppedDown(CordboardError):
    """Another router extended the journal: this one must drop its state and start again as a follower."""

    reason = "stepped_down"


class JournalCorrupt(CordboardError):
    """The journal contradicts itself: a gap, a fork of the hash chain, bytes that do not decode. Never skipped."""

    reason = "journal_corrupt"


class JournalReplaced(JournalCorrupt):
    """Another commit stands where one was read before: the site was restored and lost its end, or it is another site's journal."""

    reason = "journal_replaced"


class ArchiveUnavailable(CordboardError):
    """The archive's storage did not answer or could not write. Nothing half-written is visible: try again."""

    reason = "archive_unavailable"


class ArchiveCorrupt(JournalCorrupt):
    """A file of the archive is not what it says, or the files leave a gap or contradict each other or the journal."""

    reason = "archive_corrupt"


class SnapshotDamaged(CordboardError):
    """What the log holds under a snapshot's name is not what was put there, or not all of it: an older one will do."""

    reason = "snapshot_damaged"


class LevelUnsupported(CordboardError):
    """The journal is sound, but of a level that this build does not decide, or not even fold: another build must do it."""

    reason = "level_unsupported"


class ConfigurationError(CordboardError):
    """The process cannot run as configured; the message says what to change."""

    reason = "configuration"

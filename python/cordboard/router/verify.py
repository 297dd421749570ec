"""Verification: fold and re-decide the whole journal, and check every invariant that exists so far.

Three independent looks: the core decides every commit again and must give the same bytes; the core checks its own state;
the ledger checks the record without the core. With the inbox, also that no fact got lost on the way in.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from functools import partial

import msgspec

from cordboard import codec
from cordboard._core import FIRST_DECIDED, CoreError, LevelUnsupported, Router, commit_hash
from cordboard.errors import InvalidInput, JournalCorrupt
from cordboard.events import Commit
from cordboard.log.port import Journal, SiteLog, Stored
from cordboard.router import snapshots
from cordboard.router.audit import InboxAudit
from cordboard.router.core import CoreThread
from cordboard.router.ledger import FIRST_ADOPTED, Ledger
from cordboard.router.reading import commits_between
from cordboard.router.recovery import fold

CHECK_EVERY = 1_000
"""Commits between two checks of the whole state, which cost more than a commit."""
FINDINGS_MAX = 1_000

Progress = Callable[[int, int], None]


class Finding(msgspec.Struct, frozen=True):
    """What is wrong with commit `seq`."""

    seq: int
    what: str


class VerifyReport(msgspec.Struct, kw_only=True):
    """`divergences`: commits that decide differently today. `violations`: invariants that do not hold. Both empty is good.

    At most 1,000 findings of a kind are kept; the counts go on. `lost` (facts without an input) is None if the inbox was not read.
    """

    first_seq: int
    last_seq: int
    commits: int = 0
    events: int = 0
    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    duplicates: int = 0
    quarantined: int = 0
    levels: dict[int, int] = {}
    """Commits by the level at which they were decided."""
    folded_only: int = 0
    """Commits of levels that this build does not decide: chain and invariants were checked, not what was decided."""
    lost: int | None = None
    divergence_count: int = 0
    violation_count: int = 0
    divergences: list[Finding] = []
    violations: list[Finding] = []
    duration_ms: int = 0
    peak_memory_bytes: int = 0
    """The most this process held, from its start on."""

    @property
    def clean(self) -> bool:
        return not (self.divergence_count or self.violation_count or self.lost)

    def diverged(self, seq: int, what: str) -> None:
        self.divergence_count += 1
        if len(self.divergences) < FINDINGS_MAX:
            self.divergences.append(Finding(seq, what))

    def violated(self, seq: int, what: str) -> None:
        self.violation_count += 1
        if len(self.violations) < FINDINGS_MAX:
            self.violations.append(Finding(seq, what))


async def verify(log: SiteLog, *, from_seq: int = 1, inbox: bool = True, progress: Progress | None = None) -> VerifyReport:
    """Verify commits `from_seq` to the end of the journal as it is now; `progress(seq, last)` is called on the way.

    With `from_seq` > 1 the state before it comes from a snapshot and the fold. Stops at the first commit that cannot even be
    folded (a gap, a fork, broken bytes), and reports it. Of a purged inbox only what is left is compared. Commits of a level
    that this build does not decide are folded only. Raises LevelUnsupported at a level that it cannot even fold.
    """
    return await _verify(log, log if inbox else None, from_seq, progress)


async def verify_archive(archive: Journal, *, from_seq: int = 1, progress: Progress | None = None) -> VerifyReport:
    """The same for a journal that has no inbox beside it any more: an archive."""
    return await _verify(archive, None, from_seq, progress)


async def _verify(log: Journal, inbox: SiteLog | None, from_seq: int, progress: Progress | None) -> VerifyReport:
    started = time.monotonic()
    last = await log.last_journal_seq()
    report = VerifyReport(first_seq=from_seq, last_seq=last)
    async with CoreThread() as core:
        if last >= from_seq:
            run = await _begin(log, core, from_seq, report)
            if inbox is not None:
                run.compare_with(inbox.inbox_id, await inbox.first_inbox_seq())
            with contextlib.suppress(_Unreadable):
                await _read(log, core, run, last, inbox, progress)
            run.end()
    report.duration_ms = round((time.monotonic() - started) * 1000)
    report.peak_memory_bytes = _peak_memory()
    return report


def _peak_memory() -> int:
    """Bytes. What Linux reports in KiB, macOS reports in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class _Unreadable(Exception):
    """The journal cannot be followed beyond here; the report says why."""


class _Run:
    """The state of one verification. Its methods run on the core's thread, one at a time."""

    def __init__(self, router: Router, report: VerifyReport) -> None:
        self.report = report
        self._router = router
        self._prev_hash = router.position().hash
        self._ledger = Ledger(report.first_seq, report.violated)
        self._inbox_id: bytes | None = None
        """The inbox there is today: of an older one only the journal is left."""
        self.consumed = (1, 0)
        self._purged_below = (1, 0)
        self.audit = InboxAudit(*self.consumed, report.violated)

    def compare_with(self, inbox_id: bytes, first: int) -> None:
        """The inputs are to be looked up in this inbox, whose oldest frame is `first`."""
        position = self._router.position()
        self._inbox_id = inbox_id
        if position.inbox_id == inbox_id:
            self.consumed = (max(1, position.inbox_seq), position.facts_done)
        self._purged_below = (first, 0)
        self.audit = InboxAudit(*max(self.consumed, self._purged_below), self.report.violated)

    @property
    def first_frame(self) -> int:
        """The first frame that is to be read."""
        return max(self.consumed, self._purged_below)[0]

    def commits(self, batch: Sequence[Stored]) -> None:
        for stored in batch:
            self._commit(stored)

    def _commit(self, stored: Stored) -> None:
        seq = stored.seq
        try:
            commit = codec.decode_commit(stored.data)
            inputs = self._ledger.check(seq, commit, self._prev_hash)
        except JournalCorrupt as error:
            self.report.violated(seq, str(error))
            raise _Unreadable from error
        self.report.levels[commit.level] = self.report.levels.get(commit.level, 0) + 1
        self._redecide(stored, commit.level)
        if commit.consumed.inbox_id == self._inbox_id:
            self.consumed = (commit.consumed.inbox_seq, commit.consumed.facts_done)
            self.audit.inputs(seq, [each for each in inputs if (each.inbox_seq, each.index) >= self._purged_below])
        self._prev_hash = commit_hash(stored.data)
        self.report.commits += 1
        if self.report.commits % CHECK_EVERY == 0:
            self.check(seq)

    def _redecide(self, stored: Stored, level: int) -> None:
        try:
            if level < FIRST_DECIDED:
                self._router.apply(stored.data)
                self.report.folded_only += 1
                return
            again = self._router.redecide(stored.data)
        except LevelUnsupported:
            raise
        except CoreError as error:
            self.report.violated(stored.seq, str(error))
            raise _Unreadable from error
        if again != stored.data and not (level < FIRST_ADOPTED and _but_for_its_hash(again) == _but_for_its_hash(stored.data)):
            self.report.diverged(stored.seq, _difference(stored.data, again))

    def check(self, seq: int) -> None:
        for violation in self._router.check():
            self.report.violated(seq, violation)

    def end(self) -> None:
        report, ledger = self.report, self._ledger
        self.check(report.first_seq + report.commits - 1)
        report.events, report.inputs = ledger.events, ledger.inputs
        report.accepted, report.refused = ledger.facts["accepted"], ledger.facts["refused"]
        report.duplicates, report.quarantined = ledger.facts["duplicate"], ledger.facts["quarantined"]


async def _begin(log: Journal, core: CoreThread, from_seq: int, report: VerifyReport) -> _Run:
    """Bring a router to the position before `from_seq`."""
    if from_seq < 1:
        raise InvalidInput("from_seq counts from 1")
    router = await snapshots.newest(log, core, from_seq - 1) or Router(log.site)
    await fold(log, core, router, from_seq - 1)
    return _Run(router, report)


async def _read(log: Journal, core: CoreThread, run: _Run, last: int, inbox: SiteLog | None, progress: Progress | None) -> None:
    async with contextlib.AsyncExitStack() as stack:
        frames: AsyncGenerator[list[Stored], None] | None = None
        if inbox is not None:
            frames = await stack.enter_async_context(contextlib.aclosing(inbox.follow_inbox(run.first_frame)))
        try:
            last_frame = 0 if inbox is None else await inbox.last_inbox_seq()
            batches = await stack.enter_async_context(contextlib.aclosing(commits_between(log, run.report.first_seq, last)))
            async for batch in batches:
                await core.run(partial(run.commits, batch))
                if frames is not None:
                    await _catch_up(core, run, frames, last_frame)
                if progress is not None:
                    progress(batch[-1].seq, last)
        except JournalCorrupt as error:
            run.report.violated(run.report.first_seq + run.report.commits, str(error))
            raise _Unreadable from error
        if frames is not None:
            run.audit.end(last, *run.consumed)
            run.report.lost = run.audit.lost


async def _catch_up(core: CoreThread, run: _Run, frames: AsyncIterator[list[Stored]], last_frame: int) -> None:
    """Read the inbox as far as the inputs seen so far speak of it. It went to `last_frame` when the journal's end was known."""
    while (wanted := run.audit.wanted) is not None:
        if wanted > last_frame:
            run.report.violated(run.report.last_seq, "the inbox ends before what the journal consumed")
            raise _Unreadable
        batch = await anext(frames)
        await core.run(partial(run.audit.frames, batch))


def _but_for_its_hash(data: bytes) -> Commit:
    """Builds of one level hashed the state in several ways before levels were adopted (docs/adr/0003): that is no divergence."""
    return msgspec.structs.replace(codec.decode_commit(data), state_hash=None)


def _difference(recorded: bytes, again: bytes) -> str:
    """Where two commits part, for people."""
    one, other = codec.decode_commit(recorded), codec.decode_commit(again)
    for index, (left, right) in enumerate(zip(one.entries, other.entries, strict=False)):
        if left.tag != right.tag:
            return f"entry {index}: recorded tag {left.tag}, decided tag {right.tag}"
        if left != right:
            return f"entry {index}: tag {left.tag} with other values"
    if len(one.entries) != len(other.entries):
        return f"{len(one.entries)} entries recorded, {len(other.entries)} decided"
    return "the entries are equal, the head differs"

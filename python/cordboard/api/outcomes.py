"""What became of a command: the verdict and the events in the journal that name its fact id."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from cordboard import codec, metrics
from cordboard.errors import FactRefused, InvalidInput, JournalCorrupt, NotFound, OutcomeUnknown, Overloaded
from cordboard.events import Commit, Entry
from cordboard.events.commit import INPUT_TAG
from cordboard.events.verdict import QUARANTINES, REFUSALS, Accepted, Duplicate, Quarantined, Refused, Verdict

PENDING_MAX = 20_000
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Outcome:
    """An accepted command: where it stands in the journal, and its own events (Entry, decoded body) in cause order."""

    seq: int
    at_ms: int
    events: tuple[tuple[Entry, object], ...]
    repeated: bool = False

    def first(self, kind: type[E]) -> E | None:
        """Its first event of `kind`."""
        return next((event for _, event in self.events if isinstance(event, kind)), None)


class _Awaited:
    """Callers that wait for one fact (a retry may overtake the call that it repeats)."""

    __slots__ = ("callers", "decided")

    def __init__(self) -> None:
        self.callers = 0
        self.decided: asyncio.Future[tuple[Commit, int]] = asyncio.get_running_loop().create_future()


class Outcomes:
    """A fold. Expect the fact first, then append it: so no verdict can be missed.

    `read_commit(seq)` reads one commit of the journal; repeats are answered from the commit that decided the fact first.
    """

    def __init__(self, read_commit: Callable[[int], Awaitable[Commit]]) -> None:
        self._read_commit = read_commit
        self._awaited: dict[bytes, _Awaited] = {}

    def apply(self, seq: int, commit: Commit) -> None:
        """Look for awaited facts in the next commit."""
        if not self._awaited:
            return
        for index, entry in enumerate(commit.entries):
            if entry.tag != INPUT_TAG:
                continue
            fact_id = codec.fact_id(codec.decode_input(entry).fact)
            awaited = self._awaited.get(fact_id) if fact_id is not None else None
            if awaited is not None and not awaited.decided.done():
                awaited.decided.set_result((commit, index))

    @contextmanager
    def expect(self, fact_id: bytes) -> Iterator[Callable[[], Awaitable[Outcome]]]:
        """Yields what to await once the fact is appended: its Outcome. That raises FactRefused, or OutcomeUnknown if the commit
        that decided it first has been trimmed. Raises Overloaded when too many commands are waiting."""
        if len(self._awaited) >= PENDING_MAX and fact_id not in self._awaited:
            raise Overloaded(f"{PENDING_MAX} commands wait for the router already")
        awaited = self._awaited.setdefault(fact_id, _Awaited())
        awaited.callers += 1
        metrics.OUTCOMES.set(len(self._awaited))
        clock = asyncio.get_running_loop().time
        begun_s = clock()

        async def outcome() -> Outcome:
            decided = await asyncio.shield(awaited.decided)
            metrics.OUTCOME_S.observe(clock() - begun_s)
            return await self._resolve(*decided)

        try:
            yield outcome
        finally:
            awaited.callers -= 1
            if awaited.callers == 0:
                self._awaited.pop(fact_id, None)
                awaited.decided.cancel()
                metrics.OUTCOMES.set(len(self._awaited))

    async def _resolve(self, commit: Commit, index: int) -> Outcome:
        verdict = codec.decode_input(commit.entries[index]).verdict
        if not isinstance(verdict, Duplicate):
            return _outcome(commit, index, verdict, repeated=False)
        return await self.recall(verdict.first_seq, verdict.first_entry)

    async def recall(self, seq: int, index: int) -> Outcome:
        """The outcome that stands at entry `index` of commit `seq`. Raises what `expect` does."""
        try:
            commit = await self._read_commit(seq)
        except NotFound as error:
            raise OutcomeUnknown(f"decided by commit {seq}, which the journal no longer holds") from error
        if index >= len(commit.entries) or commit.entries[index].tag != INPUT_TAG:
            raise JournalCorrupt(f"commit {seq} has no input {index}")
        return _outcome(commit, index, codec.decode_input(commit.entries[index]).verdict, repeated=True)


def _outcome(commit: Commit, index: int, verdict: Verdict, *, repeated: bool) -> Outcome:
    match verdict:
        case Accepted():
            events = tuple(
                (entry, codec.decode_event(entry)) for entry in commit.entries if entry.cause == index and entry.tag != INPUT_TAG
            )
            return Outcome(commit.seq, commit.at_ms, events, repeated)
        case Refused(reason=reason):
            raise FactRefused(REFUSALS.get(reason, reason), reason=reason)
        case Quarantined(reason=reason):
            raise InvalidInput(QUARANTINES.get(reason, reason), reason=reason)
        case Duplicate():
            raise JournalCorrupt(f"commit {commit.seq} calls a duplicate the first of its kind")

"""What the router made of this process's facts: the verdict and the events behind it, as they come in the journal."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from cordboard import codec
from cordboard.errors import FactRefused, InvalidInput, NotFound, OutcomeUnknown
from cordboard.events import Commit
from cordboard.events.commit import INPUT_TAG
from cordboard.events.verdict import QUARANTINES, REFUSALS, Accepted, Duplicate, Quarantined, Refused
from cordboard.vault.intake import Intake
from cordboard.vault.words import Acceptance, Draft

Events = tuple[object, ...]
Outcome = Callable[[float], Awaitable[Events]]
DecidedAt = Callable[[bytes], Awaitable[tuple[int, int] | None]]
"""Commit and entry of the first verdict on the fact with this id, if the journal has one. Raises LogUnavailable: not known now."""


class Answers:
    """A fold. Expect first, then publish. `read_commit(seq)` reads a commit again, for what was decided before."""

    def __init__(self, read_commit: Callable[[int], Awaitable[Commit]]) -> None:
        self._read_commit = read_commit
        self._publish: Callable[[bytes], Awaitable[object]] | None = None
        self._decided_at: DecidedAt | None = None
        self._expected: dict[bytes, set[asyncio.Future[tuple[Commit, int]]]] = {}

    def open(self, publish: Callable[[bytes], Awaitable[object]], decided_at: DecidedAt | None = None) -> None:
        """`decided_at`: of facts that the router may have forgotten."""
        self._publish, self._decided_at = publish, decided_at

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        if not self._expected:
            return
        for index, entry in enumerate(commit.entries):
            if entry.tag != INPUT_TAG:
                continue
            fact_id = codec.fact_id(codec.decode_input(entry).fact)
            for future in self._expected.get(fact_id, ()) if fact_id is not None else ():
                if not future.done():
                    future.set_result((commit, index))

    @contextmanager
    def expect(self, fact_id: bytes) -> Iterator[Outcome]:
        """Yields what to await once the fact is published, with its patience in seconds: the events that it caused. That raises
        FactRefused, InvalidInput (quarantined), OutcomeUnknown (no verdict in time, or its commit is gone)."""
        future: asyncio.Future[tuple[Commit, int]] = asyncio.get_running_loop().create_future()
        self._expected.setdefault(fact_id, set()).add(future)

        async def outcome(patience_s: float) -> Events:
            try:
                async with asyncio.timeout(patience_s):
                    return await self._events(*await future)
            except TimeoutError:
                raise OutcomeUnknown("stored, but not decided yet: send the same again") from None

        try:
            yield outcome
        finally:
            future.cancel()
            waiting = self._expected[fact_id]
            waiting.discard(future)
            if not waiting:
                del self._expected[fact_id]

    async def decided(self, draft: Draft, intake: Intake, patience_s: float) -> Events:
        """The events of a draft's fact, sent for the first time or once more. Raises as what `expect` yields does, and what the
        intake does."""
        with self.expect(draft.fact_id) as outcome:
            acceptance = await intake.submit(draft)
            if acceptance.fact_id != draft.fact_id:
                raise OutcomeUnknown("somebody sends the same at this moment: send it again")
            if acceptance.fresh:
                return await outcome(patience_s)
            return await self.repeated(acceptance, outcome, patience_s)

    async def repeated(self, first: Acceptance, outcome: Outcome, patience_s: float) -> Events:
        """The events of a fact that was accepted before, by this process or another: as it was decided then, or is now. `outcome`
        is what `expect` yielded for it. Raises as that does."""
        decided_at = None if self._decided_at is None else await self._decided_at(first.fact_id)
        if decided_at is not None:
            return await self.said(*decided_at)
        # Not decided yet, or a moment ago: the router says again what it said.
        assert self._publish is not None, "nothing is accepted before it is open"
        await self._publish(first.fact)
        return await outcome(patience_s)

    async def said(self, seq: int, entry: int) -> Events:
        """The events that the fact at this place of the journal caused. Raises as what `expect` yields does."""
        try:
            return await self._events(await self._read_commit(seq), entry)
        except NotFound:
            raise OutcomeUnknown("decided long ago") from None

    async def _events(self, commit: Commit, index: int) -> Events:
        match codec.decode_input(commit.entries[index]).verdict:
            case Accepted():
                caused = (entry for entry in commit.entries if entry.tag != INPUT_TAG and entry.cause == index)
                return tuple(codec.decode_event(entry) for entry in caused)
            case Refused(reason=reason):
                raise FactRefused(REFUSALS.get(reason, reason), reason=reason)
            case Quarantined(reason=reason):
                raise InvalidInput(QUARANTINES.get(reason, reason), reason=reason)
            case Duplicate(first_seq=seq, first_entry=entry):
                return await self.said(seq, entry)

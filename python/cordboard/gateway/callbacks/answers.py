"""What the router made of this process's wishes: the verdict and the events behind it, as they come in the journal."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from cordboard import codec
from cordboard.errors import FactRefused, InvalidInput, NotFound, OutcomeUnknown
from cordboard.events import Commit
from cordboard.events.commit import INPUT_TAG
from cordboard.events.verdict import QUARANTINES, REFUSALS, Accepted, Duplicate, Quarantined, Refused

Events = tuple[object, ...]


class Answers:
    """A fold. Expect first, then publish. `read_commit(seq)` reads a commit again, for what was decided before."""

    def __init__(self, read_commit: Callable[[int], Awaitable[Commit]]) -> None:
        self._read_commit = read_commit
        self._expected: dict[bytes, set[asyncio.Future[tuple[Commit, int]]]] = {}

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
    def expect(self, fact_id: bytes) -> Iterator[Callable[[float], Awaitable[Events]]]:
        """Yields what to await once the fact is published, with its patience in seconds: the events that it caused. That raises
        FactRefused, InvalidInput (quarantined), OutcomeUnknown (no verdict in time, or its commit is gone)."""
        future: asyncio.Future[tuple[Commit, int]] = asyncio.get_running_loop().create_future()
        self._expected.setdefault(fact_id, set()).add(future)

        async def outcome(patience_s: float) -> Events:
            try:
                async with asyncio.timeout(patience_s):
                    return await self._events(*await future)
            except TimeoutError:
                raise OutcomeUnknown("stored, but not decided yet: ask again with the same key") from None

        try:
            yield outcome
        finally:
            future.cancel()
            waiting = self._expected[fact_id]
            waiting.discard(future)
            if not waiting:
                del self._expected[fact_id]

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

"""What the router said to this process's facts: whoever appended one can wait for its verdict as it comes in the journal."""

import asyncio
from collections.abc import Callable

from cordboard import codec
from cordboard.events import Commit
from cordboard.events.commit import INPUT_TAG
from cordboard.events.verdict import Verdict

Hear = Callable[[Verdict], None]


class Verdicts:
    """A fold. Expect first, then publish: so no verdict is missed."""

    def __init__(self) -> None:
        self._expected: dict[bytes, dict[bytes, Hear]] = {}

    def expect(self, contact: bytes, fact_id: bytes, hear: Hear) -> Callable[[], None]:
        """`hear` is called once, in the fold, with the verdict on this fact. Returns what to call to expect it no longer."""
        self._expected.setdefault(contact, {})[fact_id] = hear
        return lambda: self._drop(contact, fact_id)

    def future(self, contact: bytes, fact_id: bytes) -> "asyncio.Future[Verdict]":
        """The verdict as a future; cancelled or done, it expects nothing any more."""
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

        def hear(verdict: Verdict) -> None:
            if not future.done():
                future.set_result(verdict)

        drop = self.expect(contact, fact_id, hear)
        future.add_done_callback(lambda _: drop())
        return future

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        if not self._expected:
            return
        for entry in commit.entries:
            if entry.tag != INPUT_TAG or entry.contact is None or entry.contact not in self._expected:
                continue
            body = codec.decode_input(entry)
            fact_id = codec.fact_id(body.fact)
            hear = self._expected[entry.contact].get(fact_id) if fact_id is not None else None
            if hear is not None and fact_id is not None:
                self._drop(entry.contact, fact_id)
                hear(body.verdict)

    def _drop(self, contact: bytes, fact_id: bytes) -> None:
        waiting = self._expected.get(contact)
        if waiting is not None:
            waiting.pop(fact_id, None)
            if not waiting:
                del self._expected[contact]

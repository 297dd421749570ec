"""The inbox against the journal: every fact of every consumed frame has exactly one input, in order, with the same bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events.bounds import FRAME_FACTS_MAX, FRAME_MAX
from cordboard.events.commit import Input
from cordboard.events.verdict import Quarantined
from cordboard.log.port import Stored


class InboxAudit:
    """Feed frames and inputs as they are read, each in order; what both have said is compared and forgotten.

    A fact whose input is missing is `lost`; an input without its fact is reported.
    """

    def __init__(self, inbox_seq: int, facts_done: int, report: Callable[[int, str], None]) -> None:
        self.lost = 0
        self._report = report
        self._begin = (inbox_seq, facts_done)
        self._frames_to = inbox_seq
        """Frames before this one were fed."""
        self._facts: deque[tuple[int, int, bytes | None]] = deque()
        self._inputs: deque[tuple[int, Input]] = deque()

    @property
    def wanted(self) -> int | None:
        """The last frame that inputs speak of and that was not fed yet; None: there is none."""
        last = self._inputs[-1][1].inbox_seq if self._inputs else 0
        return last if last >= self._frames_to else None

    def frames(self, frames: Sequence[Stored]) -> None:
        for frame in frames:
            for index, fact in enumerate(_facts(frame.data)):
                if (frame.seq, index) >= self._begin:
                    self._facts.append((frame.seq, index, fact))
            self._frames_to = frame.seq + 1
        self._compare()

    def inputs(self, seq: int, inputs: Sequence[Input]) -> None:
        """The inputs of commit `seq`."""
        self._inputs.extend((seq, entry) for entry in inputs)
        self._compare()

    def end(self, seq: int, inbox_seq: int, facts_done: int) -> None:
        """The journal ends at `seq`, having consumed up to here: what is left of that has no partner."""
        self._compare()
        while self._facts and self._facts[0][:2] < (inbox_seq, facts_done):
            self._lose(seq)
        for at, entry in self._inputs:
            if entry.inbox_seq < self._frames_to:
                self._report(at, f"input {entry.inbox_seq}/{entry.index} is in no frame")

    def _compare(self) -> None:
        while self._inputs and (self._facts or self._inputs[0][1].inbox_seq < self._frames_to):
            seq, entry = self._inputs[0]
            place = (entry.inbox_seq, entry.index)
            if self._facts and self._facts[0][:2] < place:
                self._lose(seq)
                continue
            if not self._facts or self._facts[0][:2] > place:
                self._report(seq, f"input {entry.inbox_seq}/{entry.index} is in no frame, or stands in the journal twice")
            else:
                fact = self._facts.popleft()[2]
                if not isinstance(entry.verdict, Quarantined) and entry.fact != fact:
                    self._report(seq, f"input {entry.inbox_seq}/{entry.index} differs from the fact in the inbox")
            self._inputs.popleft()

    def _lose(self, seq: int) -> None:
        frame, index, _ = self._facts.popleft()
        self.lost += 1
        self._report(seq, f"fact {frame}/{index} of the inbox is lost")


def _facts(frame: bytes) -> list[bytes | None]:
    """The facts of a frame; None once for a message that is not a frame (it is quarantined whole)."""
    try:
        facts = codec.decode_frame(frame)
    except InvalidInput:
        return [None]
    if not facts or len(frame) > FRAME_MAX or len(facts) > FRAME_FACTS_MAX:
        return [None]
    return [*facts]

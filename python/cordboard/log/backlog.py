"""How far somebody is behind: the end of a stream against what was read of it."""

from collections import deque

from cordboard.events.commit import Consumed
from cordboard.log.port import Backlog

UNREAD_MAX = 1_000
"""So many looks at what is unread are remembered; later ones count as the last of them."""


class Lag:
    """Told what was `read` of a stream and what was `seen` of it, it says how far behind the reader is. Times are seconds of any
    steady clock. The age is how long ago the oldest message still unread was first seen to be there."""

    def __init__(self) -> None:
        self._read = 0
        self._last = 0
        self._unread: deque[tuple[int, float]] = deque()

    def read(self, seq: int) -> None:
        """Everything up to `seq`."""
        self._read = seq
        while self._unread and self._unread[0][0] <= seq:
            self._unread.popleft()

    def seen(self, last: int, now_s: float) -> None:
        """The stream ends at `last`."""
        self._last = last
        if last > self._read and (not self._unread or self._unread[-1][0] < last):
            if len(self._unread) >= UNREAD_MAX:
                _, now_s = self._unread.pop()
            self._unread.append((last, now_s))

    def backlog(self, now_s: float) -> Backlog:
        frames = max(0, self._last - self._read)
        if not frames or not self._unread:
            return Backlog(frames, 0)
        return Backlog(frames, int((now_s - self._unread[0][1]) * 1000))


class BacklogGauge(Lag):
    """The router's, as its commits tell it: the INBOX's last frame against what the newest commit has consumed."""

    def __init__(self, inbox_id: bytes) -> None:
        super().__init__()
        self._inbox_id = inbox_id

    def consumed(self, consumed: Consumed) -> None:
        """From a commit. A frame that was begun counts as read."""
        if consumed.inbox_id == self._inbox_id:
            self.read(consumed.inbox_seq if consumed.facts_done else max(0, consumed.inbox_seq - 1))

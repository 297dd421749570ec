"""Growing pauses between attempts. No jitter: there is one sender a stream, and simulations must repeat."""


class Backoff:
    """`next_s()` doubles from `first_s` up to `most_s`."""

    def __init__(self, first_s: float = 0.02, most_s: float = 1.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._next_s = first_s

    def next_s(self) -> float:
        pause = self._next_s
        self._next_s = min(self._next_s * 2, self._most_s)
        return pause

    def reset(self) -> None:
        self._next_s = self._first_s

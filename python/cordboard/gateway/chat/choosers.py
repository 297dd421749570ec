"""Customers who were turned away and choose what to do instead: not too many from one address, and told when time is up."""

from collections.abc import Callable

from cordboard.errors import Overloaded
from cordboard.events import Commit
from cordboard.next_steps import Choice, NextSteps
from cordboard.vault.clock import now_ms

RETRY_MS_MIN, RETRY_MS_MAX = 1_000, 60_000

Tell = Callable[[Choice], None]


class TooManyChoosing(Overloaded):
    """As many from one network address are choosing as may."""

    reason = "rate_limited"

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__("too many from this address are choosing what to do instead")
        self.retry_after_ms = retry_after_ms


class Choosers:
    """Its owner calls `apply` after that of the fold. At most `most` choices of one client are open: there is room for a bounded
    number in the whole site, and one client is not to take it from all others."""

    def __init__(self, fold: NextSteps, most: int) -> None:
        self._fold, self._most = fold, most
        self._held: dict[str, dict[bytes, int]] = {}
        self._holders: dict[bytes, str] = {}
        self._watched: dict[bytes, list[Tell]] = {}

    def apply(self, seq: int, commit: Commit) -> None:  # noqa: ARG002 - the shape of a fold
        if not self._holders and not self._watched:
            return
        for entry in commit.entries:
            if entry.contact is not None and (entry.contact in self._holders or entry.contact in self._watched):
                self._look(entry.contact)

    def hold(self, client: str, choice: Choice) -> None:
        """This client was turned away, and may choose."""
        if choice.open and choice.contact not in self._holders:
            self._holders[choice.contact] = client
            self._held.setdefault(client, {})[choice.contact] = choice.until_ms

    def crowded(self, client: str) -> TooManyChoosing | None:
        """Why nobody else is to be turned away who comes from there; None: they may."""
        held = self._held.get(client, {})
        if len(held) < self._most:
            return None
        return TooManyChoosing(min(max(min(held.values()) - now_ms(), RETRY_MS_MIN), RETRY_MS_MAX))

    def watch(self, contact: bytes, tell: Tell) -> Callable[[], None]:
        """`tell` is called once, in the fold, when the choice is over. Returns what to call to watch no longer."""
        self._watched.setdefault(contact, []).append(tell)
        return lambda: self._drop(contact, tell)

    def open_s(self, contact: bytes) -> float:
        """For how long the choice of a contact is still open."""
        choice = self._fold.get(contact)
        return max(0, choice.until_ms - now_ms()) / 1_000 if choice is not None and choice.open else 0.0

    def _look(self, contact: bytes) -> None:
        choice = self._fold.get(contact)
        if choice is None or choice.open:
            return
        client = self._holders.pop(contact, None)
        if client is not None:
            del self._held[client][contact]
            if not self._held[client]:
                del self._held[client]
        for tell in self._watched.pop(contact, ()):
            tell(choice)

    def _drop(self, contact: bytes, tell: Tell) -> None:
        watching = self._watched.get(contact, [])
        if tell in watching:
            watching.remove(tell)
        if not watching:
            self._watched.pop(contact, None)

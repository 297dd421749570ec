"""Next steps, folded from the journal: who may choose one, and what became of it."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cordboard import codec
from cordboard.events import Commit, Entry
from cordboard.events import event as words
from cordboard.events.next_steps import TakenBy
from cordboard.events.policy import NextStep
from cordboard.events.terms import DivertCause

OVER_MS = 3_600_000
"""So long a choice that is over is known here …"""
OVER_MAX = 20_000
"""… unless so many were over since."""
_ACCEPTED, _QUEUED, _ENDED, _OFFERED, _TAKEN, _PROMISED = 14, 10, 11, 96, 97, 72
_TAGS = frozenset((_ACCEPTED, _QUEUED, _ENDED, _OFFERED, _TAKEN))


@dataclass(frozen=True, slots=True)
class Choice:
    """What the customer of `contact` was offered, until `until_ms` (Unix ms). `taken`: what became of it; None while it is open,
    and if it was not needed any more."""

    contact: bytes
    channel: str
    queue: str
    cause: DivertCause
    steps: tuple[NextStep, ...]
    until_ms: int
    entry_point: str | None
    language: str | None
    identified: bool
    """It is known who the customer is."""
    open: bool = True
    taken: words.NextStepTaken | None = None
    over_ms: int = 0
    due_ms: int | None = None
    """Of a callback: when they are called."""

    @property
    def waits(self) -> bool:
        """The contact waits, and stays the same in another queue; else it was turned away, and there is none."""
        return self.cause in ("closing", "threshold")

    @property
    def by(self) -> TakenBy | None:
        return None if self.taken is None else self.taken.by


class NextSteps:
    """A fold: `apply` every commit, then ask."""

    def __init__(self) -> None:
        self._open: dict[bytes, Choice] = {}
        self._over: OrderedDict[bytes, Choice] = OrderedDict()
        self._called: dict[bytes, bytes] = {}
        """By whom a promise of this commit follows."""
        self.position = 0

    def get(self, contact: bytes) -> Choice | None:
        """An open choice, or one that was over a short while ago."""
        return self._open.get(contact) or self._over.get(contact)

    @property
    def open_count(self) -> int:
        return len(self._open)

    def apply(self, seq: int, commit: Commit) -> None:
        self.position = seq
        for entry in commit.entries:
            # The many: nobody chooses.
            if entry.tag in _TAGS and entry.contact is not None and (entry.tag == _OFFERED or entry.contact in self._open):
                self._take(entry.contact, entry, commit.at_ms)
            elif entry.tag == _PROMISED and entry.contact in self._called:
                contact, promise = self._called.pop(entry.contact), codec.decode_event(entry)
                assert isinstance(promise, words.PromiseMade)
                self._over[contact] = replace(self._over[contact], due_ms=promise.due_ms)
        self._called.clear()
        while self._over:
            contact, oldest = next(iter(self._over.items()))
            if len(self._over) <= OVER_MAX and oldest.over_ms + OVER_MS > commit.at_ms:
                break
            del self._over[contact]

    def _take(self, contact: bytes, entry: Entry, at_ms: int) -> None:
        event = codec.decode_event(entry)
        if isinstance(event, words.NextStepOffered):
            self._over.pop(contact, None)
            self._open[contact] = offered(contact, entry.channel or "", event)
            return
        taken = event if isinstance(event, words.NextStepTaken) else None
        self._over[contact] = replace(self._open.pop(contact), open=False, taken=taken, over_ms=at_ms)
        if taken is not None and taken.kind == "callback" and taken.successor is not None:
            self._called[taken.successor] = contact


def offered(contact: bytes, channel: str, event: words.NextStepOffered) -> Choice:
    """The choice that an offer opens."""
    return Choice(
        contact=contact,
        channel=channel,
        queue=event.queue,
        cause=event.cause,
        steps=tuple(event.choices),
        until_ms=event.until_ms,
        entry_point=event.entry_point,
        language=event.language,
        identified=event.customer is not None,
    )


def told(messages: Mapping[str, str], language: str | None, own: str = "en") -> str:
    """The text in that language, or the nearest there is; empty if there is none."""
    for wanted in (language, own):
        if wanted is None:
            continue
        short = wanted.split("-")[0].lower()
        found = messages.get(wanted.lower()) or next((text for tag, text in messages.items() if tag.split("-")[0] == short), None)
        if found is not None:
            return found
    return next(iter(messages.values()), "")

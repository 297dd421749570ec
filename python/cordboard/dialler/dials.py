"""Whom to ring now: every attempt at a promised call that the journal has begun and not ended, folded from it."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cordboard import codec
from cordboard.branch import name_of
from cordboard.events import Commit, Entry
from cordboard.events.contact_events import ContactEnded
from cordboard.events.event import EffectEnded, EffectRequested, EffectRetried
from cordboard.events.offer_events import ConnectExpired, ConnectFailed, EngagementStarted, OfferAccepted, OfferRevoked
from cordboard.events.promises import AttemptRecorded, PromiseEnded, PromiseMade

KIND = "dial"
Place = tuple[int, int]
"""(commit seq, entry index): an effect's identity within its site's journal as it is now."""
_TAGS = frozenset(
    kind.__struct_config__.tag
    for kind in (
        AttemptRecorded,
        ConnectExpired,
        ConnectFailed,
        ContactEnded,
        EffectEnded,
        EffectRequested,
        EffectRetried,
        EngagementStarted,
        OfferAccepted,
        OfferRevoked,
        PromiseEnded,
        PromiseMade,
    )
)
_ANYWAY = frozenset(kind.__struct_config__.tag for kind in (PromiseMade, EffectEnded, EffectRetried))
_ID_BYTES = 16
_NAME = re.compile(r"[0-9a-f]+\.(?P<seq>[0-9]{1,19})\.[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Dial:
    """One attempt: `agent` waits for the customer behind `address`, a reference into the vault.

    It may begin before `until_ms`, the end of the promise's window, and must have an end before `connect_by_ms` (Unix ms).
    `commit`: the name of the commit at its place, which tells it apart from one that stood there before the journal lost its end.
    """

    place: Place
    commit: bytes
    contact: bytes
    agent: bytes
    attempt: int
    address: bytes
    begun_ms: int
    until_ms: int
    connect_by_ms: int

    @property
    def name(self) -> str:
        """By which it is claimed, and known to the telephone gateway."""
        seq, entry = self.place
        return f"{self.commit.hex()}.{seq}.{entry}"


class Dials:
    """A fold. `asked` hears of every dial as it begins; `over` as it ends, and whether it ended in a connection; `left` of the
    end of a talk, which is its contact's, by the name of the dial that connected it."""

    def __init__(self) -> None:
        self._until_ms: dict[bytes, int] = {}
        """Promises that have not ended."""
        self._connect_by_ms: dict[bytes, int] = {}
        self._live: dict[bytes, Dial] = {}
        self._open: dict[Place, Dial] = {}
        """Effects that nobody has said to be over."""
        self._failed: dict[Place, Dial] = {}
        """Dead letters, which somebody may want retried: their attempts are over nevertheless."""
        self._talks: dict[bytes, str] = {}
        """By contact, the name of the dial that connected it."""
        self._seq = 0
        self.asked: Callable[[Dial], None] = _nobody
        self.over: Callable[[Dial, bool], None] = _nobody
        self.left: Callable[[str], None] = _nobody

    def live(self) -> list[Dial]:
        """Those that have begun and not ended, in their order."""
        return list(self._live.values())

    def is_live(self, dial: Dial) -> bool:
        return self._live.get(dial.contact) == dial

    def outlived(self) -> list[Dial]:
        """Whose attempt has ended, and nobody has said so of the effect."""
        return [dial for dial in self._open.values() if not self.is_live(dial)]

    def leftover(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that are dials of which the journal says that nobody rings and nobody talks. What it does not know
        yet is none of them."""
        held = {dial.name for dial in self._live.values()} | set(self._talks.values())
        return [name for name in names if name not in held and (at := _NAME.fullmatch(name)) and int(at["seq"]) <= self._seq]

    def apply(self, seq: int, commit: Commit) -> None:
        for index, entry in enumerate(commit.entries):
            if entry.tag in _TAGS and (entry.contact in self._until_ms or self._concerns(entry)):
                self._take((seq, index), entry, commit)
        self._seq = seq

    def _concerns(self, entry: Entry) -> bool:
        """Though nothing is promised to its contact, or no more."""
        return entry.tag in _ANYWAY or entry.contact in self._talks

    def _take(self, place: Place, entry: Entry, commit: Commit) -> None:
        contact = entry.contact
        event = codec.decode_event(entry)
        if isinstance(event, EffectEnded):
            dial = self._open.pop((event.effect_seq, event.effect_entry), None)
            if dial is not None and event.outcome == "failed":
                self._failed[dial.place] = dial
            elif event.outcome == "discarded":
                self._failed.pop((event.effect_seq, event.effect_entry), None)
            return
        if isinstance(event, EffectRetried):
            dial = self._failed.pop((event.effect_seq, event.effect_entry), None)
            if dial is not None:
                self._open[dial.place] = dial
            return
        if contact is None:
            return
        match event:
            case PromiseMade():
                self._until_ms[contact] = event.until_ms
            case OfferAccepted():
                self._connect_by_ms[contact] = event.connect_by_ms
            case EffectRequested(kind=kind) if kind == KIND and entry.agent is not None and contact in self._until_ms:
                self._begin(place, name_of(commit), contact, entry.agent, event)
            case EngagementStarted(role="primary"):
                self._end(contact, event.attempt, connected=True)
            case AttemptRecorded() | ConnectFailed() | ConnectExpired() | OfferRevoked():
                self._end(contact, event.attempt, connected=False)
            case PromiseEnded():
                self._end(contact, None, connected=False)
                self._until_ms.pop(contact, None)
                self._connect_by_ms.pop(contact, None)
            case ContactEnded():
                self._end(contact, None, connected=False)
                talk = self._talks.pop(contact, None)
                if talk is not None:
                    # A transfer of the talk was accepted, too.
                    self._connect_by_ms.pop(contact, None)
                    self.left(talk)
            case _:
                pass

    def _begin(self, place: Place, commit: bytes, contact: bytes, agent: bytes, event: EffectRequested) -> None:
        dial = Dial(
            place=place,
            commit=commit,
            contact=contact,
            agent=agent,
            attempt=event.ordinal,
            address=event.message,
            begun_ms=event.at_ms,
            until_ms=self._until_ms[contact],
            connect_by_ms=self._connect_by_ms.get(contact, event.at_ms),
        )
        self._live[contact] = self._open[place] = dial
        self.asked(dial)

    def _end(self, contact: bytes, attempt: int | None, *, connected: bool) -> None:
        """`attempt` None: whichever it is."""
        dial = self._live.get(contact)
        if dial is None or attempt not in (None, dial.attempt):
            return
        del self._live[contact]
        if connected:
            self._talks[contact] = dial.name
        self.over(dial, connected)


def fact_id(site: str, dial: Dial, word: str) -> bytes:
    """The same word about the same attempt is the same fact, whoever says it."""
    said = f"{site}|{dial.name}|{word}".encode()
    return hashlib.blake2b(said, digest_size=_ID_BYTES, person=b"cb-dial").digest()


def _nobody(*_: object) -> None:
    """Hears nothing."""

"""Every effect that was asked for and is not over, folded from the journal: what is being tried, and the dead letters."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import Literal

from cordboard import codec
from cordboard.branch import name_of
from cordboard.events import Commit, Entry
from cordboard.events.event import EffectEnded, EffectRequested, EffectRetried
from cordboard.events.fact import EffectFailure

Place = tuple[int, int]
"""(commit seq, entry index): an effect's identity within its site's journal as it is now."""
State = Literal["open", "failed"]
_REQUESTED, _ENDED, _RETRIED = 40, 41, 42
_NAMED_BYTES = 3


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect. `commit`: the name of the commit at its place, which tells it apart from one that stood there before the journal
    lost its end. `asked`: the commit that asked for the present `round` of attempts; `failed`: why it is a dead letter."""

    place: Place
    commit: bytes
    kind: str
    contact: bytes | None
    agent: bytes | None
    channel: str | None
    message: bytes
    ordinal: int
    requested_ms: int
    changed_ms: int
    asked: int
    round: int = 1
    failed: EffectFailure | None = None

    @property
    def name(self) -> str:
        """By which operators decide about it: its place, and of the commit's name what tells it from one that was there before."""
        seq, entry = self.place
        return f"{seq}.{entry}-{self.commit[:_NAMED_BYTES].hex()}"

    @property
    def state(self) -> State:
        return "open" if self.failed is None else "failed"


@dataclass(frozen=True, slots=True)
class Summary:
    """How many there are, and since when the oldest one waits (Unix ms; None: there is none). `at_ms` is the journal's time."""

    open: int
    failed: int
    oldest_open_ms: int | None
    oldest_failed_ms: int | None
    at_ms: int


class Effects:
    """A fold: `apply` every commit, then ask. `asked`, if set, hears of each effect as it is requested or retried."""

    def __init__(self) -> None:
        # Both in the order in which they entered, so the oldest stand first.
        self._open: dict[Place, Effect] = {}
        self._failed: dict[Place, Effect] = {}
        self._of_contact: Counter[bytes] = Counter()
        self._at_ms = 0
        self.asked: Callable[[Effect], None] | None = None

    def apply(self, seq: int, commit: Commit) -> None:
        self._at_ms = commit.at_ms
        for index, entry in enumerate(commit.entries):
            if _REQUESTED <= entry.tag <= _RETRIED:
                self._take(seq, index, entry, commit)

    def get(self, place: Place) -> Effect | None:
        """The effect, unless it is over or never was."""
        return self._open.get(place) or self._failed.get(place)

    def open(self) -> list[Effect]:
        """What is being tried, longest unchanged first."""
        return list(self._open.values())

    def concerns(self, contact: bytes) -> bool:
        """Is there any effect of this contact?"""
        return contact in self._of_contact

    def page(
        self, states: Collection[State], after: Place | None, limit: int, *, kind: str | None = None, contact: bytes | None = None
    ) -> list[Effect]:
        """At most `limit` effects in these states, in the order of their places, after `after`; None: of all kinds, contacts."""
        wanted = [by_place for by_place, name in self._by_state() if name in states]
        found = (
            effect
            for by_place in wanted
            for place, effect in by_place.items()
            if (after is None or place > after) and kind in (None, effect.kind) and contact in (None, effect.contact)
        )
        return nsmallest(limit, found, key=lambda effect: effect.place)

    def summary(self) -> Summary:
        first_open = min((effect.requested_ms for effect in self._open.values()), default=None)
        first_failed = min((effect.requested_ms for effect in self._failed.values()), default=None)
        return Summary(len(self._open), len(self._failed), first_open, first_failed, self._at_ms)

    def _by_state(self) -> tuple[tuple[dict[Place, Effect], State], ...]:
        return (self._open, "open"), (self._failed, "failed")

    def _take(self, seq: int, index: int, entry: Entry, commit: Commit) -> None:
        event = codec.decode_event(entry)
        match event:
            case EffectRequested():
                self._enter(
                    Effect(
                        place=(seq, index),
                        commit=name_of(commit),
                        kind=event.kind,
                        contact=entry.contact,
                        agent=entry.agent,
                        channel=entry.channel,
                        message=event.message,
                        ordinal=event.ordinal,
                        requested_ms=event.at_ms,
                        changed_ms=event.at_ms,
                        asked=seq,
                    )
                )
            case EffectRetried():
                known = self._leave((event.effect_seq, event.effect_entry))
                if known is not None:
                    self._enter(replace(known, asked=seq, round=event.round, failed=None, changed_ms=event.at_ms))
            case EffectEnded(outcome="failed"):
                known = self._leave((event.effect_seq, event.effect_entry))
                if known is not None:
                    self._enter(replace(known, failed=event.reason or "rejected", changed_ms=event.at_ms))
            case EffectEnded():
                self._leave((event.effect_seq, event.effect_entry))

    def _enter(self, effect: Effect) -> None:
        (self._open if effect.failed is None else self._failed)[effect.place] = effect
        if effect.contact is not None:
            self._of_contact[effect.contact] += 1
        if effect.failed is None and self.asked is not None:
            self.asked(effect)

    def _leave(self, place: Place) -> Effect | None:
        effect = self._open.pop(place, None) or self._failed.pop(place, None)
        if effect is not None and effect.contact is not None:
            self._of_contact[effect.contact] -= 1
            if not self._of_contact[effect.contact]:
                del self._of_contact[effect.contact]
        return effect

"""What became of what was promised: calls, doors and SLAs, as the journal tells it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from cordboard import codec
from cordboard.events import Entry
from cordboard.events import event as words
from cordboard.events.promises import PromiseKind, PromiseOutcome

TAGS = frozenset(
    word.__struct_config__.tag
    for word in (
        words.PromiseMade,
        words.PromiseEnded,
        words.AttemptRecorded,
        words.CallbackDeclined,
        words.DoorTurned,
        words.SlaStarted,
        words.SlaAtRisk,
        words.SlaMet,
        words.SlaBroken,
        words.SlaCancelled,
    )
)
RINGING_MS = 5_000
"""Whoever is being dialled when the window ends is not hung up on."""
UNFORCED = (None, "expected_wait")
"""Causes for which a door waits until its least time is over."""


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """Promised calls, by how they ended. `due_later`: their time is not over yet, `overdue`: it is, and they have no end.

    `kept_percent`: of those kept or missed. `late_p50_s`: how long after what was said those kept or missed ended (None: none did).
    """

    made: int = 0
    kept: int = 0
    honoured_not_reached: int = 0
    missed: int = 0
    cancelled: int = 0
    rescheduled: int = 0
    due_later: int = 0
    overdue: int = 0
    attempts: int = 0
    """At customers who were not reached by them."""
    kept_percent: float | None = None
    late_p50_s: float | None = None
    late_p95_s: float | None = None


class Turn(msgspec.Struct, frozen=True):
    """A door that is shown otherwise from `after_s` on, counted from the journal's beginning. `early`: it had no right to yet."""

    entry_point: str
    after_s: float
    state: str
    cause: str | None
    expected_wait_ms: int | None
    early: bool


class Sla(msgspec.Struct, frozen=True, kw_only=True):
    """Clocks of one SLA, by how they ended. Those `at_risk` may have been met after all."""

    started: int = 0
    met: int = 0
    broken: int = 0
    cancelled: int = 0
    running: int = 0
    at_risk: int = 0


@dataclass(slots=True)
class Promised:
    """One promise, as far as the report cares."""

    kind: PromiseKind
    until_ms: int
    outcome: PromiseOutcome | None = None
    lateness_ms: int = 0
    attempts: int = 0


@dataclass(slots=True)
class Promises:
    """A fold over the journal. `calls` by contact (hex)."""

    calls: dict[str, Promised] = field(default_factory=dict)
    declined: Counter[str] = field(default_factory=Counter)
    """Wishes that could not be met, by reason."""
    turns: list[Turn] = field(default_factory=list)
    at_ms: int = 0
    _began_ms: int | None = None
    _doors: dict[str, words.DoorTurned] = field(default_factory=dict)
    _slas: dict[str, Counter[str]] = field(default_factory=dict)

    def tick(self, at_ms: int) -> None:
        """A commit of this time comes."""
        self._began_ms = at_ms if self._began_ms is None else self._began_ms
        self.at_ms = max(self.at_ms, at_ms)

    def apply(self, entry: Entry) -> None:
        """An event of one of TAGS."""
        contact = entry.contact.hex() if entry.contact is not None else ""
        match codec.decode_event(entry):
            case words.PromiseMade() as made:
                self.calls[contact] = Promised(made.kind, made.until_ms)
            case words.PromiseEnded() as ended:
                call = self.calls[contact]
                call.outcome, call.lateness_ms = ended.outcome, ended.lateness_ms
            case words.AttemptRecorded():
                self.calls[contact].attempts += 1
            case words.CallbackDeclined(reason=reason):
                self.declined[reason] += 1
            case words.DoorTurned() as turned:
                self._turn(turned)
            case words.SlaStarted(name=name):
                self._count(name, "started")
            case words.SlaAtRisk(name=name):
                self._count(name, "at_risk")
            case words.SlaMet(name=name):
                self._count(name, "met")
            case words.SlaBroken(name=name):
                self._count(name, "broken")
            case words.SlaCancelled(name=name):
                self._count(name, "cancelled")

    def _count(self, name: str, what: str) -> None:
        self._slas.setdefault(name, Counter())[what] += 1

    def _turn(self, turned: words.DoorTurned) -> None:
        before, self._doors[turned.entry_point] = self._doors.get(turned.entry_point), turned
        if before is not None and before.state == turned.state:
            return  # another wait is said
        self.turns.append(
            Turn(
                entry_point=turned.entry_point,
                after_s=max(0, turned.at_ms - (self._began_ms or turned.at_ms)) / 1_000,
                state=turned.state,
                cause=turned.cause,
                expected_wait_ms=turned.expected_wait_ms,
                early=before is not None and turned.cause in UNFORCED and turned.at_ms < before.held_until_ms,
            )
        )

    # What is reported

    def by_kind(self) -> dict[str, Calls]:
        """`scheduled`, `hold_place`, and `all` of them."""
        every = list(self.calls.values())
        found = {kind: self._calls(call for call in every if call.kind == kind) for kind in ("scheduled", "hold_place")}
        return {**found, "all": self._calls(every)}

    def slas(self) -> dict[str, Sla]:
        """By name."""
        return {
            name: Sla(running=said["started"] - said["met"] - said["broken"] - said["cancelled"], **said)
            for name, said in sorted(self._slas.items())
        }

    def overdue(self) -> list[str]:
        """Contacts whose promise is over and has no end, sorted."""
        return sorted(contact for contact, call in self.calls.items() if call.outcome is None and self._is_over(call.until_ms))

    def _is_over(self, until_ms: int) -> bool:
        return until_ms + RINGING_MS < self.at_ms

    def _calls(self, calls: Iterable[Promised]) -> Calls:
        calls = list(calls)
        outcomes = Counter(call.outcome for call in calls if call.outcome is not None)
        open_until = [call.until_ms for call in calls if call.outcome is None]
        late = sorted(call.lateness_ms / 1_000 for call in calls if call.outcome in ("kept", "missed"))
        return Calls(
            made=len(calls),
            kept=outcomes["kept"],
            honoured_not_reached=outcomes["honoured_not_reached"],
            missed=outcomes["missed"],
            cancelled=outcomes["cancelled"],
            rescheduled=outcomes["rescheduled"],
            due_later=sum(not self._is_over(until_ms) for until_ms in open_until),
            overdue=sum(map(self._is_over, open_until)),
            attempts=sum(call.attempts for call in calls),
            kept_percent=round(100 * outcomes["kept"] / len(late), 1) if late else None,
            late_p50_s=rank(late, 50) if late else None,
            late_p95_s=rank(late, 95) if late else None,
        )


def rank(ordered: list[float], percent: int) -> float:
    """The least value that so many percent do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

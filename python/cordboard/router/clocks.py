"""Clocks of SLA promises in the journal: each starts once, ends once, and outlives neither its contact nor its case.

From level 4 on what was broken stays so: of a case as long as it lives, of an agent's next word until that is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from cordboard.events import event as words
from cordboard.events.commit import Entry

Clock = tuple[bytes, str]
"""The contact, or the case it belongs to, and the name of the SLA."""
Run = Literal["running", "at risk", "paused", "paused at risk"]
_PAUSED: dict[Run, Run] = {"running": "paused", "at risk": "paused at risk"}
_RESUMED: dict[Run, Run] = {paused: run for run, paused in _PAUSED.items()}
STAYS_BROKEN = 4
"""Levels before it let a clock that was broken start again at any time."""


class Clocks:
    """Folds clocks. `whole`: begun at the journal's first commit, so that every clock and every case is known."""

    def __init__(self, report: Callable[[str], None], whole: bool) -> None:
        self._report = report
        self._whole = whole
        self._runs: dict[Clock, Run] = {}
        self._of_cases: set[Clock] = set()
        self._names: dict[bytes, set[str]] = {}
        self._case_of: dict[bytes, bytes] = {}
        self._living: Counter[bytes] = Counter()
        """Contacts by case, those that are promised a call among them."""
        self._gone: list[tuple[bytes, bytes]] = []
        """Contacts that ended in this commit, and their cases."""
        self._words: set[Clock] = set()
        """Clocks that measure an agent's next word."""
        self._owed: set[bytes] = set()
        """Contacts whose customers have said something that no agent has answered."""
        self._broken_words: dict[bytes, set[str]] = {}
        self._broken_cases: dict[bytes, set[str]] = {}
        """Names of the clocks that may not start again now, by contact and by case."""

    def fold(self, entry: Entry, event: Any, level: int) -> None:
        match event:
            case words.ContactQueued() | words.PromiseMade():
                self._live(entry.contact or b"", event.case)
            case words.ContactEnded():
                self._end_contact(entry.contact or b"")
            case words.MessageRelayed():
                self._say(entry.contact or b"", event.author)
            case words.AttemptRecorded() | words.PromiseHeld():
                self._forget_words(entry.contact or b"")
            case words.SlaStarted():
                self._start(entry, event)
            case words.SlaAtRisk():
                self._turn(entry, event, {"running": "at risk"}, "is at risk")
            case words.SlaPaused():
                self._turn(entry, event, _PAUSED, "pauses")
            case words.SlaResumed():
                self._turn(entry, event, _RESUMED, "goes on")
            case words.SlaBroken():
                if level >= STAYS_BROKEN:
                    self._break(entry, event)
                self._end(entry, event)
            case words.SlaMet() | words.SlaCancelled():
                self._end(entry, event)

    def settle(self) -> None:
        """The commit is over."""
        for contact, case in self._gone:
            for name in sorted(self._names.get(contact, ())):
                if (contact, name) not in self._of_cases:
                    self._report(f"contact {contact.hex()} ends, and its clock {name} does not")
            for name in sorted(self._names.get(case, ())) if self._whole and not self._living[case] else ():
                if (case, name) in self._of_cases:
                    self._report(f"nothing of case {case.hex()} lives, and its clock {name} goes on")
        self._gone.clear()

    def _live(self, contact: bytes, case: bytes | None) -> None:
        if contact not in self._case_of:
            self._case_of[contact] = case or contact
            self._living[case or contact] += 1

    def _say(self, contact: bytes, author: str) -> None:
        if author == "customer":
            self._owed.add(contact)
        elif author == "agent":
            self._forget_words(contact)

    def _forget_words(self, contact: bytes) -> None:
        """An agent has said one, or the contact is gone, or out of its line, where its conversation begins anew."""
        self._owed.discard(contact)
        self._broken_words.pop(contact, None)

    def _end_contact(self, contact: bytes) -> None:
        self._forget_words(contact)
        case = self._case_of.pop(contact, None)
        if case is None:
            return
        self._living[case] -= 1
        if not self._living[case]:
            del self._living[case]
            self._broken_cases.pop(case, None)
        if self._runs:
            self._gone.append((contact, case))

    def _start(self, entry: Entry, event: words.SlaStarted) -> None:
        clock = _clock(entry, event)
        if clock in self._runs:
            self._report(f"{_named(clock)} starts twice")
        broken = self._broken_words if event.case is None else self._broken_cases
        if event.name in broken.get(clock[0], ()):
            meanwhile = "an agent has said a word" if event.case is None else "its case is over"
            self._report(f"{_named(clock)} was broken and starts again before {meanwhile}")
        self._runs[clock] = "running"
        if event.measure == "next_response":
            self._words.add(clock)
        self._names.setdefault(clock[0], set()).add(clock[1])
        if event.case is not None:
            self._of_cases.add(clock)

    def _turn(self, entry: Entry, event: Any, to: dict[Run, Run], what: str) -> None:
        clock = _clock(entry, event)
        run = self._runs.get(clock)
        if run in to:
            self._runs[clock] = to[run]
        elif run is not None or self._whole:
            self._report(f"{_named(clock)} {what}, and was {run or 'not started'}")

    def _break(self, entry: Entry, event: words.SlaBroken) -> None:
        clock = _clock(entry, event)
        if event.case is not None and self._living[event.case]:
            self._broken_cases.setdefault(event.case, set()).add(event.name)
        elif event.case is None and clock in self._words and clock[0] in self._owed:
            self._broken_words.setdefault(clock[0], set()).add(event.name)

    def _end(self, entry: Entry, event: Any) -> None:
        clock = _clock(entry, event)
        self._words.discard(clock)
        if self._runs.pop(clock, None) is None:
            if self._whole:
                self._report(f"{_named(clock)} ends, and was not started")
            return
        self._of_cases.discard(clock)
        names = self._names[clock[0]]
        names.discard(clock[1])
        if not names:
            del self._names[clock[0]]


def _clock(entry: Entry, event: Any) -> Clock:
    return event.case or entry.contact or b"", event.name


def _named(clock: Clock) -> str:
    return f"clock {clock[1]} of {clock[0].hex()}"

"""Clocks of SLA promises in the journal: each starts once, ends once, and outlives neither its contact nor its case."""

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

    def fold(self, entry: Entry, event: Any) -> None:
        match event:
            case words.ContactQueued() | words.PromiseMade():
                self._live(entry.contact or b"", event.case)
            case words.ContactEnded():
                self._end_contact(entry.contact or b"")
            case words.SlaStarted():
                self._start(entry, event)
            case words.SlaAtRisk():
                self._turn(entry, event, {"running": "at risk"}, "is at risk")
            case words.SlaPaused():
                self._turn(entry, event, _PAUSED, "pauses")
            case words.SlaResumed():
                self._turn(entry, event, _RESUMED, "goes on")
            case words.SlaMet() | words.SlaBroken() | words.SlaCancelled():
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

    def _end_contact(self, contact: bytes) -> None:
        case = self._case_of.pop(contact, None)
        if case is None:
            return
        self._living[case] -= 1
        if not self._living[case]:
            del self._living[case]
        if self._runs:
            self._gone.append((contact, case))

    def _start(self, entry: Entry, event: words.SlaStarted) -> None:
        clock = _clock(entry, event)
        if clock in self._runs:
            self._report(f"{_named(clock)} starts twice")
        self._runs[clock] = "running"
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

    def _end(self, entry: Entry, event: Any) -> None:
        clock = _clock(entry, event)
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

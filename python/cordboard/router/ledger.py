"""Invariants that the journal must keep by itself, checked commit by commit without the core.

Independent on purpose: the core checks its state, this checks the record. Pure; bounded memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from cordboard import codec
from cordboard.errors import JournalCorrupt
from cordboard.events import event as words
from cordboard.events.commit import CAUSE_CONTINUATION, CAUSE_CONTROL, CAUSE_TIMER, INPUT_TAG, Commit, Entry, Input
from cordboard.events.verdict import Accepted, Duplicate, Refused
from cordboard.router.clocks import Clocks
from cordboard.router.loads import Loads
from cordboard.router.outside import Outside

REMEMBERED_MS = 14 * 60_000
REMEMBERED_MAX = 900_000
"""A little less than the core's own memory of fact ids and ended contacts (docs/routing.md): what it forgot may come again."""

FIRST_ADOPTED = 3
"""Levels before it rose with the build, without an event."""

Report = Callable[[int, str], None]


class Ledger:
    """Feed every commit in order to `check`; `report(seq, what)` is called for each violation.

    Begun in the middle of a journal (`from_seq` > 1) it knows no contact, offer or agent from before, and lets those pass.
    """

    def __init__(self, from_seq: int, report: Report) -> None:
        self.events = 0
        self.inputs = 0
        self.facts: dict[str, int] = {"accepted": 0, "refused": 0, "duplicate": 0, "quarantined": 0}
        self._whole = from_seq == 1
        self._next = from_seq
        self._report_to = report
        self._previous: Commit | None = None
        self._stepped_down = False
        self._adopted: int | None = None
        self._decided: OrderedDict[bytes, int] = OrderedDict()
        self._live: set[bytes] = set()
        self._ended: OrderedDict[bytes, int] = OrderedDict()
        self._offers: dict[tuple[bytes, int], str] = {}
        self._parked: set[bytes] = set()
        self._promised: set[bytes] = set()
        self._choosing: dict[bytes, tuple[tuple[tuple[str, str | None], ...], int]] = {}
        """What those may choose who were offered next steps, and until when."""
        self._successors: dict[bytes, bytes] = {}
        """What is to go on with contacts whose customers chose in this commit, and with which."""
        self._unended: set[bytes] = set()
        """Contacts that ended in this commit and were promised something."""
        self._loads = Loads(self._report, self._whole)
        self._outside = Outside(self._report, self._whole, self._dialling)
        self._clocks = Clocks(self._report, self._whole)
        self._folds: dict[int, Callable[[Entry, Any], None]] = {
            10: self._contact_queued,
            11: self._contact_ended,
            13: self._offer_made,
            14: self._offer_accepted,
            15: self._offer_over,
            16: self._offer_over,
            17: self._offer_over,
            18: self._connect_over,
            19: self._engagement_started,
            22: self._engagement_ended,
            23: self._wrap_up_ended,
            25: self._contact_parked,
            26: self._park_ended,
            46: self._connect_over,
            70: self._level_adopted,
            72: self._promise_made,
            75: self._attempt_recorded,
            76: self._promise_ended,
            96: self._next_steps_offered,
            97: self._next_step_taken,
        }

    def check(self, seq: int, commit: Commit, prev_hash: bytes | None) -> list[Input]:
        """`prev_hash`: the hash of the commit before, None if that was not read. Returns the commit's inputs."""
        due, self._next = self._next, seq + 1
        self._check_chain(seq, due, commit, prev_hash)
        self._check_epoch(commit)
        self._check_level(commit)
        self._forget(commit.at_ms)
        inputs: list[Input] = []
        for index, entry in enumerate(commit.entries):
            if entry.tag == INPUT_TAG:
                inputs.append(self._check_input(index, entry, commit.at_ms))
            else:
                self._check_event(index, entry, commit)
        self._loads.settle()
        self._clocks.settle()
        for contact in sorted(self._unended):
            self._report(f"contact {contact.hex()} ends, and what it was promised does not")
        self._unended.clear()
        for successor, contact in sorted(self._successors.items()):
            self._report(f"contact {contact.hex()} goes on as {successor.hex()}, which does not come to be")
        self._successors.clear()
        self._previous = commit
        return inputs

    def _check_chain(self, seq: int, due: int, commit: Commit, prev_hash: bytes | None) -> None:
        if seq != due or commit.seq != seq:
            self._report(f"it says {commit.seq} and stands at {seq} where {due} is due")
        if prev_hash is not None and commit.prev_hash != prev_hash:
            self._report("the hash chain forks: prev_hash is not the hash of the commit before")
        before = self._previous
        if before is None:
            return
        if commit.at_ms < before.at_ms:
            self._report(f"time goes back from {before.at_ms} to {commit.at_ms}")
        if before.continued and commit.at_ms != before.at_ms and commit.epoch == before.epoch:
            self._report("it continues a turn at another time")
        old, new = before.consumed, commit.consumed
        if old.inbox_id == new.inbox_id and (new.inbox_seq, new.facts_done) < (old.inbox_seq, old.facts_done):
            self._report(f"consumed goes back from {old.inbox_seq}/{old.facts_done} to {new.inbox_seq}/{new.facts_done}")

    def _check_epoch(self, commit: Commit) -> None:
        """An epoch begins with a commit of its own, ends with one if its router was told to end, and goes on for no other."""
        tags = [entry.tag for entry in commit.entries]
        begins, ends = tags[:1] == [_TOOK_OVER], tags[:1] == [_STEPPED_DOWN]
        if len(tags) > 1 and not {_TOOK_OVER, _STEPPED_DOWN}.isdisjoint(tags):
            self._report("an epoch begins or ends among other entries")
        if self._stepped_down and not begins:
            self._report(f"it is decided in epoch {commit.epoch}, whose router stepped down")
        if self._previous is not None and commit.epoch != self._previous.epoch + begins:
            self._report(
                f"epoch {self._previous.epoch} becomes {commit.epoch} {'in one step' if begins else 'without a take-over'}"
            )
        self._stepped_down = ends

    def _check_level(self, commit: Commit) -> None:
        """Levels change by an event, from the next commit on."""
        before, adopted, self._adopted = self._previous, self._adopted, None
        if before is None or commit.level == (adopted or before.level):
            return
        if not (adopted is None and before.level < commit.level < FIRST_ADOPTED):
            self._report(f"it is of level {commit.level} where {adopted or before.level} is in force")

    def _check_input(self, index: int, entry: Entry, at_ms: int) -> Input:
        self.inputs += 1
        fact = codec.decode_input(entry)
        kind = type(fact.verdict).__name__.lower()
        self.facts[kind] += 1
        fact_id = codec.fact_id(fact.fact)
        if entry.cause != index:
            self._report(f"input {index} names {entry.cause} as its own index")
        if isinstance(fact.verdict, (Accepted, Refused)) and fact_id is not None:
            if fact_id in self._decided:
                self._report(f"fact {fact_id.hex()} is {kind}, but was decided before")
            self._decided[fact_id] = at_ms
        elif isinstance(fact.verdict, Duplicate) and (fact.verdict.first_seq, fact.verdict.first_entry) >= (self._next - 1, index):
            self._report(f"input {index} is called a duplicate of one that comes after it")
        return fact

    def _check_event(self, index: int, entry: Entry, commit: Commit) -> None:
        self.events += 1
        if entry.cause >= 0:
            cause = commit.entries[entry.cause] if entry.cause < index else None
            if cause is None or cause.tag != INPUT_TAG:
                self._report(f"entry {index} names entry {entry.cause} as its cause, which is no input before it")
        elif entry.cause not in (CAUSE_TIMER, CAUSE_CONTINUATION, CAUSE_CONTROL):
            self._report(f"entry {index} has the unknown cause {entry.cause}")
        try:
            event = codec.decode_event(entry)
        except JournalCorrupt as error:
            self._report(f"entry {index}: {error}")
            return
        if entry.contact is not None and entry.contact in self._ended and entry.tag not in _AFTER_THE_END:
            self._report(f"{type(event).__name__} for contact {entry.contact.hex()}, which has ended")
        if (fold := self._folds.get(entry.tag)) is not None:
            fold(entry, event)
        self._loads.fold(entry, event)
        self._clocks.fold(entry, event, commit.level)
        self._outside.fold((commit.seq, index), entry, event)

    def _level_adopted(self, _entry: Entry, event: words.LevelAdopted) -> None:
        self._adopted = event.level

    def _contact_queued(self, entry: Entry, event: words.ContactQueued) -> None:
        contact = entry.contact or b""
        if event.visit == 1 and contact in self._live and contact not in self._promised:
            self._report(f"contact {contact.hex()} arrives, but lives already")
        elif event.visit > 1 and contact not in self._live and self._whole:
            self._report(f"contact {contact.hex()} begins visit {event.visit}, but never arrived")
        if contact in self._parked:
            self._report(f"contact {contact.hex()} waits while it is parked")
        self._choosing.pop(contact, None)
        self._successors.pop(contact, None)
        self._live.add(contact)

    def _contact_ended(self, entry: Entry, event: words.ContactEnded) -> None:
        contact = entry.contact or b""
        if contact not in self._live and self._whole:
            self._report(f"contact {contact.hex()} ends, but does not live")
        if contact in self._parked:
            self._report(f"contact {contact.hex()} ends while it is parked")
        self._live.discard(contact)
        if contact in self._promised:
            self._unended.add(contact)
        if event.reason == "flowed_out" and event.successor is None:
            self._report(f"contact {contact.hex()} flows out without a successor")
        self._choosing.pop(contact, None)
        self._ended[contact] = event.at_ms

    def _promise_made(self, entry: Entry, event: words.PromiseMade) -> None:
        contact = entry.contact or b""
        if contact in self._live:
            self._report(f"contact {contact.hex()} is promised a call, but lives already")
        if event.until_ms < max(event.from_ms, event.due_ms):
            self._report(f"contact {contact.hex()} is promised a call in a window that ends before it begins")
        self._successors.pop(contact, None)
        self._live.add(contact)
        self._promised.add(contact)

    def _attempt_recorded(self, entry: Entry, event: words.AttemptRecorded) -> None:
        if self._whole and entry.contact not in self._promised:
            self._report(f"contact {(entry.contact or b'').hex()} was dialled, but nothing was promised to it")
        self._move(entry, event.attempt, ("accepted",), None)

    def _promise_ended(self, entry: Entry, event: words.PromiseEnded) -> None:
        """Every promise ends once, in one way; and but for a kept or late one its contact ends just before it."""
        contact = entry.contact or b""
        if contact not in self._promised and self._whole:
            self._report(f"the promise to contact {contact.hex()} ends, but was not made or is over already")
        if event.outcome == "rescheduled" and event.successor is None:
            self._report(f"the promise to contact {contact.hex()} is rescheduled to none")
        self._promised.discard(contact)
        self._unended.discard(contact)

    def _contact_parked(self, entry: Entry, event: words.ContactParked) -> None:
        contact = entry.contact or b""
        if entry.agent is None:
            self._report(f"contact {contact.hex()} is parked without an owner")
        if contact in self._parked or (self._whole and contact not in self._live):
            self._report(
                f"contact {contact.hex()} is parked, but {'is so already' if contact in self._parked else 'does not live'}"
            )
        if event.until_ms < event.at_ms:
            self._report(f"contact {contact.hex()} is parked until before now")
        self._parked.add(contact)

    def _park_ended(self, entry: Entry, _event: words.ParkEnded) -> None:
        contact = entry.contact or b""
        if contact not in self._parked and self._whole:
            self._report(f"contact {contact.hex()} returns, but was not parked")
        self._parked.discard(contact)

    def _offer_made(self, entry: Entry, event: words.OfferMade) -> None:
        contact = entry.contact or b""
        if (contact, event.attempt) in self._offers:
            self._report(f"offer {contact.hex()}/{event.attempt} is made twice")
        if self._whole and contact not in self._live:
            self._report(f"offer {contact.hex()}/{event.attempt} for a contact that does not live")
        if contact in self._parked:
            self._report(f"offer {contact.hex()}/{event.attempt} for a parked contact")
        self._offers[contact, event.attempt] = "made"

    def _next_steps_offered(self, entry: Entry, event: words.NextStepOffered) -> None:
        contact = entry.contact or b""
        if not event.choices:
            self._report(f"contact {contact.hex()} is offered next steps, but none to choose")
        if event.until_ms <= event.at_ms:
            self._report(f"contact {contact.hex()} is offered next steps until before now")
        # Offered anew, those before do not count any more.
        self._choosing[contact] = tuple((step.kind, step.to) for step in event.choices), event.until_ms

    def _next_step_taken(self, entry: Entry, event: words.NextStepTaken) -> None:
        """What was offered is taken once, by its time; and but for a message something that lives goes on with it."""
        contact = entry.contact or b""
        steps, until_ms = self._choosing.pop(contact, (None, 0))
        if steps is None and self._whole:
            self._report(f"contact {contact.hex()} takes a next step, but was offered none, or took one")
        if steps is not None and event.by == "customer" and (event.kind, event.to) not in steps:
            self._report(f"contact {contact.hex()} takes a next step that was not offered")
        if steps is not None and event.at_ms > until_ms:
            self._report(f"contact {contact.hex()} takes a next step after its time")
        if (event.successor is None) != (event.kind == "message"):
            self._report(f"contact {contact.hex()} takes next step {event.kind} and goes on as {event.successor!r}")
        if event.successor == contact:
            if self._whole and contact not in self._live:
                self._report(f"contact {contact.hex()} goes on waiting, but does not live")
        elif event.successor is not None:
            self._successors[event.successor] = contact

    def _offer_accepted(self, entry: Entry, event: words.OfferAccepted) -> None:
        self._choosing.pop(entry.contact or b"", None)
        self._move(entry, event.attempt, ("made",), "accepted")

    def _dialling(self, contact: bytes, attempt: int) -> bool:
        return self._offers.get((contact, attempt)) not in (None, "wrapping")

    def _offer_over(self, entry: Entry, event: words.OfferDeclined | words.OfferExpired | words.OfferRevoked) -> None:
        # An accepted offer may still be revoked: its contact can go while it is being connected.
        self._move(entry, event.attempt, ("made", "accepted") if isinstance(event, words.OfferRevoked) else ("made",), None)

    def _connect_over(self, entry: Entry, event: words.ConnectExpired | words.ConnectFailed) -> None:
        self._move(entry, event.attempt, ("accepted",), None)

    def _engagement_started(self, entry: Entry, event: words.EngagementStarted) -> None:
        self._move(entry, event.attempt, ("accepted",), "engaged")

    def _engagement_ended(self, entry: Entry, event: words.EngagementEnded) -> None:
        self._move(entry, event.attempt, ("engaged",), None if event.wrap_until_ms is None else "wrapping")

    def _wrap_up_ended(self, entry: Entry, event: words.WrapUpEnded) -> None:
        self._move(entry, event.attempt, ("wrapping",), None)

    def _move(self, entry: Entry, attempt: int, allowed: tuple[str, ...], to: str | None) -> None:
        offer = (entry.contact or b"", attempt)
        state = self._offers.pop(offer, None)
        if state is None and not self._whole:
            return
        if state not in allowed:
            self._report(f"offer {offer[0].hex()}/{attempt} is {state or 'not alive'} and becomes {to or 'over'} (tag {entry.tag})")
        if to is not None:
            self._offers[offer] = to

    def _forget(self, at_ms: int) -> None:
        for remembered in (self._decided, self._ended):
            while remembered:
                oldest, then_ms = next(iter(remembered.items()))
                if then_ms >= at_ms - REMEMBERED_MS and len(remembered) <= REMEMBERED_MAX:
                    break
                del remembered[oldest]

    def _report(self, what: str) -> None:
        self._report_to(self._next - 1, what)


_TOOK_OVER, _STEPPED_DOWN = 1, 2
_AFTER_THE_END = frozenset((22, 23, 24, 28, 40, 41, 42, 73, 76, 79, 83, 84, 91))
"""Behind the end of a contact may stand: its engagement's end, the wrap-up, a thank-you, what becomes of its answers, and
the ends of its promise and its clocks; that it came in vain; and a wish that was declined may come again."""

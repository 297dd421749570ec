"""What the journal must say, given what was acknowledged. Reads a copy of the journal; knows nothing of who wrote it, nor of what
went wrong meanwhile.

lost: somebody was told that it is durable, and it is not there. doubled: it counts twice. violations: everything else that may
not be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cordboard import codec
from cordboard.events import Commit
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG, Entry, Input
from cordboard.events.verdict import Accepted, Duplicate
from tests.chaos.ledger import Account

Place = tuple[int, int]
"""Of an entry: commit and index. Of a fact in the inbox: frame and index."""


@dataclass
class Findings:
    """Each one a sentence. `acknowledged` facts and contacts were looked for."""

    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.violations)


class Record:
    """The journal by facts and by contacts. Fold with `add`, in order."""

    def __init__(self) -> None:
        self.inputs: dict[Place, Input] = {}
        self.decided: dict[bytes, list[Place]] = {}
        """Where each fact id was given a verdict of its own: one place each, if all is well."""
        self.arrived: Counter[bytes] = Counter()
        self.queued: Counter[bytes] = Counter()
        self.ended: Counter[bytes] = Counter()
        self.doubled: list[str] = []
        self._duplicates: list[tuple[Place, bytes, Place]] = []

    def add(self, commit: Commit) -> None:
        for index, entry in enumerate(commit.entries):
            if entry.tag == INPUT_TAG:
                self._input((commit.seq, index), codec.decode_input(entry))
            elif entry.contact is not None:
                self._event(entry.contact, entry)

    def open(self) -> set[bytes]:
        """Contacts that were queued and have not ended."""
        return {contact for contact in self.queued if not self.ended[contact]}

    def findings(self, accounts: Mapping[str, Account]) -> Findings:
        """Of everything that the ledgers say, and of the journal itself."""
        found = Findings(doubled=list(self.doubled))
        for name, account in accounts.items():
            self._check_acks(name, account, found)
            self._check_doors(account, found)
        for fact_id, places in self.decided.items():
            if len(places) > 1:
                found.doubled.append(f"fact {fact_id.hex()} was decided {len(places)} times: {places}")
        for what, counter in (("arrived", self.arrived), ("was queued anew", self.queued), ("ended", self.ended)):
            found.doubled += [f"contact {contact.hex()} {what} {count} times" for contact, count in counter.items() if count > 1]
        for place, fact_id, first in self._duplicates:
            if first not in self.decided.get(fact_id, []):
                found.violations.append(f"the duplicate at {place} names {first}, where its fact {fact_id.hex()} was not decided")
        return found

    def _input(self, place: Place, entry: Input) -> None:
        at = (entry.inbox_seq, entry.index)
        if at in self.inputs:
            self.doubled.append(f"fact {at} of the inbox was consumed twice, the second time at {place}")
        self.inputs[at] = entry
        if not entry.fact:
            return
        fact = codec.decode_fact(entry.fact)
        if isinstance(entry.verdict, Duplicate):
            self._duplicates.append((place, fact.fact_id, (entry.verdict.first_seq, entry.verdict.first_entry)))
            return
        self.decided.setdefault(fact.fact_id, []).append(place)
        if isinstance(fact, facts.ContactArrived) and isinstance(entry.verdict, Accepted):
            self.arrived[fact.contact] += 1

    def _event(self, contact: bytes, entry: Entry) -> None:
        match codec.decode_event(entry):
            case words.ContactQueued(visit=1):
                self.queued[contact] += 1
            case words.ContactEnded():
                self.ended[contact] += 1

    def _check_acks(self, name: str, account: Account, found: Findings) -> None:
        for ack in account.acks:
            found.acknowledged += 1
            place = (ack.position.inbox_seq, ack.position.index)
            stored = self.inputs.get(place)
            if stored is None or stored.fact != account.said[ack.fact_id]:
                what = "nothing" if stored is None else "another fact"
                found.lost.append(
                    f"{name}: fact {ack.fact_id.hex()} was acknowledged at {place}, the journal has {what} from there"
                )
            elif ack.fact_id not in self.decided:
                found.lost.append(f"{name}: fact {ack.fact_id.hex()} has no verdict of its own")

    def _check_doors(self, account: Account, found: Findings) -> None:
        for took in account.took:
            found.acknowledged += 1
            if not self.arrived[took.contact]:
                found.lost.append(f"{took.door}: contact {took.contact.hex()} was confirmed and never arrived")


def record(commits: Iterable[Commit]) -> Record:
    found = Record()
    for commit in commits:
        found.add(commit)
    return found

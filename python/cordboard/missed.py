"""Contacts that came in vain, and promised calls that were missed: whose customers are to be offered a callback, folded from the
journal until that is done."""

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from cordboard import codec
from cordboard.events import Commit, Entry
from cordboard.events import event as words
from cordboard.events.bounds import ID_BYTES, Requirement
from cordboard.events.commit import INPUT_TAG
from cordboard.events.promises import Missed, MissReason, NoOffer
from cordboard.events.verdict import Refused

KEPT_MS = 7 * 24 * 3_600_000
"""So long a contact is known here …"""
KEPT_MAX = 20_000
"""… unless so many came after it."""
_TAGS = frozenset(
    kind.__struct_config__.tag
    for kind in (
        words.CallbackDeclined,
        words.CallbackOffered,
        words.ContactAnswered,
        words.ContactEnded,
        words.ContactQueued,
        words.CustomerErased,
        words.PromiseEnded,
        words.PromiseMade,
    )
)


@dataclass(frozen=True, slots=True)
class MissedContact:
    """Who came in vain, or (`missed` is "promise") was promised a call that was missed for `why`; and why they came. `reason`: why
    nobody can call them. `settled_ms`: since then (Unix ms) they, or their customer, are promised a call, or the customer was
    answered, or is forgotten; None: they are still to be called. `tries`: calls that were wished for them, and that nobody could
    promise. `address`: a reference to the number that was promised a call."""

    contact: bytes
    channel: str
    queue: str
    missed_ms: int
    missed: Missed | Literal["promise"]
    reason: NoOffer | None
    customer: bytes | None
    entry_point: str | None
    topic: str | None
    case: bytes | None
    language: str | None
    requirements: tuple[Requirement, ...]
    priority: int
    settled_ms: int | None = None
    tries: int = 0
    why: MissReason | None = None
    address: bytes | None = None

    @property
    def open(self) -> bool:
        return self.settled_ms is None and self.reason is None

    @property
    def successor(self) -> bytes:
        """The contact by which they are called back. It follows from theirs, so that of two who promise them a call one does: to
        the other the contact exists already. After a wish that could not be met it is another one."""
        whose = self.contact + self.tries.to_bytes(8)
        return hashlib.blake2b(whose, digest_size=ID_BYTES, person=b"cb-missed").digest()


class MissedContacts:
    """A fold: `apply` every commit, then ask."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, MissedContact] = OrderedDict()
        self._of_customer: dict[bytes, set[bytes]] = {}
        """Open ones."""
        self._promised: Counter[bytes] = Counter()
        """How many live promises each customer has."""
        self._promises: dict[bytes, tuple[str, words.PromiseMade]] = {}
        """Live promises, and their channels, by contact."""
        self._wished: dict[bytes, bytes] = {}
        """Who came in vain, by the successor that they have, or are to have."""
        self._live: dict[bytes, bytes] = {}
        """Customers of live contacts."""
        self.position = 0
        self.at_ms = 0

    def get(self, contact: bytes) -> MissedContact | None:
        return self._known.get(contact)

    def called_by(self, contact: bytes) -> bytes | None:
        """Who came in vain, or was not called as promised, and is, or is to be, called by this contact; None: nobody of whom it
        is still known."""
        return self._wished.get(contact)

    def all(self) -> Iterator[MissedContact]:
        """Open, settled and hopeless ones, as they were missed."""
        yield from self._known.values()

    def apply(self, seq: int, commit: Commit) -> None:
        self.position, self.at_ms = seq, commit.at_ms
        for entry in commit.entries:
            if entry.tag in _TAGS or (entry.tag == INPUT_TAG and entry.contact in self._wished):
                self._take(entry)
        while self._known:
            contact, oldest = next(iter(self._known.items()))
            if oldest.missed_ms >= commit.at_ms - KEPT_MS and len(self._known) <= KEPT_MAX:
                break
            self._close(oldest)
            del self._known[contact]

    def _take(self, entry: Entry) -> None:
        contact = entry.contact
        if entry.tag == INPUT_TAG:
            if isinstance(codec.decode_input(entry).verdict, Refused):
                self._wish_anew(contact)
            return
        match codec.decode_event(entry):
            case words.CallbackOffered() as offered if contact is not None and entry.channel is not None:
                self._miss(contact, entry.channel, offered)
            case words.CallbackDeclined():
                self._wish_anew(contact)
            case words.ContactQueued(customer=bytes(customer)) if contact is not None:
                self._live[contact] = customer
            case words.ContactAnswered(at_ms=at_ms) if contact in self._live:
                self._settle(self._live[contact], at_ms)
            case words.ContactEnded() if contact is not None:
                self._live.pop(contact, None)
            case words.PromiseMade() as made if contact is not None and entry.channel is not None:
                self._promise(contact, entry.channel, made)
            case words.PromiseEnded() as ended if contact is not None and contact in self._promises:
                self._end(contact, ended)
            case words.CustomerErased(customer=customer, at_ms=at_ms):
                self._settle(customer, at_ms)
            case _:
                pass

    def _promise(self, contact: bytes, channel: str, made: words.PromiseMade) -> None:
        self._promises[contact] = (channel, made)
        if (missed := self._wished.get(contact)) is not None:
            self._put(replace(self._known[missed], settled_ms=made.at_ms))
        if made.customer is not None:
            self._promised[made.customer] += 1
            self._settle(made.customer, made.at_ms)

    def _end(self, contact: bytes, event: words.PromiseEnded) -> None:
        channel, made = self._promises.pop(contact)
        if made.customer is not None:
            self._promised[made.customer] -= 1
            if not self._promised[made.customer]:
                del self._promised[made.customer]
        if event.outcome == "missed":
            self._break(contact, channel, made, event)

    def _break(self, contact: bytes, channel: str, made: words.PromiseMade, event: words.PromiseEnded) -> None:
        """Whoever was to be called is to be promised another call, with what was promised before."""
        missed = MissedContact(
            contact=contact,
            channel=channel,
            queue=made.queue,
            missed_ms=event.at_ms,
            missed="promise",
            reason=None,
            customer=made.customer,
            entry_point=made.entry_point,
            topic=made.topic,
            case=made.case,
            language=made.language,
            requirements=tuple(made.requirements),
            priority=made.priority,
            settled_ms=self._settled(made.customer, event.at_ms),
            why=event.reason,
            address=made.address,
        )
        self._add(missed)

    def _settled(self, customer: bytes | None, at_ms: int) -> int | None:
        """Since now, if they are promised a call anyhow."""
        return at_ms if customer is not None and self._promised[customer] > 0 else None

    def _miss(self, contact: bytes, channel: str, event: words.CallbackOffered) -> None:
        missed = MissedContact(
            contact=contact,
            channel=channel,
            queue=event.queue,
            missed_ms=event.at_ms,
            missed=event.missed,
            reason=event.reason,
            customer=event.customer,
            entry_point=event.entry_point,
            topic=event.topic,
            case=event.case,
            language=event.language,
            requirements=tuple(event.requirements),
            priority=event.priority,
            settled_ms=self._settled(event.customer, event.at_ms),
        )
        self._add(missed)

    def _add(self, missed: MissedContact) -> None:
        # Of an id that was used once more the newer one is known.
        if (before := self._known.pop(missed.contact, None)) is not None:
            self._close(before)
        self._put(missed)
        self._wished[missed.successor] = missed.contact

    def _put(self, missed: MissedContact) -> None:
        self._known[missed.contact] = missed
        if missed.customer is None:
            return
        if missed.open:
            self._of_customer.setdefault(missed.customer, set()).add(missed.contact)
        else:
            self._no_more_open(missed)

    def _settle(self, customer: bytes, at_ms: int) -> None:
        for contact in tuple(self._of_customer.get(customer, ())):
            self._put(replace(self._known[contact], settled_ms=at_ms))

    def _wish_anew(self, successor: bytes | None) -> None:
        """What was wished is not promised: the next wish is for another contact. Who was promised a call before stays so."""
        contact = self._wished.get(successor) if successor is not None else None
        if contact is None or successor is None or self._known[contact].settled_ms is not None:
            return
        del self._wished[successor]
        known = self._known[contact] = replace(self._known[contact], tries=self._known[contact].tries + 1)
        self._wished[known.successor] = contact

    def _close(self, missed: MissedContact) -> None:
        """It is no longer known."""
        del self._wished[missed.successor]
        self._no_more_open(missed)

    def _no_more_open(self, missed: MissedContact) -> None:
        if missed.customer is not None and (open_ones := self._of_customer.get(missed.customer)) is not None:
            open_ones.discard(missed.contact)
            if not open_ones:
                del self._of_customer[missed.customer]

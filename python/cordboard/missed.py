"""Contacts that came in vain, whose customers are to be offered a callback: folded from the journal until that is done."""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cordboard import codec
from cordboard.events import Commit, Entry
from cordboard.events import event as words
from cordboard.events.bounds import Requirement
from cordboard.events.promises import Missed, NoOffer

KEPT_MS = 7 * 24 * 3_600_000
"""So long a contact is known here …"""
KEPT_MAX = 20_000
"""… unless so many came after it."""
_TAGS = frozenset(
    kind.__struct_config__.tag
    for kind in (
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
    """Who came in vain, and why they came. `reason`: why nobody can call them. `settled_ms`: since then (Unix ms) their customer is
    promised a call, was answered, or is forgotten; None: they are still to be called."""

    contact: bytes
    channel: str
    queue: str
    missed_ms: int
    missed: Missed
    reason: NoOffer | None
    customer: bytes | None
    entry_point: str | None
    topic: str | None
    case: bytes | None
    language: str | None
    requirements: tuple[Requirement, ...]
    priority: int
    settled_ms: int | None = None

    @property
    def open(self) -> bool:
        return self.settled_ms is None and self.reason is None


class MissedContacts:
    """A fold: `apply` every commit, then ask."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, MissedContact] = OrderedDict()
        self._of_customer: dict[bytes, set[bytes]] = {}
        """Open ones."""
        self._promised: Counter[bytes] = Counter()
        """Live promises of each customer …"""
        self._promises: dict[bytes, bytes] = {}
        """… by contact."""
        self._waiting: dict[bytes, bytes] = {}
        """Live contacts of customers who came in vain before."""
        self.position = 0
        self.at_ms = 0

    def get(self, contact: bytes) -> MissedContact | None:
        return self._known.get(contact)

    def all(self) -> Iterator[MissedContact]:
        """Open, settled and hopeless ones, as they were missed."""
        yield from self._known.values()

    def apply(self, seq: int, commit: Commit) -> None:
        self.position, self.at_ms = seq, commit.at_ms
        for entry in commit.entries:
            if entry.tag in _TAGS:
                self._take(entry)
        while self._known:
            contact, oldest = next(iter(self._known.items()))
            if oldest.missed_ms >= commit.at_ms - KEPT_MS and len(self._known) <= KEPT_MAX:
                break
            self._close(oldest)
            del self._known[contact]

    def _take(self, entry: Entry) -> None:
        contact = entry.contact
        if entry.tag == words.ContactQueued.__struct_config__.tag and not self._of_customer:
            return  # the many: nobody has come in vain
        match codec.decode_event(entry):
            case words.CallbackOffered() as offered if contact is not None and entry.channel is not None:
                self._miss(contact, entry.channel, offered)
            case words.ContactQueued(customer=customer) if contact is not None and customer in self._of_customer:
                assert customer is not None
                self._waiting[contact] = customer
            case words.ContactAnswered(at_ms=at_ms) if contact in self._waiting:
                self._settle(self._waiting[contact], at_ms)
            case words.ContactEnded() if contact is not None:
                self._waiting.pop(contact, None)
            case words.PromiseMade(customer=bytes(customer), at_ms=at_ms) if contact is not None:
                self._promised[customer] += 1
                self._promises[contact] = customer
                self._settle(customer, at_ms)
            case words.PromiseEnded() if contact in self._promises:
                customer = self._promises.pop(contact)
                self._promised[customer] -= 1
                if not self._promised[customer]:
                    del self._promised[customer]
            case words.CustomerErased(customer=customer, at_ms=at_ms):
                self._settle(customer, at_ms)
            case _:
                pass

    def _miss(self, contact: bytes, channel: str, event: words.CallbackOffered) -> None:
        customer = event.customer
        promised = customer is not None and self._promised[customer] > 0
        missed = MissedContact(
            contact=contact,
            channel=channel,
            queue=event.queue,
            missed_ms=event.at_ms,
            missed=event.missed,
            reason=event.reason,
            customer=customer,
            entry_point=event.entry_point,
            topic=event.topic,
            case=event.case,
            language=event.language,
            requirements=tuple(event.requirements),
            priority=event.priority,
            settled_ms=event.at_ms if promised else None,
        )
        self._known[contact] = missed
        if missed.open and customer is not None:
            self._of_customer.setdefault(customer, set()).add(contact)

    def _settle(self, customer: bytes, at_ms: int) -> None:
        for contact in self._of_customer.pop(customer, ()):
            self._known[contact] = replace(self._known[contact], settled_ms=at_ms)

    def _close(self, missed: MissedContact) -> None:
        """It is no longer known."""
        if missed.customer is not None and (open_ones := self._of_customer.get(missed.customer)) is not None:
            open_ones.discard(missed.contact)
            if not open_ones:
                del self._of_customer[missed.customer]

"""What the crowd saw with its own eyes, to be held against the journal afterwards."""

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from cordboard.demo.correspondence import Balance, Correspondence


def now_ms() -> float:
    """A clock that only goes forward, for differences."""
    return time.monotonic_ns() / 1e6


@dataclass(slots=True)
class Tally:
    """Counts of one crowd. Contacts are hex ids; `submitted` says when the customer or service asked (monotonic ms)."""

    submitted: dict[str, float] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    offered: set[str] = field(default_factory=set)
    early: dict[str, float] = field(default_factory=dict)
    """Offers seen before the confirmation came back to whoever asked."""
    offer_latency_ms: list[float] = field(default_factory=list)
    sent: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Agents' messages that the engine confirmed, by contact."""
    received: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Agents' messages that the customer got."""
    stayed: set[str] = field(default_factory=set)
    """Chats whose customer was there when they ended."""
    promised: set[str] = field(default_factory=set)
    """Callbacks that the engine confirmed to a customer; `called_off`: of these, the ones it confirmed to be cancelled."""
    called_off: set[str] = field(default_factory=set)
    duplicates: int = 0
    heard_twice: int = 0
    post: Correspondence = field(default_factory=Correspondence)
    """What goes by mail, form and webhook."""
    happened: Counter[str] = field(default_factory=Counter)

    def confirm(self, contact: str, asked: float) -> None:
        """The engine has confirmed the contact. Two confirmations of one request must name one contact."""
        if contact in self.confirmed:
            self.happened["confirmed again"] += 1
            return
        self.confirmed.add(contact)
        self.submitted[contact] = asked
        if (seen := self.early.pop(contact, None)) is not None:
            self.offer_latency_ms.append(seen - asked)

    def see_offer(self, contact: str, attempt: int, wait_ms: int) -> None:
        """An agent's stream showed an offer. Its latency counts if the contact had not waited for a free agent."""
        if attempt == 1 and contact not in self.offered:
            self.offered.add(contact)
            self._measure(contact, wait_ms, now_ms())
        elif attempt == 1:
            self.duplicates += 1

    def hear(self, contact: str, message: str) -> None:
        """The customer got an agent's message."""
        if message in self.received[contact]:
            self.duplicates += 1
            self.heard_twice += 1
        self.received[contact].add(message)

    def lost_messages(self) -> int:
        """Agents' messages that never reached a customer who was there to the end."""
        return sum(len(self.sent[contact] - self.received[contact]) for contact in self.stayed if contact in self.sent)

    def chats(self) -> Balance:
        """Of chat, where an answer is a message of an agent to a customer who stayed to the end."""
        expected, lost = sum(len(self.sent[contact]) for contact in self.stayed if contact in self.sent), self.lost_messages()
        return Balance(expected, expected - lost, lost, self.heard_twice)

    def _measure(self, contact: str, wait_ms: int, seen: float) -> None:
        asked = self.submitted.get(contact)
        if wait_ms <= IMMEDIATE_MS:
            if asked is None:
                self.early[contact] = seen
            else:
                self.offer_latency_ms.append(seen - asked)


IMMEDIATE_MS = 50
"""An offer made this soon after the arrival was made because of it, not because an agent became free."""
